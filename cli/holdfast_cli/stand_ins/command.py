"""`holdfast stand-in NAME`: one stand-in on a port until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib

from holdfast_cli.stand_ins.calendar import CalendarStandIn
from holdfast_cli.stand_ins.elevenlabs import ElevenLabsStandIn
from holdfast_cli.stand_ins.faults import Fault, Faults
from holdfast_cli.stand_ins.stand_in import FAULT_PATH, StandIn
from holdfast_cli.stand_ins.twilio import TwilioStandIn
from holdfast_cli.stand_ins.unleash import UnleashStandIn

KINDS: dict[str, type[StandIn]] = {
    "calendar": CalendarStandIn,
    "elevenlabs": ElevenLabsStandIn,
    "twilio": TwilioStandIn,
    "unleash": UnleashStandIn,
}


def stand_in(name: str, port: int, fault: Fault, delay_s: float) -> int:
    """Serve until interrupted."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(KINDS[name](Faults(always=fault, delay_s=delay_s)), port))
    return 0


async def _serve(service: StandIn, port: int) -> None:
    async with service.served(port) as url:
        print(f"{service.name}: {url} (fault: {service.faults.always}; change it: POST {url}{FAULT_PATH})", flush=True)
        await asyncio.Event().wait()
