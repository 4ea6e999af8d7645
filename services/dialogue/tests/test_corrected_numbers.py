"""Numbers that are put right, denied, or only said again."""

from __future__ import annotations

import pytest


async def test_a_correction_overwrites_and_is_said_back(call):
    await call.says("we are a team of twenty")
    await call.says("actually twelve")

    assert call.state.fields["team_size"] == "12"
    assert "twelve" in call.text


async def test_a_number_that_was_denied_is_not_taken_again(call):
    """ "No, fifteen" heard as fifty once more: who says no to fifty did not say fifty."""
    await call.says("we are a team of fifty")
    await call.says("no fifty people")
    assert call.state.fields["team_size"] == "15"
    assert "fifteen" in call.text
    await call.says("no fifty five zero")

    assert call.state.fields["team_size"] == "50"


@pytest.mark.parametrize(
    "words", ["no thanks we are fifty people and have no time for meetings", "no i asked because we are fifty people"]
)
async def test_a_number_said_again_in_a_sentence_stays(call, words):
    await call.says("we are a team of fifty")
    reply = await call.says(words)

    assert call.state.fields["team_size"] == "50"
    assert "fifteen" not in reply


async def test_a_number_said_again_later_is_not_denied(call):
    """Only who has just heard it said back can say no to it."""
    await call.says("we are a team of fifty")
    await call.says("how long does the free trial last")
    assert "fifty" not in call.text
    await call.says("no fifty people")

    assert call.state.fields["team_size"] == "50"
