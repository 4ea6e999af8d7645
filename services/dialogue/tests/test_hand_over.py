"""A person is wanted: put through by telephone where the profile has a number, a note to the team everywhere else."""

from __future__ import annotations

import pytest
from holdfast_common.contracts.asr import Channel
from holdfast_common.contracts.dialogue import TurnKind
from holdfast_common.profile import HandOver


@pytest.fixture
def call(call, profile):
    call.profile = profile.model_copy(update={"hand_over": HandOver(number="+15551234567")})
    return call


async def resumed(call):
    return await call.play(call.turn(kind=TurnKind.RESUMED))


async def test_a_caller_by_telephone_is_put_through_with_a_summary(call):
    await call.says("hi i'm dana miller there are twelve of us")
    await call.says("can i speak to a real person please")

    assert "Dana Miller" in call.committed.hand_over
    assert not call.committed.ends_call
    assert not call.asks
    assert call.text in call.profile.copy_["person_now"]


async def test_the_wish_is_written_down_before_anybody_answers(call):
    await call.says("can i speak to a real person please")

    assert call.recorded("follow_up_request")["wanted"] == "person"
    assert call.entries[-1].hands_over


async def test_when_nobody_answers_the_note_goes_on(call):
    await call.says("can i speak to a real person please")
    await resumed(call)

    assert call.text.startswith(call.profile.copy_["person_away"][0].split(".")[0])
    assert call.asks == "email"
    assert not call.committed.hand_over


async def test_it_is_not_tried_twice(call):
    await call.says("can i speak to a real person please")
    await resumed(call)
    await call.says("please connect me to a human")

    assert not call.committed.hand_over


async def test_who_went_on_talking_and_lost_the_line_is_not_told_that_nobody_answered(call):
    await call.says("can i speak to a real person please")
    await call.says("how long does the free trial last")
    await resumed(call)

    assert "nobody" not in call.text


async def test_on_the_page_a_note_is_taken(call):
    await call.says("can i speak to a real person please", channel=Channel.WEB)

    assert not call.committed.hand_over
    assert call.asks == "email"


async def test_without_a_number_a_note_is_taken(call, profile):
    call.profile = profile
    await call.says("can i speak to a real person please")

    assert not call.committed.hand_over
    assert call.asks == "email"


async def test_the_zero_key_is_a_wish_for_a_person(call):
    await call.says("0", kind=TurnKind.DTMF)

    assert call.committed.hand_over
