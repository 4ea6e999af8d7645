"""Not heard, not there, once more, slower, wait, from the start, back after a lost line."""

from __future__ import annotations

import re

from holdfast_dialogue.domain.intents import Intent
from holdfast_dialogue.domain.skills.confirming import read_back
from holdfast_dialogue.domain.skills.courtesies import greet
from holdfast_dialogue.domain.state import REPEAT, Said, Wish
from holdfast_dialogue.domain.steps import Steps
from holdfast_dialogue.domain.talk import Detail, Talk

NOT_NEEDED = frozenset({"name"})
"""What a call goes on without where it cannot be heard."""
MOST_UNCLEAR = 2


def ask_to_repeat(talk: Talk) -> Steps:
    """Words that were hardly heard are not acted on; what was asked stays asked."""
    if not talk.understood.unclear:
        talk.state.counts["unclear"] = 0
        return
    if talk.state.asks in NOT_NEEDED and talk.state.counts.get("unclear", 0) >= MOST_UNCLEAR:
        return  # whatever comes next can do without it
    talk.takes_over("not_heard")
    again = talk.state.count("unclear") > 1
    yield from _keeping_the_question(talk, "not_heard_again" if again else "not_heard", asks=REPEAT)
    talk.over = True


def say_again(talk: Talk) -> Steps:
    """ "Repeat that", "slower": the last reply once more, with everything that it asked and offered."""
    u = talk.understood
    if not u.wants(Intent.REPEAT, Intent.SLOWER) or u.question or u.facts:
        return
    talk.takes_over("repeat")
    slower = u.wants(Intent.SLOWER)
    if not talk.state.last:
        yield from talk.say("nothing_to_repeat")
    else:
        yield from talk.say("slower_lead" if slower else "repeat_lead")
        leads = {*talk.profile.copy_["repeat_lead"], *talk.profile.copy_["slower_lead"]}
        yield from _once_more(talk, [said for said in talk.state.last if said.text not in leads], in_pieces=slower)
    talk.over = True


def start_over(talk: Talk) -> Steps:
    """Forget the task and what was told; meetings that are booked stay booked."""
    if not talk.understood.wants(Intent.START_OVER):
        return
    state = talk.state
    talk.takes_over("start_over")
    state.fields, state.asked, state.counts = {}, {}, {}
    state.task, state.wish, state.start, state.offers, state.proposal = "", Wish(), "", [], None
    state.article = state.article_title = state.question = ""
    state.asked_back = []
    yield from talk.say("start_over")
    talk.over = True


def wait_for_caller(talk: Talk) -> Steps:
    """ "Hang on": nothing is asked, and what was asked stays open."""
    u = talk.understood
    if not u.wants(Intent.WAIT, Intent.STOP) or u.question or u.facts or u.wish or len(u.text.split()) > 6:
        return
    talk.takes_over("wait")
    yield from _keeping_the_question(talk, "take_your_time" if u.wants(Intent.WAIT) else "go_ahead")
    talk.over = True


def break_silence(talk: Talk) -> Steps:
    """A gentle prompt, a second, then a polite goodbye."""
    talk.takes_over("silence")
    talk.over = True
    if talk.turn.silences >= talk.profile.turns.max_silences:
        yield from talk.say("silence_goodbye")
        talk.ends_call = True
        return
    if talk.turn.silences > 1:
        yield from _keeping_the_question(talk, "still_there_again")
        return
    yield from talk.say("still_there")
    yield from _ask_again(talk)


def take_up_again(talk: Talk) -> Steps:
    """A gateway took the call over: say so, and say where we were."""
    if not talk.state.exchanges:
        yield from greet(talk)
        return
    talk.takes_over("resumed")
    yield from talk.say("resumed")
    unheard = [said for said in talk.state.last if not said.heard]
    if unheard and not talk.state.proposal:
        yield from _once_more(talk, unheard)
    else:
        yield from _ask_again(talk)
    if not talk.has_asked and not unheard:
        yield from talk.say("resumed_open")
    talk.over = True


def not_understood(talk: Talk) -> Steps:
    """Nothing else had anything to say: own up, and put the open question again."""
    if talk.reply:
        return
    talk.takes_over("not_understood")
    open_question = _question_of(talk.state.last)
    if open_question and talk.state.task and talk.state.count("not_understood") < 3:
        yield from talk.say("not_understood")
        yield from _ask_again(talk)
    else:
        yield from _keeping_the_question(talk, "not_understood", asks=REPEAT)


def _ask_again(talk: Talk) -> Steps:
    """The open question once more; a read-back whole, since only a whole one may be agreed to."""
    if talk.state.proposal and talk.state.asks == "confirm_booking":
        yield from read_back(talk)
        return
    question = _question_of(talk.state.last)
    if question:
        yield from _once_more(talk, [question])


def _once_more(talk: Talk, last: list[Said], *, in_pieces: bool = False) -> Steps:
    proposal = talk.state.proposal
    for said in last:
        texts = [said.text]
        if in_pieces and not said.proposal:
            texts = [_whole(t) for t in re.split(r"(?<=[,;:])\s+", said.text) if t.strip(" ,;:.")]
        for text in texts:
            final = text is texts[-1]
            yield from talk.words(
                text,
                asks=said.asks if final else "",
                protected=said.protected,
                detail=Detail(
                    expectation=said.expectation,
                    openings=tuple(o.start for o in said.openings),
                    proposal=proposal if proposal and said.proposal == proposal.id else None,
                    hints=said.hints,
                    article=said.article,
                    again=True,
                ),
            )


def _whole(text: str) -> str:
    bare = text.strip(" ,;:")
    return (bare if bare[-1:] in ".?!" else bare + ".")[:1].upper() + (bare if bare[-1:] in ".?!" else bare + ".")[1:]


def _question_of(last: list[Said]) -> Said | None:
    return next((said for said in reversed(last) if said.asks), None)


def _keeping_the_question(talk: Talk, name: str, *, asks: str = "") -> Steps:
    """A sentence that leaves the open question open. An open read-back is read again before a yes counts."""
    question = _question_of(talk.state.last)
    talk.state.carried = talk.state.asks
    if question is None:
        yield from talk.say(name, asks=asks)
        return
    detail = Detail(expectation=question.expectation, hints=question.hints, again=True)
    yield from talk.say(name, asks=asks or question.asks, detail=detail)
