"""A store in memory whose database can be away: for tests and for runs that keep nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from holdfast_records.domain.rows import CallRows, RawEntry, derive, written_at
from holdfast_records.ports import RowsRefused, StoreUnavailable


class MemoryStore:
    """A `Store`. `away` counts the calls that still fail before the database is back; `refused` are calls
    whose rows it will not take."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, int], RawEntry] = {}
        self.rows: dict[str, CallRows] = {}
        self.away = 0
        self.refused: set[str] = set()
        self._at: dict[tuple[str, int], datetime] = {}

    async def prepare(self) -> None:
        self._reach()

    async def keep(self, entries: Sequence[RawEntry], stored_at: datetime) -> int:
        self._reach()
        new = {(entry.call, entry.sequence): entry for entry in entries} | self.entries
        added = len(new) - len(self.entries)
        self.entries = new
        for entry in entries:
            self._at[entry.call, entry.sequence] = written_at(entry) or stored_at
        return added

    async def refresh(self, wanted: Sequence[str]) -> None:
        self._reach()
        if self.refused.intersection(wanted):
            raise RowsRefused("memory store: no such rows")
        for call in wanted:
            rows = derive(entry for entry in self.entries.values() if entry.call == call)
            if rows is not None:
                self.rows[call] = rows

    async def stale(self) -> list[str]:
        self._reach()
        return [
            call for call in await self.calls() if call not in self.rows or self.rows[call].entries != self._count(call)
        ]

    async def calls(self) -> list[str]:
        self._reach()
        return sorted({call for call, _ in self.entries})

    async def expire(self, before: datetime) -> int:
        self._reach()
        expired = [
            call for call in await self.calls() if max(at for key, at in self._at.items() if key[0] == call) < before
        ]
        for key in [key for key in self.entries if key[0] in expired]:
            del self.entries[key], self._at[key]
        for call in expired:
            self.rows.pop(call, None)
        return len(expired)

    def _count(self, call: str) -> int:
        return sum(key[0] == call for key in self.entries)

    def _reach(self) -> None:
        if self.away:
            self.away -= 1
            raise StoreUnavailable("memory store: away")
