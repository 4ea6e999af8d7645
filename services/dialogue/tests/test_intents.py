"""Wishes for a meeting as a recogniser hands them over: the verb is often the word that was misheard."""

from __future__ import annotations

import pytest
from holdfast_dialogue.domain.intents import Intent, intents


@pytest.mark.parametrize(
    "said",
    [
        "can you give me a meeting next tuesday at half past two new york time",
        "can you book me a meeting next tuesday at half past two",
        "could we do a demo on friday",
        "and you look me a meeting next wednesday at ten",
        "a meeting tomorrow would be good",
    ],
)
def test_a_meeting_with_a_day_is_a_wish_for_one(said: str) -> None:
    assert Intent.MEETING in intents(said)


@pytest.mark.parametrize(
    "said", ["how long is the meeting", "what happens in a demo", "can i send a document on monday"]
)
def test_a_question_about_meetings_is_not(said: str) -> None:
    assert Intent.MEETING not in intents(said)
