"""What callers tell about themselves: taken down, thanked for, and now and then asked for, in passing."""

from __future__ import annotations

import re

from holdfast_common.contracts.asr import Expectation
from holdfast_common.contracts.dialogue import TurnKind

from holdfast_dialogue.domain import wording
from holdfast_dialogue.domain.facts import COUNTED_FIELDS, denies_a_number
from holdfast_dialogue.domain.intents import Intent
from holdfast_dialogue.domain.qualification import Standing, next_field, standing
from holdfast_dialogue.domain.spoken import numbers, say
from holdfast_dialogue.domain.steps import Steps
from holdfast_dialogue.domain.talk import PLAIN, Detail, Talk

MOST_IN_A_ROW = 2
"""Questions in passing without one of the caller's own between them; a third would be an interrogation."""


def take_facts(talk: Talk) -> Steps:
    """Write down what was told; a correction overwrites. A short word of thanks, unless more is to be said."""
    u, state = talk.understood, talk.state
    if refuses(talk):
        state.reserved = True
    _hear_what_was_denied(talk)
    changed = [n for n, v in u.facts.items() if state.fields.get(n) not in (None, v)]
    talk.put_right = frozenset(changed)
    fresh = [n for n in u.facts if n not in state.fields]
    for name, value in u.facts.items():
        state.fields[name] = _merged(
            name, state.fields.get(name, ""), value, corrected=name in changed and "no" in u.text.split()
        )
        state.last_field = name if name != "name" else state.last_field
    if u.zone:
        state.zone = u.zone
    if not (changed or fresh) or u.asked_plainly or talk.reply:
        return
    yield from _acknowledge(talk, changed, fresh)


def _hear_what_was_denied(talk: Talk) -> None:
    """ "No, fifty" to who has just said fifty back: it was fifteen that was said, and misheard twice."""
    u = talk.understood
    if talk.turn.kind is not TurnKind.SPOKEN or not denies_a_number(u.text):
        return
    for name in COUNTED_FIELDS & u.facts.keys():
        other = numbers.sounds_like(int(u.facts[name]))
        if u.facts[name] == talk.state.fields.get(name) and other is not None and _said_back(talk, u.facts[name]):
            u.facts[name] = str(other)


def _said_back(talk: Talk, value: str) -> bool:
    """The last reply, as far as it was heard, held this number."""
    words = re.compile(rf"\b{say.number(int(value))}\b")
    return any(said.heard and words.search(said.text.lower()) for said in talk.state.last)


def refuses(talk: Talk) -> bool:
    """ "I'd rather not say", or a bare no to a question about themselves."""
    u, state = talk.understood, talk.state
    asked_in_passing = not state.task and any(field.name == state.asks for field in talk.profile.fields)
    bare_no = asked_in_passing and u.answer.kind == "no" and not (u.answer.rest or u.facts)
    return bare_no or (u.wants(Intent.RESERVED) and not u.wants(Intent.MEETING))


def weave_question(talk: Talk) -> Steps:
    """After answers or news: offer the meeting to who qualifies, or ask one thing. Never twice, never to the upset."""
    u, state = talk.understood, talk.state
    if talk.has_asked or state.task or state.counts.get("upset") or u.wants(Intent.CANCEL_PLAN):
        return
    told_something = bool(u.facts)
    if talk.answered:
        state.counts["in_a_row"] = 0
    if refuses(talk):
        if not talk.reply:
            talk.takes_over("discovery")
            yield from talk.say("no_problem")
            yield from talk.say("what_else")
        return
    if state.booked and told_something and not talk.answered:
        yield from _help_to_prepare(talk)
        return
    if standing(talk.profile, state.fields) is Standing.QUALIFIED and not state.booked:
        repeated = (
            state.asks == "permission_to_book" and told_something and state.asked.get("permission_to_book", 0) < 2
        )
        if (told_something or talk.answered) and (talk.once("offer_meeting") or repeated):
            talk.takes_over("discovery")
            yield from talk.say("offer_meeting", asks="permission_to_book")
        elif talk.answered and state.asks == "permission_to_book" and state.asked.get("permission_to_book", 0) < 3:
            yield from talk.say("offer_meeting_again", asks="permission_to_book")
        elif told_something and not talk.answered:
            yield from ask_next(talk)
        return
    every = talk.profile.discovery.between_answers
    due = talk.answered and (state.counts.get("answers", 0) - 1) % every == 0
    if due or (told_something and not talk.answered):
        yield from ask_next(talk, in_passing=True)


def _help_to_prepare(talk: Talk) -> Steps:
    """After a booking: what is still worth knowing, up to the profile's limit; then the call may end."""
    name = next_field(talk.profile, talk.state)
    if name and talk.state.counts.get("after_booking", 0) < talk.profile.discovery.after_booking:
        talk.state.count("after_booking")
        yield from ask_field(talk, name, in_passing=True)
        return
    talk.takes_over("discovery")
    yield from talk.say("anything_else", asks="anything_else")


def ask_next(talk: Talk, *, in_passing: bool = False) -> Steps:
    """The next field that was neither told nor asked, if any; after news without one, hand the floor back."""
    name = next_field(talk.profile, talk.state)
    if name and not (in_passing and talk.state.count("in_a_row") > MOST_IN_A_ROW):
        yield from ask_field(talk, name, in_passing=in_passing)
    elif talk.understood.facts and not talk.answered and not talk.state.task:
        talk.takes_over("discovery")
        yield from talk.say("what_else")


def ask_field(talk: Talk, name: str, *, lead: str = "", in_passing: bool = False) -> Steps:
    """Ask for one field in the profile's words; `lead` goes before them in the same sentence.

    Asked in passing, anything may be said next: the recogniser then expects no particular kind of answer.
    """
    talk.takes_over("discovery")
    questions = next(f.questions for f in talk.profile.fields if f.name == name)
    text = wording.choose(questions, f"ask_{name}", talk.seed, talk.state)
    yield from talk.words(
        f"{lead} {text[:1].lower()}{text[1:]}" if lead else text,
        asks=name,
        detail=Detail(expectation=Expectation.OPEN) if in_passing else PLAIN,
    )


def _acknowledge(talk: Talk, changed: list[str], fresh: list[str]) -> Steps:
    fields, copy = talk.state.fields, talk.profile.copy_
    if "name" in fresh:
        yield from talk.say("nice_to_meet", name=fields["name"].split()[0])
    counted = [n for n in ("team_size", "monthly_documents") if n in changed or n in fresh]
    for name in counted[:1]:
        if name in changed:
            yield from talk.say("corrected", value=say.number(int(fields[name])))
        elif name == "team_size" and fields[name] == "1":
            yield from talk.say("noted_one_person")
        elif f"noted_{name}" in copy:
            yield from talk.say(f"noted_{name}", value=say.number(int(fields[name])))
    others = [n for n in (*changed, *fresh) if n not in ("name", "nps", *counted)]
    if not counted and others and "name" not in fresh:
        yield from talk.say("noted")


def _merged(name: str, old: str, new: str, *, corrected: bool) -> str:
    """Lists grow, unless what is new corrects them; everything else is replaced."""
    if name in ("integrations", "needs") and old and old != "none" and new != "none" and not corrected:
        parts = old.split(", ")
        return ", ".join([*parts, *(p for p in new.split(", ") if p not in parts)])
    return new
