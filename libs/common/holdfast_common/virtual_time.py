"""An event loop whose clock jumps instead of waiting: minutes of a call in milliseconds. Ships with the product.

with asyncio.Runner(loop_factory=VirtualLoop) as runner:
    runner.run(story())
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Any


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting, lets the loop's clock jump."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
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
