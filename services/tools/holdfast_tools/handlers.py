"""One tool call in, one result out.

    knowledge.search        -> KnowledgeHits
    calendar.availability   -> Openings
    calendar.book / change / cancel / status -> Booking
    calendar.of_call        -> Bookings

A call that changes the world runs to its end even when nobody waits for it any more: its key makes
asking again safe, half a booking would not be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, assert_never

import structlog
from holdfast_common import telemetry
from holdfast_common.contracts.stream import ErrorCode
from holdfast_common.contracts.tools import (
    Booking,
    Bookings,
    BookingsOfCall,
    BookingState,
    CalendarAvailability,
    CalendarBook,
    CalendarCancel,
    CalendarChange,
    CalendarStatus,
    KnowledgeSearch,
    Openings,
    ToolCall,
    ToolResult,
)
from holdfast_common.errors import StreamFailed
from holdfast_common.finishing import Finishing
from holdfast_common.stream.api import Session

from holdfast_tools.domain.openings import Refusal, Rules, cells, openings, refusal
from holdfast_tools.domain.wishes import Action, Wish, arguments, booking, instant, instant_text, normal_email
from holdfast_tools.ports import Clock, Invitations, Knowledge, Ledger, LedgerUnavailable

log = structlog.get_logger()

MOST_BOOKINGS = 100
"""Of one call in one answer."""


class Tools:
    """Serves tool calls; one instance for the life of the process."""

    def __init__(
        self, *, knowledge: Knowledge, ledger: Ledger, invitations: Invitations, rules: Rules, now: Clock
    ) -> None:
        self._knowledge = knowledge
        self._ledger = ledger
        self._invitations = invitations
        self._rules = rules
        self._now = now
        self._changes = Finishing()

    async def __call__(self, session: Session) -> None:
        """Serve one stream. Raises StreamFailed: `engine` (ledger away), `deadline`, `bad_input`."""
        call: ToolCall = session.first
        outcome = "failed"
        try:
            async with asyncio.timeout(max(0.0, session.remaining_s())):
                result = await self._do(call, session.call)
            outcome = _outcome(result)
            await session.send(result)
        except TimeoutError:
            outcome = "late"
            raise StreamFailed(ErrorCode.DEADLINE, f"{_name(call)}: not done within the deadline") from None
        except LedgerUnavailable as error:
            outcome = "ledger_unavailable"
            log.warning("ledger_unavailable", tool=_name(call), error=str(error))
            raise StreamFailed(ErrorCode.ENGINE, "the booking ledger is not available", retryable=True) from error
        finally:
            telemetry.TOOL_CALLS.add(1, {"tool": _name(call), "outcome": outcome})

    async def drained(self) -> None:
        """Until every begun change of the world has come to its end."""
        await self._changes.done()

    async def write_missing_invitations(self) -> None:
        """Write the invitations that an earlier process could not: it ended between booking and inviting."""
        try:
            for wish in await self._ledger.uninvited():
                await self._invite(wish)
        except LedgerUnavailable as error:
            log.warning("invitations_postponed", error=str(error))

    async def _do(self, call: ToolCall, from_call: str) -> ToolResult:
        match call:
            case KnowledgeSearch():
                return await self._knowledge.search(call)
            case CalendarAvailability():
                return await self._availability(call)
            case CalendarStatus():
                return await self._status(call)
            case BookingsOfCall():
                found = await self._ledger.of_call(call.call or from_call)
                return Bookings(bookings=[booking(wish) for wish in found[-MOST_BOOKINGS:]])
            case CalendarBook():
                return await self._changes.run(self._book(call, from_call))
            case CalendarChange():
                return await self._changes.run(self._change(call, from_call))
            case CalendarCancel():
                return await self._changes.run(self._cancel(call, from_call))
            case _:
                assert_never(call)

    async def _availability(self, call: CalendarAvailability) -> Openings:
        start, end = _instant(call.start), _instant(call.end)
        rules = self._rules
        # Cells on both sides: a meeting that begins before `end` may reach past it.
        held = await self._ledger.taken(cells(start, max(end - start, timedelta(0)) + rules.duration))
        free: list[str] = []
        for at in openings(rules, self._now(), start, end):
            if len(free) == call.limit:
                break
            if held.isdisjoint(cells(at, rules.duration)):
                free.append(instant_text(at))
        minutes = int(rules.duration.total_seconds() // 60)
        return Openings(starts=free, duration_min=minutes, zone=rules.zone.key)

    async def _status(self, call: CalendarStatus) -> Booking:
        wish = await self._ledger.find(call.key)
        return booking(wish) if wish else Booking(key=call.key, state=BookingState.NONE)

    async def _book(self, call: CalendarBook, from_call: str) -> Booking:
        start, duration = _instant(call.start), timedelta(minutes=call.duration_min)
        email = normal_email(call.attendee_email)
        address = email or call.attendee_email
        wish = Wish(
            key=call.key,
            call=from_call,
            action=Action.BOOK,
            state=BookingState.PENDING,
            arguments=arguments(
                Action.BOOK, call.start, str(call.duration_min), (email or call.attendee_email).lower()
            ),
            start=start,
            duration=duration,
            attendee_email=address,
            attendee_name=call.attendee_name,
            zone=call.zone,
            summary=call.summary,
            description=call.description,
        )
        return await self._decide(
            wish,
            lambda: refusal(self._rules, self._now(), start, duration) or (None if email else Refusal.EMAIL),
            lambda: self._ledger.book(wish),
        )

    async def _change(self, call: CalendarChange, from_call: str) -> Booking:
        start = _instant(call.start)
        wish = Wish(
            key=call.key,
            call=from_call,
            action=Action.CHANGE,
            state=BookingState.PENDING,
            arguments=arguments(Action.CHANGE, call.booking, call.start),
            start=start,
            duration=self._rules.duration,
        )
        return await self._decide(
            wish,
            lambda: refusal(self._rules, self._now(), start),
            lambda: self._ledger.change(wish, call.booking),
        )

    async def _cancel(self, call: CalendarCancel, from_call: str) -> Booking:
        wish = Wish(
            key=call.key,
            call=from_call,
            action=Action.CANCEL,
            state=BookingState.PENDING,
            arguments=arguments(Action.CANCEL, call.booking),
        )
        return await self._decide(wish, lambda: None, lambda: self._ledger.cancel(wish, call.booking))

    async def _decide(
        self, wish: Wish, refused: Callable[[], Refusal | None], act: Callable[[], Awaitable[Wish]]
    ) -> Booking:
        """A wish that has an outcome keeps it, whatever the rules say by now; else rules, then ledger."""
        earlier = await self._ledger.find(wish.key)
        why = None if earlier else refused()
        outcome = await (self._ledger.note(wish.because(BookingState.REFUSED, why)) if why else act())
        log.info("wish_settled", action=wish.action, state=outcome.state, reason=outcome.reason, again=bool(earlier))
        if not earlier and outcome.state in (BookingState.BOOKED, BookingState.CANCELLED):
            await self._invite(outcome)
        return booking(outcome)

    async def _invite(self, wish: Wish) -> None:
        """The meeting stands whether or not this succeeds; what is left undone is done at the next start."""
        try:
            await self._invitations.write(wish)
            await self._ledger.invited(wish.key)
        except (OSError, LedgerUnavailable, ValueError, TypeError, LookupError) as error:
            # Also one that cannot be made at all: it must not undo the answer, nor keep the service from starting.
            log.warning("invitation_not_written", error=type(error).__name__)


def _instant(text: str) -> Any:
    try:
        return instant(text)
    except ValueError as error:
        raise StreamFailed(ErrorCode.BAD_INPUT, f"{text!r} is no instant") from error


def _name(call: ToolCall) -> str:
    return str(type(call).__struct_config__.tag)


def _outcome(result: ToolResult) -> str:
    match result:
        case Booking():
            return result.state
        case Openings():
            return "found" if result.starts else "none"
        case Bookings():
            return "found" if result.bookings else "none"
        case _:
            return result.sureness
