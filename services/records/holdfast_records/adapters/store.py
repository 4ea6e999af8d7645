"""The records database by SQLAlchemy: SQLite (WAL) embedded, PostgreSQL in production.

`call_entries` is kept as it came; `calls`, `turns` and `leads` are derived from it, a call at a time,
all in one transaction. Times are UTC, microseconds since 1970.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from holdfast_common.finishing import Finishing, to_the_end
from holdfast_common.health import Finding, State
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    event,
    func,
    or_,
    select,
)
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from holdfast_records.domain.rows import CallRows, RawEntry, derive, written_at
from holdfast_records.ports import StoreUnavailable

BUSY_TIMEOUT_S = 5.0
"""How long SQLite waits for another writer."""

metadata = MetaData()
call_entries = Table(
    "call_entries",
    metadata,
    Column("call", String(64), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("subject", String(200), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("at_us", BigInteger, nullable=False, index=True),  # written, else stored
)
calls = Table(
    "calls",
    metadata,
    Column("call", String(64), primary_key=True),
    Column("profile", String(200), nullable=False),
    Column("channel", String(32), nullable=False),
    Column("started_us", BigInteger, nullable=False, index=True),
    Column("last_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("end_reason", String(200), nullable=False),
    Column("generations", Integer, nullable=False),
    Column("turns", Integer, nullable=False),
    Column("answered", Integer, nullable=False),  # turns that answered a knowledge question
    Column("entries", Integer, nullable=False),
    Column("unreadable", Integer, nullable=False),
)
turns = Table(
    "turns",
    metadata,
    Column("call", String(64), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("said", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("reply", Text, nullable=False),  # one sentence a line
    Column("route", String(200), nullable=False),
    Column("article", String(200), nullable=False),
    Column("answered", Boolean, nullable=False),
    Column("tools", Text, nullable=False),  # JSON
    Column("heard", Text),  # JSON
    Column("stages_ms", Text, nullable=False),  # JSON
    Column("v2v_ms", Float),
)
leads = Table(
    "leads",
    metadata,
    Column("call", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False, index=True),
    Column("company", Text, nullable=False),
    Column("signals", Text, nullable=False),  # JSON
    Column("qualified", Boolean),
    Column("booking", Text, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
)
DERIVED = (calls, turns, leads)


class SqlStore:
    """A `Store`. Replicas share its database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
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
        async with self._transaction() as connection:
            await connection.run_sync(metadata.create_all)

    @to_the_end
    async def keep(self, entry: RawEntry, stored_at: datetime) -> bool:
        async with self._transaction() as connection:
            there = select(call_entries.c.seq).where(
                call_entries.c.call == entry.call, call_entries.c.seq == entry.sequence
            )
            if (await connection.execute(there)).first() is not None:
                return False
            await connection.execute(
                call_entries.insert().values(
                    call=entry.call,
                    seq=entry.sequence,
                    subject=entry.subject,
                    raw=entry.data,
                    at_us=_us(written_at(entry) or stored_at),
                )
            )
            return True

    @to_the_end
    async def refresh(self, call: str) -> None:
        async with self._transaction() as connection:
            query = select(call_entries).where(call_entries.c.call == call)
            found = [RawEntry(row.call, row.seq, row.subject, row.raw) for row in await connection.execute(query)]
            rows = derive(found)
            for table in DERIVED:
                await connection.execute(table.delete().where(table.c.call == call))
            if rows is not None:
                await _insert(connection, rows)

    @to_the_end
    async def stale(self) -> list[str]:
        counted = select(call_entries.c.call, func.count().label("found")).group_by(call_entries.c.call).subquery()
        query = (
            select(counted.c.call)
            .outerjoin(calls, calls.c.call == counted.c.call)
            .where(or_(calls.c.call.is_(None), calls.c.entries != counted.c.found))
        )
        async with self._transaction() as connection:
            return list(await connection.scalars(query))

    @to_the_end
    async def calls(self) -> list[str]:
        async with self._transaction() as connection:
            return list(await connection.scalars(select(call_entries.c.call).distinct()))

    @to_the_end
    async def expire(self, before: datetime) -> int:
        old = (
            select(call_entries.c.call)
            .group_by(call_entries.c.call)
            .having(func.max(call_entries.c.at_us) < _us(before))
        )
        async with self._transaction() as connection:
            expired = list(await connection.scalars(old))
            for call in expired:
                for table in (call_entries, *DERIVED):
                    await connection.execute(table.delete().where(table.c.call == call))
            return len(expired)

    @to_the_end
    async def rows_of(self, table: Table, call: str) -> list[dict[str, Any]]:
        """A call's rows of one table, for people and tests."""
        async with self._transaction() as connection:
            found = await connection.execute(select(table).where(table.c.call == call).order_by(*table.primary_key))
            return [dict(row._mapping) for row in found]

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                yield connection
            self._problem = ""
        except (DBAPIError, PoolTimeout, OSError) as error:
            # The driver's own words only: a statement's parameters hold what callers said.
            cause = error.orig if isinstance(error, DBAPIError) else error
            what = "another replica wrote the same row" if isinstance(error, IntegrityError) else str(cause)
            self._problem = f"{type(cause).__name__}: {what}"
            raise StoreUnavailable(f"records database: {self._problem}") from None


def store_engine(url: str) -> AsyncEngine:
    """An engine fit for the records. SQLite gets WAL, and transactions that lock when they begin."""
    if not url.startswith("sqlite"):
        return create_async_engine(url, pool_pre_ping=True, hide_parameters=True)
    engine = create_async_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S}, hide_parameters=True)

    @event.listens_for(engine.sync_engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN is deferred; ours is below
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        # An entry counts as read once it is stored, so it has to survive a power cut.
        cursor.execute("PRAGMA synchronous=FULL")
        # Erased means gone: freed pages are overwritten.
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


async def _insert(connection: AsyncConnection, rows: CallRows) -> None:
    await connection.execute(
        calls.insert().values(
            call=rows.call,
            profile=rows.profile,
            channel=rows.channel,
            started_us=_us(rows.started_at),
            last_us=_us(rows.last_at),
            ended_us=_us(rows.ended_at) if rows.ended_at else None,
            end_reason=rows.end_reason,
            generations=rows.generations,
            turns=len(rows.turns),
            answered=sum(turn.answered for turn in rows.turns),
            entries=rows.entries,
            unreadable=rows.unreadable,
        )
    )
    if rows.turns:
        await connection.execute(
            turns.insert(),
            [
                {
                    "call": rows.call,
                    "n": turn.n,
                    "kind": turn.kind,
                    "at_us": _us(turn.at),
                    "said": turn.said,
                    "confidence": turn.confidence,
                    "reply": "\n".join(turn.reply),
                    "route": turn.route,
                    "article": turn.article,
                    "answered": turn.answered,
                    "tools": json.dumps(turn.tools),
                    "heard": json.dumps(turn.heard) if turn.heard else None,
                    "stages_ms": json.dumps(turn.stages_ms),
                    "v2v_ms": turn.stages_ms.get("v2v"),
                }
                for turn in rows.turns
            ],
        )
    if rows.lead is not None:
        lead = rows.lead
        await connection.execute(
            leads.insert().values(
                call=rows.call,
                name=lead.name,
                email=lead.email,
                company=lead.company,
                signals=json.dumps(lead.signals),
                qualified=lead.qualified,
                booking=lead.booking,
                updated_us=_us(lead.updated_at),
            )
        )


def _us(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)
