# ruff: noqa: E501 - vocabularies: one pattern a line
"""One utterance understood: what it asks, what it tells, what it wants. Pure; several at once are normal.

The parts are read one after another and each takes its words away, so that "my email is ..." is not
searched for times and a volunteered name is not searched for in the knowledge base.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from holdfast_common.contracts.dialogue import Turn, TurnKind
from holdfast_common.profile import Profile

from holdfast_dialogue.domain.facts import COUNTED_FIELDS, bare_name, plainly_answers, read_facts
from holdfast_dialogue.domain.intents import Intent, intents
from holdfast_dialogue.domain.own_names import names_as_it, product_as_it
from holdfast_dialogue.domain.spoken import emails, names, times, yes_no
from holdfast_dialogue.domain.state import State
from holdfast_dialogue.domain.words import normalise, without_fillers

UNCLEAR_BELOW = 0.5
"""Confidence under which the words are better not acted on (the recogniser calibrates to this)."""

DOUBTFUL_FROM = 0.2
"""Confidence from which words are taken that answer what was asked: what they tell is said back, or asked again later."""
SHORT_ANSWER_WORDS = 6

_CLAUSE = r"(?:^|\b(?:and|but|before that|so|okay|ok|also|then|well|wait|actually|thing|no|now|or|first|hi|hello|hey|cool|mind|question|know|wondering|oh|um|uh|right|next|plus) )"
_QUESTION_HEAD = re.compile(
    r"\b(?:what|what's|whats|how|how's|why|whose)\b|^\w+ (?:where|when|who|why)\b|"
    + _CLAUSE
    + r"(?:where|where's|when|which|who|who's|can|could|does|do|did|is|are|will|would|should|may|am|has|have|was|isn't|doesn't|can't|don't|aren't|won't)"
    r" (?:i|you|we|they|he|she|it|this|that|there|my|our|your|their|the|a|an|any|anyone|people|somebody|someone|anybody|customers?|clients?|recipients?|signers?|"
    r"one|to|do|does|is|are|can|of|would|will|should|everybody|everyone|[a-z]+s)\b"
)
_QUESTION_CUE = re.compile(
    r"\b(?:i (?:want|need|would like|'d like) to know|tell me (?:about|everything|how|more|what)|explain|wondering|i'd like to know|question (?:is|about)|curious (?:about|if|how)|"
    r"any (?:way|chance) to|is there|does it|do you (?:have|support|offer)|what about|how about|i need to|i can't|cannot|won't|doesn't work|not working|trouble|problem|stuck|help (?:me )?with)\b"
)
_TAG_QUESTION = re.compile(r"\b(?:does it|do you|can it|is it|isn't it|doesn't it|can i|can we)$")
_FOLLOW_UP = re.compile(r"^(?:and|what about|how about)\b")
_SECOND_THOUGHTS = re.compile(
    r"\b(?:actually never mind|never mind|nevermind|forget (?:that|it)|i don't (?:want|need) (?:a|any|the) \w+(?: \w+)? (?:i )?(?:just|only)(?: want(?: to know)?)?|scratch that|no wait|no no stop|no stop|i mean|"
    r"no(?= (?:how|what|can|is|do|does|where|who|why|i (?:only|just))\b))\b"
)
_TIME_QUESTION = re.compile(
    r"^(?:(?:how|what) about|(?:can|could|would|should) (?:we|you|i|it)|do you have|have you got|is|are you|does|when|what times?|any(?:thing)?|would|let's|what have you)\b"
)
"""With a time or an address in it, this asks for an opening and not for knowledge."""
_OPENINGS_QUESTION = re.compile(r"\b(?:what|which) (?:days?|times?)\b|\b(?:openings|slots)\b|\bdo you have\b")
_WISH_CLAUSE = re.compile(
    r"\b(?:and )?(?:i(?:'d| would)? (?:also )?(?:like|want|need)|can (?:i|we|you)|could (?:i|we|you)|let's|please|i'd)\b(?: \w+){0,5} (?:meeting|appointment|demo|specialist|call|someone|somebody|walk ?through)\b.*$"
)
_EMAIL_CLAUSE = re.compile(r"\b(?:and )?(?:my |the |our )?(?:e ?-?mail(?: address)?|address)(?: is|'s| would be)\b")
_AFTER_ADDRESS = re.compile(r"\b(?:and|so) (?=(?:my name|i'm|i am|we|i'd|i need|i want|can|could|tomorrow|next)\b)")
_LOOKS_LIKE_EMAIL = re.compile(r"\S@\S|\bat\b.*\bdot\b")
_NAME_CLAUSE = re.compile(r"\b(?:i'm|i am|this is|my name is|my name's|it's|name's) [a-z'-]+(?: [a-z'-]+)?\b")
_TEAM_CLAUSE = re.compile(
    r"\b(?:and )?(?:we(?:'re| are| have)|there(?:'s| are))(?: \w+){0,4} (?:team of \w+(?: \w+)?|of us|people|users|reps|staff)\b"
)


@dataclass(frozen=True, slots=True)
class Understanding:
    """What one utterance meant."""

    text: str = ""
    """Normalised words."""
    intents: frozenset[Intent] = frozenset()
    facts: dict[str, str] = field(default_factory=dict)
    question: str = ""
    """What should be looked up; empty where nothing was asked."""
    asked_plainly: bool = False
    """It has the form of a question (otherwise it may just as well be an answer)."""
    answer: yes_no.Answer = field(default_factory=lambda: yes_no.Answer("none", ""))
    wish: times.TimeWish | None = None
    zone: str = ""
    email: emails.Address | None = None
    unclear: bool = False

    def wants(self, *any_of: Intent) -> bool:
        return bool(self.intents & set(any_of))

    @property
    def tells_nothing_new(self) -> bool:
        """No plain question, fact, wish, address or intent: more words on what was spoken of."""
        return not (self.asked_plainly or self.facts or self.wish or self.zone or self.email or self.intents)

    @property
    def tells_nothing(self) -> bool:
        """No question, fact, wish, address or intent beyond politeness was found in it."""
        polite = {Intent.GREETING, Intent.THANKS}
        return not (self.facts or self.question or self.wish or self.zone or self.email or self.intents - polite)


def understand(turn: Turn, state: State, profile: Profile, now: datetime) -> Understanding:
    """Read one spoken or typed utterance against what was asked last."""
    text = normalise(turn.text)
    asked = state.asks
    unsure = turn.kind is TurnKind.SPOKEN and turn.confidence < UNCLEAR_BELOW
    if not text or (unsure and not _answers_shortly(text, asked, turn.confidence, profile)):
        return Understanding(text=text, unclear=True)
    about_it = product_as_it(text, profile)
    found = intents(about_it) | intents(without_fillers(about_it))
    address, text_without_address = _email(turn.text, text, asked)
    is_an_answer = address is None and not (found - {Intent.GREETING, Intent.THANKS} or _is_question(about_it))
    answers = asked if is_an_answer or asked in COUNTED_FIELDS else ""
    facts = read_facts(product_as_it(text_without_address, profile), answers, state.last_field, profile)
    if name := _name(names_as_it(text_without_address, profile), asked=asked == "name"):
        facts["name"] = name
    zone = times.zone(text_without_address) or ""
    booking = bool(
        state.task or state.proposal or found & {Intent.MEETING, Intent.CHANGE_MEETING} or asked in _TIME_SLOTS
    )
    wish = (
        times.wish(
            text_without_address, now=now, zone=ZoneInfo(zone or state.zone or turn.zone or profile.calendar.timezone)
        )
        if booking
        else None
    )
    question = _question(
        text_without_address, found, facts, asked, profile, told=bool(address or (wish and booking) or zone)
    )
    return Understanding(
        text=text,
        intents=found,
        facts=facts,
        question=question,
        asked_plainly=bool(question) and _is_question(product_as_it(question, profile)),
        answer=yes_no.answer(turn.text),
        wish=wish,
        zone=zone,
        email=address,
    )


_CRUMBS = re.compile(
    r"(?:(?:a|all|am|an|and|are|can|do|for|here|i|in|is|it|members?|my|of|our|people|so|staff|that|the|then|there|to|us|users?|we|you)(?: |$))+"
)
"""What is left when names and numbers are taken out of an introduction: no subject, so nothing to look up."""
_TIME_SLOTS = frozenset({"start", "clarify_date", "permission_to_book", "confirm_booking", "timezone"})


def _answers_shortly(text: str, asked: str, confidence: float, profile: Profile) -> bool:
    """Few words that are just what was asked for: a recogniser is unsure of short answers even where it is right."""
    return (
        confidence >= DOUBTFUL_FROM
        and len(text.split()) <= SHORT_ANSWER_WORDS
        and plainly_answers(asked, text, profile)
    )


def _name(text: str, *, asked: bool) -> str:
    found = names.person(text, bare=asked and not _is_question(text))
    return found.full if found else bare_name(text)


def _is_question(text: str) -> bool:
    return bool(_QUESTION_HEAD.search(text) or _QUESTION_CUE.search(text) or _TAG_QUESTION.search(text))


def _email(raw: str, text: str, asked: str) -> tuple[emails.Address | None, str]:
    """The address in the words, and the words without it."""
    clause = _EMAIL_CLAUSE.search(text)
    if asked not in ("email", "confirm_email", "confirm_booking") and not clause and not _LOOKS_LIKE_EMAIL.search(text):
        return None, text
    if asked in ("confirm_email", "confirm_booking") and not clause and not _LOOKS_LIKE_EMAIL.search(text):
        return None, text
    if clause:
        told, *more = _AFTER_ADDRESS.split(text[clause.end() :], maxsplit=1)
        return emails.parse(told.strip()), " ".join((text[: clause.start()], *more)).strip()
    if asked != "email" and _is_question(text) and "@" not in text:
        return None, text
    address = emails.parse(raw)
    if address.address or asked == "email":
        if not address.address and (_is_question(text) or yes_no.answer(raw).kind == "no" or len(text.split()) < 2):
            return None, text
        return address, ""
    return None, text


def _question(
    text: str, found: frozenset[Intent], facts: dict[str, str], asked: str, profile: Profile, *, told: bool
) -> str:
    """The part to look up; empty where the utterance is an answer, a wish or a courtesy."""
    said = yes_no.answer(text)
    about_the_call = found & {Intent.REPEAT, Intent.SLOWER, Intent.START_OVER} and len(text.split()) <= 8
    if Intent.TOPIC_ONLY in found or about_the_call or (said.kind != "none" and not said.rest):
        return ""
    rest = _after_second_thoughts(without_fillers(text))
    if found & {Intent.MEETING, Intent.CHANGE_MEETING, Intent.CANCEL_MEETING, Intent.FOLLOW_UP, Intent.PERSON}:
        rest = without_fillers(_WISH_CLAUSE.sub("", rest).strip())
        if not _is_question(product_as_it(rest, profile)) or _is_only_a_wish(rest):
            return ""
    if "name" in facts:
        rest = without_fillers(_NAME_CLAUSE.sub(" ", rest).strip())
    if "team_size" in facts:
        rest = without_fillers(_TEAM_CLAUSE.sub(" ", rest).strip())
    rest = " ".join(rest.split())
    if len(rest.split()) < 2 and not (_FOLLOW_UP.match(text) and rest):
        return ""
    if facts and _CRUMBS.fullmatch(rest):
        return ""
    if (told and _TIME_QUESTION.search(rest)) or (asked in _TIME_SLOTS and _OPENINGS_QUESTION.search(rest)):
        return ""
    if _is_question(product_as_it(rest, profile)):
        return rest
    if _FOLLOW_UP.match(text) and asked not in _TIME_SLOTS and not (facts or told or found):
        return rest
    if facts or told or asked or found - {Intent.GREETING, Intent.ABUSE, Intent.UPSET}:
        return ""
    return rest


def _after_second_thoughts(text: str) -> str:
    """ "can i upload a pdf, never mind, what does it cost": the question that counts is the last."""
    last = _SECOND_THOUGHTS.split(text)[-1].strip()
    return last if len(last.split()) >= 2 else text


def _is_only_a_wish(rest: str) -> bool:
    return bool(
        re.search(
            r"\b(?:book|schedule|arrange|set up|meeting|specialist|appointment|demo|someone|somebody|human|person|operator|representative|manager|talk|speak)\b",
            rest,
        )
    ) and not re.search(r"\b(?:how|what|does|which|why)\b", rest)
