"""Work that must not be cut in the middle, whoever stops waiting for it.

A database transaction cancelled half way may leave its connection, and with it SQLite's write lock,
to nobody (seen with SQLAlchemy over aiosqlite: every later transaction waits until the process ends).
So such work runs as a task of its own; a waiter that is cancelled goes at once, the work comes to
its end, and `done` waits for what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from types import CoroutineType
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import structlog

log = structlog.get_logger()

P = ParamSpec("P")
T = TypeVar("T")


class Finishing:
    """Owns the tasks of one part; its owner awaits `done` before it closes what they use."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The work's result; cancelling the wait does not cancel the work."""
        task = asyncio.create_task(work, name="finishing")
        self._running.add(task)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # Nobody will ask this task for its error any more.
            task.add_done_callback(_tell)
            raise
        finally:
            task.add_done_callback(self._running.discard)

    async def done(self) -> None:
        """Until everything that was begun has come to its end."""
        while self._running:
            await asyncio.wait(self._running)
            await asyncio.sleep(0)  # lets the callbacks take the finished ones out


class _Owner(Protocol):
    @property
    def finishing(self) -> Finishing: ...


O = TypeVar("O", bound=_Owner)  # noqa: E741 - the owner


def to_the_end(
    method: Callable[Concatenate[O, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[O, P], CoroutineType[Any, Any, T]]:
    """Make a method of an owner of a `finishing` run to its end."""

    @wraps(method)
    async def run(self: O, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.finishing.run(method(self, *args, **kwargs))

    return run


def _tell(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("unawaited_work_failed", error=type(error).__name__)
