"""A sentence whose voice dies is finished by another one: no word lost, none doubled, no click."""

from __future__ import annotations

import numpy as np
from holdfast_common.contracts.tts import WordTiming
from holdfast_common.contracts.wire import Audio
from holdfast_gateway.lines import Line
from hypothesis import given, settings
from hypothesis import strategies as st

STEP = 1_600
WORDS = 8


def ramp(start: int, end: int) -> bytes:
    """Audio that says its own position: sample n has the value n."""
    return np.arange(start, end, dtype="<i2").tobytes()


def timings(first: int = 0, shift: int = 0) -> list[WordTiming]:
    return [WordTiming(word=w, start=w * STEP + shift, end=(w + 1) * STEP + shift) for w in range(first, WORDS)]


@settings(max_examples=300, deadline=None)
@given(received=st.integers(0, WORDS * STEP), played=st.floats(0, 1), chunk=st.integers(100, 3_000))
def test_the_sentence_is_whole_after_a_break_anywhere(received: int, played: float, chunk: int):
    """Every sample is there once, at its place, whatever was received or handed out before the break."""
    line = Line((0, 0), " ".join(["word"] * WORDS), 8_000)
    assert line.ask().from_word == 0
    line.take_timings(timings())
    if received:
        line.take_audio(Audio(ramp(0, received), 8_000, 0))
    line.cursor = int(received * played)
    handed = bytes(line.pcm[: 2 * line.cursor])

    speak = line.ask()
    line.take_timings(timings(speak.from_word))
    for at in range(speak.from_word * STEP, WORDS * STEP, chunk):
        line.take_audio(Audio(ramp(at, min(at + chunk, WORDS * STEP)), 8_000, at))

    assert bytes(line.pcm[: 2 * line.cursor]) == handed
    assert line.received == WORDS * STEP
    whole = np.frombuffer(bytes(line.pcm), "<i2").astype(int)
    wrong = np.flatnonzero(np.abs(whole - np.arange(WORDS * STEP)) > 1)
    assert len(wrong) <= 80, "only the fade of 10 ms may differ"


def test_another_engine_goes_on_at_its_own_pace():
    """Its words begin elsewhere: its audio is moved to where the word begins here, and its timings with it."""
    line = Line((0, 0), " ".join(["word"] * WORDS), 8_000)
    line.ask()
    line.take_timings(timings())
    line.take_audio(Audio(ramp(0, 4 * STEP + 700), 8_000, 0))
    line.cursor = 2 * STEP

    speak = line.ask()
    assert speak.from_word == 4
    line.take_timings([WordTiming(word=4, start=9_000, end=10_000), WordTiming(word=5, start=10_000, end=11_000)])
    line.take_audio(Audio(bytes(2 * 2_000), 8_000, 9_000))

    assert line.received == 4 * STEP + 2_000
    assert line.timings[5].start == 4 * STEP + 1_000


def test_silence_before_the_first_sound_is_not_waited_through():
    """A synthesiser's lead-in is skipped but for 10 ms; without any sound yet nothing is handed out."""
    line = Line((0, 0), "hello", 8_000)
    line.take_audio(Audio(bytes(2 * 800), 8_000, 0))
    assert line.lead_in() is None
    line.take_audio(Audio(np.full(800, 9_000, "<i2").tobytes(), 8_000, 800))

    assert line.lead_in() == 800 - 80


def test_a_held_voice_fades_in_over_10_ms_where_it_goes_on():
    """Once: what follows is as it was, and the beginning of a sentence needs no fade."""
    line = Line((0, 0), "one two", 8_000)
    line.take_audio(Audio(np.full(1_600, 8_000, "<i2").tobytes(), 8_000, 0))
    line.cursor = 1_200
    line.resume_at(800)
    resumed = np.frombuffer(line.part(800, 400), "<i2")

    assert line.cursor == 800
    assert resumed[0] == 0 and np.all(np.diff(resumed[:80]) > 0)
    assert np.all(resumed[80:] == 8_000)
    assert np.all(np.frombuffer(line.part(800, 400), "<i2") == 8_000)
    line.resume_at(0)
    assert np.frombuffer(line.part(0, 10), "<i2")[0] == 8_000
