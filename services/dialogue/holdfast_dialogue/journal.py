"""One turn's hand on the call log: append in order, adopt what is there already, stop when fenced.

"Wrong last sequence" means that somebody wrote first. The log is read once: the same turn is there
(a replica that died wrote it) -> it is adopted; a later turn or generation -> this one is fenced.
The log away -> the entry is carried by the gateway and appended by the next turn that can.
"""

from __future__ import annotations

import msgspec
import structlog
from holdfast_common.call_log import CallLog, LogEntry
from holdfast_common.contracts.dialogue import TurnEntry
from holdfast_common.contracts.stream import ErrorCode
from holdfast_common.contracts.wire import decoder, encode
from holdfast_common.errors import LogUnavailable, StreamFailed, WrongLastSequence

log = structlog.get_logger()

TRIES = 4
"""Each try learns what is last there; somebody who writes in between every time is not us."""

decode_entry = decoder(TurnEntry).decode


class Journal:
    """The log as one turn sees it. Belongs to one task."""

    def __init__(
        self, call_log: CallLog, call: str, *, generation: int, n: int, last: int, unlogged: list[bytes]
    ) -> None:
        self.last = last
        """Sequence of the call's last entry, as far as known."""
        self.unlogged = list(unlogged)
        """Entries that the log has not taken, oldest first."""
        self.away = False
        """The log did not answer in this turn; it is not asked again before the next."""
        self._log = call_log
        self._call = call
        self._generation = generation
        self._n = n

    async def read_last(self) -> TurnEntry | None:
        """The call's last entry; None where there is none or the log is away."""
        try:
            found = await self._log.last_turn(self._call)
        except LogUnavailable:
            self.away = True
            return None
        if found is None:
            return None
        entry = self._checked(found)
        self.last = found.sequence
        return entry

    async def write_intent(self, entry: TurnEntry) -> bool:
        """Append and await an intent; False: it is not in the log, so the world must stay as it is."""
        try:
            await self._flush()
            await self._append(entry, encode(entry))
        except LogUnavailable:
            self.away = True
            return False
        return True

    async def write(self, entry: TurnEntry) -> TurnEntry:
        """Append the turn's entry; returns what stands in the log for this turn: it, or the one adopted."""
        data = encode(entry)
        try:
            await self._flush()
            return await self._append(entry, data)
        except LogUnavailable:
            self.away = True
            self.unlogged.append(data)
            log.warning("turn_unlogged", entries=len(self.unlogged))
            return entry

    async def _flush(self) -> None:
        if self.away:
            raise LogUnavailable("call log: away earlier in this turn")
        while self.unlogged:
            data = self.unlogged[0]
            try:
                entry = decode_entry(data)
            except msgspec.MsgspecError:
                log.warning("unlogged_entry_unreadable", size=len(data))
            else:
                await self._append(entry, data)
            self.unlogged.pop(0)

    async def _append(self, entry: TurnEntry, data: bytes) -> TurnEntry:
        if self.away:
            raise LogUnavailable("call log: away earlier in this turn")
        for _ in range(TRIES):
            try:
                self.last = await self._log.append_turn(self._call, data, expected_last=self.last)
                return entry
            except WrongLastSequence:
                found = await self._log.last_turn(self._call)
            self.last = found.sequence if found else 0
            there = self._checked(found) if found else None
            if there and (_same(there, entry) or there.n > entry.n):
                return there  # adopted; or, carried by the gateway, stored before after all
        raise StreamFailed(ErrorCode.SUPERSEDED, f"call log: another writer, {TRIES} times in a row")

    def _checked(self, found: LogEntry) -> TurnEntry:
        try:
            there = decode_entry(found.data)
        except msgspec.MsgspecError as error:
            raise StreamFailed(ErrorCode.BAD_INPUT, f"call log: entry {found.sequence} cannot be read") from error
        if there.generation > self._generation:
            raise StreamFailed(ErrorCode.SUPERSEDED, f"generation {there.generation} holds the call")
        if there.n > self._n:
            raise StreamFailed(ErrorCode.SUPERSEDED, f"turn {there.n} is in the log (this is {self._n})")
        return there


def _same(there: TurnEntry, entry: TurnEntry) -> bool:
    """The same turn, opened with the same words: another replica of it wrote first."""
    return (there.n, there.kind, there.said, there.intent) == (entry.n, entry.kind, entry.said, entry.intent)
