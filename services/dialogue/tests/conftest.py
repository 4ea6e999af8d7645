"""A caller in text: turns go through the real handlers, tools and log are in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import structlog
from holdfast_common.contracts.dialogue import Committed, Heard, Sentence, Turn, TurnEntry, TurnKind
from holdfast_common.contracts.wire import decoder
from holdfast_common.memory_log import MemoryLog
from holdfast_common.profile import Profile, load_articles, load_profile
from holdfast_common.testing import FakeSession
from holdfast_dialogue.adapters.fake import FakeTools
from holdfast_dialogue.domain.decide import decide
from holdfast_dialogue.domain.state import Said, State, dump, load
from holdfast_dialogue.domain.talk import stamp
from holdfast_dialogue.handlers import Dialogue, Limits

PROFILE = Path(__file__).parents[3] / "profiles" / "trial_success"
NOW = "2026-11-23T15:00:00Z"
"""Monday, ten in the morning in New York; Thursday of that week is a holiday."""
NEW_YORK = ZoneInfo("America/New_York")


def openings(days: int = 14) -> list[str]:
    """Every half hour of the working days from tomorrow on, without the holiday."""
    first = datetime(2026, 11, 24, 9, 0, tzinfo=NEW_YORK)
    starts = [first + timedelta(days=day, minutes=30 * half) for day in range(days) for half in range(17)]
    return [stamp(s) for s in starts if s.weekday() < 5 and s.date().isoformat() != "2026-11-26"]


def at(local: str) -> str:
    """`2026-11-24T15:30` in New York as an instant."""
    return stamp(datetime.fromisoformat(local).replace(tzinfo=NEW_YORK))


@dataclass
class Conversation:
    """One call, played turn by turn. What came last is in `reply` and `committed`."""

    profile: Profile
    tools: FakeTools
    log: MemoryLog = field(default_factory=MemoryLog)
    call: str = "call-1"
    zone: str = ""
    kind: TurnKind = TurnKind.SPOKEN
    n: int = 0
    snapshot: bytes = b""
    sequence: int = 0
    unlogged: list[bytes] = field(default_factory=list)
    reply: list[Sentence] = field(default_factory=list)
    committed: Committed | None = None
    said: list[str] = field(default_factory=list)
    """Everything the agent has said."""

    @property
    def dialogue(self) -> Dialogue:
        return Dialogue(profile=self.profile, policy=decide, tools=self.tools, call_log=self.log, limits=Limits())

    @property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.reply)

    @property
    def asks(self) -> str:
        return next((s.asks for s in reversed(self.reply) if s.asks), "")

    @property
    def state(self) -> State:
        return load(self.snapshot)

    def recorded(self, kind: str) -> dict[str, str]:
        """What the last entry's record of this kind tells; empty where there is none."""
        return next((r.values for r in reversed(self.entries[-1].records) if r.kind == kind), {})

    @property
    def entries(self) -> list[TurnEntry]:
        decode = decoder(TurnEntry).decode
        return [decode(entry.data) for entry in self.log.entries]

    def turn(self, text: str = "", **changes: object) -> Turn:
        """The next turn as the gateway would send it."""
        return Turn(
            **{
                "n": self.n,
                "kind": self.kind,
                "now": NOW,
                "text": text,
                "confidence": 0.9,
                "zone": self.zone,
                "snapshot": self.snapshot,
                "log_sequence": self.sequence,
                "unlogged": self.unlogged,
                **changes,
            }  # type: ignore[arg-type]
        )

    async def open(self) -> str:
        return await self.play(self.turn(kind=TurnKind.OPENED))

    async def says(self, text: str, **changes: object) -> str:
        """The caller says something; returns the reply's text."""
        return await self.play(self.turn(text, **changes))

    async def tells_everything(self) -> None:
        """A booking up to and including the read-back: twelve people, Tuesday at half past two in New York."""
        await self.says("i'm dana miller we are a team of twelve")
        await self.says("i'd like a meeting next tuesday at half past two new york time")
        await self.says("dana dot miller at northwind dot example")
        assert self.asks == "confirm_booking"

    def ask(self, slot: str) -> None:
        """The agent has just asked for this, in a call of which nothing else is known."""
        self.snapshot = dump(State(last=[Said(text="And?", asks=slot)]))

    async def is_silent(self, times: int = 1) -> str:
        return await self.play(self.turn(kind=TurnKind.SILENCE, silences=times))

    async def play(self, turn: Turn) -> str:
        session = FakeSession(turn, call=self.call)
        await self.dialogue(session)
        self.take(session)
        return self.text

    def take(self, session: FakeSession) -> None:
        """Take over what a session brought, as the gateway does."""
        *sentences, committed = session.results
        assert isinstance(committed, Committed)
        self.reply, self.committed = sentences, committed
        self.said += [sentence.text for sentence in sentences]
        self.n, self.snapshot = committed.n + 1, committed.snapshot
        self.sequence, self.unlogged = committed.log_sequence, committed.unlogged


@pytest.fixture(scope="session")
def profile() -> Profile:
    return load_profile(PROFILE)


@pytest.fixture(scope="session")
def _articles() -> list:
    return load_articles(PROFILE)


@pytest.fixture
def call(profile: Profile, _articles: list) -> Conversation:
    """A call that has not begun yet."""
    return Conversation(profile, FakeTools(articles=_articles, free=openings()))


@pytest.fixture
def heard() -> type[Heard]:
    return Heard


@pytest.fixture(autouse=True)
def _quiet_logs() -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
