"""The floor under random speech, noise, words and replies, in virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from holdfast_gateway.domain.floor import Agent, Floor, FloorRule, Voice, Words
from holdfast_gateway.domain.floor_actions import Action, Asked, Began, Ended, Hold, Interrupt, Paused, Resume, TurnOver
from holdfast_gateway.domain.levels import Voiced
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RATE = 8_000
WINDOW = 256
FRAME = 160
RULE = FloorRule()


@dataclass
class Segment:
    """A stretch of the caller's side."""

    ms: int
    is_voice: bool
    word_after_ms: int | None
    """When the recogniser says a word of it; None: never (noise, or it is away)."""
    is_back_channel: bool
    agent: Agent | None
    """What the agent begins to do with it."""


segments = st.lists(
    st.builds(
        Segment,
        ms=st.one_of(st.integers(30, 900), st.integers(900, 17_000)),
        is_voice=st.booleans(),
        word_after_ms=st.one_of(st.none(), st.integers(50, 1_500)),
        is_back_channel=st.booleans(),
        agent=st.one_of(st.none(), st.sampled_from(Agent)),
    ),
    min_size=1,
    max_size=14,
)


@dataclass
class Line:
    """Plays segments to a floor and keeps its books as the call would; every rule is checked as it goes."""

    floor: Floor
    now: int = 0
    open_utterance: int | None = None
    utterances: list[tuple[int, int]] = field(default_factory=list)
    """(start, end) of finished ones."""
    began_at: int = 0
    given_to: int = 0
    in_turn: bool = False
    held: bool = False
    holds: int = 0
    decisions: int = 0
    turns: int = 0
    last_voiced: int = 0

    def do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Began(utterance, start, new_turn):
                    assert self.open_utterance is None, "one utterance at a time"
                    assert start >= self.given_to, "no sample in two utterances"
                    assert start % FRAME == 0, "frames are given whole"
                    assert new_turn is not self.in_turn
                    self.open_utterance, self.began_at, self.in_turn = utterance, start, True
                case Paused(utterance) | Asked(utterance):
                    assert utterance == self.open_utterance
                case Ended(utterance, position):
                    assert utterance == self.open_utterance, "every end ends the open utterance"
                    assert self.began_at <= position <= self.now
                    assert self.now - self.began_at <= (RULE.cut_ms + 40) * RATE // 1000
                    self.utterances.append((self.began_at, self.now))
                    self.open_utterance, self.given_to = None, self.now
                case TurnOver(position, decided, forced):
                    assert self.in_turn and self.open_utterance is None
                    assert decided == self.now
                    if not forced:
                        assert decided - position >= self.floor.endpoint_ms * RATE // 1000, "never while speaking"
                    self.in_turn, self.turns = False, self.turns + 1
                case Hold():
                    assert not self.held
                    self.held, self.holds = True, self.holds + 1
                case Resume() | Interrupt():
                    assert self.held, "nothing is decided that was not held"
                    self.held, self.decisions = False, self.decisions + 1

    def play(self, segment: Segment) -> None:
        floor, began = self.floor, self.now
        if segment.agent is not None:
            self.do(floor.agent(segment.agent))
        word_at = None if segment.word_after_ms is None else began + segment.word_after_ms * RATE // 1000
        end = began + segment.ms * RATE // 1000
        while self.now < end:
            before, self.now = self.now, self.now + FRAME
            while (self.now // WINDOW) > (before // WINDOW):
                before = (before // WINDOW + 1) * WINDOW
                voiced = Voiced(before - WINDOW, before) if segment.is_voice else None
                self.do(floor.window(0.9 if segment.is_voice else 0.05, voiced))
            self.do(floor.frame(self.now))
            if word_at is not None and self.now >= word_at and segment.is_voice:
                word_at = None
                self.do(floor.words(Words.BACK_CHANNEL if segment.is_back_channel else Words.SOME))


SILENCE = Segment(8_000, False, None, False, None)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(segments, st.sampled_from([200, 500, 1_300]))
def test_whatever_happens_the_books_balance(story: list[Segment], endpoint_ms: int):
    """One end for each beginning, one decision for each hold, one turn for each speech; all is over after silence."""
    line = Line(Floor(RATE, endpoint_ms, RULE))
    for segment in story:
        line.play(segment)
    line.play(SILENCE)

    assert line.open_utterance is None and not line.in_turn
    assert line.floor.voice is Voice.SILENT
    assert line.holds == line.decisions and not line.held
    assert all(start < end for start, end in line.utterances)
    assert all(one[1] <= other[0] for one, other in zip(line.utterances, line.utterances[1:], strict=False))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(150, 9_000), st.integers(0, 40))
def test_speech_of_any_length_at_any_phase_is_one_turn(ms: int, phase: int):
    """Long enough to be speech, shorter than the cut: exactly one utterance and one turn."""
    line = Line(Floor(RATE, 500, RULE))
    line.play(Segment(1_000 + phase * 20, False, None, False, None))
    line.play(Segment(ms, True, None, False, None))
    line.play(SILENCE)

    assert len(line.utterances) == 1
    assert line.turns == 1


def test_a_monologue_is_cut_without_losing_a_sample():
    """20 s without a pause: cut at 15 s, the next utterance begins with the very next sample; one turn."""
    line = Line(Floor(RATE, 500, RULE))
    line.play(Segment(20_000, True, None, False, None))
    line.play(SILENCE)

    (_, first_end), (second_start, _) = line.utterances
    assert first_end == second_start
    assert line.turns == 1


def test_a_pause_after_twelve_seconds_ends_the_utterance_not_the_turn():
    """What follows the pause is the same turn's next utterance."""
    line = Line(Floor(RATE, 500, RULE))
    line.play(Segment(12_500, True, None, False, None))
    line.play(Segment(300, False, None, False, None))
    line.play(Segment(2_000, True, None, False, None))
    line.play(SILENCE)

    assert len(line.utterances) == 2
    assert line.turns == 1


def test_a_turn_is_over_after_a_minute():
    """Even while the caller goes on."""
    line = Line(Floor(RATE, 500, RULE))
    line.play(Segment(61_000, True, None, False, None))

    assert line.turns == 1


def test_a_click_is_no_speech():
    """One window is not enough to begin an utterance."""
    line = Line(Floor(RATE, 500, RULE))
    line.play(Segment(500, False, None, False, None))
    line.play(Segment(20, True, None, False, None))
    line.play(SILENCE)

    assert line.utterances == []


def test_the_detector_alone_cannot_keep_a_turn_open():
    """It still says speech, no step stands out: half a second beyond the endpoint it is over."""
    floor = Floor(RATE, 500, RULE)
    line = Line(floor)
    line.play(Segment(1_000, True, None, False, None))
    voice_end = line.now
    while line.in_turn:
        line.now += FRAME
        line.do(floor.window(0.6, None, may_go_on=True))
        line.do(floor.frame(line.now))
    assert 900 <= (line.now - voice_end) * 1000 // RATE <= 1_100


def test_a_hold_needs_the_set_time_of_speech():
    """100 ms of speech over the agent does not stop it; 300 ms do."""
    short = Line(Floor(RATE, 500, RULE))
    short.do(short.floor.agent(Agent.SPEAKING))
    short.play(Segment(100, True, None, False, None))
    short.play(SILENCE)
    long = Line(Floor(RATE, 500, RULE))
    long.do(long.floor.agent(Agent.SPEAKING))
    long.play(Segment(300, True, None, False, None))
    long.play(SILENCE)

    assert (short.holds, long.holds) == (0, 1)


@pytest.mark.parametrize(("sounding_ms", "holds"), [(100, 1), (600, 0)])
def test_a_reply_that_has_just_begun_yields_at_once(sounding_ms, holds):
    """100 ms of speech do then: the caller was not done."""
    line = Line(Floor(RATE, 500, RULE))
    line.play(Segment(600, True, None, False, None))
    line.play(Segment(800, False, None, False, None))
    line.play(Segment(sounding_ms, False, None, False, Agent.SPEAKING))
    line.play(Segment(100, True, None, False, None))

    assert line.turns == 1 and line.holds == holds


def test_a_reply_is_not_young_again_after_a_noise_within_it():
    """What was over was no turn that is replied to: the next sentence wants as much speech as the one before."""
    line = Line(Floor(RATE, 500, RULE))
    line.play(Segment(640, False, None, False, Agent.SPEAKING))
    line.play(Segment(96, True, None, False, None))
    line.play(Segment(864, False, None, False, None))
    line.play(Segment(96, False, None, False, Agent.SPEAKING))
    line.play(Segment(96, True, None, False, None))

    assert line.turns == 1 and line.holds == 0


def test_words_after_a_sign_of_listening_interrupt_after_all():
    """ "Yeah ... but what about": let go on first, then stopped."""
    line = Line(Floor(RATE, 500, RULE))
    line.do(line.floor.agent(Agent.SPEAKING))
    line.play(Segment(1_400, True, 100, True, None))
    assert (line.holds, line.decisions, line.held) == (1, 1, False)
    line.play(Segment(800, True, 100, False, None))

    assert (line.holds, line.decisions, line.held) == (2, 2, False)


def test_a_hold_is_let_go_as_soon_as_the_answer_to_the_pause_has_no_words():
    """A cough: the recogniser's answer to the pause has nothing, so the voice need not wait for the turn's end."""
    line = Line(Floor(RATE, 500, RULE))
    line.do(line.floor.agent(Agent.SPEAKING))
    line.play(Segment(300, True, None, False, None))
    line.play(Segment(260, False, None, False, None))
    assert line.held
    line.do(line.floor.answered(Words.NONE))
    assert (line.holds, line.decisions, line.held) == (1, 1, False)


def hold_over_noise(floor: Floor) -> tuple[Line, list[Asked], int]:
    """Noise without words over the agent's voice: what was asked, and ms from the hold to its end."""
    line = Line(floor)
    line.do(floor.agent(Agent.SPEAKING))
    asked: list[Asked] = []
    held_at = None
    while held_at is None or line.held:
        line.now += FRAME
        for action in floor.window(0.9, Voiced(line.now - FRAME, line.now)) + floor.frame(line.now):
            line.do([action])
            if isinstance(action, Asked):
                asked.append(action)
                line.do(floor.words(Words.NONE))
            held_at = line.now if isinstance(action, Hold) else held_at
    return line, asked, (line.now - held_at) * 1000 // RATE


def test_a_noise_that_goes_on_is_asked_about_once_and_let_go():
    """The recogniser lives and has no words: the agent goes on after 700 ms though the noise does."""
    line, asked, held_ms = hold_over_noise(Floor(RATE, 500, RULE))
    assert len(asked) == 1 and not line.held
    assert RULE.decide_ms <= held_ms <= RULE.decide_ms + 20


@settings(max_examples=1_500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.integers(40, 900), st.booleans()), min_size=1, max_size=6), st.sampled_from([200, 470, 880])
)
def test_in_voices_every_turn_ends_soon_after_the_last_step_that_stands_out(story: list[tuple[int, bool]], endpoint_ms):
    """The detector says speech for ever; whatever rose above it before, the turn is over soon."""
    floor = Floor(RATE, endpoint_ms, RULE)
    line, last = Line(floor), 0

    def play(ms: int, is_voice: bool) -> None:
        nonlocal last
        end = line.now + ms * RATE // 1000
        while line.now < end:
            line.now += FRAME
            voiced = Voiced(line.now - FRAME, line.now) if is_voice else None
            last = line.now if is_voice else last
            line.do(floor.window(0.9, voiced))
            line.do(floor.frame(line.now))

    for ms, is_voice in story:
        play(ms, is_voice)
    play(200, True)
    while line.in_turn:
        play(20, False)
    assert (
        endpoint_ms
        <= (line.now - last) * 1000 // RATE
        <= max(endpoint_ms, min(endpoint_ms + RULE.veto_ms, RULE.veto_to_ms)) + 20
    )
