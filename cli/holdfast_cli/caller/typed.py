"""A person types, the caller says it: lines from the terminal in place of a script."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Callable

from holdfast_cli.caller.script import AgentTurn, Line

MAX_CHARS = 500


class TypedLines:
    """Says each typed line once the agent has finished; an empty line or the end of input hangs up."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque()
        self.done = False

    def type(self, text: str) -> None:
        """One line of the person's; the caller says it at the next opportunity."""
        words = text.strip()[:MAX_CHARS]
        self._lines.append(Line(say=words) if words else Line(hang_up=True))
        self.done = self.done or not words

    def next(self, heard: AgentTurn) -> Line | None:
        del heard
        return self._lines.popleft() if self._lines else None

    @property
    def has_more(self) -> bool:
        return bool(self._lines)

    def peek_barge_in(self) -> Line | None:
        return None

    def read(self, readline: Callable[[], str] = sys.stdin.readline) -> None:
        """Begin to read the terminal, on a thread that dies with the process: a blocked read cannot be cancelled."""
        loop = asyncio.get_running_loop()

        def follow() -> None:
            more = True
            while more:
                text = readline()
                loop.call_soon_threadsafe(self.type, text)
                more = bool(text.strip())

        threading.Thread(target=follow, name="typed", daemon=True).start()
