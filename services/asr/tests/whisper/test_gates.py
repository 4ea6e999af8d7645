"""What is believed of what Whisper writes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from holdfast_asr.domain.gates import Decode, Gates, Verdict, confidence
from holdfast_asr.domain.windows import FULL_FRAMES, most_tokens, window_frames
from holdfast_asr.domain.word_times import spread

LOOP = "and then " * 30


@pytest.mark.parametrize(
    ("decode", "verdict"),
    [
        (Decode("I would like to book a call.", -0.2, 0.01, audio_s=2.0), Verdict.WORDS),
        (Decode("Yes.", -0.3, 0.2, audio_s=0.6), Verdict.WORDS),
        (Decode("", -0.3, 0.2), Verdict.SILENCE),
        (Decode(" ... ", -0.3, 0.2), Verdict.SILENCE),
        (Decode("So I went there.", -1.4, 0.9, audio_s=2.0), Verdict.SILENCE),
        (Decode("So I went there.", -0.3, 0.9, audio_s=2.0), Verdict.WORDS),
        (Decode("Thanks for watching!", -0.1, 0.0, audio_s=2.0), Verdict.SILENCE),
        (Decode("Thank you.", -0.2, 0.05, audio_s=1.0), Verdict.WORDS),
        (Decode("Thank you.", -0.2, 0.5, audio_s=1.0), Verdict.SILENCE),
        (Decode("Thank you.", -0.8, 0.05, audio_s=1.0), Verdict.SILENCE),
        (Decode("Thank you, Tuesday at ten.", -0.8, 0.05, audio_s=2.0), Verdict.WORDS),
        (Decode("Dana Miller from Northwind", -1.2, 0.1, audio_s=2.0), Verdict.DOUBTFUL),
        (Decode(LOOP, -0.2, 0.01, audio_s=30.0), Verdict.DOUBTFUL),
        (Decode("I want to", -0.2, 0.01, cut=True, audio_s=2.0), Verdict.DOUBTFUL),
        (Decode("one two three four five six seven eight nine ten", -0.2, 0.0, audio_s=1.0), Verdict.DOUBTFUL),
        (Decode("one two three four five six seven eight nine ten", -0.2, 0.0, audio_s=3.0), Verdict.WORDS),
    ],
)
def test_the_gates_tell_words_from_silence_and_trouble(decode: Decode, verdict: Verdict) -> None:
    assert Gates().judge(decode) is verdict


def test_what_is_doubtful_is_not_acted_on() -> None:
    """Under 0.5 the dialogue asks again."""
    sure = Decode("yes", -0.1, 0.0)

    assert confidence(sure, Verdict.WORDS) == pytest.approx(0.905)
    assert confidence(sure, Verdict.DOUBTFUL) < 0.5
    assert confidence(sure, Verdict.SILENCE) == 0.0


def test_a_short_window_holds_the_utterance_and_its_padding() -> None:
    for audio_s in (0.1, 0.7, 1.0, 3.0, 8.01, 15.0):
        frames = window_frames(audio_s, short=True, pad_s=1.5)
        assert frames % 2 == 0
        assert (audio_s + 1.5) * 100 <= max(frames, 200) <= (audio_s + 1.5) * 100 + 90
    assert window_frames(29.5, short=True) == FULL_FRAMES
    assert window_frames(1.0, short=False) == FULL_FRAMES


def test_no_speech_has_more_tokens_than_fit() -> None:
    assert most_tokens(1.0) == 36
    assert most_tokens(30.0) == 224


def test_words_without_times_are_spread_over_the_voiced_part() -> None:
    words = spread("at half past two", 1_600, 0.9)

    assert [w.text for w in words] == ["at", "half", "past", "two"]
    assert words[0].start_ms == 0 and words[-1].end_ms == 1_600
    assert all(a.end_ms == b.start_ms for a, b in pairwise(words))
    assert spread("", 1_600, 0.9) == ()
