"""Limits of conduct that a transcript can break: each is met by one and broken by another."""

from __future__ import annotations

from typing import Any

import pytest
from holdfast_cli.eval.scenario_behaviour import behaviour
from holdfast_cli.eval.scenario_call import Exchange, Transcript
from holdfast_common.contracts.dialogue import Committed, Heard, Sentence, TurnEntry, TurnKind


def turn(n: int, text: str, asks: str = "", kind: TurnKind = TurnKind.SPOKEN, **committed: Any) -> Exchange:
    reply = [Sentence(index=0, text=text, asks=asks)]
    return Exchange(n, kind, "", reply, Committed(n=n, snapshot=b"", log_sequence=n, **committed), booked=0)


def entry(n: int, kind: TurnKind = TurnKind.SPOKEN, **told: Any) -> TurnEntry:
    return TurnEntry(call="c", generation=1, n=n, kind=kind, at="2026-11-23T15:00:00Z", **told)


@pytest.mark.parametrize(("known", "met"), [({"team_size": "50"}, False), ({"team_size": ""}, True), ({}, True)])
def test_what_was_told_before_must_not_be_asked_even_once(known: dict[str, str], met: bool) -> None:
    made = Transcript(
        [turn(0, "Hello."), turn(1, "Fine."), turn(2, "How many are you?", "team_size")],
        entries=[entry(0), entry(1, fields=known), entry(2, fields={"team_size": "50"})],
    )

    assert behaviour("must_not_reask_volunteered", True, made)[0] is met


@pytest.mark.parametrize(
    ("after", "met"),
    [
        ([turn(2, "We are back. How can I help?", kind=TurnKind.RESUMED), turn(3, "Okay.")], False),
        ([turn(2, "We were cut off. And your email?", "email", TurnKind.RESUMED)], True),
        ([turn(2, "We were cut off.", kind=TurnKind.RESUMED), turn(3, "What zone?", "timezone")], True),
        ([turn(2, "We were cut off.", kind=TurnKind.RESUMED), turn(3, "Two weeks.", answered=True)], True),
    ],
)
def test_a_call_that_was_cut_off_goes_on_where_it_was(after: list[Exchange], met: bool) -> None:
    """Nobody greets again in any of these: that alone is no resumption."""
    made = Transcript([turn(0, "Hello."), turn(1, "Your email?", "email"), *after])

    assert behaviour("must_resume_where_left", True, made)[0] is met


@pytest.mark.parametrize(("words", "met"), [("", False), ("wait a moment", True)])
def test_noise_interrupts_only_by_voice_and_only_where_no_words_came(words: str, met: bool) -> None:
    cut = entry(1, TurnKind.SILENCE if not words else TurnKind.SPOKEN, said=words, heard=Heard(0, 0, 3, True))
    exchanges = [turn(0, "Hello there."), turn(1, "Are you there?")]
    by_voice = Transcript(exchanges, said=["yes"], entries=[entry(0), cut])
    in_text = Transcript(exchanges, entries=[entry(0), cut])

    assert behaviour("no_false_barge_in_on_noise", True, by_voice)[::3] == (met, True)
    assert behaviour("no_false_barge_in_on_noise", True, in_text)[::3] == (True, False)
