"""The rules policy: which skills see a turn, in which order. The table is the conversation.

Each skill looks at what was understood and adds its part; one that ends the matter sets `talk.over`.
A reply puts at most one question. No clock, no I/O, no randomness: the same (snapshot, turn, results)
give the same reply, to the letter.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from holdfast_common.contracts.dialogue import Turn, TurnKind
from holdfast_common.profile import Profile

from holdfast_dialogue.domain import wording
from holdfast_dialogue.domain.model_budget import Allowance
from holdfast_dialogue.domain.qualification import Standing, standing
from holdfast_dialogue.domain.skills import (
    addresses,
    booking,
    borders,
    changing,
    confirming,
    courtesies,
    discovery,
    handover,
    hearing,
    knowledge,
    languages,
    model,
    reporting,
)
from holdfast_dialogue.domain.state import State, take_heard
from holdfast_dialogue.domain.steps import Outcome, Reply, Steps
from holdfast_dialogue.domain.talk import Talk, instant
from holdfast_dialogue.domain.understanding import Understanding, understand

Skill = Callable[[Talk], Steps]

SAID: tuple[Skill, ...] = (
    # what cannot wait, and what ends the matter
    confirming.settle,
    hearing.ask_to_repeat,
    borders.own_language,
    borders.comfort_after_a_no,
    borders.refuse_manipulation,
    borders.be_kind_to_children,
    hearing.start_over,
    hearing.say_again,
    hearing.wait_for_caller,
    reporting.take_report,
    courtesies.say_goodbye,
    courtesies.invite_question,
    # what was said about the caller and their state of mind
    borders.stay_calm,
    discovery.take_facts,
    borders.say_what_it_is,
    borders.stay_out_of_law,
    borders.promise_no_discount,
    # what was asked
    knowledge.answer_question,
    # what is being done
    handover.take_deletion_wish,
    addresses.take_address,
    confirming.answer_read_back,
    handover.take_person_wish,
    changing.change_or_cancel,
    booking.note_wishes,
    booking.book_meeting,
    handover.carry_note,
    # how the reply ends
    courtesies.close,
    discovery.weave_question,
    courtesies.answer_courtesy,
    model.understand_freely,
    hearing.not_understood,
)
IN_FURTHER_LANGUAGE: tuple[Skill, ...] = (
    confirming.settle,
    hearing.ask_to_repeat,
    borders.refuse_manipulation,
    languages.say_goodbye,
    addresses.take_address,
    languages.take_person_wish,
    handover.carry_note,
    languages.answer_question,
)
"""What works in a language that the profile has besides its first: answers, a note to the team, goodbye."""
BY_KIND: dict[TurnKind, tuple[Skill, ...]] = {
    TurnKind.OPENED: (courtesies.greet,),
    TurnKind.SPOKEN: SAID,
    TurnKind.TYPED: SAID,
    TurnKind.DTMF: SAID,
    TurnKind.SILENCE: (confirming.settle, hearing.break_silence),
    TurnKind.RESUMED: (confirming.settle, handover.nobody_answered, hearing.take_up_again),
    TurnKind.ENDED: (),
}
KEYPAD = {"0": "i want a person", "1": "yes", "2": "no"}
"""What a key means where nothing else was asked for; other keys are read as numbers."""


def decide(profile: Profile, state: State, turn: Turn, call: str, *, allowance: Allowance | None = None) -> Reply:
    """The reply to one turn, step by step; changes `state`, which belongs to this turn.

    `allowance`: how much of a language model may be used; None: by rules and knowledge alone.
    """
    now = instant(turn.now)
    take_heard(state, turn.heard)
    if turn.kind is not TurnKind.RESUMED:
        state.handing = False
    if turn.zone and not state.zone:
        state.zone = turn.zone
    if turn.kind in (TurnKind.SPOKEN, TurnKind.TYPED):
        turn = languages.choose(profile, state, turn)
    refused_before, state.refused = state.refused, ""
    talk = Talk(
        profile=profile,
        state=state,
        turn=turn,
        call=call,
        now=now,
        understood=_understood(turn, state, profile, now),
        seed=wording.seed_of(call, turn.n),
        allowance=allowance,
        refused_before=refused_before,
    )
    spoken = turn.kind in (TurnKind.SPOKEN, TurnKind.TYPED)
    for skill in IN_FURTHER_LANGUAGE if spoken and state.language else BY_KIND[turn.kind]:
        yield from skill(talk)
        if talk.over:
            break
    wants_to_leave = "goodbye" in talk.understood.intents and not talk.ends_call and not talk.has_asked
    if wants_to_leave and turn.kind in (TurnKind.SPOKEN, TurnKind.TYPED) and talk.booking:
        yield from courtesies.leave(talk)
    verdict = standing(profile, state.fields)
    return Outcome(
        state=state,
        route=talk.route or turn.kind.value,
        article=talk.article,
        answered=talk.answered,
        ends_call=talk.ends_call,
        hands_over=talk.hands_over,
        qualified={Standing.QUALIFIED: True, Standing.UNQUALIFIED: False}.get(verdict),
        booking=talk.booking,
        refused=tuple(talk.refused),
    )


def _understood(turn: Turn, state: State, profile: Profile, now: datetime) -> Understanding:
    if turn.kind is TurnKind.DTMF:
        words = (
            KEYPAD.get(turn.text.strip(), turn.text)
            if state.asks not in ("team_size", "monthly_documents", "nps")
            else turn.text
        )
        return understand(Turn(n=turn.n, kind=TurnKind.TYPED, now=turn.now, text=words), state, profile, now)
    if turn.kind in (TurnKind.SPOKEN, TurnKind.TYPED):
        return understand(turn, state, profile, now)
    return Understanding()
