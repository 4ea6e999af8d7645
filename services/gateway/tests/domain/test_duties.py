"""What becomes due in a call, each once."""

from __future__ import annotations

from holdfast_gateway.domain.duties import (
    Duties,
    DutyRule,
    EndOverlong,
    FallSilent,
    GiveTurnUp,
    SayClip,
    TakeDigits,
)
from holdfast_gateway.domain.patience import Step


def duties(**rule) -> Duties:
    return Duties(DutyRule(**rule), 0.0)


def test_silence_is_told_once_until_it_begins_anew():
    clocks = duties(silence_s=5.0)
    clocks.quiet(10.0)

    assert clocks.next_at() == 15.0
    assert clocks.due(14.9) == []
    assert clocks.due(15.0) == [FallSilent()]
    assert clocks.due(30.0) == []


def test_speech_stops_the_silence():
    clocks = duties(silence_s=5.0)
    clocks.quiet(10.0)
    clocks.quiet(None)

    assert clocks.due(100.0) == []


def test_digits_are_taken_together_after_a_gap():
    clocks = duties(digits_gap_s=1.0)
    clocks.digit("4", 1.0)
    clocks.digit("2", 1.8)

    assert clocks.due(2.5) == []
    assert clocks.due(2.8) == [TakeDigits("42")]
    assert clocks.due(9.0) == []


def test_an_interrupted_turn_that_does_not_end_is_given_up():
    clocks = duties(interrupted_s=1.0)
    clocks.interrupted(3.0)

    assert clocks.due(4.0) == [GiveTurnUp()]
    clocks.interrupted(5.0)
    clocks.interrupted(None)
    assert clocks.due(9.0) == []


def test_the_longest_call_is_told_once():
    clocks = duties(longest_call_s=60.0)

    assert clocks.due(60.0) == [EndOverlong()]
    assert clocks.due(61.0) == []
    assert clocks.next_at() is None


def test_waiting_is_answered_with_clips():
    clocks = duties()
    clocks.patience.start(0.0)

    assert clocks.due(1.2) == [SayClip(Step.FILLER)]
