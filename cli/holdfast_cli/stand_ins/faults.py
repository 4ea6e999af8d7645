"""What may go wrong with a service outside, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    NONE = "none"
    ERROR = "error"
    """503, nothing done."""
    ERROR_AFTER = "error_after"
    """Done, and answered with 503."""
    HANG = "hang"
    """No answer, nothing done."""
    HANG_AFTER = "hang_after"
    """Done, and no answer."""
    LATE = "late"
    """No answer; done a while after the caller has given up."""
    RESET = "reset"
    """The connection is cut, nothing done."""
    RESET_AFTER = "reset_after"
    """Done, and the connection is cut."""
    LIMIT = "limit"
    """429 with Retry-After."""
    RUBBISH = "rubbish"
    """200 with something else in it."""
    SLOW = "slow"
    """Done and answered, after a while."""
    CUT = "cut"
    """The body ends half-way (voices)."""
    QUOTA = "quota"
    """The service's own way of saying that the quota is used up."""


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    chunks: tuple[bytes, ...] = ()
    """Instead of a body: sent one after another."""
    pace_s: float = 0.0
    """Between the chunks."""
    cut_after: int | None = None
    """The connection is cut after so many chunks."""


class Reset(Exception):
    """The connection is cut instead of an answer."""


Handle = Callable[[Request], Awaitable[Answer]]


@dataclass
class Faults:
    """Which fault the next request meets: `plan` in order, then `always`."""

    always: Fault = Fault.NONE
    plan: list[Fault] = field(default_factory=list)
    delay_s: float = 1.0
    """Of `slow` and `late`."""
    retry_after_s: float = 1.0
    _late: set[asyncio.Task[Answer]] = field(default_factory=set)

    def next(self) -> Fault:
        return self.plan.pop(0) if self.plan else self.always

    async def meet(self, request: Request, fault: Fault, handle: Handle, quota: Answer) -> Answer:
        """The answer under this fault; raises Reset."""
        match fault:
            case Fault.ERROR:
                return Answer(503, b'{"error": {"code": 503, "errors": [{"reason": "backendError"}]}}')
            case Fault.ERROR_AFTER:
                await handle(request)
                return Answer(503, b"{}")
            case Fault.HANG | Fault.HANG_AFTER:
                if fault is Fault.HANG_AFTER:
                    await handle(request)
                await asyncio.Event().wait()
            case Fault.LATE:
                self._do_later(request, handle)
                await asyncio.Event().wait()
            case Fault.RESET:
                raise Reset
            case Fault.RESET_AFTER:
                await handle(request)
                raise Reset
            case Fault.LIMIT:
                return Answer(429, b"{}", {"retry-after": f"{self.retry_after_s:g}"})
            case Fault.RUBBISH:
                return Answer(200, b"<html>we will be right back</html>", {"content-type": "text/html"})
            case Fault.SLOW:
                await asyncio.sleep(self.delay_s)
            case Fault.QUOTA:
                return quota
            case _:
                pass
        return await handle(request)

    async def settled(self) -> None:
        """Until everything that comes late has come."""
        if self._late:
            await asyncio.wait(self._late)

    def _do_later(self, request: Request, handle: Handle) -> None:
        async def later() -> Answer:
            await asyncio.sleep(self.delay_s)
            return await handle(request)

        task = asyncio.get_running_loop().create_task(later())
        self._late.add(task)
        task.add_done_callback(self._late.discard)
