"""The loop whose clock is the sound: it jumps over waits, and stands still for work that is owed."""

from __future__ import annotations

import asyncio
import time

from holdfast_cli.eval.sample_clock import SampleLoop


def test_an_hour_of_waiting_takes_no_time() -> None:
    async def story() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=SampleLoop) as runner:
        assert runner.run(story()) >= 3600


def test_no_time_passes_while_a_thread_works() -> None:
    """A time-out of a millisecond does not cut off a job of twenty: its time is the machine's, not the call's."""

    async def story() -> float:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(0.001):
            await asyncio.to_thread(time.sleep, 0.02)
        return loop.time()

    with asyncio.Runner(loop_factory=SampleLoop) as runner:
        assert runner.run(story()) == 0.0


def test_time_waits_for_whoever_says_that_something_is_owed() -> None:
    async def story() -> list[str]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SampleLoop)
        owed = [True]
        loop.wait_for(lambda: owed[0])
        order: list[str] = []
        loop.call_later(1, order.append, "timer")

        def paid() -> None:
            order.append("paid")
            owed[0] = False

        threading_timer = asyncio.to_thread(loop.call_soon_threadsafe, paid)
        await threading_timer
        await asyncio.sleep(2)
        return order

    with asyncio.Runner(loop_factory=SampleLoop) as runner:
        assert runner.run(story()) == ["paid", "timer"]
