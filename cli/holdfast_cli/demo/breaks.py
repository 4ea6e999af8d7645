"""What is broken during the demo call, and when: processes are killed as a crash would, without warning."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterable
from typing import Literal

from holdfast_cli.caller.audio import Utterance
from holdfast_cli.caller.script import Line

Kill = Literal["asr", "all", "none"]
ORDER: dict[Kill, tuple[str, ...]] = {"asr": ("asr",), "all": ("asr", "tts", "dialogue"), "none": ()}
APART_S = 7.0
INTO_THE_LINE = 0.5
"""Share of the utterance after which the first kill comes: in mid-sentence."""


class Breaks:
    """Kills all processes of the services in their order, once."""

    def __init__(self, kill: Kill, pids: Callable[[str], Iterable[int]], tell: Callable[[str], None]) -> None:
        self.killed: list[str] = []
        self._services = ORDER[kill]
        self._pids = pids
        self._tell = tell
        self._task: asyncio.Task[None] | None = None

    def on_say(self, line: Line, utterance: Utterance) -> None:
        """The caller begins a line; the one marked `kill` starts the destruction."""
        if line.kill and self._task is None and self._services:
            self._task = asyncio.create_task(self._run(utterance.seconds * INTO_THE_LINE), name="breaks")

    async def _run(self, first_s: float) -> None:
        for number, service in enumerate(self._services):
            await asyncio.sleep(APART_S if number else first_s)
            for pid in self._pids(service):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.killed.append(service)
            self._tell(f"{service} killed, the call goes on")

    def stop(self) -> None:
        """No more kills."""
        if self._task is not None:
            self._task.cancel()
