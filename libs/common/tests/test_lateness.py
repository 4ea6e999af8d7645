"""A spike of lateness is seen by the next beat, and forgotten after some."""

from __future__ import annotations

import asyncio
import time

import pytest
from holdfast_common.bus import BusMessage
from holdfast_common.contracts.asr import Listen
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.stream import Open
from holdfast_common.contracts.wire import encode
from holdfast_common.lateness import Lateness
from holdfast_common.memory_bus import MemoryBus
from holdfast_common.stream.api import Session
from holdfast_common.stream.host import StreamHost
from msgspec import Raw


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_worst_stands_for_a_beat_and_fades() -> None:
    clock = Clock()
    late = Lateness(clock)

    late.woken(0.2)
    late.woken(-0.001)
    clock.now = 0.25
    at_the_beat = late.worst_ms
    late.woken(0.01)
    clock.now = 3.0

    assert at_the_beat == pytest.approx(117.7, abs=0.1)
    assert late.worst_ms < 1.0


async def test_a_loop_that_is_held_up_while_it_serves_is_noticed_by_its_host() -> None:
    """Between two beats too: nothing else wakes up then."""

    async def holds_up(_: Session) -> None:
        await asyncio.sleep(0)
        time.sleep(0.4)  # noqa: ASYNC251 - that is what is measured

    told = asyncio.Queue[float]()
    host = StreamHost(MemoryBus(), Service.ASR, "asr", holds_up, capacity=lambda: 1, late=told.put_nowait)
    task = asyncio.create_task(host.run())
    open_ = Open(stream="s", epoch=1, generation=1, call="c", opener="gw", first=Raw(encode(Listen(rate_hz=8_000))))
    await asyncio.sleep(0)
    await host._on_open(BusMessage("open", encode(open_), {}))

    async with asyncio.timeout(5):
        assert await told.get() >= 0.1  # it looks every 100 ms, at 125 at most
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
