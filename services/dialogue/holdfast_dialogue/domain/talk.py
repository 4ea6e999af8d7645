"""One turn under way: what came in, what has been said so far, and how a skill says something.

Skills share this object and nothing else. It words sentences from the profile, keeps the state in
step with what is said, and knows whether the reply already ends with a question.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from holdfast_common.contracts.asr import Expectation
from holdfast_common.contracts.dialogue import Notes, Opening, Proposal, Sentence, Turn
from holdfast_common.hashing import side_effect_key
from holdfast_common.profile import Profile

from holdfast_dialogue.domain import wording
from holdfast_dialogue.domain.model_budget import Allowance
from holdfast_dialogue.domain.spoken import say
from holdfast_dialogue.domain.state import Said, State
from holdfast_dialogue.domain.steps import Steps
from holdfast_dialogue.domain.understanding import Understanding

EXPECTATIONS: dict[str, Expectation] = {
    "team_size": Expectation.NUMBER,
    "monthly_documents": Expectation.NUMBER,
    "nps": Expectation.NUMBER,
    "name": Expectation.NAME,
    "email": Expectation.EMAIL,
    "start": Expectation.DATE_TIME,
    "clarify_date": Expectation.DATE_TIME,
    "confirm_email": Expectation.YES_NO,
    "confirm_booking": Expectation.YES_NO,
    "permission_to_book": Expectation.YES_NO,
    "permission_follow_up": Expectation.YES_NO,
}
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday"]
TIME_HINTS = [*WEEKDAYS, "tomorrow", "next", "morning", "afternoon", "half past", "o'clock", "thirty", "time"]
ZONE_HINTS = [
    "eastern",
    "central",
    "mountain",
    "pacific",
    "new york",
    "chicago",
    "denver",
    "los angeles",
    "london",
    "time",
]
EMAIL_HINTS = ["at", "dot", "dot com", "underscore", "dash", "gmail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What a sentence means beyond its words."""

    article: str = ""
    openings: tuple[str, ...] = ()
    proposal: Proposal | None = None
    hints: list[str] | None = None
    """None: those of the field that is asked for."""
    expectation: Expectation | None = None
    """None: that of the field that is asked for."""
    route: str = ""
    """Empty: that of the reply."""
    again: bool = False
    """Asked before, and repeated at the caller's wish or after a silence: not counted as another time."""


PLAIN = Detail()


@dataclass(slots=True)
class Talk:
    profile: Profile
    state: State
    turn: Turn
    call: str
    now: datetime
    understood: Understanding
    seed: int
    reply: list[Sentence] = field(default_factory=list)
    route: str = ""
    article: str = ""
    answered: bool = False
    ends_call: bool = False
    hands_over: bool = False
    """The call goes to a person once this reply has been said."""
    over: bool = False
    """Nothing more is to be said in this turn."""
    booking: str = ""
    allowance: Allowance | None = None
    """What a language model may be used for; None: there is none."""
    put_right: frozenset[str] = frozenset()
    """Fields that were known and have another value since this utterance."""
    refused_before: str = ""
    """What the reply before this one said no to."""
    refused: list[str] = field(default_factory=list)
    """What of the model's answer was not let through."""
    model_failure: str = ""
    """Why the model's answer ended before its time."""

    @property
    def has_asked(self) -> bool:
        """The reply already puts a question; a second one would be lost."""
        return any(sentence.asks for sentence in self.reply)

    @property
    def zone(self) -> ZoneInfo:
        """The caller's zone, or the calendar's where it is not known."""
        return ZoneInfo(self.state.zone or self.profile.calendar.timezone)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def says(self, name: str, /, **slots: str) -> str:
        """The wording of this name, chosen and filled in."""
        further = self.profile.further_languages.get(self.state.language)
        variants = (further and further.copy_.get(name)) or self.profile.copy_[name]
        return wording.fill(wording.choose(variants, name, self.seed, self.state), slots)

    def say(
        self, name: str, /, *, detail: Detail = PLAIN, asks: str = "", protected: bool = False, **slots: str
    ) -> Steps:
        """Say this wording; it leaves sentence by sentence. `asks` names the field that its last sentence asks for."""
        yield from self.words(self.says(name, **slots), detail=detail, asks=asks, protected=protected)

    def words(self, text: str, *, detail: Detail = PLAIN, asks: str = "", protected: bool = False) -> Steps:
        """Say these words; they leave sentence by sentence."""
        *before, last = wording.sentences(text)
        for sentence in before:
            yield self._sentence(sentence, "", protected, detail)
        yield self._sentence(last, asks, protected, detail)
        if asks and not detail.again:
            self.state.asked[asks] = self.state.asked.get(asks, 0) + 1

    def _sentence(self, text: str, asks: str, protected: bool, detail: Detail) -> Sentence:
        sentence = Sentence(
            index=len(self.reply),
            text=text,
            expectation=(asks and detail.expectation) or EXPECTATIONS.get(asks, Expectation.OPEN),
            asks=asks,
            hints=(detail.hints if detail.hints is not None else self._hints(asks))[:100],
            protected=protected,
            notes=Notes(
                article=detail.article,
                openings=[Opening(start=start) for start in detail.openings],
                proposal=detail.proposal,
                route=detail.route or self.route,
            ),
        )
        self.reply.append(sentence)
        return sentence

    def presses(self, for_what: str) -> bool:
        """After a no to this: words that neither ask, tell nor wish for anything else are more of the same."""
        u = self.understood
        answers = u.answer.kind != "none" and not u.answer.rest
        return self.refused_before == for_what and u.tells_nothing_new and not (u.unclear or answers)

    def once(self, name: str) -> bool:
        """True the first time in this call; wordings guarded by it are not repeated."""
        if name in self.state.said_once:
            return False
        self.state.said_once.append(name)
        return True

    def takes_over(self, route: str) -> None:
        """Name the skill that shapes this reply; the first one to speak names it."""
        self.route = self.route or route

    def key(self, proposal: str) -> str:
        return side_effect_key(self.profile.id, self.call, proposal)

    def moment(self, start: str, zone: str = "") -> str:
        """An instant in the caller's words, always with weekday, date, time and zone."""
        return say.opening(instant(start), ZoneInfo(zone) if zone else self.zone, self.today, with_zone=True)

    def _hints(self, asks: str) -> list[str]:
        name = self.state.fields.get("name", "").lower().split()
        if asks in ("start", "clarify_date", "confirm_booking", "permission_to_book"):
            return [*TIME_HINTS, *name]
        if asks == "timezone":
            return ZONE_HINTS
        if asks in ("email", "confirm_email"):
            return [*name, *EMAIL_HINTS]
        return list(self.profile.recognise.get(asks, {}))


def instant(text: str) -> datetime:
    """`2026-11-24T19:30:00Z` as an aware datetime."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def stamp(moment: datetime) -> str:
    """An aware datetime as an Instant of the contracts."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_said(sentence: Sentence) -> Said:
    return Said(
        text=sentence.text,
        expectation=sentence.expectation,
        asks=sentence.asks,
        hints=sentence.hints,
        protected=sentence.protected,
        openings=sentence.notes.openings,
        proposal=sentence.notes.proposal.id if sentence.notes.proposal else "",
        article=sentence.notes.article,
    )
