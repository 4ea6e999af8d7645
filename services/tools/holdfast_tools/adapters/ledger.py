"""The booking ledger in a SQL database, by SQLAlchemy: SQLite (WAL) embedded, PostgreSQL in production.

Exclusion is by unique rows: a meeting owns its 5-minute cells, written in the same transaction as
its ledger row, so no two meetings can share one, whatever the isolation level or the number of
replicas. A broken constraint means that somebody else was first; then the key is read again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from holdfast_common.contracts.tools import BookingState
from holdfast_common.finishing import Finishing, to_the_end
from holdfast_common.health import Finding, State
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Row, String, Table, event, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from holdfast_tools.domain.openings import Refusal, cells
from holdfast_tools.domain.wishes import Action, Wish
from holdfast_tools.ports import Clock, LedgerUnavailable

MOVED = "moved"
"""Reason of a booking that a change took the place of."""
READS = "holdfast_reads"
"""Execution option of transactions that only read."""
BUSY_TIMEOUT_S = 2.0
"""How long SQLite waits for another writer."""

metadata = MetaData()
bookings = Table(
    "bookings",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("call", String(64), nullable=False, index=True),
    Column("calendar", String(64), nullable=False),
    Column("action", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("arguments", String(64), nullable=False),
    Column("start_at", BigInteger),  # seconds since 1970, UTC
    Column("duration_min", Integer, nullable=False),
    Column("attendee_email", String(320), nullable=False),
    Column("attendee_name", String(200), nullable=False),
    Column("zone", String(200), nullable=False),
    Column("summary", String(200), nullable=False),
    Column("description", String(2000), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("meeting", String(64), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("moved_to", String(64), nullable=False),
    Column("invitation_due", Integer, nullable=False),  # 1: to be written
    Column("created_us", BigInteger, nullable=False),  # microseconds since 1970
    Column("updated_us", BigInteger, nullable=False),
)
Index("bookings_invitation_due", bookings.c.invitation_due)
held_cells = Table(
    "held_cells",
    metadata,
    Column("calendar", String(64), primary_key=True),
    Column("cell", BigInteger, primary_key=True, autoincrement=False),
    Column("key", String(64), nullable=False, index=True),
)


class _Overtaken(Exception):
    """Another transaction freed the booking after this one had read it (PostgreSQL; never on SQLite)."""


class SqlLedger:
    """A `Ledger` for one calendar. Replicas share its database."""

    def __init__(self, engine: AsyncEngine, calendar: str, now: Clock) -> None:
        self._engine = engine
        self._reader = engine.execution_options(**{READS: True})
        self._calendar = calendar
        self._now = now
        self._problem = "not opened yet"
        self.finishing = Finishing()

    async def close(self) -> None:
        """Let what has begun end, then close the connections."""
        await self.finishing.done()
        await self._engine.dispose()

    def finding(self) -> Finding:
        """For health: how the last transaction went."""
        where = self._engine.url.get_backend_name()
        return Finding(State.DEGRADED, f"{where}: {self._problem}") if self._problem else Finding(State.OK, where)

    @to_the_end
    async def prepare(self) -> None:
        """Make the tables that are missing."""
        try:
            async with self._transaction() as connection:
                await connection.run_sync(metadata.create_all)
        except IntegrityError as error:
            raise LedgerUnavailable("ledger: another replica is making the tables at this moment") from error

    @to_the_end
    async def find(self, key: str) -> Wish | None:
        async with self._reading() as connection:
            return await _read(connection, key)

    @to_the_end
    async def of_call(self, call: str) -> list[Wish]:
        query = select(bookings).where(bookings.c.call == call, bookings.c.action != Action.CANCEL)
        async with self._reading() as connection:
            rows = await connection.execute(query.order_by(bookings.c.created_us, bookings.c.key))
            return [_wish(row) for row in rows]

    @to_the_end
    async def taken(self, cells: range) -> frozenset[int]:
        if not cells:
            return frozenset()
        query = select(held_cells.c.cell).where(
            held_cells.c.calendar == self._calendar, held_cells.c.cell.between(cells[0], cells[-1])
        )
        async with self._reading() as connection:
            return frozenset(await connection.scalars(query))

    @to_the_end
    async def book(self, wish: Wish) -> Wish:
        booked = dataclasses.replace(wish, state=BookingState.BOOKED, meeting=wish.key)

        async def write(connection: AsyncConnection) -> Wish:
            await self._insert(connection, booked, invitation_due=True)
            await self._hold(connection, booked)
            return booked

        return await self._once(wish, write)

    @to_the_end
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
    async def note(self, wish: Wish) -> Wish:
        async def write(connection: AsyncConnection) -> Wish:
            await self._insert(connection, wish)
            return wish

        return await self._once(wish, write)

    @to_the_end
    async def uninvited(self) -> list[Wish]:
        query = select(bookings).where(bookings.c.invitation_due == 1).order_by(bookings.c.created_us)
        async with self._reading() as connection:
            return [_wish(row) for row in await connection.execute(query)]

    @to_the_end
    async def invited(self, key: str) -> None:
        async with self._transaction() as connection:
            await connection.execute(bookings.update().where(bookings.c.key == key).values(invitation_due=0))

    async def _once(self, wish: Wish, write: Any) -> Wish:
        """The outcome that stands under the key, written by `write` if there is none yet."""
        try:
            async with self._transaction() as connection:
                earlier = await _read(connection, wish.key)
                return _same(earlier, wish) if earlier else await write(connection)
        except IntegrityError:
            pass  # a cell, or the key, was taken between: everything above is undone
        except _Overtaken:
            raise LedgerUnavailable("ledger: the booking was changed at the same moment, ask again") from None
        taken = wish.because(BookingState.TAKEN)
        try:
            async with self._transaction() as connection:
                earlier = await _read(connection, wish.key)
                if earlier:
                    return _same(earlier, wish)
                await self._insert(connection, taken)
                return taken
        except IntegrityError:
            pass  # the same wish twice at once, both too late for the time: the other one wrote it down
        earlier = await self.find(wish.key)
        if earlier is None:
            raise LedgerUnavailable("ledger: a row was refused as a duplicate and is not there")
        return _same(earlier, wish)

    async def _current(self, connection: AsyncConnection, key: str) -> Wish | None:
        """The booking under this key, or the one that took its place."""
        wish = await _read(connection, key)
        while wish is not None and wish.moved_to:
            wish = await _read(connection, wish.moved_to)
        return wish

    async def _refused(self, connection: AsyncConnection, wish: Wish, old: Wish | None) -> Wish:
        refused = wish.because(BookingState.REFUSED, Refusal.NOT_BOOKED)
        await self._insert(connection, refused)
        return refused

    async def _insert(self, connection: AsyncConnection, wish: Wish, *, invitation_due: bool = False) -> None:
        now_us = _microseconds(self._now())
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
                attendee_email=wish.attendee_email,
                attendee_name=wish.attendee_name,
                zone=wish.zone,
                summary=wish.summary,
                description=wish.description,
                reason=wish.reason,
                meeting=wish.meeting,
                sequence=wish.sequence,
                moved_to=wish.moved_to,
                invitation_due=int(invitation_due),
                created_us=now_us,
                updated_us=now_us,
            )
        )

    async def _hold(self, connection: AsyncConnection, wish: Wish) -> None:
        assert wish.start is not None
        rows = [
            {"calendar": self._calendar, "cell": cell, "key": wish.key} for cell in cells(wish.start, wish.duration)
        ]
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
                updated_us=_microseconds(self._now()),
            )
        )
        if freed.rowcount != 1:
            raise _Overtaken

    def _transaction(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._connected(self._engine)

    def _reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._connected(self._reader)

    @asynccontextmanager
    async def _connected(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        try:
            async with engine.begin() as connection:
                yield connection
            self._problem = ""
        except IntegrityError:
            raise
        except (DBAPIError, PoolTimeout, OSError) as error:
            # The driver's own words only: a statement's parameters hold names and addresses.
            cause = error.orig if isinstance(error, DBAPIError) else error
            self._problem = f"{type(cause).__name__}: {cause}"
            raise LedgerUnavailable(f"ledger: {self._problem}") from None


def ledger_engine(url: str) -> AsyncEngine:
    """An engine fit for the ledger. SQLite gets WAL and transactions that lock when they begin:
    begun as readers, two of them could both read "free", and one would then fail without waiting."""
    if not url.startswith("sqlite"):
        return create_async_engine(url, pool_pre_ping=True, hide_parameters=True)
    engine = create_async_engine(
        url, connect_args={"timeout": BUSY_TIMEOUT_S}, pool_timeout=BUSY_TIMEOUT_S, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN is deferred; ours is below
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        reads = connection.get_execution_options().get(READS, False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


async def _read(connection: AsyncConnection, key: str) -> Wish | None:
    row = (await connection.execute(select(bookings).where(bookings.c.key == key))).one_or_none()
    return _wish(row) if row is not None else None


def _same(earlier: Wish, wish: Wish) -> Wish:
    """The earlier outcome if it was the same wish; else a refusal that changes nothing."""
    if earlier.arguments == wish.arguments:
        return earlier
    return wish.because(BookingState.REFUSED, Refusal.ARGUMENTS)


def _wish(row: Row[Any]) -> Wish:
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
    )


def _microseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)
