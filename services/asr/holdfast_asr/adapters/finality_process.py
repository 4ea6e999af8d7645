"""How final words sound, asked of a process beside the service: it may be late, hang or die, and nobody waits for it.

It has one text at a time. Others wait here, a few; beyond them nobody is asked (the newest is left out: late answers
are worth nothing), and texts for whose answer nobody waits any more are not asked about.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from holdfast_common.child import ONE_THREAD, killed
from holdfast_common.errors import EngineUnavailable
from holdfast_common.health import Finding, State

from holdfast_asr.adapters.finality_wire import READY, log_odds, question
from holdfast_asr.ports import Hearing

log = structlog.get_logger()

LANGUAGE = "en"
START_S = 120.0
"""Longest start; the first one converts the weights."""
AGAIN_S = (0.5, 5.0, 60.0, 300.0)
"""Waits before further starts, longer with each life that answered nothing; the last goes on."""


def worker(cache: Path) -> list[str]:
    """The command of the process that keeps its converted weights in this folder."""
    return [sys.executable, "-m", "holdfast_asr.adapters.finality_worker", str(cache)]


@dataclass(frozen=True, slots=True)
class Limits:
    """What is waited for, and how long."""

    in_time_s: float = 0.2
    """Longest wait for an opinion: the pause has lasted as long when it is asked for."""
    most_waiting: int = 4
    """Texts that wait for their turn."""
    hangs_s: float = 5.0
    """A process that has owed an answer for so long is replaced."""


@dataclass(frozen=True, slots=True)
class _Asked:
    line: str
    answer: asyncio.Future[float | None]


class FinalityProcess:
    """A `Finality`. Runs its process in `run`, starts it anew when it is gone, and has no opinion meanwhile."""

    def __init__(self, command: Sequence[str], limits: Limits | None = None) -> None:
        self._command = command
        self._limits = limits or Limits()
        self._queue: asyncio.Queue[_Asked] = asyncio.Queue(self._limits.most_waiting)
        self._is_ready = False
        self._reason = "starts"
        self._started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Why the first start failed; empty: it did not."""
        self._waiting = 0

    async def of(self, hearing: Hearing, asked: str) -> float | None:
        """The mean over the words and, while nobody else waits, what other decodes made of them: what one misheard
        and sounds unfinished by it, another has heard. Only what came in time counts."""
        if hearing.language != LANGUAGE or not self._is_ready:
            return None
        texts = (hearing.text, *hearing.others) if self._queue.empty() else (hearing.text,)
        lines = [line for text in texts if (line := question(asked, text))]
        waited = [answer for line in dict.fromkeys(lines) if (answer := self._put(line))]
        if not waited:
            return None
        self._waiting += 1
        try:
            await asyncio.wait(waited, timeout=self._limits.in_time_s)
            known = [figure for answer in waited if answer.done() and (figure := answer.result()) is not None]
        finally:
            self._waiting -= 1
            for answer in waited:
                answer.cancel()
        return sum(known) / len(known) if known else None

    def _put(self, line: str) -> asyncio.Future[float | None] | None:
        """Its answer to come; None: too many wait already."""
        if self._queue.full():
            return None
        one = _Asked(line, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(one)
        return one.answer

    @property
    def owes(self) -> bool:
        """Somebody waits for an answer."""
        return self._waiting > 0

    def check(self) -> Finding:
        """For health: what is in use and why."""
        return Finding(State.OK if self._is_ready else State.DEGRADED, self._reason)

    async def ready(self) -> None:
        """Wait for the first start, where an evaluation needs it; a service does not wait. Raises EngineUnavailable."""
        if reason := await asyncio.shield(self._started):
            raise EngineUnavailable(reason)

    async def run(self) -> None:
        """Keep the process running until cancelled."""
        failures, told = 0, ""
        while True:
            failures = 0 if await self._live() else failures + 1
            if not self._started.done():
                self._started.set_result(self._reason)
            if self._reason != told:
                told = self._reason
                log.warning("finality_gone", reason=told)
            await asyncio.sleep(AGAIN_S[min(failures, len(AGAIN_S) - 1)])

    async def _live(self) -> bool:
        """One life of the process; whether it answered anything. Why it ended is in `_reason`."""
        began = asyncio.get_running_loop().time()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, env={**os.environ, **ONE_THREAD}
            )
        except OSError as error:
            self._reason = f"cannot be started: {error.strerror}"
            return False
        try:
            if not await self._greeted(process):
                return False
            log.info("finality_ready", took_ms=round(1000 * (asyncio.get_running_loop().time() - began)))
            return await self._serve(process)
        finally:
            self._is_ready = False
            while not self._queue.empty():
                _give(self._queue.get_nowait(), None)
            await killed(process)

    async def _greeted(self, process: Process) -> bool:
        assert process.stdout is not None  # we asked for the pipe
        try:
            async with asyncio.timeout(START_S):
                said = (await process.stdout.readline()).decode(errors="replace").strip()
        except TimeoutError:
            said = f"not ready after {START_S:.0f} s"
        except ValueError:
            said = "talks nonsense"  # a line without end
        if said == READY:
            self._is_ready, self._reason = True, "language model"
            if not self._started.done():
                self._started.set_result("")
            return True
        self._reason = said[:200] or "ended at its start"
        return False

    async def _serve(self, process: Process) -> bool:
        """Ask it one text after the other until it is gone; whether it answered any."""
        gone, following = asyncio.ensure_future(process.wait()), None
        answered = False
        try:
            while True:
                following = asyncio.ensure_future(self._queue.get())
                await asyncio.wait((following, gone), return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    self._reason = "ended"
                    return answered
                one = following.result()
                if one.answer.done():
                    continue  # nobody waits any more
                found = await self._answer(process, one.line)
                _give(one, found)
                if found is None:
                    return answered
                answered = True
        finally:
            gone.cancel()
            if following is not None:
                following.cancel()

    async def _answer(self, process: Process, line: str) -> float | None:
        """What it says of a line; None: it is of no more use."""
        assert process.stdin is not None and process.stdout is not None  # we asked for the pipes
        try:
            process.stdin.write(f"{line}\n".encode())
            async with asyncio.timeout(self._limits.hangs_s):
                said = await process.stdout.readline()
        except TimeoutError:
            self._reason = f"silent for over {self._limits.hangs_s:g} s"
            return None
        except ValueError:
            said = b"a line without end"
        found = log_odds(said)
        if found is None:
            self._reason = "talks nonsense" if said else "ended"
        return found


def _give(one: _Asked, found: float | None) -> None:
    if not one.answer.done():
        one.answer.set_result(found)
