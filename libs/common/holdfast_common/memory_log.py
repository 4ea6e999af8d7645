"""The call log in memory: the same promises as on JetStream, for tests and single-process runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from holdfast_common import subjects
from holdfast_common.call_log import LogEntry
from holdfast_common.errors import LogUnavailable, WrongLastSequence


class MemoryLog:
    """A `CallLog`. `away` plays an outage; `entries` is what is stored, for tests to read."""

    def __init__(self) -> None:
        self.entries: list[LogEntry] = []
        self.away = False
        self._read_to: dict[str, int] = {}
        self._grown = asyncio.Condition()

    async def append_turn(self, call: str, data: bytes, *, expected_last: int) -> int:
        subject = subjects.log_turns(call)
        last = await self.last_turn(call)
        found = last.sequence if last else 0
        if found != expected_last:
            raise WrongLastSequence(subject, expected_last, found)
        return await self._append(subject, data)

    async def append_media(self, call: str, data: bytes) -> None:
        await self._append(subjects.log_media(call), data)

    async def last_turn(self, call: str) -> LogEntry | None:
        if self.away:
            raise LogUnavailable("memory log: away")
        subject = subjects.log_turns(call)
        return next((entry for entry in reversed(self.entries) if entry.subject == subject), None)

    async def follow(self, durable: str) -> AsyncIterator[LogEntry]:
        async for entries in self.follow_batches(durable, 1):
            yield entries[0]

    async def follow_batches(self, durable: str, most: int) -> AsyncIterator[list[LogEntry]]:
        while True:
            async with self._grown:
                await self._grown.wait_for(lambda: len(self.entries) > self._read_to.get(durable, 0))
            read_to = self._read_to.get(durable, 0)
            entries = self.entries[read_to : read_to + most]
            yield entries
            self._read_to[durable] = entries[-1].sequence

    async def _append(self, subject: str, data: bytes) -> int:
        if self.away:
            raise LogUnavailable("memory log: away")
        entry = LogEntry(len(self.entries) + 1, subject, data)
        self.entries.append(entry)
        async with self._grown:
            self._grown.notify_all()
        return entry.sequence
