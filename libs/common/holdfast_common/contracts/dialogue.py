"""Thinking: one turn in, sentences and the new state of the call out.

    Turn, then Confirm and Interrupt as they happen
    Sentence ..., Committed, End

The dialogue keeps nothing of a call: the snapshot comes with the turn and goes back with Committed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from holdfast_common.contracts.asr import Channel, Expectation
from holdfast_common.contracts.tools import Instant
from holdfast_common.contracts.wire import Id, LongText, Message, Millis, Probability, ShortText, Text

MAX_SNAPSHOT_BYTES = 16_384


class TurnKind(StrEnum):
    OPENED = "opened"
    """The call begins: greet."""
    SPOKEN = "spoken"
    TYPED = "typed"
    DTMF = "dtmf"
    SILENCE = "silence"
    """Nobody said anything; `silences` counts how often in a row."""
    RESUMED = "resumed"
    """A gateway took the call over: say where we were."""
    ENDED = "ended"
    """The caller is gone: write it down, say nothing."""


class Opening(Message, frozen=True):
    """A free time that was offered aloud."""

    start: Instant


class Proposal(Message, frozen=True):
    """What the agent has read back and would do after a yes."""

    id: Id
    action: ShortText
    """`book`, `change` or `cancel`."""
    start: Instant
    duration_min: int
    attendee_email: ShortText
    attendee_name: ShortText = ""
    zone: ShortText = "UTC"


class Notes(Message, frozen=True):
    """What a sentence means beyond its words; replayed with it when a turn moves to another replica."""

    article: ShortText = ""
    openings: Annotated[list[Opening], msgspec.Meta(max_length=10)] = []
    proposal: Proposal | None = None
    route: ShortText = ""
    """Which skill spoke: `greeting`, `knowledge`, `booking` ..."""


class Sentence(Message, frozen=True, tag="sentence", tag_field="t"):
    """One sentence of the reply, whole."""

    index: int
    """Position in the reply of this turn, from 0."""
    text: Text
    """Speech-shaped; shown as a caption as it stands."""
    expectation: Expectation = Expectation.OPEN
    asks: ShortText = ""
    """The field that the caller is asked for (`email`, `team_size`, `confirm_booking` ...)."""
    hints: Annotated[list[ShortText], msgspec.Meta(max_length=100)] = []
    """Words to favour in the caller's answer."""
    protected: bool = False
    """May be held by barge-in, but is said to its end: that it is a machine. A read-back (it carries its proposal) that
    the caller's words cut short is unheard instead, and must be read again before a yes to it counts."""
    notes: Notes = Notes()


class Heard(Message, frozen=True):
    """How much of the previous reply reached the caller's ear."""

    turn: int
    sentences: int
    """Sentences heard whole."""
    words_of_next: int = 0
    """Words heard of the sentence after those."""
    interrupted: bool = False


class Turn(Message, frozen=True, tag="turn", tag_field="t"):
    """First input: everything that one turn needs."""

    n: int
    """Number of the turn in the call, from 0 (the greeting)."""
    kind: TurnKind
    now: Instant
    """The gateway's clock; domain code reads no other."""
    attempt: int = 0
    """Speculative openings of the same turn count up."""
    confirmed: bool = True
    """False: speculative; may read, search and say sentences, may not append nor change the world."""
    text: Text = ""
    confidence: Probability = 1.0
    language: ShortText = "en"
    channel: Channel = Channel.PHONE
    silences: int = 0
    zone: ShortText = ""
    """The caller's IANA zone where the leg knows it (browsers do); empty otherwise."""
    heard: Heard | None = None
    """None: nothing was said before, or all of it was heard."""
    snapshot: Annotated[bytes, msgspec.Meta(max_length=MAX_SNAPSHOT_BYTES)] = b""
    """State after the previous turn; empty on the first turn: a new call, or read the log (RESUMED)."""
    log_sequence: int = 0
    """Sequence of the call's last entry in `turns`; 0: none."""
    unlogged: Annotated[list[bytes], msgspec.Meta(max_length=50)] = []
    """Entries that could not be appended yet, oldest first: append them before this turn's."""
    accepted: Annotated[list[Sentence], msgspec.Meta(max_length=40)] = []
    """On re-opening: sentences of this turn that have begun to play. They are the dialogue's own words."""
    budget_ms: Millis = 4_000
    """Time left until the caller should hear the first sentence."""


class Confirm(Message, frozen=True, tag="confirm", tag_field="t"):
    """The speculative turn is the real one."""


class Interrupt(Message, frozen=True, tag="interrupt", tag_field="t"):
    """The caller took the floor: say nothing more, end within 200 ms."""

    sentence: int
    words: int
    """Words heard of that sentence."""


class Committed(Message, frozen=True, tag="committed", tag_field="t"):
    """The turn is over and its state is safe."""

    n: int
    snapshot: Annotated[bytes, msgspec.Meta(max_length=MAX_SNAPSHOT_BYTES)]
    log_sequence: int
    """Of the entry just appended; with `unlogged` not empty: of the last one that was."""
    unlogged: Annotated[list[bytes], msgspec.Meta(max_length=50)] = []
    """Entries that the log would not take now; the gateway carries them to the next turn."""
    ends_call: bool = False
    """Say the sentences, then hang up."""
    hand_over: Text = ""
    """Say the sentences, then put the call through to the profile's number; for the person: what this is about."""
    route: ShortText = ""
    article: ShortText = ""
    answered: bool = False
    """A knowledge question was answered."""


DialogueInput = Confirm | Interrupt
DialogueResult = Sentence | Committed


class ToolUse(Message, frozen=True):
    """One tool call of a turn, for the record; arguments are not kept here."""

    name: ShortText
    outcome: ShortText
    took_ms: int = 0


class Record(Message, frozen=True):
    """Something that people have to know or to do. Written down with the turn; the last of a kind and number stands."""

    kind: ShortText
    """`nps`, `issue_report`, `follow_up_request`, `deletion_request`, `incident_logged`."""
    number: ShortText = ""
    """Where there may be several of a kind: what the caller was told to name it by."""
    values: dict[str, LongText] = {}
    """What was told: `email`, `score`, `comment`, `text`, `summary` ..."""


class TurnEntry(Message, frozen=True):
    """One entry of `hf.log.<p>.<call>.turns`: what a turn did, and the state after it."""

    call: Id
    n: int
    generation: int
    kind: TurnKind
    at: Instant
    attempt: int = 0
    """Of this generation's openings of the turn, which one wrote it: a lower one never follows a higher."""
    profile: ShortText = ""
    channel: Channel = Channel.PHONE
    said: Text = ""
    confidence: float = 1.0
    heard: Heard | None = None
    """What the caller heard of the previous reply."""
    reply: Annotated[list[Text], msgspec.Meta(max_length=40)] = []
    route: ShortText = ""
    article: ShortText = ""
    answered: bool = False
    tools: Annotated[list[ToolUse], msgspec.Meta(max_length=40)] = []
    fields: dict[str, LongText] = {}
    """What is known of the caller after this turn, as text: `team_size`, `email`, ..."""
    records: Annotated[list[Record], msgspec.Meta(max_length=20)] = []
    """All of the call so far."""
    qualified: bool | None = None
    booking: ShortText = ""
    """`booked 2026-11-24T19:30:00Z <key>` and the like; empty where the turn booked nothing."""
    intent: ShortText = ""
    """Set on the extra entry that is appended before a call that changes the world: its key."""
    ends_call: bool = False
    hands_over: bool = False
    """The call was to be put through to a person."""
    format: ShortText = "1"
    """Format of the snapshot."""
    snapshot: Annotated[bytes, msgspec.Meta(max_length=MAX_SNAPSHOT_BYTES)] = b""


class MediaEntry(Message, frozen=True):
    """One entry of `hf.log.<p>.<call>.media`: what the gateway knows of a turn or a leg."""

    call: Id
    generation: int
    at: Instant
    event: ShortText
    """`attached`, `turn`, `detached`, `ended`, `callback`."""
    leg: ShortText = ""
    channel: Channel = Channel.PHONE
    turn: int = -1
    heard: Heard | None = None
    stages_ms: dict[str, float] = {}
    """Where the time of this turn went: endpointing, asr, dialogue, tts, playout, v2v."""
    number: ShortText = ""
    """With `callback` only: where a caller whom nobody could serve asked to be called back (E.164)."""
    reason: ShortText = ""
