"""What a call's parts ask of the call: tasks within its group, and timers whose bugs are the call's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

P = ParamSpec("P")

Spawn = Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None]"]
"""(coroutine, task name) -> its task."""
Broke = Callable[[Exception], None]
"""Is told of a bug: ends the call that it is in, and no other."""


def guarded(work: Callable[P, None], broke: Broke) -> Callable[P, None]:
    """`work` for callbacks that no task awaits (timers, batches): what it raises ends its own call."""

    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            work(*args, **kwargs)
        except Exception as bug:  # noqa: BLE001 - the event loop would only log it, and the call would hang
            broke(bug)

    return run
