"""Who the invitation goes to: name and address asked for, taken down, and put right where the read-back was wrong.

An address is hard to hear. What the caller said no to is remembered: heard once more it is the same mishearing, and
the part that is wrong is asked for in code words, which are heard best. The rest of the address stays. Who changes
their mind, or types, was heard well: such an address may be chosen again.
"""

from __future__ import annotations

import re

from holdfast_common.contracts.asr import Expectation
from holdfast_common.contracts.dialogue import TurnKind
from rapidfuzz import fuzz

from holdfast_dialogue.domain.intents import Intent
from holdfast_dialogue.domain.spoken import emails
from holdfast_dialogue.domain.steps import Steps
from holdfast_dialogue.domain.talk import Detail, Talk

MOST_TRIES = 3
"""How often the right address is asked for before another way is offered."""
_CHANGED_MIND = re.compile(
    r"\b(?:instead|rather|better|another|different|my (?:other|private|personal|work|home|company|office))\b"
)
SAME_PERSON = 55
"""Likeness (0 to 100) of a name to the one in an address from which on both are the caller's."""


def take_address(talk: Talk) -> Steps:
    """An address that was said, or a correction of the one that was read back."""
    u, state = talk.understood, talk.state
    old = state.fields.get("email", "")
    if state.asks in ("confirm_email", "confirm_booking") and old and u.answer.kind != "yes":
        yield from _correct(talk, old)
        return
    if state.asks == "email" and state.denied_email and not (u.email and u.email.address) and _take_spelled(talk):
        return
    if u.email is None:
        if state.asks == "email" and (u.wants(Intent.RESERVED) or (u.answer.kind == "no" and not u.answer.rest)):
            talk.takes_over("booking")
            state.task = ""
            yield from talk.say("no_contact")
            talk.over = True
        return
    answers = state.asks in ("email", "email_other_way")
    if u.email.address in state.misheard and answers and talk.turn.kind is TurnKind.SPOKEN:
        yield from ask_address_again(talk)
        return
    if u.email.address:
        _take(talk, u.email.address)
        if not (state.task or talk.reply or u.question or u.intents):
            yield from talk.say("noted")
        return
    if not (state.task or state.asks == "email"):
        return
    talk.takes_over("booking")
    failures = state.count("email_unusable")
    if failures > MOST_TRIES:
        yield from talk.say("email_other_way", asks="email_other_way")
        return
    problem = u.email.problem or ""
    yield from talk.say(
        "email_missing_domain" if "domain" in problem or "ending" in problem else "email_not_understood", asks="email"
    )


def _take_spelled(talk: Talk) -> bool:
    """What was spelled of an address that was misheard, put in its place; the caller's name goes with it."""
    state = talk.state
    corrected = emails.respelled(state.denied_email, talk.understood.text).address
    if not corrected or corrected in state.misheard:
        return False
    _take(talk, corrected)
    local = corrected.partition("@")[0].split(".")
    name = state.fields.get("name", "")
    written = " ".join(local).title()
    if len(local) > 1 and all(part.isalpha() for part in local) and fuzz.ratio(name, written) >= SAME_PERSON:
        state.fields["name"] = written
    return True


def _correct(talk: Talk, old: str) -> Steps:
    u, state = talk.understood, talk.state
    new = u.email.address if u.email else None
    about_time = bool(u.wish) or any(word in u.text.split() for word in ("time", "day", "date"))
    if not new and u.answer.kind == "no" and u.answer.rest and not about_time:
        new = emails.correct(old, u.answer.rest).address
    denies = u.answer.kind == "no" and not _CHANGED_MIND.search(u.text)
    if new and new != old and not (denies and new in state.misheard):
        if denies:
            _deny(talk, old)
            if state.count("email_failures") > MOST_TRIES:
                yield from _offer_other_way(talk)
                return
        _take(talk, new)
        return
    about_address = state.asks == "confirm_email" or new or "email" in u.text or "address" in u.text
    if u.answer.kind == "no" and not (u.wish or u.zone or u.question) and about_address:
        yield from ask_address_again(talk)


def ask_address_again(talk: Talk) -> Steps:
    """The read-back was wrong: what is wrong in code words; after several times another way altogether."""
    state = talk.state
    talk.takes_over("booking")
    if old := state.fields.pop("email", ""):
        _deny(talk, old)
    state.proposal = None
    if state.count("email_failures") > MOST_TRIES:
        yield from _offer_other_way(talk)
    else:
        yield from talk.say("email_what_right")
        yield from talk.say("email_code_words", asks="email", detail=Detail(expectation=Expectation.CODE_WORDS))


def _offer_other_way(talk: Talk) -> Steps:
    talk.takes_over("booking")
    talk.state.fields.pop("email", None)
    talk.state.proposal = None
    yield from talk.say("email_other_way", asks="email_other_way")


def _take(talk: Talk, address: str) -> None:
    """From now on this is the address, whatever was said of it before."""
    state = talk.state
    state.fields["email"] = address
    state.misheard = [other for other in state.misheard if other != address]
    if talk.turn.kind is TurnKind.TYPED:
        state.typed_email = address


def _deny(talk: Talk, address: str) -> None:
    """The caller said no to it: misheard, unless it was typed."""
    state = talk.state
    state.denied_email = address
    if address != state.typed_email:
        state.misheard = [*(other for other in state.misheard if other != address), address][-6:]


def ask_person_details(talk: Talk) -> Steps:
    """Name (once) and address, one at a time, as far as they are missing."""
    state = talk.state
    if not state.fields.get("name") and not state.asked.get("name"):
        talk.takes_over("booking")
        yield from talk.say("ask_name", asks="name")
    elif not state.fields.get("email"):
        talk.takes_over("booking")
        yield from talk.say("ask_email", asks="email")
