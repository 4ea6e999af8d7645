"""The booking ledger in a SQL database: SQLite embedded, PostgreSQL in production.

Exclusion is by unique rows: a meeting owns its 5-minute cells, written in the same transaction as
its ledger row, so no two meetings can share one, whatever the isolation level or the number of
replicas. A broken constraint means that somebody else was first; then the key is read again.
Only PostgreSQL lets transactions overlap: where two of them wait for each other, or one frees what
the other has read, the loser begins again, for a while.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from holdfast_common.contracts.tools import BookingState
from holdfast_common.database import Database, DatabaseRefused, DatabaseUnavailable, Duplicate
from holdfast_common.finishing import Finishing, to_the_end
from holdfast_common.health import Finding
from holdfast_common.migrations import migrate
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random

from holdfast_tools.adapters.tables import bookings, held_cells
from holdfast_tools.domain.openings import Refusal, cells
from holdfast_tools.domain.wishes import Action, Wish
from holdfast_tools.migrations import MIGRATIONS
from holdfast_tools.ports import Clock, LedgerUnavailable

P = ParamSpec("P")
T = TypeVar("T")
L = TypeVar("L")
MOVED = "moved"
"""Reason of a booking that a change took the place of."""
AGAIN_FOR_S = 3.0
"""How long overlapping transactions are begun again; PostgreSQL finds a deadlock after 1 s."""


class _Again(Exception):
    """Another transaction was in the way of this one, which changed nothing (never on SQLite)."""


def again(why: str) -> Exception:
    """To raise in a transaction that another one was in the way of."""
    return _Again(why)


def insisting(
    method: Callable[Concatenate[L, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[L, P], Coroutine[Any, Any, T]]:
    """Begin the method again where others were in its way: every one of them is safe to repeat."""

    @wraps(method)
    async def run(self: L, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(_Again),
                stop=stop_after_delay(AGAIN_FOR_S),
                wait=wait_random(0, 0.03),
                reraise=True,
            ):
                with attempt:
                    return await method(self, *args, **kwargs)
        except _Again as error:
            raise LedgerUnavailable(f"ledger: others were in the way for {AGAIN_FOR_S} s: {error}") from None
        raise AssertionError("unreachable: the last attempt raises")

    return run


class SqlLedger:
    """A `Ledger` for one calendar. Replicas share its database."""

    def __init__(self, database: Database, calendar: str, now: Clock) -> None:
        self._database = database
        self._calendar = calendar
        self._now = now
        self.finishing = Finishing()

    async def close(self) -> None:
        """Let what has begun end, then close the connections."""
        await self.finishing.done()
        await self._database.close()

    def finding(self) -> Finding:
        return self._database.finding()

    @to_the_end
    async def prepare(self) -> None:
        """Bring the tables up to date."""
        try:
            await migrate(self._database, MIGRATIONS)
        except DatabaseUnavailable as error:
            raise LedgerUnavailable(f"ledger: {error}") from None

    @to_the_end
    @insisting
    async def find(self, key: str) -> Wish | None:
        async with self._transaction(reads=True) as connection:
            return await read_wish(connection, key)

    @to_the_end
    @insisting
    async def of_call(self, call: str) -> list[Wish]:
        query = select(bookings).where(
            bookings.c.call == call, bookings.c.action != Action.CANCEL, bookings.c.state != BookingState.NONE
        )
        async with self._transaction(reads=True) as connection:
            rows = await connection.execute(query.order_by(bookings.c.created_us, bookings.c.key))
            return [wish_of(row) for row in rows]

    @to_the_end
    @insisting
    async def taken(self, cells: range) -> frozenset[int]:
        if not cells:
            return frozenset()
        query = select(held_cells.c.cell).where(
            held_cells.c.calendar == self._calendar, held_cells.c.cell.between(cells[0], cells[-1])
        )
        async with self._transaction(reads=True) as connection:
            return frozenset(await connection.scalars(query))

    @to_the_end
    @insisting
    async def book(self, wish: Wish) -> Wish:
        booked = dataclasses.replace(wish, state=BookingState.BOOKED, meeting=wish.key)

        async def write(connection: AsyncConnection) -> Wish:
            await self._insert(connection, booked, invitation_due=True)
            await self._hold(connection, booked)
            return booked

        return await self._once(wish, write)

    @to_the_end
    @insisting
    async def change(self, wish: Wish, booking: str) -> Wish:
        async def write(connection: AsyncConnection) -> Wish:
            old = await self._current(connection, booking)
            if old is None or not old.holds_time:
                return await self._refused(connection, wish, old)
            new = dataclasses.replace(
                wish,
                state=BookingState.BOOKED,
                attendee_email=old.attendee_email,
                attendee_name=old.attendee_name,
                zone=old.zone,
                summary=old.summary,
                description=old.description,
                meeting=old.meeting,
                sequence=old.sequence + 1,
            )
            await self._insert(connection, new, invitation_due=True)
            await self._free(connection, old, reason=MOVED, moved_to=new.key)
            await self._hold(connection, new)
            return new

        return await self._once(wish, write)

    @to_the_end
    @insisting
    async def cancel(self, wish: Wish, booking: str) -> Wish:
        async def write(connection: AsyncConnection) -> Wish:
            old = await self._current(connection, booking)
            if old is None or old.state not in (BookingState.BOOKED, BookingState.CANCELLED):
                return await self._refused(connection, wish, old)
            called_off = dataclasses.replace(
                old,
                key=wish.key,
                call=wish.call,
                action=Action.CANCEL,
                arguments=wish.arguments,
                state=BookingState.CANCELLED,
                sequence=old.sequence + 1,
                moved_to="",
            )
            await self._insert(connection, called_off, invitation_due=old.holds_time)
            if old.holds_time:
                await self._free(connection, old)
            return called_off

        return await self._once(wish, write)

    @to_the_end
    @insisting
    async def note(self, wish: Wish) -> Wish:
        async def write(connection: AsyncConnection) -> Wish:
            await self._insert(connection, wish)
            return wish

        return await self._once(wish, write)

    @to_the_end
    @insisting
    async def uninvited(self) -> list[Wish]:
        query = select(bookings).where(bookings.c.invitation_due == 1).order_by(bookings.c.created_us)
        async with self._transaction(reads=True) as connection:
            return [wish_of(row) for row in await connection.execute(query)]

    @to_the_end
    @insisting
    async def invited(self, key: str) -> None:
        async with self._transaction() as connection:
            await connection.execute(bookings.update().where(bookings.c.key == key).values(invitation_due=0))

    async def _once(self, wish: Wish, write: Any) -> Wish:
        """The outcome that stands under the key, written by `write` if there is none yet."""
        try:
            async with self._transaction() as connection:
                earlier = await read_wish(connection, wish.key)
                return _same(earlier, wish) if earlier else await write(connection)
        except Duplicate:
            pass  # a cell, or the key, was taken between: everything above is undone
        taken = wish.because(BookingState.TAKEN)
        try:
            async with self._transaction() as connection:
                earlier = await read_wish(connection, wish.key)
                if earlier:
                    return _same(earlier, wish)
                await self._insert(connection, taken)
                return taken
        except Duplicate:
            pass  # the same wish twice at once, both too late for the time: the other one wrote it down
        earlier = await self.find(wish.key)
        if earlier is None:
            raise LedgerUnavailable("ledger: a row was refused as a duplicate and is not there")
        return _same(earlier, wish)

    async def _current(self, connection: AsyncConnection, key: str) -> Wish | None:
        """The booking under this key, or the one that took its place."""
        wish = await read_wish(connection, key)
        while wish is not None and wish.moved_to:
            wish = await read_wish(connection, wish.moved_to)
        return wish

    async def _refused(self, connection: AsyncConnection, wish: Wish, old: Wish | None) -> Wish:
        refused = wish.because(BookingState.REFUSED, Refusal.NOT_BOOKED)
        await self._insert(connection, refused)
        return refused

    async def _insert(self, connection: AsyncConnection, wish: Wish, *, invitation_due: bool = False) -> None:
        now_us = to_microseconds(self._now())
        await connection.execute(
            bookings.insert().values(
                key=wish.key,
                call=wish.call,
                calendar=self._calendar,
                action=wish.action,
                state=wish.state,
                arguments=wish.arguments,
                start_at=int(wish.start.timestamp()) if wish.start else None,
                duration_min=int(wish.duration.total_seconds() // 60),
                attendee_email=_text(wish.attendee_email),
                attendee_name=_text(wish.attendee_name),
                zone=_text(wish.zone),
                summary=_text(wish.summary),
                description=_text(wish.description),
                reason=wish.reason,
                meeting=wish.meeting,
                sequence=wish.sequence,
                moved_to=wish.moved_to,
                replaces=wish.replaces,
                sent=int(wish.sent),
                link=wish.link,
                invitation_due=int(invitation_due),
                created_us=now_us,
                updated_us=now_us,
            )
        )

    async def _hold(self, connection: AsyncConnection, wish: Wish, but: Collection[int] = ()) -> None:
        """Take the wish's cells, except those it needs not take (they are held for the same meeting)."""
        assert wish.start is not None
        wanted = [cell for cell in cells(wish.start, wish.duration) if cell not in but]
        if wanted:
            rows = [{"calendar": self._calendar, "cell": cell, "key": wish.key} for cell in wanted]
            await connection.execute(held_cells.insert(), rows)

    async def _free(self, connection: AsyncConnection, old: Wish, reason: str = "", moved_to: str = "") -> None:
        await connection.execute(held_cells.delete().where(held_cells.c.key == old.key))
        freed = await connection.execute(
            bookings.update()
            .where(bookings.c.key == old.key, bookings.c.state == BookingState.BOOKED)
            .values(
                state=BookingState.CANCELLED,
                reason=reason,
                moved_to=moved_to,
                invitation_due=0,
                updated_us=to_microseconds(self._now()),
            )
        )
        if freed.rowcount != 1:
            raise _Again("the booking was changed at the same moment")  # after it was read here

    @asynccontextmanager
    async def _transaction(self, *, reads: bool = False) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._database.transaction(reads=reads) as connection:
                yield connection
        except DatabaseUnavailable as error:
            if error.momentary:
                raise _Again(str(error)) from None
            raise LedgerUnavailable(f"ledger: {error}") from None
        except DatabaseRefused as error:
            raise LedgerUnavailable(f"ledger: the row was refused: {error}") from None


def _text(text: str) -> str:
    """What PostgreSQL can keep: everything but NUL."""
    return text.replace("\0", "")


async def read_wish(connection: AsyncConnection, key: str) -> Wish | None:
    row = (await connection.execute(select(bookings).where(bookings.c.key == key))).one_or_none()
    return wish_of(row) if row is not None else None


def _same(earlier: Wish, wish: Wish) -> Wish:
    """The earlier outcome if it was the same wish; else a refusal that changes nothing."""
    if earlier.arguments == wish.arguments:
        return earlier
    return wish.because(BookingState.REFUSED, Refusal.ARGUMENTS)


def wish_of(row: Row[Any]) -> Wish:
    return Wish(
        key=row.key,
        call=row.call,
        action=Action(row.action),
        state=BookingState(row.state),
        arguments=row.arguments,
        start=datetime.fromtimestamp(row.start_at, UTC) if row.start_at is not None else None,
        duration=timedelta(minutes=row.duration_min),
        attendee_email=row.attendee_email,
        attendee_name=row.attendee_name,
        zone=row.zone,
        summary=row.summary,
        description=row.description,
        reason=row.reason,
        meeting=row.meeting,
        sequence=row.sequence,
        moved_to=row.moved_to,
        replaces=row.replaces,
        sent=bool(row.sent),
        link=row.link,
    )


def to_microseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)
