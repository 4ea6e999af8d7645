"""What the dialogue knows of a call between two turns: the snapshot, at most 16 kB, format '1'.

It travels with the turn and back with `Committed`; the dialogue itself keeps nothing. A turn owns
the copy that it decoded and changes it in place; nobody else sees that copy. Fields are only ever
added, with defaults, so that neighbouring versions read each other's snapshots.
"""

from __future__ import annotations

from datetime import date, time
from typing import Annotated

import msgspec
from holdfast_common.contracts.asr import Expectation
from holdfast_common.contracts.dialogue import MAX_SNAPSHOT_BYTES, Heard, Opening, Proposal, Record, Sentence
from holdfast_common.contracts.wire import decoder, encode
from holdfast_common.errors import ContractError

FORMAT = "1"
READABLE_FORMATS = frozenset({"1"})
REPEAT = "repeat"
"""What a sentence `asks` for that asks the caller to say it again."""
KEPT_EXCHANGES = 10
KEPT_CHARACTERS = 400
"""Of each side of an exchange: ten exchanges stay under 8 kB, also where letters take two bytes."""

Words = Annotated[str, msgspec.Meta(max_length=2_000)]


class Part(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Base of the snapshot's structs. Mutable: a turn works on its own copy."""


class Said(Part):
    """One sentence of the agent's last reply, and what it meant."""

    text: Words
    expectation: Expectation = Expectation.OPEN
    asks: str = ""
    hints: list[str] = []
    protected: bool = False
    openings: list[Opening] = []
    proposal: str = ""
    """Id of the proposal that this sentence reads back."""
    article: str = ""
    heard: bool = True
    """Reached the caller's ear whole."""


class Exchange(Part):
    """What the caller said and what they heard of the answer."""

    said: str = ""
    reply: str = ""


class Wish(Part):
    """When the caller would like to meet, as far as they have said; days and times in their zone."""

    date: date | None = None
    time: time | None = None
    part: str = ""
    earliest: bool = False
    after: time | None = None
    before: time | None = None
    unsure_half: bool = False
    """The hour may be meant before or after noon."""
    range_days: tuple[date | None, date | None] | None = None
    other_times: list[time] = []
    excluded: list[date] = []

    @property
    def is_empty(self) -> bool:
        return self == Wish()


class Booked(Part):
    """A meeting of this call that the calendar has confirmed."""

    key: str
    start: str
    email: str
    zone: str
    cancelled: bool = False


class Pending(Part):
    """A call to the world whose outcome is not known yet: it is settled before anything else is proposed."""

    key: str
    proposal: Proposal
    booking: str = ""
    """For change and cancel: the key of the booking concerned."""


class State(Part):
    """All of a call."""

    format: str = FORMAT
    version: str = ""
    """Version of the dialogue that began the call."""
    arms: dict[str, str] = {}
    """Experiment arms, chosen at the first turn."""

    fields: dict[str, str] = {}
    """What is known of the caller: `team_size`, `integrations` (comma separated), `name`, `email` ..."""
    asked: dict[str, int] = {}
    """How often each field was asked for, to the caller's ear."""
    reserved: bool = False
    """The caller does not want to be asked about themselves."""
    last_field: str = ""
    """Volunteered or answered last: what a bare correction is about."""
    zone: str = ""
    """The caller's IANA zone."""

    language: str = ""
    """The further language that the call has changed to; empty: the profile's first one."""

    said_once: list[str] = []
    """Wordings that are not said twice in a call."""
    variants: dict[str, int] = {}
    """Which variant of each wording was used last."""
    counts: dict[str, int] = {}
    """`unclear`, `answers`, `upset`, `email_failures` ..."""

    last: list[Said] = []
    """The agent's last reply."""
    last_turn: int = -1
    """The turn of that reply; a turn that was interrupted before it spoke has none of its own."""
    exchanges: list[Exchange] = []

    task: str = ""
    """What is being done: `booking`, `change`, `cancel`, `follow_up`, `deletion`; empty: nothing."""
    wish: Wish = msgspec.field(default_factory=Wish)
    start: str = ""
    """The opening that was chosen and found free."""
    offers: list[str] = []
    """Openings offered aloud, in the order in which they were said."""
    proposal: Proposal | None = None
    pending: Pending | None = None
    booked: list[Booked] = []

    handing: bool = False
    """The call is being put through to a person; it comes back (`RESUMED`) only where nobody answered."""

    misheard: list[str] = []
    """Addresses that were read back and were not what had been said, the last one at the end."""
    denied_email: str = ""
    """The address that was last said no to: what is spelled then is put into it."""
    typed_email: str = ""
    """The address that was typed last: it cannot have been misheard."""

    records: list[Record] = []
    """What people must know or do after this call."""

    article: str = ""
    """The article of the last answer."""
    article_title: str = ""
    question: str = ""
    """The question of the last answer."""
    asked_back: list[str] = []
    """Titles between which the caller was asked to choose."""

    refused: str = ""
    """What the last reply said no to: `manipulation`, `discount`."""

    carried: str = ""
    """What was asked before the caller was asked to repeat: that is what the repeated words answer."""

    @property
    def asks(self) -> str:
        """What the caller was last asked for, as far as they heard the question."""
        asked = next((s.asks for s in reversed(self.last) if s.asks and s.heard), "")
        return self.carried if asked == REPEAT else asked

    @property
    def meeting(self) -> Booked | None:
        """The meeting of this call that stands."""
        return next((b for b in reversed(self.booked) if not b.cancelled), None)

    def record(self, kind: str, number: str = "", **values: str) -> None:
        """Write down for people; told again, it adds to what stands there."""
        old = self.recorded(kind, number)
        values = {name: value[:500] for name, value in values.items()}
        new = Record(kind=kind, number=number, values={**(old.values if old else {}), **values})
        self.records = [*(r for r in self.records[-19:] if (r.kind, r.number) != (kind, number)), new]

    def recorded(self, kind: str, number: str = "") -> Record | None:
        return next((r for r in self.records if (r.kind, r.number) == (kind, number)), None)

    def count(self, name: str) -> int:
        """Add one to a counter and return it."""
        self.counts[name] = self.counts.get(name, 0) + 1
        return self.counts[name]


_decode = decoder(State)


def load(snapshot: bytes) -> State:
    """The state in a snapshot; a new call's where it is empty. Raises ContractError for an unknown format."""
    if not snapshot:
        return State()
    try:
        state = _decode.decode(snapshot)
    except msgspec.DecodeError as error:
        raise ContractError(f"snapshot of {len(snapshot)} bytes cannot be read") from error
    if state.format not in READABLE_FORMATS:
        raise ContractError(f"snapshot of format {state.format!r} (this version reads {sorted(READABLE_FORMATS)})")
    return state


def dump(state: State) -> bytes:
    """The snapshot; where it would not fit the oldest exchanges go first, then the oldest records.

    A record stands in the log with the turn that made it, so what goes here is not lost.
    """
    data = encode(state)
    for oldest in (state.exchanges, state.records):
        while len(data) > MAX_SNAPSHOT_BYTES and oldest:
            oldest.pop(0)
            data = encode(state)
    if len(data) > MAX_SNAPSHOT_BYTES:
        raise ContractError(f"snapshot of {len(data)} bytes (limit {MAX_SNAPSHOT_BYTES})")
    return data


def take_heard(state: State, heard: Heard | None) -> None:
    """Cut the memory of the last reply to what reached the caller's ear.

    What was not heard was not said: its question is not open, its openings were not offered, and a
    sentence that may be said only once may be said again.
    """
    if heard is None or heard.turn not in (state.last_turn, -1):
        return
    for index, said in enumerate(state.last):
        said.heard = index < heard.sentences
    heard_texts = [said.text for said in state.last if said.heard]
    if heard.sentences < len(state.last) and heard.words_of_next:
        heard_texts.append(" ".join(state.last[heard.sentences].text.split()[: heard.words_of_next]) + " ...")
    unheard = [said for said in state.last if not said.heard]
    for said in unheard:
        if said.asks and state.asked.get(said.asks):
            state.asked[said.asks] -= 1
        state.said_once = [name for name in state.said_once if name != said.asks]
    if unheard and not any(said.openings for said in state.last if said.heard):
        gone = {o.start for said in unheard for o in said.openings}
        state.offers = [start for start in state.offers if start not in gone]
    if state.exchanges:
        state.exchanges[-1].reply = " ".join(heard_texts)[:KEPT_CHARACTERS]


def take_accepted(state: State, sentence: Sentence) -> None:
    """A sentence of this turn that has begun to play elsewhere: what it offered and read back is the state's."""
    if sentence.notes.openings and sentence.asks:
        state.offers = [opening.start for opening in sentence.notes.openings]
    if sentence.notes.proposal is not None:
        state.proposal = sentence.notes.proposal


def remember(state: State, n: int, said: str, reply: list[Said]) -> None:
    """Close the exchange of turn `n`: what the caller said and what the agent answers."""
    state.exchanges.append(
        Exchange(said=said[:KEPT_CHARACTERS], reply=" ".join(s.text for s in reply)[:KEPT_CHARACTERS])
    )
    del state.exchanges[:-KEPT_EXCHANGES]
    if reply:
        state.last, state.last_turn = reply, n
