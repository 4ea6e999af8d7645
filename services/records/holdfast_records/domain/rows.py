"""From a call's log entries to its rows. A pure function of the set of entries: order and repeats do not matter.

Only the raw entries are the truth; everything here can be derived again after a change of mind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from holdfast_common.contracts.dialogue import Heard, MediaEntry, TurnEntry, TurnKind

LEAD_COLUMNS = ("name", "email", "company")
"""Fields with a column of their own; the others are kept as signals."""
ENDED = "ended"
CALLBACK = "callback"
LAST_TURN = 1_000_000
"""No call has more turns; a number beyond is rubbish, and no database's integers are without end."""

_turn = msgspec.msgpack.Decoder(TurnEntry)
_media = msgspec.msgpack.Decoder(MediaEntry)


@dataclass(frozen=True, slots=True)
class RawEntry:
    """One entry as it came."""

    call: str
    sequence: int
    subject: str
    data: bytes


@dataclass(frozen=True, slots=True)
class TurnRow:
    n: int
    kind: str
    at: datetime
    said: str
    confidence: float
    reply: list[str]
    route: str
    article: str
    answered: bool
    tools: list[dict[str, object]]
    heard: dict[str, object] | None
    """What the caller heard of this turn's reply; None: all of it, as far as anybody knows."""
    stages_ms: dict[str, float]


@dataclass(frozen=True, slots=True)
class LeadRow:
    """What is known of the caller at the end of the call."""

    name: str
    email: str
    company: str
    signals: dict[str, str]
    qualified: bool | None
    booking: str
    """Last word on the meeting: `booked 2026-11-24T19:30:00Z <key>` and the like."""
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NoteRow:
    """Something that people must know or do after the call."""

    kind: str
    number: str
    values: dict[str, str]
    at: datetime
    """Of the turn that told it first."""


@dataclass(frozen=True, slots=True)
class CallRows:
    """Everything that is told of one call."""

    call: str
    profile: str
    channel: str
    started_at: datetime
    last_at: datetime
    ended_at: datetime | None
    end_reason: str
    generations: int
    """Gateway attaches that wrote something."""
    entries: int
    """Different entries it was made of."""
    unreadable: int
    """Entries that fit no contract: kept, not understood."""
    turns: list[TurnRow]
    lead: LeadRow | None
    notes: list[NoteRow] = field(default_factory=list)


@dataclass(slots=True)
class _Read:
    turns: list[TurnEntry] = field(default_factory=list)
    media: list[MediaEntry] = field(default_factory=list)
    unreadable: int = 0


def written_at(entry: RawEntry) -> datetime | None:
    """When the entry was written, by its own word; None where it cannot be read."""
    decoded = _decode(entry)
    return _at(decoded.at) if decoded else None


def derive(entries: Iterable[RawEntry]) -> CallRows | None:
    """The rows of one call; None where none of the entries can be read."""
    distinct = sorted({entry.sequence: entry for entry in entries}.values(), key=lambda entry: entry.sequence)
    read = _read(distinct)
    everything = [*read.turns, *read.media]
    if not everything:
        return None
    times = [_at(entry.at) for entry in everything]
    last_turns = _last_of_each(read.turns)
    ended = [m for m in read.media if m.event == ENDED]
    ended_turns = [t for t in last_turns if t.kind == TurnKind.ENDED]
    ends = [_at(e.at) for e in (*ended, *ended_turns)]
    return CallRows(
        call=distinct[0].call,
        profile=next((t.profile for t in last_turns if t.profile), ""),
        channel=everything[0].channel,
        started_at=min(times),
        last_at=max(times),
        ended_at=max(ends) if ends else None,
        end_reason=ended[-1].reason if ended else "",
        generations=len({entry.generation for entry in everything}),
        entries=len(distinct),
        unreadable=read.unreadable,
        turns=[_turn_row(turn, last_turns, read.media) for turn in last_turns],
        lead=_lead(last_turns, read.media),
        notes=_notes(last_turns),
    )


def _read(entries: list[RawEntry]) -> _Read:
    read = _Read()
    for entry in entries:
        match _decode(entry):
            case TurnEntry() as turn:
                read.turns.append(turn)
            case MediaEntry() as media:
                read.media.append(media)
            case _:
                read.unreadable += 1
    return read


def _decode(entry: RawEntry) -> TurnEntry | MediaEntry | None:
    decoder = _turn if entry.subject.endswith(".turns") else _media
    try:
        decoded = decoder.decode(entry.data)
        _at(decoded.at)
        if isinstance(decoded, TurnEntry) and not 0 <= decoded.n <= LAST_TURN:
            return None
    except (msgspec.MsgspecError, ValueError):
        return None
    return decoded


def _last_of_each(turns: list[TurnEntry]) -> list[TurnEntry]:
    """One entry a turn, by number: the last attempt's, an intent only while nothing else is there."""
    by_number: dict[int, TurnEntry] = {}
    for turn in turns:
        earlier = by_number.get(turn.n)
        if earlier is None or (_rank(turn) >= _rank(earlier) and (not turn.intent or earlier.intent)):
            by_number[turn.n] = turn
    return [by_number[n] for n in sorted(by_number)]


def _rank(turn: TurnEntry) -> tuple[int, int]:
    return turn.generation, turn.attempt


def _turn_row(turn: TurnEntry, turns: list[TurnEntry], media: list[MediaEntry]) -> TurnRow:
    of_turn = [m for m in media if m.turn == turn.n]
    heard = next((m.heard for m in reversed(of_turn) if m.heard), None) or _heard_by_next(turn, turns)
    stages: dict[str, float] = {}
    for entry in of_turn:
        stages |= entry.stages_ms
    return TurnRow(
        n=turn.n,
        kind=turn.kind,
        at=_at(turn.at),
        said=turn.said,
        confidence=turn.confidence,
        reply=list(turn.reply),
        route=turn.route,
        article=turn.article,
        answered=turn.answered,
        tools=[msgspec.to_builtins(use) for use in turn.tools],
        heard=msgspec.to_builtins(heard) if heard else None,
        stages_ms=stages,
    )


def _heard_by_next(turn: TurnEntry, turns: list[TurnEntry]) -> Heard | None:
    """A later turn tells what was heard of this one."""
    return next((t.heard for t in turns if t.n > turn.n and t.heard and t.heard.turn == turn.n), None)


def _lead(turns: list[TurnEntry], media: list[MediaEntry]) -> LeadRow | None:
    """What the turns learnt, and, of a caller whom nobody could serve, the number to call back."""
    wishes = [m for m in media if m.event == CALLBACK and m.number]
    knowing = [turn for turn in turns if turn.fields]
    fields = knowing[-1].fields if knowing else {}
    booking = next((turn.booking for turn in reversed(turns) if turn.booking), "")
    qualified = next((turn.qualified for turn in reversed(turns) if turn.qualified is not None), None)
    if not fields and not booking and qualified is None and not wishes:
        return None
    signals = {name: value for name, value in fields.items() if name not in LEAD_COLUMNS}
    return LeadRow(
        **{name: fields.get(name, "") for name in LEAD_COLUMNS},
        signals=signals | ({CALLBACK: wishes[-1].number} if wishes else {}),
        qualified=qualified,
        booking=booking,
        updated_at=max(_at(entry.at) for entry in (*turns[-1:], *wishes[-1:])),
    )


def _notes(turns: list[TurnEntry]) -> list[NoteRow]:
    """The last word of each kind and number."""
    found: dict[tuple[str, str], NoteRow] = {}
    for turn in turns:
        for record in turn.records:
            first = found.get((record.kind, record.number))
            at = first.at if first else _at(turn.at)
            found[record.kind, record.number] = NoteRow(record.kind, record.number, dict(record.values), at)
    return [found[key] for key in sorted(found)]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
