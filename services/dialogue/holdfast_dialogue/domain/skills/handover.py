"""Passing on to people: a person wanted, a note for the team, a request about personal data.

What is passed on is a record of the turn (`follow_up_request`, `deletion_request`), which `records` keeps, with a
short summary for whoever takes over; the words promise no more than that. Where the profile has a number, a
telephone call is put through to it; the record is written all the same, because nobody may answer.
"""

from __future__ import annotations

from holdfast_common.contracts.asr import Channel

from holdfast_dialogue.domain.intents import Intent
from holdfast_dialogue.domain.skills.borders import cite
from holdfast_dialogue.domain.spoken import emails
from holdfast_dialogue.domain.steps import Steps
from holdfast_dialogue.domain.summary import summary
from holdfast_dialogue.domain.talk import Talk


def offer_follow_up(talk: Talk, *, calendar_down: bool = False) -> Steps:
    """Where no meeting can be had: somebody may get in touch instead."""
    if calendar_down:
        talk.state.record("incident_logged", what="calendar_unreachable")
    yield from talk.say("offer_follow_up", asks="permission_follow_up")


def take_person_wish(talk: Talk) -> Steps:
    """Asking for a person, or for somebody to write, always works."""
    u, state = talk.understood, talk.state
    agreed = state.asks == "permission_follow_up" and u.answer.kind == "yes" and not u.asked_plainly
    declined = state.asks == "permission_follow_up" and u.answer.kind == "no"
    other_way = state.asks == "email_other_way" and (
        u.answer.kind == "yes" or any(w in u.text for w in ("person", "touch", "somebody", "someone", "call"))
    )
    if declined and not u.question:
        talk.takes_over("follow_up")
        state.task = ""
        yield from talk.say("no_problem")
        yield from talk.say("anything_else", asks="anything_else")
        talk.over = True
        return
    if not (u.wants(Intent.PERSON, Intent.FOLLOW_UP) or agreed or other_way):
        return
    yield from wants_person(talk)


def wants_person(talk: Talk) -> Steps:
    """Write the wish down at once; the note's task asks for what is missing."""
    u, state = talk.understood, talk.state
    talk.takes_over("follow_up")
    if u.wants(Intent.PERSON) and _can_be_put_through(talk):
        _write_down(talk, "follow_up_request", wanted="person")
        yield from talk.say("person_now")
        state.handing = talk.hands_over = talk.over = True
        return
    if u.wants(Intent.PERSON) and state.recorded("follow_up_request"):
        yield from talk.say("person_known")
        talk.over = True
        return
    state.task = "follow_up"
    _write_down(talk, "follow_up_request", wanted="person" if u.wants(Intent.PERSON) else "message")
    if u.wants(Intent.PERSON) or state.language:
        yield from talk.say("person")


def nobody_answered(talk: Talk) -> Steps:
    """Back from a call that was to be put through: say so, and go on with the note. It is not tried again."""
    state = talk.state
    if not state.handing:
        return
    state.handing = False
    state.count("hand_overs_failed")
    state.task = "follow_up"
    yield from talk.say("person_away")
    yield from carry_note(talk)
    talk.over = True


def _can_be_put_through(talk: Talk) -> bool:
    """By telephone, to the profile's number, unless nobody answered before."""
    is_phone = talk.turn.channel is Channel.PHONE
    return is_phone and bool(talk.profile.hand_over.number) and not talk.state.counts.get("hand_overs_failed")


def take_deletion_wish(talk: Talk) -> Steps:
    """A request about personal data is noted and passed on; nothing is said to be deleted."""
    u, state = talk.understood, talk.state
    asks_how_far = state.recorded("deletion_request") and (
        "delete" in u.text or "when" in u.text.split() or "done" in u.text.split()
    )
    if asks_how_far and state.task != "deletion":
        talk.takes_over("privacy")
        yield from talk.say("deletion_status")
        talk.over = True
        return
    if not u.wants(Intent.DELETE_DATA) or state.task == "deletion":
        return
    talk.takes_over("privacy")
    state.task = "deletion"
    _write_down(talk, "deletion_request")
    yield from cite(talk, "how do i have my personal data deleted")
    yield from talk.say("deletion_start")


def carry_note(talk: Talk) -> Steps:
    """The running note: name where it matters, address, read back, done."""
    u, state = talk.understood, talk.state
    if state.task not in ("follow_up", "deletion") or talk.has_asked:
        return
    talk.takes_over("follow_up" if state.task == "follow_up" else "privacy")
    deletion = state.task == "deletion"
    _write_down(talk, "deletion_request" if deletion else "follow_up_request")
    email = state.fields.get("email", "")
    if deletion and not state.fields.get("name") and not state.asked.get("name"):
        yield from talk.say("deletion_name", asks="name")
    elif not email and state.asked.get("email", 0) < 3 and state.asks != "email_other_way":
        yield from talk.say("deletion_email" if deletion else "follow_up_email", asks="email")
    elif email and not (state.asks == "confirm_email" and u.answer.kind == "yes") and not _known(talk):
        yield from talk.say(
            "confirm_email", asks="confirm_email", protected=True, email=emails.say(email, state.language)
        )
    else:
        if email:
            state.record("deletion_request" if deletion else "follow_up_request", confirmed="yes")
        state.task = ""
        yield from talk.say("deletion_noted" if deletion else "follow_up_noted")
        yield from talk.say("anything_else", asks="anything_else")


def _write_down(talk: Talk, kind: str, **values: str) -> None:
    """The record as far as it is known; later turns add to it."""
    fields = talk.state.fields
    known = {name: fields[name] for name in ("name", "email") if fields.get(name)}
    talk.state.record(kind, summary=summary(talk.profile, talk.state), **known, **values)


def _known(talk: Talk) -> bool:
    """The address was confirmed before, by a booking of this call."""
    return any(b.email == talk.state.fields.get("email") for b in talk.state.booked)
