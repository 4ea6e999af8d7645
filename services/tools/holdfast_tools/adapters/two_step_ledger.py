"""The ledger where the meeting stands in a calendar outside: the intent is written first, the outcome after.

    begin -> PENDING, time held -> mark_sent -> (the calendar is asked) -> settle -> BOOKED / TAKEN / ...
                                `-> release: nothing was sent, NONE for ever

`sent` is written before the first request that could have an effect, so a row without it surely had
none. Settling twice, from two replicas, ends in the outcome that was written first.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from holdfast_common.contracts.tools import BookingState
from holdfast_common.errors import HoldfastError
from holdfast_common.finishing import to_the_end
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from holdfast_tools.adapters.ledger import MOVED, SqlLedger, again, insisting, read_wish, to_microseconds, wish_of
from holdfast_tools.adapters.tables import bookings, held_cells
from holdfast_tools.domain.wishes import Action, Wish


class UnderWay(HoldfastError):
    """Another wish about the same meeting has no outcome yet; `key` is that wish's."""

    def __init__(self, key: str) -> None:
        super().__init__("ledger: another change of this meeting is under way")
        self.key = key


class TwoStepLedger(SqlLedger):
    """A `Ledger` whose wishes may stay PENDING. Raises LedgerUnavailable as that one does."""

    @to_the_end
    @insisting
    async def begin(self, wish: Wish, booking: str = "") -> Wish:
        """Write the intent and hold its time; what stands under the key: PENDING, TAKEN, or an earlier outcome.

        Raises UnderWay.
        """

        async def write(connection: AsyncConnection) -> Wish:
            if wish.action == Action.BOOK:
                begun = dataclasses.replace(wish, meeting=wish.key)
                await self._insert(connection, begun)
                await self._hold(connection, begun)
                return begun
            return await self._begin_change(connection, wish, booking)

        return await self._once(wish, write)

    @to_the_end
    @insisting
    async def mark_sent(self, key: str) -> bool:
        """From now on the calendar may have it; False where the wish is no longer pending."""
        async with self._transaction() as connection:
            marked = await connection.execute(
                bookings.update().where(bookings.c.key == key, bookings.c.state == BookingState.PENDING).values(sent=1)
            )
            return marked.rowcount == 1

    @to_the_end
    @insisting
    async def release(self, key: str, reason: str) -> bool:
        """Give up a wish that was never sent; False where it was, or has an outcome.

        Its row stays, as NONE: a repeat that was delivered late must not make true what was told as not made.
        """
        async with self._transaction() as connection:
            given_up = await connection.execute(
                bookings.update()
                .where(bookings.c.key == key, bookings.c.state == BookingState.PENDING, bookings.c.sent == 0)
                .values(state=BookingState.NONE, reason=reason, updated_us=to_microseconds(self._now()))
            )
            if given_up.rowcount == 1:
                await connection.execute(held_cells.delete().where(held_cells.c.key == key))
            return given_up.rowcount == 1

    @to_the_end
    @insisting
    async def settle(self, key: str, state: BookingState, reason: str = "", *, unsent: bool = False) -> Wish | None:
        """Write the outcome of a pending wish; what stands under the key then, None where nothing does.

        `unsent`: only where it was never sent (else it stays as it is).
        """
        async with self._transaction() as connection:
            wish = await read_wish(connection, key)
            if wish is None or wish.state != BookingState.PENDING or (unsent and wish.sent):
                return wish
            settled = dataclasses.replace(wish, state=state, reason=reason)
            where = [bookings.c.key == key, bookings.c.state == BookingState.PENDING]
            values = {"state": state, "reason": reason, "updated_us": to_microseconds(self._now())}
            written = await connection.execute(
                bookings.update().where(*where, *([bookings.c.sent == 0] if unsent else [])).values(values)
            )
            if written.rowcount != 1:
                raise again("the wish was settled or sent at the same moment")
            await self._settle_time(connection, settled)
            return settled

    @to_the_end
    @insisting
    async def pending(self, older_than: timedelta) -> list[Wish]:
        """Wishes without an outcome that were begun at least so long ago, oldest first."""
        before_us = to_microseconds(self._now() - older_than)
        query = select(bookings).where(bookings.c.state == BookingState.PENDING, bookings.c.created_us <= before_us)
        async with self._transaction(reads=True) as connection:
            return [wish_of(row) for row in await connection.execute(query.order_by(bookings.c.created_us).limit(50))]

    @to_the_end
    @insisting
    async def without_link(self, younger_than: timedelta) -> list[Wish]:
        """Meetings that stand in the calendar outside and have no link, settled at most so long ago; oldest first."""
        after_us = to_microseconds(self._now() - younger_than)
        query = select(bookings).where(
            bookings.c.state == BookingState.BOOKED, bookings.c.link == "", bookings.c.updated_us >= after_us
        )
        async with self._transaction(reads=True) as connection:
            return [wish_of(row) for row in await connection.execute(query.order_by(bookings.c.updated_us).limit(20))]

    @to_the_end
    @insisting
    async def keep_link(self, meeting: str, link: str) -> None:
        """Of a meeting, whichever wish holds its time by now."""
        async with self._transaction() as connection:
            await connection.execute(bookings.update().where(bookings.c.meeting == meeting).values(link=link))

    async def _begin_change(self, connection: AsyncConnection, wish: Wish, booking: str) -> Wish:
        old = await self._current(connection, booking)
        movable = old is not None and old.state == BookingState.BOOKED
        if old is None or not (movable or (wish.action == Action.CANCEL and old.state == BookingState.CANCELLED)):
            return await self._refused(connection, wish, old)
        under_way = select(bookings.c.key).where(
            bookings.c.state == BookingState.PENDING, bookings.c.replaces == old.key
        )
        if (other := await connection.scalar(under_way)) is not None:
            raise UnderWay(str(other))
        is_move = wish.action == Action.CHANGE
        begun = dataclasses.replace(
            old,
            key=wish.key,
            call=wish.call,
            action=wish.action,
            arguments=wish.arguments,
            state=BookingState.PENDING if movable else BookingState.CANCELLED,
            start=wish.start if is_move else old.start,
            duration=wish.duration if is_move else old.duration,
            sequence=old.sequence + 1,
            replaces=old.key if movable else "",
            moved_to="",
            sent=False,
        )
        await self._insert(connection, begun)
        if is_move:
            held = set(await connection.scalars(select(held_cells.c.cell).where(held_cells.c.key == old.key)))
            await self._hold(connection, begun, but=held)
        return begun

    async def _settle_time(self, connection: AsyncConnection, wish: Wish) -> None:
        """Bring the cells, and the booking that was moved or called off, in line with the outcome."""
        if wish.state not in (BookingState.BOOKED, BookingState.CANCELLED):
            await connection.execute(held_cells.delete().where(held_cells.c.key == wish.key))
        elif wish.replaces:
            old = await read_wish(connection, wish.replaces)
            assert old is not None
            if wish.state == BookingState.CANCELLED:
                await self._free(connection, old)
                return
            await self._free(connection, old, reason=MOVED, moved_to=wish.key)
            mine = set(await connection.scalars(select(held_cells.c.cell).where(held_cells.c.key == wish.key)))
            await self._hold(connection, wish, but=mine)
