"""A store in memory whose database can be away: for tests and for runs that keep nothing."""

from __future__ import annotations

from datetime import datetime

from holdfast_records.domain.rows import CallRows, RawEntry, derive, written_at
from holdfast_records.ports import StoreUnavailable


class MemoryStore:
    """A `Store`. `away` counts the calls that still fail before the database is back."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, int], RawEntry] = {}
        self.rows: dict[str, CallRows] = {}
        self.away = 0
        self._at: dict[tuple[str, int], datetime] = {}

    async def prepare(self) -> None:
        self._reach()

    async def keep(self, entry: RawEntry, stored_at: datetime) -> bool:
        self._reach()
        key = (entry.call, entry.sequence)
        if key in self.entries:
            return False
        self.entries[key] = entry
        self._at[key] = written_at(entry) or stored_at
        return True

    async def refresh(self, call: str) -> None:
        self._reach()
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
