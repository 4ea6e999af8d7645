"""An event loop whose clock jumps instead of waiting: minutes of a call in milliseconds. Ships with the product.

with asyncio.Runner(loop_factory=VirtualLoop) as runner:
    runner.run(story())
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

PATIENCE_S = 3.0


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting, lets the loop's clock jump."""

    skipped = 0.0
    busy: Callable[[], bool] = staticmethod(lambda: False)

    def select(self, timeout: float | None = None) -> list[Any]:
        # The work of a thread takes no virtual time: it wakes us. One that itself waits for our clock does not.
        ready = super().select(PATIENCE_S if timeout != 0 and self.busy() else 0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing will ever happen")
            self.skipped += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """For stories without real I/O. Raises RuntimeError where everybody waits and no timer is set."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.skipped

    def hold_while(self, busy: Callable[[], bool]) -> None:
        """The clock stands still while `busy()`: a database's thread is at work."""
        self._jumping.busy = busy
