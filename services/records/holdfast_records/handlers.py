"""Follows the call log into the database.

What has come is stored, all in one transaction, before more is asked for, which is what makes it
count as read: the log keeps whatever the database could not take. Deriving runs beside it, some calls
at a time; meanwhile the others' new entries gather, so a burst costs one derivation a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import TypeVar

import structlog
from holdfast_common import telemetry
from holdfast_common.call_log import CallLog, LogEntry
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential
from tenacity.wait import WaitBaseT

from holdfast_records.domain.rows import RawEntry, written_at
from holdfast_records.ports import Clock, RowsRefused, Store, StoreUnavailable

log = structlog.get_logger()

T = TypeVar("T")
MOST_ENTRIES = 250
"""Stored in one transaction."""
MOST_CALLS = 50
"""Derived in one transaction."""
DURABLE = "records"
"""Name of this reader in the log: replicas share it, each entry goes to one of them."""


class Recorder:
    """The service's three loops; each is a task of its own."""

    def __init__(
        self,
        call_log: CallLog,
        store: Store,
        now: Clock,
        *,
        max_age: timedelta,
        wait: WaitBaseT | None = None,
        gather_s: float = 0.0,
    ) -> None:
        """`gather_s`: pause between transactions, in which entries gather: few large ones cost a tenth."""
        self._gather_s = gather_s
        self._log = call_log
        self._store = store
        self._now = now
        self._max_age = max_age
        self._wait = wait or wait_random_exponential(multiplier=0.1, max=10)
        self._changed = asyncio.Event()
        self._waiting: set[str] = set()
        self._preparing = asyncio.Lock()
        self._prepared = False
        self.stored = 0
        """Entries stored since the start, repeats not counted."""
        self.lag_s = 0.0
        """Age of the last entry when it was stored."""

    async def follow(self) -> None:
        """Store every entry, for ever."""
        await self._prepare()
        async for entries in self._log.follow_batches(DURABLE, MOST_ENTRIES):
            await self._keep(entries)
            if len(entries) < MOST_ENTRIES:
                await asyncio.sleep(self._gather_s)

    async def derive(self) -> None:
        """Keep the other tables up with the entries, for ever; first what an earlier process left undone."""
        await self.look_again()
        while True:
            await self._changed.wait()
            self._changed.clear()
            calls, self._waiting = self._waiting, set()
            await self._refresh(sorted(calls))
            await asyncio.sleep(self._gather_s)

    async def look_again(self) -> None:
        """Derive what another replica stored and did not come to derive."""
        await self._prepare()
        self._wake(await self._insist(self._store.stale))

    async def rebuild(self) -> int:
        """Derive every call's rows anew, after a change of the rules; returns how many calls."""
        await self._prepare()
        found = await self._insist(self._store.calls)
        await self._refresh(sorted(found))
        return len(found)

    async def expire(self) -> int:
        """Erase what is older than the age limit; returns how many calls."""
        await self._prepare()
        before = self._now() - self._max_age
        expired = await self._insist(lambda: self._store.expire(before))
        if expired:
            log.info("calls_expired", calls=expired, max_age_days=self._max_age.days)
        return expired

    async def _prepare(self) -> None:
        """The loops begin together: the first makes the tables, the others wait for it."""
        async with self._preparing:
            if not self._prepared:
                await self._insist(self._store.prepare)
                self._prepared = True

    async def _keep(self, entries: list[LogEntry]) -> None:
        raws = [raw for entry in entries if (raw := _raw(entry)) is not None]
        if len(raws) < len(entries):
            log.warning("entries_of_unknown_subject", entries=len(entries) - len(raws))
        now = self._now()
        new = await self._insist(lambda: self._store.keep(raws, now))
        self.stored += new
        telemetry.RECORDS.add(new)
        for raw in raws:
            written = written_at(raw)
            if written is None:
                log.warning("entry_unreadable", call=raw.call, sequence=raw.sequence)
            self.lag_s = max(0.0, (now - written).total_seconds()) if written else 0.0
        self._wake([raw.call for raw in raws])

    def _wake(self, calls: list[str]) -> None:
        self._waiting.update(calls)
        if calls:
            self._changed.set()

    async def _refresh(self, calls: list[str]) -> None:
        """Some at a time; where the database refuses some rows, the others must not suffer for it."""
        for first in range(0, len(calls), MOST_CALLS):
            some = calls[first : first + MOST_CALLS]
            try:
                await self._insist(partial(self._store.refresh, some))
            except RowsRefused as error:
                if len(some) == 1:
                    log.error("rows_refused", call=some[0], error=str(error))
                    continue
                for call in some:
                    await self._refresh([call])

    async def _insist(self, act: Callable[[], Awaitable[T]]) -> T:
        """Until the database does it. There is no other way out: the log must not be read on."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(StoreUnavailable), wait=self._wait, before_sleep=_tell
        ):
            with attempt:
                return await act()
        raise AssertionError("unreachable: retried without end")


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("database_waiting", attempt=state.attempt_number, error=str(error))


def _raw(entry: LogEntry) -> RawEntry | None:
    """`hf.log.<p>.<call>.turns|media` taken apart."""
    tokens = entry.subject.split(".")
    if len(tokens) < 5 or tokens[-1] not in ("turns", "media"):
        return None
    return RawEntry(call=".".join(tokens[3:-1]), sequence=entry.sequence, subject=entry.subject, data=entry.data)
