"""The log becomes tables: nothing lost, nothing twice, nothing for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from holdfast_common.contracts.dialogue import MediaEntry, TurnEntry, TurnKind
from holdfast_common.contracts.wire import encode
from holdfast_common.health import State
from holdfast_common.memory_log import MemoryLog
from holdfast_records.adapters.fake import MemoryStore
from holdfast_records.adapters.store import SqlStore
from holdfast_records.adapters.tables import call_entries, calls, leads, turns
from holdfast_records.domain.rows import RawEntry
from holdfast_records.handlers import MOST_ENTRIES, Recorder
from holdfast_records.ports import Store, StoreUnavailable
from tenacity import wait_none

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
MONTH = timedelta(days=30)


def turn(call: str, n: int, at: datetime = NOW, **values: Any) -> bytes:
    entry = TurnEntry(
        call=call, n=n, generation=1, kind=TurnKind.SPOKEN, at=at.strftime("%Y-%m-%dT%H:%M:%SZ"), **values
    )
    return encode(entry)


def ended(call: str) -> bytes:
    return encode(MediaEntry(call=call, generation=1, at="2026-11-23T15:05:00Z", event="ended", reason="caller"))


def recorder(log: MemoryLog, store: Store, *, gather_s: float = 0.0) -> Recorder:
    return Recorder(log, store, lambda: NOW, max_age=MONTH, wait=wait_none(), gather_s=gather_s)


@asynccontextmanager
async def running(work: Recorder) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(work.follow()), asyncio.create_task(work.derive())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.005)


async def put(log: MemoryLog, call: str, *data: bytes) -> None:
    for one in data:
        last = await log.last_turn(call)
        await log.append_turn(call, one, expected_last=last.sequence if last else 0)


async def test_entries_become_a_call_its_turns_and_its_lead(database: SqlStore) -> None:
    log = MemoryLog()
    await put(
        log, "c1", turn("c1", 0, reply=["Hi.", "Hello."]), turn("c1", 1, said="hi", fields={"email": "d@x.example"})
    )
    await log.append_media("c1", ended("c1"))

    async def told() -> bool:
        rows = await database.rows_of(calls, "c1")
        return bool(rows) and rows[0]["ended_us"] is not None

    async with running(recorder(log, database)):
        await until(told)

    (call,) = await database.rows_of(calls, "c1")
    assert (call["turns"], call["entries"], call["end_reason"]) == (2, 3, "caller")
    assert [row["reply"] for row in await database.rows_of(turns, "c1")] == ["Hi.\nHello.", ""]
    assert [row["email"] for row in await database.rows_of(leads, "c1")] == ["d@x.example"]
    assert [row["raw"] for row in await database.rows_of(call_entries, "c1")] == [entry.data for entry in log.entries]


async def test_a_new_process_goes_on_where_the_last_one_stopped(database: SqlStore) -> None:
    log = MemoryLog()
    await put(log, "c1", turn("c1", 0))

    async def has(entries: int) -> bool:
        rows = await database.rows_of(calls, "c1")
        return bool(rows) and rows[0]["entries"] == entries

    async with running(recorder(log, database)):
        await until(lambda: has(1))
    await put(log, "c1", turn("c1", 1))
    again = recorder(log, database)
    async with running(again):
        await until(lambda: has(2))

    assert len(await database.rows_of(call_entries, "c1")) == 2


async def test_rows_that_an_earlier_process_did_not_derive_are_derived_at_start(database: SqlStore) -> None:
    """It died between storing an entry and deriving from it; the log will not send that entry again."""
    await database.keep([RawEntry("c1", 1, "hf.log.0.c1.turns", turn("c1", 0))], NOW)

    assert await database.stale() == ["c1"]
    async with running(recorder(MemoryLog(), database)):

        async def derived() -> bool:
            return bool(await database.rows_of(turns, "c1"))

        await until(derived)
    assert await database.stale() == []


async def test_repeats_are_stored_once(database: SqlStore) -> None:
    entry = RawEntry("c1", 1, "hf.log.0.c1.turns", turn("c1", 0))

    assert [await database.keep([entry], NOW) for _ in range(3)] == [1, 0, 0]
    assert await database.keep([entry, replace(entry, sequence=2)], NOW) == 1
    assert len(await database.rows_of(call_entries, "c1")) == 2


async def test_while_the_database_is_away_nothing_is_read_on_and_nothing_is_lost() -> None:
    log, store = MemoryLog(), MemoryStore()
    store.away = 25
    await put(log, "c1", *(turn("c1", n) for n in range(5)))
    work = recorder(log, store)
    async with running(work):

        async def stored() -> bool:
            return "c1" in store.rows and store.rows["c1"].entries == 5

        await until(stored)

    assert [turn.n for turn in store.rows["c1"].turns] == [0, 1, 2, 3, 4]
    assert work.stored == 5


async def test_an_entry_that_was_not_stored_does_not_count_as_read() -> None:
    """The process dies while the database is away: the next one gets the same entry."""
    log, store = MemoryLog(), MemoryStore()
    await put(log, "c1", turn("c1", 0))
    refused = recorder(log, store)
    async with running(refused):
        await until(lambda: _is(refused.stored == 1))
        store.away = 10**9
        await put(log, "c1", turn("c1", 1))
        await until(lambda: _is(store.away < 10**9 - 2))
    store.away = 0
    async with running(recorder(log, store)):
        await until(lambda: _is(len(store.entries) == 2))

    assert len(store.entries) == 2


async def _is(value: bool) -> bool:
    return value


async def test_old_calls_are_erased_from_every_table_and_young_ones_stay(database: SqlStore) -> None:
    log = MemoryLog()
    await put(
        log, "old", turn("old", 0, NOW - timedelta(days=31), said="secret"), turn("old", 1, NOW - timedelta(days=31))
    )
    await put(log, "long", turn("long", 0, NOW - timedelta(days=31)), turn("long", 1, NOW - timedelta(days=29)))
    work = recorder(log, database)
    async with running(work):
        await until(lambda: _is(work.stored == 4))
    await work.rebuild()

    assert await work.expire() == 1
    for table in (call_entries, calls, turns, leads):
        assert await database.rows_of(table, "old") == []
    assert len(await database.rows_of(turns, "long")) == 2
    assert await work.expire() == 0


async def test_tables_can_be_rebuilt_from_the_kept_entries(database: SqlStore) -> None:
    log = MemoryLog()
    await put(log, "c1", turn("c1", 0), turn("c1", 1, said="hello"))
    work = recorder(log, database)
    async with running(work):
        await until(lambda: _is(work.stored == 2))
    assert await work.rebuild() == 1
    before = await database.rows_of(turns, "c1")
    async with database._transaction() as connection:
        await connection.execute(turns.delete())

    assert await work.rebuild() == 1
    assert await database.rows_of(turns, "c1") == before != []


async def test_an_entry_that_nobody_can_read_is_kept_and_harms_no_other(database: SqlStore) -> None:
    log = MemoryLog()
    await put(log, "c1", b"rubbish", turn("c1", 0))
    work = recorder(log, database)
    async with running(work):
        await until(lambda: _is(work.stored == 2))
    await work.rebuild()

    (call,) = await database.rows_of(calls, "c1")
    assert (call["entries"], call["unreadable"], call["turns"]) == (2, 1, 1)


async def test_a_process_that_stops_in_the_middle_leaves_no_lock_behind(database: SqlStore) -> None:
    for steps in range(40):
        entry = RawEntry("c1", steps, "hf.log.0.c1.turns", turn("c1", steps))
        leaving = [asyncio.create_task(database.keep([entry], NOW)), asyncio.create_task(database.refresh(["c1"]))]
        for _ in range(steps):
            await asyncio.sleep(0)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
    await database.finishing.done()
    await database.refresh(["c1"])

    assert len(await database.rows_of(turns, "c1")) == len(await database.rows_of(call_entries, "c1")) > 0


async def test_errors_of_the_database_do_not_carry_what_callers_said(connect: Callable[[], SqlStore]) -> None:
    """There are no tables yet."""
    entry = RawEntry("c1", 1, "hf.log.0.c1.turns", turn("c1", 0, said="secret"))
    with pytest.raises(StoreUnavailable) as caught:
        await connect().keep([entry], NOW)

    assert "secret" not in str(caught.value)


async def test_the_lag_is_the_age_of_the_last_entry() -> None:
    log, store = MemoryLog(), MemoryStore()
    await put(log, "c1", turn("c1", 0, NOW - timedelta(seconds=7)))
    work = recorder(log, store)
    async with running(work):
        await until(lambda: _is(work.stored == 1 and work.lag_s > 0))

    assert work.lag_s == 7


@pytest.mark.live
async def test_a_minute_without_the_server_delays_the_records_and_loses_none(
    postgres: Any, postgres_database: str, connect_to: Callable[[str], SqlStore]
) -> None:
    """It goes away while entries come and rows are derived, and before one replica has even begun."""
    log, store = MemoryLog(), connect_to(postgres.url(postgres_database))
    work = recorder(log, store)
    async with running(work):
        await put(log, "c1", *(turn("c1", n) for n in range(3)))
        await until(lambda: _is(work.stored == 3))
        postgres.close_to_all(postgres_database)
        await put(log, "c1", *(turn("c1", n) for n in range(3, 6)))
        await put(log, "c2", turn("c2", 0))
        await until(lambda: _is(store.finding().state == State.DEGRADED))
        late = recorder(MemoryLog(), connect_to(postgres.url(postgres_database)))
        async with running(late):
            postgres.open_to_all(postgres_database)

            async def complete() -> bool:
                return (work.stored, await store.stale()) == (7, [])

            await until(complete)

    assert [row["n"] for row in await store.rows_of(turns, "c1")] == list(range(6))
    assert len(await store.rows_of(turns, "c2")) == 1


async def test_a_backlog_is_read_without_a_pause() -> None:
    """Entries are waited for only where all that were there have been read."""
    log, store = MemoryLog(), MemoryStore()
    backlog = 2 * MOST_ENTRIES + 1
    for _ in range(backlog):
        await log.append_media("c1", ended("c1"))

    async with running(recorder(log, store, gather_s=3_600.0)):
        await until(lambda: _is(len(store.entries) == backlog))


async def test_rows_that_the_database_will_never_take_do_not_hold_up_the_others() -> None:
    log, store = MemoryLog(), MemoryStore()
    store.refused = {"c2"}
    for call in ("c1", "c2", "c3"):
        await put(log, call, turn(call, 0))
    async with running(recorder(log, store)):
        await until(lambda: _is(set(store.rows) == {"c1", "c3"}))

    assert len(store.entries) == 3


async def test_two_replicas_that_derive_one_call_at_once_leave_all_of_it(connect: Callable[[], SqlStore]) -> None:
    """Whoever has read fewer entries does not write last."""
    stores = [connect() for _ in range(3)]
    await asyncio.gather(*(store.prepare() for store in stores))
    for n in range(15):

        async def keep_and_refresh(store: SqlStore, n: int) -> None:
            await store.keep([RawEntry("c1", n, "hf.log.0.c1.turns", turn("c1", n))], NOW)
            await store.refresh(["c1", "c2"])

        await asyncio.gather(*(keep_and_refresh(store, 3 * n + i) for i, store in enumerate(stores)))

        assert await stores[0].stale() == []
    assert len(await stores[0].rows_of(turns, "c1")) == 45
