"""The end of the voice to the step of 4 ms, on a clean line, in noise, and when the noise is not known yet."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from holdfast_common.pcm import to_float
from holdfast_gateway.domain.levels import LAG_WINDOWS, Levels, Voiced, step_levels

RATE, WINDOW = 8_000, 256


def line(voice: np.ndarray, noise_dbfs: float, *, lead_s: float = 1.0, tail_s: float = 0.5, seed: int = 0):
    """(samples, start of the voice, its end)."""
    lead, tail = np.zeros(int(lead_s * RATE)), np.zeros(int(tail_s * RATE))
    signal = np.concatenate([lead, voice, tail])
    signal += np.random.default_rng(seed).normal(0, 10 ** (noise_dbfs / 20), len(signal))
    return (np.clip(signal, -1, 1) * 32_767).astype("<i2"), len(lead), len(lead) + len(voice)


def vowel(ms: int, dbfs: float = -15.0) -> np.ndarray:
    at = np.arange(ms * RATE // 1000) / RATE
    return 10 ** (dbfs / 20) * 1.41 * np.sin(2 * np.pi * 300 * at)


def windows(samples: np.ndarray):
    """(first sample, levels of its steps) of each window."""
    whole = to_float(samples[: len(samples) // WINDOW * WINDOW]).reshape(-1, WINDOW)
    return zip(range(0, len(samples), WINDOW), step_levels(whole, RATE), strict=False)


def judged(samples: np.ndarray, start: int, end: int, *, late_ms: int = 60) -> tuple[int, int]:
    """First and last voiced sample by a detector that says speech `late_ms` too long, as silero does."""
    levels = Levels(RATE)
    spans = []
    for at, steps in windows(samples):
        is_speech = at + WINDOW > start + 100 and at < end + late_ms * RATE // 1000
        if voiced := levels.judge(0.9 if is_speech else 0.02, steps, at):
            spans.append(voiced)
    return spans[0].start, spans[-1].end


@pytest.mark.parametrize("noise_dbfs", [-90.0, -66.0, -45.0, -35.0])
@pytest.mark.parametrize("length_ms", [203, 500, 777])
def test_the_end_of_the_voice_is_found_to_the_step(noise_dbfs, length_ms):
    """Within 8 ms, down to 20 dB of signal to noise."""
    samples, start, end = line(vowel(length_ms), noise_dbfs)
    first, last = judged(samples, start, end)

    assert abs(first - start) <= 8 * RATE // 1000
    assert abs(last - end) <= 8 * RATE // 1000


@pytest.mark.parametrize("noise_dbfs", [-66.0, -35.0])
def test_a_caller_who_talks_at_once_is_heard_to_the_end(noise_dbfs):
    """No window of noise was heard before the voice: the end is at worst the detector's, never early."""
    samples, start, end = line(vowel(600), noise_dbfs, lead_s=0.0)
    _, last = judged(samples, start, end)

    assert -8 <= (last - end) * 1000 // RATE <= 100


def test_a_faint_tail_after_a_loud_voice_is_not_voice():
    """30 dB under the utterance's peak is room, not caller."""
    samples, start, end = line(np.concatenate([vowel(400), vowel(200, -50.0)]), -80.0)
    _, last = judged(samples, start, end)

    assert abs(last - (end - 1_600)) <= 8 * RATE // 1000


def test_levels_are_those_of_each_lane_and_step():
    """A full-scale square wave is 0 dBFS, a hundredth of it -40, silence far below; lanes do not mix."""
    square = np.where(np.arange(WINDOW) % 2, 1.0, -1.0).astype(np.float32)
    square[32:64] *= 0.01
    loud, still = step_levels(np.stack([square, np.zeros(WINDOW, np.float32)]), RATE)

    assert loud == pytest.approx([0.0, -40.0, *[0.0] * 6], abs=1e-3)
    assert still == pytest.approx([-120.0] * 8)


def test_the_echo_of_the_agent_is_not_the_caller():
    """30 dB under a caller, called speech by the detector: no voice while the agent speaks, voice when it does not."""
    samples, start, _ = line(vowel(400, -50.0), -90.0)
    for over_agent in (True, False):
        levels = Levels(RATE)
        found = []
        for at, steps in windows(samples):
            speech = 0.9 if start <= at < start + 3_200 else 0.02
            found.append(levels.judge(speech, steps, at, over_agent=over_agent))
        assert any(found) is not over_agent


def test_voices_behind_the_caller_do_not_keep_the_turn_open():
    """The detector says speech for ever; what is left 18 dB under the caller is not the caller."""
    rng = np.random.default_rng(1)
    murmur = rng.normal(0, 10 ** (-33 / 20), 5 * RATE)
    murmur[RATE : RATE + 4_800] += vowel(600)
    samples = (np.clip(murmur, -1, 1) * 32_767).astype("<i2")
    levels, last = Levels(RATE), 0
    for at, steps in windows(samples):
        if voiced := levels.judge(0.8, steps, at):
            last = voiced.end
    assert abs(last - (RATE + 4_800)) <= 40 * RATE // 1000


def test_a_weak_word_late_in_a_long_sentence_is_voice_on_a_quiet_line():
    """The detector has not said silence for long, so the floor is guessed; 20 dB under the peak is no noise there."""
    words = np.tile(np.concatenate([vowel(300, -12.0), np.zeros(480)]), 8)
    samples, start, end = line(np.concatenate([words, vowel(400, -32.0)]), -62.0, lead_s=0.3)
    _, last = judged(samples, start, end)

    assert abs(last - end) <= 12 * RATE // 1000


def among_voices(voice: np.ndarray, odds: Callable[[int], float | None]) -> list[Voiced]:
    """What is found of a voice that begins 1.6 s into voices at -31 dBFS, its utterance going on from its beginning.

    `odds` are of the window LAG_WINDOWS before the one that begins at this sample.
    """
    samples, start, _ = line(voice, -31.0, lead_s=1.6, tail_s=0.6)
    levels, spans = Levels(RATE), []
    for at, steps in windows(samples):
        if start <= at < start + WINDOW:
            levels.begin()
        if voiced := levels.judge(0.85, steps, at, foreground=odds(at)):
            spans.append(voiced)
    return spans


START = int(1.6 * RATE)


def test_a_weak_word_among_voices_is_the_callers_where_it_sounds_in_front():
    """No step of it stands out. It is found to the last window of theirs, though the odds come two windows later."""
    sentence = np.concatenate([vowel(600), np.zeros(800), vowel(300, -29.0)])
    end = START + len(sentence)
    by_levels = among_voices(sentence, lambda _: None)
    in_front = among_voices(sentence, lambda at: 2.0 if at - LAG_WINDOWS * WINDOW < end else -6.0)

    assert by_levels[-1].end < end - 2_000
    assert end - WINDOW < in_front[-1].end <= end + WINDOW


def test_somebody_behind_them_who_raises_their_voice_is_not_the_caller():
    """It stands out like the caller; three windows of low odds, and no level counts."""
    sentence = np.concatenate([vowel(600), np.zeros(4_000), vowel(300, -17.0)])
    by_levels = among_voices(sentence, lambda _: None)
    denied = among_voices(sentence, lambda at: 2.0 if at < START + 4_800 else -6.0)

    assert by_levels[-1].end > START + len(sentence) - 2 * WINDOW
    assert denied[-1].end < START + 4_800 + 4 * WINDOW


def test_who_is_far_louder_than_all_around_is_never_denied():
    """A network that errs must not make the gateway deaf."""
    spans = among_voices(vowel(600, -2.0), lambda _: -6.0)

    assert spans[-1].end > START + 4_800 - WINDOW


def test_a_caller_who_begins_among_voices_begins_where_they_stood_out_first():
    """The odds notice them some windows late: what stood out meanwhile is theirs."""
    spans = among_voices(vowel(600, -18.0), lambda at: 2.0 if at >= START + 3 * WINDOW else -6.0)

    assert abs(min(span.start for span in spans if span.end > START - WINDOW) - START) <= WINDOW


def test_voices_behind_a_caller_do_not_teach_the_noise_what_a_voice_is():
    """What stood out and was denied is no noise: the floor stays where it was."""
    levels = Levels(RATE)
    for n in range(60):
        levels.judge(0.85, [-50.0] * 8, n * WINDOW, foreground=-6.0)
    before = levels.noise_db
    for n in range(60, 90):
        levels.judge(0.85, [-30.0] * 8, n * WINDOW, foreground=-6.0)

    assert levels.noise_db < before + 3.0


def test_whose_voice_it_is_is_asked_only_where_it_matters():
    """At first, and again before silence has been gone for so long that the floor is not believed any more."""
    levels = Levels(RATE)
    assert levels.asks_foreground
    for n in range(100):
        levels.judge(0.01, [-60.0] * 8, n * WINDOW)
    assert not levels.asks_foreground
    asks_from = trusts_to = 0
    for n in range(100, 300):
        levels.judge(0.95, [-20.0] * 8, n * WINDOW)
        asks_from = asks_from or (n if levels.asks_foreground else 0)
        trusts_to = n if levels.is_trusted else trusts_to

    assert asks_from + 50 <= trusts_to  # 1.6 s to hear before it decides
