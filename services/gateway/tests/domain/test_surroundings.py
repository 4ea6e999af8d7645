"""Whether anybody but the caller speaks, and what that changes in finding the caller's voice."""

from __future__ import annotations

import numpy as np
import pytest
from holdfast_common.pcm import to_float
from holdfast_gateway.domain.floor import Floor, Voice
from holdfast_gateway.domain.levels import Levels, Voiced, step_levels
from holdfast_gateway.domain.surroundings import Surroundings

RATE, WINDOW = 8_000, 256


def heard(*windows: float) -> Surroundings:
    around = Surroundings()
    for probability in windows:
        around.hear(probability, is_caller=False)
    return around


def test_nothing_is_said_before_anything_was_heard():
    around = heard(0.01, 0.01)

    assert not around.is_alone
    assert not around.is_among_voices


def test_steady_noise_is_nobody_and_low_voices_are_somebody():
    assert heard(*[0.02] * 10).is_alone
    assert heard(*[0.1] * 10).is_among_voices


def test_the_callers_own_beginning_is_not_another_voice():
    """The detector rises for some windows before a caller is known to speak."""
    around = heard(*[0.02] * 10, *[0.4] * 8)
    around.hear(0.9, is_caller=True)
    for _ in range(12):  # its own tail
        around.hear(0.6, is_caller=False)

    assert around.is_alone


def test_a_cough_is_forgotten_and_a_crowd_is_not():
    around = heard(*[0.015] * 40, *[0.9] * 4, *[0.015] * 60)
    assert around.is_alone

    around = heard(*[0.015] * 40, *[0.5] * 40, *[0.015] * 20)
    assert around.is_among_voices


@pytest.mark.parametrize("over_agent", [False, True])
def test_what_the_detector_hears_long_after_the_caller_is_no_voice_where_no_level_stands_out(over_agent: bool):
    """An echo, or voices behind a caller who listens: ten seconds of it begin nothing, nor do they end far back."""
    levels = Levels(RATE)
    quiet, loud, hollow = [-70.0] * 8, [-20.0] * 8, [-69.0] * 8
    told = [(0.01, quiet)] * 60 + [(0.99, loud)] * 20 + [(0.01, quiet)] * 160 + [(0.6, hollow)] * 300
    voiced = [
        levels.judge(probability, steps, n * WINDOW, over_agent=over_agent and n >= 80)
        for n, (probability, steps) in enumerate(told)
    ]

    assert any(voiced[60:80])
    assert not any(voiced[80:])


def weak_word(before: float) -> tuple[int, int]:
    """(last voiced sample, its true end) of a word as loud as the noise; before it the detector said `before`."""
    rng = np.random.default_rng(3)
    signal = rng.normal(0, 10 ** (-30 / 20), 3 * RATE)
    at = np.arange(RATE) / RATE
    tone = 1.41 * np.sin(2 * np.pi * 300 * at)
    signal[RATE : RATE + 4_000] += 10 ** (-18 / 20) * tone[:4_000]
    signal[RATE + 4_000 : 2 * RATE] += 10 ** (-30 / 20) * tone[:4_000]
    samples = (np.clip(signal, -1, 1) * 32_767).astype("<i2")
    whole = to_float(samples[: len(samples) // WINDOW * WINDOW]).reshape(-1, WINDOW)
    levels, last = Levels(RATE), 0
    for start, steps in zip(range(0, len(samples), WINDOW), step_levels(whole, RATE), strict=False):
        is_speech = RATE <= start < 2 * RATE + 480
        voiced = levels.judge(0.97 if is_speech else before, steps, start)
        if voiced:
            last = max(last, voiced.end)
            if voiced.start < RATE + WINDOW:
                levels.begin()
    return last, 2 * RATE


def test_a_word_that_no_level_shows_is_heard_in_steady_noise():
    """The detector is believed, less its tail."""
    last, end = weak_word(before=0.02)

    assert abs(last - end) <= 60 * RATE // 1000


def test_among_voices_the_detector_alone_is_not_believed():
    last, end = weak_word(before=0.1)

    assert last <= end - 300 * RATE // 1000


def ends_after_ms(probability: float, *, among_voices: bool, foreground: float | None = None) -> int:
    """Silence until the turn is over, the detector giving `probability` on and on; 200 ms would do."""
    floor, levels = Floor(RATE, endpoint_ms=200), Levels(RATE)
    quiet = [-50.0] * 8
    for n in range(40):
        levels.judge(0.1 if among_voices else 0.01, quiet, n * WINDOW - 40 * WINDOW)
    end, now = RATE // 2, 0
    while now < 2 * RATE:
        is_voice = now < end
        voiced = Voiced(now, min(now + WINDOW, end)) if is_voice else None
        said = 0.99 if is_voice else probability
        levels.judge(said, quiet, now, foreground=None if is_voice else foreground)
        floor.window(said, voiced, may_go_on=levels.may_go_on)
        now += WINDOW
        floor.frame(now)
        if now > end and floor.voice is Voice.SILENT:
            break
    return (now - end) * 1000 // RATE


def test_a_detector_that_hears_others_does_not_hold_the_end_up():
    """After a caller who is alone it may be a weak word; among voices only what is as sure as theirs."""
    assert ends_after_ms(0.6, among_voices=False) >= 700
    assert ends_after_ms(0.6, among_voices=True) <= 240
    assert ends_after_ms(0.98, among_voices=True) >= 700


def test_where_it_is_known_whose_voice_it_is_the_detector_is_not_asked():
    """Others are heard as clearly as the caller: the end waits for what may be the caller's, not for theirs."""
    assert ends_after_ms(0.98, among_voices=True, foreground=-5.0) <= 240
    assert ends_after_ms(0.98, among_voices=True, foreground=-2.0) >= 700


def test_voices_that_begin_while_the_caller_speaks_do_not_keep_the_turn_open():
    """The line was quiet before; from then on the detector says speech for ever, 18 dB under the caller.

    The floor of before is believed for 5 s at most, and then the detector for 1.3 s.
    """
    rng = np.random.default_rng(4)
    signal = rng.normal(0, 10 ** (-60 / 20), 8 * RATE)
    signal[RATE:] += rng.normal(0, 10 ** (-33 / 20), 7 * RATE)
    at = np.arange(2 * RATE) / RATE
    signal[RATE : 3 * RATE] += 10 ** (-15 / 20) * 1.41 * np.sin(2 * np.pi * 300 * at)
    samples = (np.clip(signal, -1, 1) * 32_767).astype("<i2")
    whole = to_float(samples[: len(samples) // WINDOW * WINDOW]).reshape(-1, WINDOW)
    levels, last = Levels(RATE), 0
    for start, steps in zip(range(0, len(samples), WINDOW), step_levels(whole, RATE), strict=False):
        if voiced := levels.judge(0.02 if start < RATE else 0.85, steps, start):
            last = max(last, voiced.end)
            if voiced.start < RATE + 2 * WINDOW:
                levels.begin()

    assert 3 * RATE <= last <= 3 * RATE + 2_600 * RATE // 1000
