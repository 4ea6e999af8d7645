"""What is told of calls is told before the process leaves."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest
from holdfast_common.call_log import CallLog
from holdfast_common.contracts.dialogue import MediaEntry
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.wire import decoder
from holdfast_common.health import Health
from holdfast_common.memory_bus import MemoryBus
from holdfast_common.memory_log import MemoryLog
from holdfast_common.placement import Presence
from holdfast_common.runtime import Runtime
from holdfast_common.settings import CommonSettings
from holdfast_common.stream.opener import StreamOpener
from holdfast_gateway import bootstrap, facts
from holdfast_gateway.edge_settings import EdgeSettings
from holdfast_gateway.facts import Facts
from holdfast_gateway.settings import GatewaySettings

ROOT = Path(__file__).parents[4]
of = decoder(MediaEntry).decode


def fact(event: str) -> MediaEntry:
    return MediaEntry(call="c1", generation=1, at="2026-11-29T15:05:00Z", event=event)


class SlowLog(MemoryLog):
    """Takes a few passes of the loop for each entry, as a disk does; or for ever."""

    hangs = False

    async def append_media(self, call: str, data: bytes) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        if self.hangs:
            await asyncio.Event().wait()
        await super().append_media(call, data)


async def test_a_drained_gateway_has_told_how_its_last_call_ended(monkeypatch: pytest.MonkeyPatch):
    """A call tells the most at its end, and nothing runs any more once the drain is over."""
    told: list[Facts] = []
    monkeypatch.setattr(bootstrap, "Facts", lambda bus, log: told.append(Facts(bus, log)) or told[0])
    log, bus = SlowLog(), MemoryBus()
    common = CommonSettings(profile=ROOT / "profiles" / "trial_success", _env_file=None)
    opener = StreamOpener(bus, "gw")
    runtime = Runtime(Service.GATEWAY, "gw", common, bus, opener, cast(CallLog, log), Health(), Presence())
    async with bootstrap.wire(runtime, GatewaySettings(_env_file=None), EdgeSettings(port=0, _env_file=None)) as wiring:
        telling = asyncio.create_task(told[0].run())
        for event in ("turn", "ended"):
            told[0].tell(fact(event))
        assert wiring.drain is not None
        await wiring.drain()
        telling.cancel()

    assert [of(entry.data).event for entry in log.entries] == ["turn", "ended"]


async def test_a_log_that_takes_nothing_holds_nobody_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(facts, "LAST_S", 0.01)
    log = SlowLog()
    log.hangs = True
    outlet = Facts(MemoryBus(), log)
    telling = asyncio.create_task(outlet.run())
    outlet.tell(fact("ended"))
    async with asyncio.timeout(5):
        await outlet.told()
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)

    assert log.entries == []


async def test_what_was_dropped_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(facts, "WAITING", 2)
    monkeypatch.setattr(facts, "LAST_S", 3_600.0)
    log = MemoryLog()
    outlet = Facts(MemoryBus(), log)
    for event in ("attached", "turn", "ended"):
        outlet.tell(fact(event))
    telling = asyncio.create_task(outlet.run())
    await outlet.told()
    telling.cancel()

    assert [of(entry.data).event for entry in log.entries] == ["turn", "ended"]
