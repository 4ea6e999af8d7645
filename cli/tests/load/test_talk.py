"""A simulated caller's conduct, step by step in virtual time."""

from __future__ import annotations

import pytest
from holdfast_cli.load.scenario import Said, Speech
from holdfast_cli.load.talk import Mood, Patience, Talk

FRAME_S = 0.02


class Line:
    """Drives a caller at 50 frames a second, and plays the agent."""

    def __init__(self, *turns: Said) -> None:
        self.now = 100.0
        self.talk = Talk(Speech(turns, ("noise",)), Patience(gap_s=0.1, settle_s=0.2, answer_s=1.0), now=self.now)
        self.sent: list[str | None] = []

    def frames(self, count: int) -> None:
        for _ in range(count):
            self.now += FRAME_S
            self.sent.append(self.talk.payload(self.now))

    def until(self, mood: Mood, limit: int = 500) -> None:
        while self.talk.mood is not mood:
            assert limit > 0, f"still {self.talk.mood}"
            self.frames(1)
            limit -= 1

    def agent_speaks(self, seconds: float) -> None:
        self.talk.hear(self.now, self.now, self.now + seconds)


def said(name: str, frames: int = 5, barge_in_s: float | None = None) -> Said:
    return Said(name, tuple(f"{name}{i}" for i in range(frames)), barge_in_s)


def test_a_caller_speaks_after_a_moment_waits_for_the_answer_and_hangs_up():
    """One turn, in the order of the frames sent."""
    line = Line(said("a"))

    line.until(Mood.AWAITING)
    line.frames(10)
    line.agent_speaks(0.5)
    line.until(Mood.DONE)

    spoken = [payload for payload in line.sent if payload and payload != "noise"]
    assert spoken == ["a0", "a1", "a2", "a3", "a4"]
    assert line.sent[-1] is None


def test_voice_to_voice_is_from_the_last_frame_sent_to_the_first_audio_received():
    """Ten frames of 20 ms between them."""
    line = Line(said("a"))
    line.until(Mood.AWAITING)

    line.frames(10)
    line.agent_speaks(0.5)

    turn = line.talk.turns[0]
    assert turn.ended is not None and turn.answered is not None
    assert turn.answered - turn.ended == pytest.approx(0.2)
    assert not turn.premature


def test_a_caller_lets_the_agent_finish():
    """The next turn comes when the agent has been silent for a while, not before."""
    line = Line(said("a"), said("b"))
    line.until(Mood.AWAITING)
    line.agent_speaks(0.5)

    line.until(Mood.SPEAKING)

    assert line.now >= line.talk.turns[0].answered + 0.5 + 0.2 + 0.1  # type: ignore[operator]


def test_an_answer_before_the_end_of_the_words_is_premature():
    """And is no answer to be measured."""
    line = Line(said("a"))
    line.until(Mood.SPEAKING)

    line.agent_speaks(0.1)

    assert line.talk.turns[0].premature
    assert line.talk.turns[0].answered is None


def test_an_unanswered_caller_goes_on_when_patience_is_out():
    """The turn stays without an answer, the next one is said."""
    line = Line(said("a"), said("b"))

    line.until(Mood.AWAITING)
    line.until(Mood.SPEAKING)

    assert line.talk.turns[0].answered is None
    assert line.talk.turns[1].began is not None


def test_a_barge_in_begins_while_the_agent_speaks_and_is_measured_to_the_clear():
    """So long after the answer began to sound; the clear counts from the first frame sent."""
    line = Line(said("a"), said("b", frames=20, barge_in_s=0.3))
    line.until(Mood.AWAITING)
    line.agent_speaks(5.0)
    began_to_sound = line.now

    line.until(Mood.SPEAKING)
    line.frames(9)
    line.talk.clear(line.now)

    turn = line.talk.turns[1]
    assert turn.began == pytest.approx(began_to_sound + 0.3, abs=FRAME_S)
    assert turn.began is not None and turn.cleared is not None
    assert turn.cleared - turn.began == pytest.approx(0.18)
    assert not turn.premature


def test_the_rest_of_the_old_reply_is_not_the_answer_to_a_barge_in():
    """Where nothing is cleared, audio that goes on without a break is what was talked over."""
    line = Line(said("a"), said("b", barge_in_s=0.1))
    line.until(Mood.AWAITING)
    line.agent_speaks(5.0)
    line.until(Mood.SPEAKING)

    for _ in range(12):
        line.agent_speaks(0.02)
        line.frames(1)

    assert line.talk.mood is Mood.AWAITING
    assert line.talk.turns[1].answered is None
    line.frames(10)
    line.agent_speaks(1.0)
    assert line.talk.turns[1].answered == line.now


def test_clearing_ends_the_wait_for_silence():
    """What was thrown away will not sound."""
    line = Line(said("a"), said("b"))
    line.until(Mood.AWAITING)
    line.agent_speaks(60.0)
    line.frames(5)

    cleared_at = line.now
    line.talk.clear(cleared_at)

    line.until(Mood.SPEAKING, limit=40)
    began = line.talk.turns[1].began
    assert began is not None
    assert 0.2 <= began - cleared_at <= 0.4
