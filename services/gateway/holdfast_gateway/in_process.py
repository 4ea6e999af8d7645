"""The service inside another process, for evaluations by voice: the real calls over a leg in memory.

`holdfast eval` finds this module by its name, as `holdfast up` finds a service's process. Only the doors
are missing: everything from the first frame to the last sample is what a phone caller gets.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from holdfast_common.bus import Bus
from holdfast_common.call_log import CallLog
from holdfast_common.profile import Profile
from holdfast_common.settings import load_settings
from holdfast_common.stream.api import Opener

from holdfast_gateway.adapters.fake import FakeLeg
from holdfast_gateway.bootstrap import call_rule, vad_batches
from holdfast_gateway.clips import Clips
from holdfast_gateway.desk import Desk
from holdfast_gateway.edge_settings import EdgeSettings
from holdfast_gateway.facts import Facts
from holdfast_gateway.house import House
from holdfast_gateway.ports import Arrival, Ending
from holdfast_gateway.settings import GatewaySettings

Line = Callable[[bytes], bytes]


class Calls:
    """The desk of a gateway process."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def place(
        self, call: str, *, generation: int = 1, language: str = "en", line: Line | None = None
    ) -> tuple[FakeLeg, asyncio.Task[Ending]]:
        """A phone call comes in: its leg, to speak into and to hang up, and how the call will end.

        `line`: what each 20 ms frame of the caller (s16le, 8 kHz) goes through on its way. The task is the
        caller's: who cancels it lets the call go.
        """
        leg = FakeLeg(line=line)
        serving = asyncio.create_task(self._desk.serve(leg, Arrival(call, generation, language=language)), name=call)
        return leg, serving


@asynccontextmanager
async def serve(profile: Profile, opener: Opener, bus: Bus, log: CallLog) -> AsyncIterator[Calls]:
    """A gateway without doors; `opener` finds the other services."""
    (settings,), (edge_settings,) = load_settings(GatewaySettings), load_settings(EdgeSettings)
    facts = Facts(bus, log)
    clips = Clips(profile.clips, rates_hz=(8_000,))
    house = House(opener, facts, clips, vad_batches(), call_rule(profile, settings, edge_settings))
    desk = Desk(house, log)
    tasks = [asyncio.create_task(work) for work in (facts.run(), clips.run(opener), desk.run())]
    try:
        yield Calls(desk)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
