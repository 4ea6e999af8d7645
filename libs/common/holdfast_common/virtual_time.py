"""An event loop whose clock jumps to the next timer: stories of minutes in milliseconds. For tests and benches."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.skipped = 0.0
        self.busy: Callable[[], bool] = lambda: False

    def select(self, timeout: float | None = None) -> list[Any]:
        if self.busy():
            return super().select(1.0)  # a thread will wake us; its work takes no virtual time
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing will ever happen")
            self.skipped += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time passes only while nothing can be done; `hold_while` names work of threads that stops it."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.skipped

    def hold_while(self, busy: Callable[[], bool]) -> None:
        """The clock stands still while `busy()`: a database's thread is at work."""
        self._jumping.busy = busy
