"""How final words sound, asked of a process beside the service: it may be late, hang or die, and nobody waits for it.

Texts are answered in order, one at a time. What is not answered in time has no answer; beyond `MOST_WAITING` texts
none is taken (the newest is left out: an answer that comes late is worth nothing).
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from holdfast_common.health import Finding, State

from holdfast_asr.domain.words import normalise
from holdfast_asr.ports import Hearing

log = structlog.get_logger()

READY = "ready"
LANGUAGE = "en"
IN_TIME_S = 0.2
"""Longest wait for an opinion: the pause itself has lasted as long when it is asked for."""
MOST_WAITING = 8
HANGS_S = 5.0
START_S = 120.0
"""Longest start; the first one converts the weights."""
AGAIN_S = (0.5, 2.0, 10.0)
"""Waits before further starts; the last goes on."""


def worker(cache: Path) -> list[str]:
    """The command of the process that keeps its converted weights in this folder."""
    return [sys.executable, "-m", "holdfast_asr.adapters.finality_worker", str(cache)]


@dataclass(frozen=True, slots=True)
class _Owed:
    """An answer to come; `since` by the loop's clock."""

    since: float
    answer: asyncio.Future[float | None]


class FinalityProcess:
    """A `Finality`. Runs its process in `run`, starts it anew when it is gone, and has no opinion meanwhile."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: Process | None = None
        self._was_ready = asyncio.Event()
        self._reason = "starts"
        self._owed: deque[_Owed] = deque()

    async def of(self, hearing: Hearing, asked: str) -> float | None:
        text, process = normalise(hearing.text), self._process
        if not text or hearing.language != LANGUAGE or process is None:
            return None
        loop = asyncio.get_running_loop()
        if self._owed and loop.time() - self._owed[0].since > HANGS_S:
            self._reason = f"silent for over {HANGS_S:.0f} s"
            _kill(process)
            return None
        if len(self._owed) >= MOST_WAITING:
            return None
        owed = _Owed(loop.time(), loop.create_future())
        self._owed.append(owed)
        assert process.stdin is not None  # we asked for the pipe
        process.stdin.write(f"{normalise(asked)}\t{text}\n".encode())
        await asyncio.wait([owed.answer], timeout=IN_TIME_S)
        return owed.answer.result() if owed.answer.done() else None

    @property
    def owes(self) -> bool:
        """An answer is to come (or will never)."""
        return bool(self._owed)

    def check(self) -> Finding:
        """For health: what is in use and why."""
        return Finding(State.OK if self._process is not None else State.DEGRADED, self._reason)

    async def ready(self) -> None:
        """Wait for the first start, where an evaluation needs it; a service does not wait."""
        await self._was_ready.wait()

    async def run(self) -> None:
        """Keep the process running until cancelled."""
        failures = 0
        while True:
            failures = 0 if await self._live() else failures + 1
            log.warning("finality_gone", reason=self._reason)
            await asyncio.sleep(AGAIN_S[min(failures, len(AGAIN_S) - 1)])

    async def _live(self) -> bool:
        """One life of the process; whether it was ever ready."""
        process = await asyncio.create_subprocess_exec(*self._command, stdin=PIPE, stdout=PIPE)
        assert process.stdout is not None  # we asked for the pipe
        try:
            async with asyncio.timeout(START_S):
                said = (await process.stdout.readline()).decode(errors="replace").strip()
            if said != READY:
                self._reason = said[:200] or "ended at its start"
                return False
            self._process, self._reason = process, "language model"
            self._was_ready.set()
            await self._hand_out(process.stdout)
            self._reason = self._reason if self._reason != "language model" else "ended"
        except TimeoutError:
            self._reason = f"not ready after {START_S:.0f} s"
            return False
        finally:
            self._process = None
            while self._owed:
                self._owed.popleft().answer.set_result(None)
            _kill(process)
            await process.wait()
        return True

    async def _hand_out(self, stdout: asyncio.StreamReader) -> None:
        """Give the answers to those who wait, until the process is gone or talks nonsense."""
        while line := await stdout.readline():
            try:
                self._owed.popleft().answer.set_result(float(line))
            except (ValueError, IndexError):
                self._reason = "talks nonsense"
                return


def _kill(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):  # it has just gone by itself
            process.kill()
