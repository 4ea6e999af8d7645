"""The seam to the call log: what must last of a call, one ordered list of entries each for turns and media.

Appending names the sequence that the writer believes to be last: a second writer is refused
(`WrongLastSequence`), which is the fencing of the whole system. JetStream and an in-memory twin
pass the same tests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol


class LogEntry(NamedTuple):
    sequence: int
    """Position in the log's partition: ascending, not dense, for one call."""
    subject: str
    data: bytes


class CallLog(Protocol):
    async def append_turn(self, call: str, data: bytes, *, expected_last: int) -> int:
        """Append and return the entry's sequence.

        Raises WrongLastSequence when another entry is last, LogUnavailable when no answer came in
        time (the entry may or may not be stored).
        """
        ...

    async def append_media(self, call: str, data: bytes) -> None:
        """Append a media fact; raises LogUnavailable."""
        ...

    async def last_turn(self, call: str) -> LogEntry | None:
        """The call's last turn entry, read through the stream's leader; raises LogUnavailable."""
        ...

    def follow(self, durable: str) -> AsyncIterator[LogEntry]:
        """All entries of all calls from where this durable reader stopped, for ever; at least once.

        An entry counts as read when the next one is asked for.
        """
        ...

    def follow_batches(self, durable: str, most: int) -> AsyncIterator[list[LogEntry]]:
        """The same, as many entries together as are there (1 to `most`); waits for none but the first.

        They count as read when the next ones are asked for.
        """
        ...
