"""SQLite and PostgreSQL hold the same tables of the same calls, row by row."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holdfast_common.contracts.dialogue import Channel, Heard, MediaEntry, Record, ToolUse, TurnEntry, TurnKind
from holdfast_common.contracts.tools import BookingState
from holdfast_common.contracts.wire import encode
from holdfast_common.database import Database, address
from holdfast_common.memory_log import MemoryLog
from holdfast_records.adapters import tables as records_tables
from holdfast_records.adapters.store import SqlStore
from holdfast_records.handlers import Recorder
from holdfast_tools.adapters import tables as tools_tables
from holdfast_tools.adapters.ledger import SqlLedger
from holdfast_tools.domain.wishes import Action, Wish, arguments
from sqlalchemy import MetaData, select
from tenacity import wait_none

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
CALLS = 300
AWKWARD = ["", "Grüße, Žofia", 'it\'s "so" \\ % _ ; --', "日本語 🎧", "a\0b", "x" * 2000, "  spaces  ", "line\nline"]
"""Texts that databases have been known to change."""

pytestmark = pytest.mark.live


async def generated_log(seed: int) -> MemoryLog:
    """Calls of every kind at once: interrupted, resumed, unreadable, ended or not, with rubbish among them."""
    dice, log = random.Random(seed), MemoryLog()
    begun = {f"call-{n:03}": NOW + timedelta(seconds=dice.randint(0, 10**6)) for n in range(CALLS)}
    turns = {call: dice.randint(1, 12) for call in begun}
    last, said = dict.fromkeys(begun, 0), dict.fromkeys(begun, 0)
    while open_ := [call for call in begun if said[call] < turns[call]]:
        call = dice.choice(open_)
        n, at = said[call], (begun[call] + timedelta(seconds=7 * said[call])).strftime("%Y-%m-%dT%H:%M:%SZ")
        said[call] += 1
        if dice.random() < 0.02:
            last[call] = await log.append_turn(call, dice.randbytes(40), expected_last=last[call])
            continue
        entry = TurnEntry(
            call=call,
            n=dice.choice([n, n, n, 2**40]),
            generation=dice.randint(1, 3),
            kind=dice.choice(list(TurnKind)),
            at=at,
            profile="trial",
            channel=dice.choice(list(Channel)),
            said=dice.choice(AWKWARD),
            confidence=dice.choice([0.1, 1 / 3, 1.0, float("nan"), float("inf")]),
            heard=Heard(turn=n - 1, sentences=1, interrupted=True) if n and dice.random() < 0.3 else None,
            reply=dice.choices(AWKWARD, k=dice.randint(0, 3)),
            route="knowledge",
            article=dice.choice(["", "trial-length"]),
            answered=dice.random() < 0.5,
            tools=[ToolUse(name="knowledge.search", outcome="sure", took_ms=dice.randint(0, 90))],
            fields={name: dice.choice(AWKWARD) for name in dice.sample(["name", "email", "company", "size"], k=2)},
            records=[
                Record(kind=kind, values={"text": dice.choice(AWKWARD)}) for kind in dice.sample(["nps", "x"], k=1)
            ],
            qualified=dice.choice([None, True, False]),
            booking=dice.choice(["", "booked 2026-11-24T19:30:00Z k1"]),
        )
        last[call] = await log.append_turn(call, encode(entry), expected_last=last[call])
        if dice.random() < 0.5:
            fact = MediaEntry(
                call=call,
                generation=1,
                at=at,
                event=dice.choice(["attached", "turn", "ended"]),
                turn=n,
                stages_ms=dice.choice([{}, {"v2v": dice.uniform(0, 2000), "asr": 1e-300}, {"v2v": float("nan")}]),
                reason=dice.choice(AWKWARD)[:200],
            )
            await log.append_media(call, encode(fact))
    return log


async def everything(database: Database, metadata: MetaData) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, in the order of their keys as the database sees it."""
    async with database.transaction(reads=True) as connection:
        return {
            table.name: [
                dict(row) for row in (await connection.execute(select(table).order_by(*table.primary_key))).mappings()
            ]
            for table in metadata.sorted_tables
        }


async def test_one_log_makes_the_same_records(postgres: Any, postgres_database: str, tmp_path: Path) -> None:
    log = await generated_log(7)
    kept: list[dict[str, list[dict[str, Any]]]] = []
    for url in (f"sqlite+aiosqlite:///{tmp_path / 'records.db'}", postgres.url(postgres_database)):
        database = Database(address(url, default_file=Path(), schema="records"))
        store = SqlStore(database)
        work = Recorder(log, store, lambda: NOW, max_age=timedelta(days=30), wait=wait_none())
        log._read_to.clear()
        tasks = [asyncio.create_task(work.follow()), asyncio.create_task(work.derive())]
        async with asyncio.timeout(40):
            while work.stored < len(log.entries):
                await asyncio.sleep(0.005)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await work.rebuild()
        kept.append(await everything(database, records_tables.metadata))
        await store.close()

    sqlite, postgresql = kept
    for table, rows in sqlite.items():
        assert rows == postgresql[table], table
    assert len(sqlite["call_entries"]) == len(log.entries) > 5 * CALLS
    assert len(sqlite["calls"]) > 0.95 * CALLS
    assert min(len(sqlite["turns"]), len(sqlite["leads"])) > CALLS / 2


async def test_the_same_wishes_make_the_same_ledger(postgres: Any, postgres_database: str, tmp_path: Path) -> None:
    """One after another, in a crowded week: booked, taken, moved, cancelled, refused, repeated."""
    kept: list[dict[str, list[dict[str, Any]]]] = []
    for url in (f"sqlite+aiosqlite:///{tmp_path / 'tools.db'}", postgres.url(postgres_database)):
        dice = random.Random(11)
        database = Database(address(url, default_file=Path(), schema="tools"))
        ledger = SqlLedger(database, "tenant", lambda: NOW)
        await ledger.prepare()
        for n in range(400):
            action = dice.choice([Action.BOOK, Action.BOOK, Action.BOOK, Action.CHANGE, Action.CANCEL])
            start = NOW + timedelta(minutes=15 * dice.randint(0, 400))
            booking = f"K{dice.randint(0, n)}"
            wish = Wish(
                key=f"{dice.choice('Kk')}{dice.choice([n, n, n, dice.randint(0, n)])}",
                call=f"c{n // 5}",
                action=action,
                state=BookingState.PENDING,
                arguments=arguments(action, start.isoformat(), booking),
                start=start,
                duration=timedelta(minutes=30),
                attendee_email="dana@northwind.example",
                attendee_name=dice.choice(AWKWARD)[:200],
                description=dice.choice(AWKWARD),
            )
            match action:
                case Action.BOOK:
                    await ledger.book(wish)
                case Action.CHANGE:
                    await ledger.change(wish, booking)
                case Action.CANCEL:
                    await ledger.cancel(wish, booking)
        kept.append(await everything(database, tools_tables.metadata))
        await ledger.close()

    sqlite, postgresql = kept
    for table, rows in sqlite.items():
        assert rows == postgresql[table], table
    states = {row["state"] for row in sqlite["bookings"]}
    assert {"booked", "taken", "cancelled", "refused"} <= states
    assert len(sqlite["held_cells"]) > 100
