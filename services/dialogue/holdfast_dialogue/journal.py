"""One turn's hand on the call log: append in order, adopt what is there already, stop when fenced.

"Wrong last sequence" means that somebody wrote first. The log is read once: the same turn is there
(a replica that died wrote it) -> it is adopted; a later turn or generation -> this one is fenced.
An attempt of this turn that was withdrawn, but wrote, is written over; the withdrawn one that comes
late is fenced. The log away -> the entry is carried by the gateway and appended by the next turn that can.

What is carried fits one message. Over `CARRIED_BYTES` or `CARRIED` entries the older ones first lose their
snapshots (the newest has the state; theirs are only good for a gateway that dies between two of these
appends), then the oldest entries go, each with a line in the log: the call goes on, its record has a gap.
"""

from __future__ import annotations

import msgspec
import structlog
from holdfast_common.call_log import CallLog, LogEntry
from holdfast_common.contracts.dialogue import TurnEntry
from holdfast_common.contracts.stream import ErrorCode
from holdfast_common.contracts.wire import decoder, encode
from holdfast_common.errors import LogUnavailable, StreamFailed, WrongLastSequence
from msgspec.structs import replace

log = structlog.get_logger()

CARRIED = 40
CARRIED_BYTES = 400_000
"""A message may be 1 MB, and a turn carries its snapshot and its words as well."""

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
            self.unlogged = bounded([*self.unlogged, data])
            log.warning("turn_unlogged", entries=len(self.unlogged), size=sum(map(len, self.unlogged)))
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
            if there and _is_later_attempt(there, entry):
                raise StreamFailed(ErrorCode.SUPERSEDED, f"attempt {there.attempt} of turn {there.n} is in the log")
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
    """The same attempt of the same turn, opened with the same words: another replica of it wrote first."""
    ours = (entry.n, entry.attempt, entry.kind, entry.said, entry.intent)
    return (there.n, there.attempt, there.kind, there.said, there.intent) == ours


def _is_later_attempt(there: TurnEntry, entry: TurnEntry) -> bool:
    return (there.n, there.generation) == (entry.n, entry.generation) and there.attempt > entry.attempt


def bounded(entries: list[bytes], *, most: int = CARRIED, size: int = CARRIED_BYTES) -> list[bytes]:
    """Entries that may be carried on, oldest first; the newest always may."""
    kept = list(entries)
    for index in range(len(kept) - 1):
        if len(kept) <= most and sum(map(len, kept)) <= size:
            return kept
        kept[index] = _without_snapshot(kept[index])
    while len(kept) > 1 and (len(kept) > most or sum(map(len, kept)) > size):
        log.error("turn_record_lost", size=len(kept.pop(0)))
    return kept


def _without_snapshot(data: bytes) -> bytes:
    try:
        return encode(replace(decode_entry(data), snapshot=b""))
    except msgspec.MsgspecError:
        return data
