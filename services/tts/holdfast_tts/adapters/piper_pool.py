"""The Piper processes of one service: kept running, handed out, a killed one's run made again elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from holdfast_common.errors import EngineUnavailable, all_of

from holdfast_tts.adapters.piper_process import Gone, Options, PiperProcess
from holdfast_tts.adapters.piper_wire import Ready, Refused, Said
from holdfast_tts.ports import EngineAway

log = structlog.get_logger()

TRIES = 2
"""Processes that one run may take down; then it is the run's fault."""
LIVED_S = 10.0
"""A process that ends earlier is started again only after a pause."""
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0


class PiperPool:
    """Use `open_pool`. `on_up` and `on_down` are called with the first process that is ready, and when none is left."""

    def __init__(
        self,
        voice: Path,
        options: Options,
        *,
        on_up: Callable[[Ready], None] = lambda _: None,
        on_down: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.options = options
        self._voice = voice
        self._on_up = on_up
        self._on_down = on_down
        self._up: set[PiperProcess] = set()
        self._changed = asyncio.Event()
        """Set when a process becomes idle, comes or goes; who waits clears it first and looks again after."""

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._up]

    async def run(self) -> None:
        """Keep the processes running. Raises EngineUnavailable when the voice does not load."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.options.workers):
                    group.create_task(self._keep_one())
        except ExceptionGroup as errors:
            if refused := all_of(errors, EngineUnavailable):
                raise refused[0] from None
            raise

    async def say(self, words: tuple[str, ...], speed: float, speaker: int | None) -> Said:
        """One run, on the first process that is free. Raises EngineAway."""
        for _ in range(TRIES):
            process = await self._free_one()
            try:
                said = await process.say(words, speed, speaker, self.options.patience_s)
            except Gone as gone:
                log.warning("piper_run_again", pid=process.pid, reason=str(gone))
                continue
            if said.error:
                raise EngineAway(f"piper: {said.error}")
            return said
        raise EngineAway(f"piper: {TRIES} processes ended over one run")

    async def _free_one(self) -> PiperProcess:
        while self._up:
            if free := next((p for p in self._up if p.idle), None):
                return free
            self._changed.clear()
            await self._changed.wait()
        raise EngineAway("piper: no process is running now")

    async def _keep_one(self) -> None:
        pause_s = 0.0
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(pause_s)
            began = loop.time()
            reason = await self._live_one()
            lived = loop.time() - began > LIVED_S
            pause_s = 0.0 if lived else min(max(2 * pause_s, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)
            log.error("piper_process_ended", reason=reason, again_in_s=pause_s)
            if not self._up:
                self._on_down(f"no process is running ({reason}), starting one again")

    async def _live_one(self) -> str:
        """One process from start to end: why it ended."""
        process = await PiperProcess.start(self._voice, self.options)
        try:
            ready = await process.loaded(self.options.load_s)
            if isinstance(ready, Refused):
                raise EngineUnavailable(f"piper: {self._voice.name} does not load: {ready.reason}")
            log.info("piper_process_ready", pid=process.pid, rate_hz=ready.rate_hz, timed=ready.timed)
            self._up.add(process)
            if len(self._up) == 1:
                self._on_up(ready)
            self._changed.set()
            await process.listen(self._changed.set)
            return "it ended"
        except Gone as gone:
            return str(gone)
        finally:
            self._up.discard(process)
            self._changed.set()
            await process.end()


@asynccontextmanager
async def open_pool(pool: PiperPool) -> AsyncIterator[asyncio.Task[None]]:
    """The pool running beside the block."""
    running = asyncio.create_task(pool.run(), name="piper")
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
