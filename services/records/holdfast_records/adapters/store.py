"""The records in a SQL database: SQLite embedded, PostgreSQL in production.

`call_entries` is kept as it came; `calls`, `turns`, `leads` and `notes` are derived from it, some calls at a
time, all in one transaction. On SQLite such transactions come one after another; on PostgreSQL those
of the same call do, by an advisory lock: a replica that has read fewer entries may not write last.
"""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from importlib import import_module
from itertools import groupby
from operator import attrgetter
from typing import Any

from holdfast_common.database import Database, DatabaseRefused, DatabaseUnavailable, Duplicate, Patience
from holdfast_common.finishing import Finishing, to_the_end
from holdfast_common.hashing import stable_hash
from holdfast_common.health import Finding
from holdfast_common.migrations import migrate
from sqlalchemy import Table, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from holdfast_records.adapters.tables import DERIVED, call_entries, calls, leads, notes, turns
from holdfast_records.domain.rows import CallRows, RawEntry, derive, written_at
from holdfast_records.migrations import MIGRATIONS
from holdfast_records.ports import RowsRefused, StoreUnavailable

PATIENCE = Patience(connect_s=5.0, pool_s=10.0, lock_s=5.0, statement_s=20.0)
"""Nobody waits for the records; the log keeps what is not read."""
ERASED_AT_ONCE = 50
"""Calls in one transaction."""
LONGEST_EMAIL = 320
"""Characters; PostgreSQL refuses to index what is much longer."""


class SqlStore:
    """A `Store`. Replicas share its database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Only the dialect in use: the other takes 0.2 s to import.
        self._insert = import_module(f"sqlalchemy.dialects.{database.backend}").insert
        self.finishing = Finishing()

    async def close(self) -> None:
        """Let what has begun end, then close the connections."""
        await self.finishing.done()
        await self._database.close()

    def finding(self) -> Finding:
        return self._database.finding()

    @to_the_end
    async def prepare(self) -> None:
        try:
            await migrate(self._database, MIGRATIONS)
        except DatabaseUnavailable as error:
            raise StoreUnavailable(f"records database: {error}") from None

    @to_the_end
    async def keep(self, entries: Sequence[RawEntry], stored_at: datetime) -> int:
        if not entries:
            return 0
        rows = [
            {
                "call": entry.call,
                "seq": entry.sequence,
                "subject": entry.subject,
                "raw": entry.data,
                "at_us": _us(written_at(entry) or stored_at),
            }
            for entry in entries
        ]
        there_already = self._insert(call_entries).on_conflict_do_nothing().returning(call_entries.c.seq)
        async with self._transaction() as connection:
            return len((await connection.execute(there_already, rows)).all())

    @to_the_end
    async def refresh(self, wanted: Sequence[str]) -> None:
        async with self._transaction() as connection:
            await self._lock(connection, wanted)
            query = select(call_entries).where(call_entries.c.call.in_(wanted)).order_by(call_entries.c.call)
            found = [RawEntry(row.call, row.seq, row.subject, row.raw) for row in await connection.execute(query)]
            derived = [derive(entries) for _, entries in groupby(found, key=attrgetter("call"))]
            for table in DERIVED:
                await connection.execute(table.delete().where(table.c.call.in_(wanted)))
            await _insert(connection, [rows for rows in derived if rows is not None])

    @to_the_end
    async def stale(self) -> list[str]:
        counted = select(call_entries.c.call, func.count().label("found")).group_by(call_entries.c.call).subquery()
        query = (
            select(counted.c.call)
            .outerjoin(calls, calls.c.call == counted.c.call)
            .where(or_(calls.c.call.is_(None), calls.c.entries != counted.c.found))
        )
        async with self._transaction(reads=True) as connection:
            return list(await connection.scalars(query))

    @to_the_end
    async def calls(self) -> list[str]:
        async with self._transaction(reads=True) as connection:
            return list(await connection.scalars(select(call_entries.c.call).distinct()))

    @to_the_end
    async def expire(self, before: datetime) -> int:
        old = (
            select(call_entries.c.call)
            .group_by(call_entries.c.call)
            .having(func.max(call_entries.c.at_us) < _us(before))
            .limit(ERASED_AT_ONCE)
        )
        erased = 0
        while True:
            async with self._transaction() as connection:
                found = list(await connection.scalars(old))
                await self._lock(connection, found)
                for table in (call_entries, *DERIVED):
                    await connection.execute(table.delete().where(table.c.call.in_(found)))
            erased += len(found)
            if len(found) < ERASED_AT_ONCE:
                return erased

    @to_the_end
    async def rows_of(self, table: Table, call: str) -> list[dict[str, Any]]:
        """A call's rows of one table, for people and tests."""
        async with self._transaction(reads=True) as connection:
            found = await connection.execute(select(table).where(table.c.call == call).order_by(*table.primary_key))
            return [dict(row._mapping) for row in found]

    async def _lock(self, connection: AsyncConnection, wanted: Sequence[str]) -> None:
        """Nobody else derives or erases these calls meanwhile; always in the same order, so nobody waits in a ring."""
        if self._database.backend != "postgresql" or not wanted:
            return
        numbers = sorted(stable_hash(f"records {call}") - 2**63 for call in wanted)
        lock = text("SELECT pg_advisory_xact_lock(n) FROM unnest(CAST(:numbers AS bigint[])) AS n")
        await connection.execute(lock, {"numbers": numbers})

    @asynccontextmanager
    async def _transaction(self, *, reads: bool = False) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._database.transaction(reads=reads) as connection:
                yield connection
        except DatabaseUnavailable as error:
            raise StoreUnavailable(f"records database: {error}") from None
        except Duplicate:
            raise StoreUnavailable("records database: another replica wrote the same row") from None
        except DatabaseRefused as error:
            raise RowsRefused(f"records database: {error}") from None


async def _insert(connection: AsyncConnection, derived: list[CallRows]) -> None:
    rows_of: dict[Table, list[dict[str, Any]]] = {
        calls: [_call(rows) for rows in derived],
        turns: [turn for rows in derived for turn in _turns(rows)],
        leads: [_lead(rows) for rows in derived if rows.lead is not None],
        notes: [note for rows in derived for note in _notes(rows)],
    }
    for table, rows in rows_of.items():
        if rows:
            await connection.execute(table.insert(), rows)


def _call(rows: CallRows) -> dict[str, Any]:
    return {
        "call": rows.call,
        "profile": _text(rows.profile),
        "channel": rows.channel,
        "started_us": _us(rows.started_at),
        "last_us": _us(rows.last_at),
        "ended_us": _us(rows.ended_at) if rows.ended_at else None,
        "end_reason": _text(rows.end_reason),
        "generations": rows.generations,
        "turns": len(rows.turns),
        "answered": sum(turn.answered for turn in rows.turns),
        "entries": rows.entries,
        "unreadable": rows.unreadable,
    }


def _turns(rows: CallRows) -> list[dict[str, Any]]:
    return [
        {
            "call": rows.call,
            "n": turn.n,
            "kind": turn.kind,
            "at_us": _us(turn.at),
            "said": _text(turn.said),
            "confidence": _finite(turn.confidence) or 0.0,
            "reply": _text("\n".join(turn.reply)),
            "route": _text(turn.route),
            "article": _text(turn.article),
            "answered": turn.answered,
            "tools": json.dumps(turn.tools),
            "heard": json.dumps(turn.heard) if turn.heard else None,
            "stages_ms": json.dumps(turn.stages_ms),
            "v2v_ms": _finite(turn.stages_ms.get("v2v")),
        }
        for turn in rows.turns
    ]


def _lead(rows: CallRows) -> dict[str, Any]:
    lead = rows.lead
    assert lead is not None
    return {
        "call": rows.call,
        "name": _text(lead.name),
        "email": _text(lead.email)[:LONGEST_EMAIL],
        "company": _text(lead.company),
        "signals": json.dumps(lead.signals),
        "qualified": lead.qualified,
        "booking": _text(lead.booking),
        "updated_us": _us(lead.updated_at),
    }


def _notes(rows: CallRows) -> list[dict[str, Any]]:
    return [
        {
            "call": rows.call,
            "kind": _text(note.kind),
            "number": _text(note.number),
            "told": _text(json.dumps(note.values)),
            "at_us": _us(note.at),
        }
        for note in rows.notes
    ]


def _text(text: str) -> str:
    """What PostgreSQL can keep: everything but NUL. The entry itself keeps that too."""
    return text.replace("\0", "")


def _finite(number: float | None) -> float | None:
    """SQLite makes NULL of what is no number, PostgreSQL keeps it."""
    return number if number is not None and math.isfinite(number) else None


def _us(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)
