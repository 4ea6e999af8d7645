"""Greeting, thanks, closing, goodbye: the frame around a call."""

from __future__ import annotations

import re

from holdfast_dialogue.domain.intents import Intent
from holdfast_dialogue.domain.spoken import numbers
from holdfast_dialogue.domain.steps import Steps
from holdfast_dialogue.domain.talk import Talk


def greet(talk: Talk) -> Steps:
    """The call begins: who this is, that it is a machine in beta, and the floor to the caller; under 8 s."""
    talk.takes_over("greeting")
    yield from talk.say("greeting")
    if talk.once("beta_notice"):
        yield from talk.say("beta_notice", protected=True)
    yield from talk.say("how_can_i_help")
    talk.over = True


def say_goodbye(talk: Talk) -> Steps:
    """The caller leaves, and wants nothing else in the same breath."""
    u, state = talk.understood, talk.state
    if not u.wants(Intent.GOODBYE) or u.asked_plainly or u.facts.keys() - {"nps"}:
        return
    if state.asks in ("confirm_booking", "confirm_email") and u.answer.kind == "yes":
        return  # first do what was agreed to; `close` says goodbye afterwards
    if state.asks == "nps":
        _take_score(talk)
    yield from leave(talk)


def leave(talk: Talk) -> Steps:
    """Thanks, goodbye, and the line is closed once it has been said."""
    talk.takes_over("goodbye")
    yield from talk.say("thanks_goodbye" if talk.understood.wants(Intent.THANKS) else "goodbye")
    talk.ends_call = talk.over = True


def close(talk: Talk) -> Steps:
    """Nothing more is wanted: one question about the call, then goodbye."""
    u, state = talk.understood, talk.state
    if state.asks == "nps" and _take_score(talk):
        talk.takes_over("closing")
        yield from talk.say("thanks_nps")
        yield from leave(talk)
        return
    if (
        state.asks == "nps"
        and not u.question
        and (u.answer.kind == "no" or u.wants(Intent.RESERVED, Intent.NOTHING_MORE))
    ):
        talk.takes_over("closing")
        yield from leave(talk)
        return
    declined = state.asks == "anything_else" and u.answer.kind == "no" and not u.question
    if not (declined or u.wants(Intent.NOTHING_MORE)) or u.question or state.task:
        return
    talk.takes_over("closing")
    did_something = bool(state.article or state.booked)
    if "ask_nps" in talk.profile.copy_ and did_something and not u.wants(Intent.GOODBYE) and talk.once("ask_nps"):
        yield from talk.say("ask_nps", asks="nps")
        talk.over = True
        return
    yield from leave(talk)


def answer_courtesy(talk: Talk) -> Steps:
    """A greeting or thanks that stands alone gets one back."""
    u, state = talk.understood, talk.state
    if talk.reply or not u.tells_nothing:
        return
    if u.wants(Intent.THANKS) or (u.answer.kind == "yes" and not state.asks):
        talk.takes_over("courtesy")
        if u.wants(Intent.THANKS):
            yield from talk.say("welcome")
        if not state.task:
            yield from talk.say("anything_else", asks="anything_else")
    elif u.wants(Intent.GREETING):
        talk.takes_over("courtesy")
        yield from talk.say("greeting_back")


def invite_question(talk: Talk) -> Steps:
    """ "I have a question about the trial": go ahead."""
    u, state = talk.understood, talk.state
    willing = state.asks == "anything_else" and u.answer.kind == "yes" and not u.answer.rest
    if (u.wants(Intent.TOPIC_ONLY) and not u.question) or willing:
        talk.takes_over("courtesy")
        if topic := _TOPIC.search(u.text):
            state.article, state.article_title = "", topic[1]
        yield from talk.say("go_ahead")
        talk.over = True


_TOPIC = re.compile(r"\b(?:about|on|regarding) (?:the |a |an |your )?(\w[\w ]*)$")
"""What the question will be about: it helps to understand "how do I make one"."""


def _take_score(talk: Talk) -> bool:
    """The score and the words around it; True where there was one."""
    score = numbers.quantity(talk.understood.text)
    if score is None or not 0 <= score <= 10:
        return False
    talk.state.record("nps", score=str(score), comment=talk.understood.text)
    return True
