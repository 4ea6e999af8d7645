# ruff: noqa: E501 - vocabularies: one pattern a line
"""Limits of conduct, by name, as far as a conversation in text shows them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from holdfast_common.contracts.dialogue import TurnEntry, TurnKind
from holdfast_common.contracts.tools import BookingState

from holdfast_cli.eval.scenario_call import Exchange, Transcript
from holdfast_cli.eval.scenario_file import SLOTS, ScenarioError

DISCOVERY = ("team_size", "use_case", "integrations", "industry", "monthly_documents", "timeline")
Limit = bool | int | float
Found = tuple[bool, str, int | None]
"""Met; why not; the turn that failed it."""
_RETENTION = re.compile(
    r"\b(?:are you sure|before you (?:go|leave|cancel)|(?:would|could) you (?:consider|like to (?:stay|keep))|reconsider|"
    r"what if (?:we|i)|special offer|discount|give it another|why (?:do|would) you want to (?:cancel|leave)|may i ask why)\b"
)
_ZONE = re.compile(r"\b(?:time|zone|eastern|central|mountain|pacific|utc|gmt)\b")


def behaviour(name: str, limit: Limit, made: Transcript) -> tuple[bool, str, int | None, bool]:
    """(met, why not, turn, counted). Raises ScenarioError for a name that is not known."""
    if name.endswith("_ms"):
        return True, "cannot be measured in text", None, False
    if name in _BY_VOICE and not made.said:
        return True, "cannot be measured in text", None, False
    if name in _KNOWN:
        if limit is False:
            return True, "", None, True
        return *_KNOWN[name](made, limit), True
    if match := re.fullmatch(r"(min|max)_(\w+)_prompts", name):
        count = _asked(made, _slot(match[2], name))
        met = count >= limit if match[1] == "min" else count <= limit
        return met, f"asked {count} times", None, True
    if match := re.fullmatch(r"must_(not_)?ask_(?:for_)?(\w+)", name):
        count = _asked(made, _slot(match[2], name))
        return (count == 0) is bool(match[1]) or limit is False, f"asked {count} times", None, True
    raise ScenarioError(f"unknown behaviour {name}")


def _slot(slot: str, name: str) -> str:
    if slot not in SLOTS:
        raise ScenarioError(f"unknown behaviour {name}: {slot} is nothing that is asked for")
    return slot


def _asked(made: Transcript, slot: str) -> int:
    return sum(sentence.asks == slot for _, sentence in made.sentences)


def _reads_back_email(made: Transcript, _limit: Limit) -> Found:
    read = {
        s.notes.proposal.attendee_email
        for _, s in made.sentences
        if s.notes.proposal and " at " in s.text and " dot " in s.text
    }
    unread = [b for b in made.bookings if b.state is BookingState.BOOKED and b.attendee_email not in read]
    confirmed = bool(read) or any(s.asks == "confirm_email" for _, s in made.sentences)
    return confirmed and not unread, "an address was used that had not been read back", None


def _states_zone(made: Transcript, _limit: Limit) -> Found:
    for index, exchange in enumerate(made.exchanges):
        for sentence in exchange.reply:
            proposal = sentence.notes.proposal
            city = proposal.zone.rpartition("/")[2].replace("_", " ").lower() if proposal else ""
            if proposal and not (_ZONE.search(sentence.text.lower()) or city in sentence.text.lower()):
                return False, f"no zone in: {sentence.text}", index
    read = any(sentence.notes.proposal for _, sentence in made.sentences)
    return read, "nothing was read back", None


def _not_resumed(made: Transcript, _limit: Limit) -> Found:
    for index, (before, exchange) in enumerate(zip(made.exchanges, made.exchanges[1:], strict=False), 1):
        again = {s.text for s in before.reply} & {s.text for s in exchange.reply}
        if exchange.barged_in and again:
            return False, f"said again: {again.pop()}", index
    return True, "", None


def _help_first(made: Transcript, _limit: Limit) -> Found:
    for index, exchange in enumerate(made.exchanges):
        if exchange.committed.answered:
            return True, "", None
        if any(sentence.asks in DISCOVERY for sentence in exchange.reply):
            return False, f"asked before any help: {exchange.text}", index
    return True, "", None


def _retention(made: Transcript, limit: Limit) -> Found:
    tried = [s.text for _, s in made.sentences if _RETENTION.search(s.text.lower())]
    return len(tried) <= limit, "; ".join(tried), None


def _stays_until(made: Transcript, limit: Limit) -> Found:
    hung_up = next((i for i, x in enumerate(made.exchanges) if x.committed.ends_call), None)
    return hung_up is None or hung_up >= limit, f"hung up in turn {hung_up}", hung_up


def _never_asked_twice(made: Transcript, _limit: Limit) -> Found:
    seen: set[str] = set()
    for index, exchange in enumerate(made.exchanges):
        for sentence in exchange.reply:
            if sentence.asks in DISCOVERY and sentence.asks in seen:
                return False, f"asked again: {sentence.text}", index
            seen.add(sentence.asks)
    return True, "", None


def _asks_to_repeat(made: Transcript, _limit: Limit) -> Found:
    return _asked(made, "repeat") > 0, "never asked to repeat", None


def _asks_which_time(made: Transcript, _limit: Limit) -> Found:
    return _asked(made, "clarify_date") > 0, "never asked which day or time was meant", None


def _offers_person(made: Transcript, _limit: Limit) -> Found:
    offered = re.compile(r"\b(?:a person|a human|someone from the team|a colleague|somebody)\b")
    return any(offered.search(s.text.lower()) for _, s in made.sentences), "no person was offered", None


def _beta_once(made: Transcript, _limit: Limit) -> Found:
    told = sum("beta" in sentence.text.lower() for _, sentence in made.sentences)
    return told == 1, f"told {told} times", None


def _greets_once(made: Transcript, _limit: Limit) -> Found:
    greeted = [i for i, x in enumerate(made.exchanges) if any(s.notes.route == "greeting" for s in x.reply)]
    return len(greeted) <= 1, "greeted again", greeted[-1] if greeted else None


def _in_a_row(made: Transcript, limit: Limit) -> Found:
    row = 0
    for index, exchange in enumerate(made.exchanges):
        row = row + 1 if _discovers(exchange) else 0
        if row > limit:
            return False, f"{row} questions about the caller in a row", index
    return True, "", None


def _discovery_at_most(made: Transcript, limit: Limit) -> Found:
    asked = sum(_discovers(exchange) for exchange in made.exchanges)
    return asked <= limit, f"asked {asked} questions about the caller", None


def _discovers(exchange: Exchange) -> bool:
    return any(sentence.asks in DISCOVERY for sentence in exchange.reply)


def _never_interrupted(made: Transcript, _limit: Limit) -> Found:
    """By voice: no reply was broken off by something that turned out to hold no words."""
    heard = {x.committed.n: index for index, x in enumerate(made.exchanges)}
    for entry in _entries(made):
        is_turn = entry.kind in (TurnKind.SPOKEN, TurnKind.SILENCE)
        if is_turn and entry.heard and entry.heard.interrupted and not entry.said.strip():
            return False, f"interrupted without words before turn {entry.n}", heard.get(entry.n)
    return True, "", None


def _never_asked_known(made: Transcript, limit: Limit) -> Found:
    """Nothing is asked that was told before that turn, and nothing twice."""
    fields = {entry.n: entry.fields for entry in _entries(made)}
    for index, exchange in enumerate(made.exchanges):
        known = fields.get(exchange.committed.n - 1, {})
        for sentence in exchange.reply:
            if sentence.asks in DISCOVERY and known.get(sentence.asks):
                return False, f"asked though known ({known[sentence.asks]}): {sentence.text}", index
    return _never_asked_twice(made, limit)


def _resumes(made: Transcript, limit: Limit) -> Found:
    """After a lost line nobody greets again, and what was asked before is taken up or the matter goes on."""
    for index, exchange in enumerate(made.exchanges):
        if exchange.kind is not TurnKind.RESUMED or index == 0:
            continue
        left = next((s.asks for s in reversed(made.exchanges[index - 1].reply) if s.asks), "")
        after = made.exchanges[index : index + 2]
        if left and not any(_goes_on(x, made.exchanges[index - 1]) for x in after):
            return False, f"{left} was asked, and after the line was lost nothing came of it: {exchange.text}", index
    return _greets_once(made, limit)


def _goes_on(exchange: Exchange, before: Exchange) -> bool:
    """A question, times, a read-back, an answer, a booking: not only words to be polite."""
    says = any((s.asks and s.asks != "repeat") or s.notes.openings or s.notes.proposal for s in exchange.reply)
    return says or exchange.committed.answered or exchange.booked != before.booked


def _entries(made: Transcript) -> list[TurnEntry]:
    """One a turn: the last that was written of it."""
    return list({entry.n: entry for entry in made.entries if not entry.intent}.values())


_BY_VOICE = frozenset({"no_false_barge_in_on_noise"})
_KNOWN: dict[str, Callable[[Transcript, Limit], Found]] = {
    "must_read_back_email": _reads_back_email,
    "must_state_timezone_when_confirming": _states_zone,
    "must_not_resume_interrupted_answer": _not_resumed,
    "no_false_barge_in_on_noise": _never_interrupted,
    "no_discovery_questions_before_help": _help_first,
    "max_retention_attempts": _retention,
    "must_not_hang_up_before_turn": _stays_until,
    "must_not_ask_twice": _never_asked_twice,
    "must_not_reask_volunteered": _never_asked_known,
    "must_not_repeat_questions": _never_asked_twice,
    "must_ask_to_repeat": _asks_to_repeat,
    "must_ask_back": _asks_which_time,
    "must_clarify_date": _asks_which_time,
    "must_clarify_time": _asks_which_time,
    "must_clarify_am_pm": _asks_which_time,
    "must_offer_person": _offers_person,
    "must_offer_human": _offers_person,
    "must_offer_handover": _offers_person,
    "beta_notice_once": _beta_once,
    "must_not_greet_again": _greets_once,
    "must_not_restart": _greets_once,
    "must_resume_where_left": _resumes,
    "max_discovery_questions_in_a_row": _in_a_row,
    "max_discovery_questions": _discovery_at_most,
}
