"""The booking guard, as a table: what opens the door to the world, and what does not."""

from __future__ import annotations

import pytest
from holdfast_common.contracts.dialogue import Proposal
from holdfast_dialogue.domain.guard import Verdict, judge, same_arguments
from holdfast_dialogue.domain.spoken.yes_no import Answer
from holdfast_dialogue.domain.state import Said
from msgspec.structs import replace

PROPOSAL = Proposal(
    id="p3", action="book", start="2026-12-01T19:30:00Z", duration_min=30, attendee_email="d@x.example", zone="UTC"
)
READ = [Said(text="So that's Tuesday ...", proposal="p3", protected=True), Said(text="Right?", asks="confirm_booking")]
YES, NO, NEITHER = Answer("yes", ""), Answer("no", ""), Answer("none", "well")


@pytest.mark.parametrize(
    ("proposal", "last", "answer", "new_value", "verdict"),
    [
        (PROPOSAL, READ, YES, False, Verdict.ACT),
        (PROPOSAL, READ, YES, True, Verdict.NEW_VALUE),
        (PROPOSAL, READ, NO, False, Verdict.DECLINED),
        (PROPOSAL, READ, NO, True, Verdict.NEW_VALUE),
        (PROPOSAL, READ, NEITHER, False, Verdict.UNANSWERED),
        (None, READ, YES, False, Verdict.NOT_READ),
        (PROPOSAL, [], YES, False, Verdict.NOT_READ),
        (PROPOSAL, [Said(text="Anything else?", asks="anything_else")], YES, False, Verdict.NOT_READ),
        (replace(PROPOSAL, id="p4"), READ, YES, False, Verdict.NOT_READ),
        (PROPOSAL, [Said(text="p3?", proposal="p3")], YES, False, Verdict.NOT_READ),
        (PROPOSAL, [Said(text="...", proposal="p3", protected=True, heard=False)], YES, False, Verdict.READ_AGAIN),
        (PROPOSAL, [READ[0], Said(text="Right?", asks="confirm_booking", heard=False)], YES, False, Verdict.ACT),
    ],
)
def test_only_a_plain_yes_to_a_read_back_heard_whole_acts(proposal, last, answer, new_value, verdict):
    assert judge(proposal, last, answer, has_new_value=new_value) is verdict


@pytest.mark.parametrize(
    "change",
    [
        {"start": "2026-12-01T20:00:00Z"},
        {"attendee_email": "e@x.example"},
        {"zone": "America/Denver"},
        {"action": "cancel"},
        {"duration_min": 60},
        {"attendee_name": "Dana"},
    ],
)
def test_any_changed_argument_is_another_proposal(change):
    assert same_arguments(PROPOSAL, replace(PROPOSAL, id="p9"))
    assert not same_arguments(PROPOSAL, replace(PROPOSAL, **change))
