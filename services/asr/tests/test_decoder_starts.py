"""Decoders that take long to start are waited for; ones that cannot start are not. Virtual time, no processes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import pytest
from holdfast_asr.adapters.pocketsphinx_model import ModelFiles
from holdfast_asr.adapters.pocketsphinx_pool import MAX_FAILED_STARTS, PocketsphinxPool, PoolShape
from holdfast_asr.adapters.pocketsphinx_process import DecoderProcess
from holdfast_asr.adapters.pocketsphinx_wire import Busy, Ready, Reply, pack
from holdfast_common.errors import EngineUnavailable
from holdfast_common.virtual_time import VirtualLoop

MODEL = ModelFiles(Path(), 0, ())


class SlowStart:
    """What a decoder's owner uses of a process: it says things after some time, and ends."""

    pids = itertools.count(1)

    def __init__(self, says: Sequence[tuple[float, Reply | None]]) -> None:
        self.pid = next(self.pids)
        self.stdin = None
        self.stdout = asyncio.StreamReader()
        self.returncode: int | None = None
        self._life = asyncio.ensure_future(self._live(says))

    async def _live(self, says: Sequence[tuple[float, Reply | None]]) -> None:
        for after_s, reply in says:
            await asyncio.sleep(after_s)
            if reply is None:
                self.kill()
            else:
                self.stdout.feed_data(pack(reply))

    def kill(self) -> None:
        if self.returncode is None:
            self.returncode = -9
            self.stdout.feed_eof()

    async def communicate(self) -> None:
        self._life.cancel()


class Starts:
    """Starts decoders that all go the same way."""

    def __init__(self, *says: tuple[float, Reply | None]) -> None:
        self.count = 0
        self._says = says

    async def __call__(self, model: Path, *, generic: bool, now: Callable[[], float]) -> DecoderProcess:
        self.count += 1
        return DecoderProcess(cast("asyncio.subprocess.Process", SlowStart(self._says)), now)


def ready_after(starts: Starts, within_s: float) -> float:
    """Seconds of virtual time until the pool is ready."""

    async def story() -> float:
        pool = PocketsphinxPool(MODEL, PoolShape(workers=1), start=starts)
        running = asyncio.ensure_future(pool.run())
        try:
            async with asyncio.timeout(within_s):
                await pool.ready()
            return asyncio.get_running_loop().time()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story())


def test_a_start_that_makes_progress_is_waited_for_however_long_it_takes() -> None:
    starts = Starts(*[(50.0, Busy(60.0))] * 5, (50.0, Ready(1)))

    assert ready_after(starts, within_s=600) == pytest.approx(300, abs=1)
    assert starts.count == 1


def test_a_start_that_hangs_is_tried_again_and_then_given_up() -> None:
    starts = Starts((3_600.0, Ready(1)))

    with pytest.raises(EngineUnavailable, match="ended before they were ready"):
        ready_after(starts, within_s=600)
    assert starts.count == MAX_FAILED_STARTS


def test_decoders_that_die_at_once_are_given_up_at_once() -> None:
    starts = Starts((0.5, None))

    with pytest.raises(EngineUnavailable, match="status -9"):
        ready_after(starts, within_s=10)


def test_one_start_that_failed_is_forgotten_with_the_next_that_succeeds() -> None:
    class Second(Starts):
        async def __call__(self, model: Path, *, generic: bool, now: Callable[[], float]) -> DecoderProcess:
            self._says = ((1.0, Ready(1)),) if self.count else ((0.5, None),)
            return await super().__call__(model, generic=generic, now=now)

    starts = Second()

    assert ready_after(starts, within_s=10) == pytest.approx(1.5, abs=0.2)
