"""An event loop whose clock is the sound: a call of two minutes takes as long as the machine needs for it.

Time jumps to the next thing that is due as soon as nobody has anything to do, and stands still while
something outside the loop (a decoder process, the voice's thread, the database's thread) still owes a
result. So a busy machine changes nothing of what is heard, and an idle one runs ahead of real time.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

LOOK_AGAIN_S = 0.02
"""Real seconds between looks at what is owed without a sign of life."""
GIVE_UP_S = 60.0
"""Real seconds without any sign of life after which whoever owes us something counts as hung."""


class _Jumping(selectors.DefaultSelector):
    """Instead of waiting for a timer, lets the clock jump to it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.owed: list[Callable[[], bool]] = []
        self._last_sign = time.monotonic()

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            self._last_sign = time.monotonic()
        elif timeout is None or any(owes() for owes in self.owed):
            ready = super().select(LOOK_AGAIN_S)
            if not ready and time.monotonic() - self._last_sign > GIVE_UP_S:
                raise RuntimeError(f"nothing has come from outside the loop for {GIVE_UP_S:.0f} s, and it is owed")
        else:
            self._last_sign = time.monotonic()
            self.now += timeout
        return ready


class SampleLoop(asyncio.SelectorEventLoop):
    """The loop; `asyncio.Runner(loop_factory=SampleLoop)` runs it."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        self._jobs = 0
        super().__init__(self._jumping)
        self.wait_for(lambda: self._jobs > 0)

    def time(self) -> float:
        return self._jumping.now

    def wait_for(self, owes: Callable[[], bool]) -> None:
        """Time stands still while this says so; asked often, so it must be quick."""
        self._jumping.owed.append(owes)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """No time passes in here: something outside is being started."""
        self._jobs += 1
        try:
            yield
        finally:
            self._jobs -= 1

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        future = super().run_in_executor(executor, func, *args)
        self._jobs += 1
        future.add_done_callback(self._job_done)
        return future

    def _job_done(self, _: asyncio.Future[Any]) -> None:
        self._jobs -= 1
