"""Bookings in a calendar outside, exactly once: the ledger's intent first, then the calendar, then the outcome.

A wish whose outcome is not known is settled by asking the calendar for its id, and then carried
forward: the same id makes the same event, whatever comes late or twice. Only where the time has gone
to somebody else is it given up, and then its id is used up first (`void`, `touch`), so that a request
that is still under way can do nothing any more. What was surely never sent is given up (`release`): a later
yes is a new wish under a new key.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import structlog
from holdfast_common.contracts.tools import BookingState
from holdfast_common.resilience import OutsideRefused, OutsideUnavailable

from holdfast_tools.adapters.two_step_ledger import TwoStepLedger, UnderWay
from holdfast_tools.domain.openings import CELL, Refusal
from holdfast_tools.domain.openings import cells as covered
from holdfast_tools.domain.wishes import Action, Wish
from holdfast_tools.ports import Calendar, Clock, LedgerUnavailable

log = structlog.get_logger()

SETTLE_S = 3.0
"""Longest time that one answer waits for the calendar; then the wish is PENDING."""
BUSY_S = 1.0
"""The same for openings, which the ledger knows well enough without it."""
SETTLE_EVERY_S = 10.0
LINK_WITHIN = timedelta(minutes=3)
"""A calendar makes a meeting's video link by itself after it; one that has none by then is not asked again."""
LEFT_ALONE = timedelta(seconds=20)
"""A pending wish is younger than this while a turn still works on it."""
STEPS = 8
"""Times that the calendar may tell of a change made at the same moment, in one settling."""

PENDING, BOOKED, TAKEN, REFUSED = (
    BookingState.PENDING,
    BookingState.BOOKED,
    BookingState.TAKEN,
    BookingState.REFUSED,
)
AWAY = "calendar_away"
"""Reason of a wish that was not made, because the calendar could not be asked."""


class _SendingRefused(Exception):
    """What would have made the wish true was refused itself, not a question before it."""

    def __init__(self, error: OutsideRefused) -> None:
        super().__init__(str(error))
        self.error = error


class OutsideLedger:
    """A `Ledger` whose meetings stand in a `Calendar` as well."""

    def __init__(
        self,
        ledger: TwoStepLedger,
        calendar: Calendar,
        now: Clock,
        *,
        settle_s: float = SETTLE_S,
        busy_s: float = BUSY_S,
    ) -> None:
        self._ledger = ledger
        self._calendar = calendar
        self._now = now
        self._settle_s = settle_s
        self._busy_s = busy_s

    async def find(self, key: str) -> Wish | None:
        """What stands under the key; a wish without an outcome is settled first, where the calendar can be asked."""
        wish = await self._ledger.find(key)
        return await self._settled(wish) if wish and wish.state == PENDING else wish

    async def of_call(self, call: str) -> list[Wish]:
        return await self._ledger.of_call(call)

    async def taken(self, cells: range) -> frozenset[int]:
        held = await self._ledger.taken(cells)
        if not cells:
            return held
        start, end = _cell_time(cells[0]), _cell_time(cells[-1] + 1)
        try:
            busy = await self._calendar.busy(start, end, self._calendar.deadline(self._busy_s))
        except (OutsideUnavailable, OutsideRefused) as error:
            # An opening is an offer: whether it is free is asked again before it is booked.
            log.warning("openings_by_the_ledger_alone", error=str(error))
            return held
        return held.union(*(covered(begins, ends - begins) for begins, ends in busy))

    async def book(self, wish: Wish) -> Wish:
        return await self._make(wish, "")

    async def change(self, wish: Wish, booking: str) -> Wish:
        await self.find(booking)
        return await self._make(wish, booking)

    async def cancel(self, wish: Wish, booking: str) -> Wish:
        await self.find(booking)
        return await self._make(wish, booking)

    async def note(self, wish: Wish) -> Wish:
        return await self._ledger.note(wish)

    async def uninvited(self) -> list[Wish]:
        """The calendar sends its own invitations."""
        return []

    async def invited(self, key: str) -> None: ...

    async def settle_old(self) -> int:
        """Settle what no turn works on any more; how many wishes have no outcome yet."""
        waiting = await self._ledger.pending(LEFT_ALONE)
        return sum([(await self._settled(wish)).state == PENDING for wish in waiting])

    async def fetch_links(self) -> int:
        """Take up the video links that have come since; how many meetings of the last minutes have none."""
        waiting = await self._ledger.without_link(LINK_WITHIN)
        missing = 0
        for wish in waiting:
            try:
                there = await self._calendar.find(wish.meeting, self._calendar.deadline(self._settle_s))
            except (OutsideUnavailable, OutsideRefused) as error:
                log.warning("links_postponed", error=str(error))
                return len(waiting)
            if there is not None and there.link:
                await self._ledger.keep_link(wish.meeting, there.link)
            else:
                missing += 1
        return missing

    async def keep_settling(self) -> None:
        """`settle_old` and `fetch_links` for ever."""
        while True:
            await asyncio.sleep(SETTLE_EVERY_S)
            try:
                if left := await self.settle_old():
                    log.warning("wishes_without_outcome", count=left)
                await self.fetch_links()  # also of what has just been settled
            except LedgerUnavailable as error:
                log.warning("settling_postponed", error=str(error))

    async def _make(self, wish: Wish, booking: str) -> Wish:
        for _ in range(2):
            try:
                begun = await self._ledger.begin(wish, booking)
            except UnderWay as other:
                await self.find(other.key)
            else:
                return await self._settled(begun) if begun.state == PENDING else begun
        raise LedgerUnavailable("ledger: another change of this meeting has no outcome yet")

    async def _settled(self, wish: Wish) -> Wish:
        """The wish with its outcome; as it is (PENDING) where that cannot be known now; NONE where it was not made."""
        deadline = self._calendar.deadline(self._settle_s)
        settle = {Action.BOOK: self._booking, Action.CHANGE: self._change, Action.CANCEL: self._cancel}[wish.action]
        try:
            for _ in range(STEPS):
                outcome = await settle(wish, deadline)
                if outcome is None:
                    return wish.because(BookingState.NONE, AWAY)  # another replica has forgotten it
                if outcome.state != PENDING:
                    return outcome
                wish = outcome
        except OutsideUnavailable as error:
            log.warning("calendar_unavailable", action=wish.action, error=str(error))
            if await self._ledger.release(wish.key, AWAY):
                return wish.because(BookingState.NONE, AWAY)
        except _SendingRefused as refused:
            return await self._refused(wish, refused.error, deadline)
        except OutsideRefused as error:
            log.error("calendar_refused", action=wish.action, error=str(error))
            if wish.sent:
                return wish  # an earlier request may have had its effect: that is not known any better now
            # Another replica may have sent it since this one read it: then that one tells the outcome.
            return await self._ledger.settle(wish.key, REFUSED, error.reason[:60], unsent=True) or wish
        return await self._ledger.find(wish.key) or wish.because(BookingState.NONE, AWAY)

    async def _refused(self, wish: Wish, error: OutsideRefused, deadline: float) -> Wish:
        """The outcome where our own request was refused: another replica's may have been done, or be under way."""
        log.error("calendar_refused", action=wish.action, error=str(error))
        try:
            if await self._never_will(wish, deadline):
                return await self._ledger.settle(wish.key, REFUSED, error.reason[:60]) or wish
        except (OutsideUnavailable, OutsideRefused) as again:
            log.warning("refusal_not_certain", action=wish.action, error=str(again))
        return await self._ledger.find(wish.key) or wish.because(BookingState.NONE, AWAY)

    async def _never_will(self, wish: Wish, deadline: float) -> bool:
        """Make sure that no request of this wish has its effect any more; False where one had it, or may have."""
        there = await self._calendar.find(wish.meeting, deadline)
        is_live = there is not None and there.live
        if wish.action == Action.CANCEL:
            return is_live and not wish.sent
        try:
            if wish.action == Action.BOOK:
                return not is_live and await self._calendar.void(wish, deadline)
            if there is None or not is_live:
                return True
            is_moved = there.start == wish.start and there.duration == wish.duration
            return not is_moved and await self._calendar.touch(wish.meeting, there.version, deadline)
        except OutsideRefused:
            return True  # no change at all is allowed, so none of another replica's either

    # -- one step each: the wish as it stands then, None where it is gone
    async def _booking(self, wish: Wish, deadline: float) -> Wish | None:
        calendar, ledger = self._calendar, self._ledger
        if wish.sent and (there := await calendar.find(wish.meeting, deadline)) is not None:
            same = there.start == wish.start and there.duration == wish.duration
            if there.live and same and there.attendee_email.lower() == wish.attendee_email.lower():
                return await ledger.settle(wish.key, BOOKED)
            if there.live:
                return await ledger.settle(wish.key, REFUSED, Refusal.ARGUMENTS)
            await calendar.remove(wish.meeting, deadline)  # nothing is left of one that was withdrawn half
            return await ledger.settle(wish.key, TAKEN)
        if self._is_past(wish) or await self._is_busy(wish, deadline):
            if not wish.sent:
                return await ledger.settle(wish.key, TAKEN, unsent=True)
            return await ledger.settle(wish.key, TAKEN) if await calendar.void(wish, deadline) else wish
        if not wish.sent and not await ledger.mark_sent(wish.key):
            return await ledger.find(wish.key)
        if await self._may_have(calendar.put(wish, deadline)):
            return await ledger.settle(wish.key, BOOKED)
        return await ledger.find(wish.key)

    async def _change(self, wish: Wish, deadline: float) -> Wish | None:
        calendar, ledger = self._calendar, self._ledger
        there = await calendar.find(wish.meeting, deadline)
        if there is None or not there.live:
            return await ledger.settle(wish.key, REFUSED, Refusal.NOT_BOOKED)
        if there.start == wish.start and there.duration == wish.duration:
            return await ledger.settle(wish.key, BOOKED)
        own = (there.start, there.start + there.duration)
        if self._is_past(wish) or await self._is_busy(wish, deadline, own):
            if not wish.sent:
                return await ledger.settle(wish.key, TAKEN, unsent=True)
            if await calendar.touch(wish.meeting, there.version, deadline):
                return await ledger.settle(wish.key, TAKEN)
            return wish
        if not wish.sent and not await ledger.mark_sent(wish.key):
            return await ledger.find(wish.key)
        if await self._may_have(calendar.move(wish, there.version, deadline)):
            return await ledger.settle(wish.key, BOOKED)
        return await ledger.find(wish.key)

    async def _cancel(self, wish: Wish, deadline: float) -> Wish | None:
        if not wish.sent and not await self._ledger.mark_sent(wish.key):
            return await self._ledger.find(wish.key)
        try:
            await self._calendar.remove(wish.meeting, deadline)
        except OutsideRefused as error:
            raise _SendingRefused(error) from error
        return await self._ledger.settle(wish.key, BookingState.CANCELLED)

    async def _may_have(self, done: object) -> bool:
        """True where it was done; False where that has to be asked, since it may have been."""
        try:
            return bool(await done)  # type: ignore[misc]
        except OutsideRefused as error:
            raise _SendingRefused(error) from error
        except OutsideUnavailable as error:
            if not error.maybe_done or error.why == "deadline":
                raise
            return False

    async def _is_busy(self, wish: Wish, deadline: float, own: tuple[datetime, datetime] | None = None) -> bool:
        assert wish.start is not None
        end = wish.start + wish.duration
        busy = await self._calendar.busy(wish.start, end, deadline)
        if own is not None:
            busy = [part for span in busy for part in _less(span, own)]
        return any(begins < end and ends > wish.start for begins, ends in busy)

    def _is_past(self, wish: Wish) -> bool:
        return wish.start is not None and wish.start <= self._now()


def _less(span: tuple[datetime, datetime], own: tuple[datetime, datetime]) -> list[tuple[datetime, datetime]]:
    """What is left of a span without our own meeting's time: at most a part before and one after."""
    parts = [(span[0], min(span[1], own[0])), (max(span[0], own[1]), span[1])]
    return [part for part in parts if part[0] < part[1]]


def _cell_time(cell: int) -> datetime:
    return datetime.fromtimestamp(cell * CELL.total_seconds(), UTC)
