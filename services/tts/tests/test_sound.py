"""Trimming, loudness, limiting and cutting: the same sound however the pieces fall."""

import random

import numpy as np
import pytest
from holdfast_common.pcm import Floats, from_float, samples_of
from holdfast_tts.domain.chunks import Cutter
from holdfast_tts.domain.level import Limiter, active_level_dbfs, gain_towards
from holdfast_tts.domain.trim import Trimmer

RATE = 8_000


def tone(ms: int, amplitude: float = 0.1, hz: float = 440.0, rate: int = RATE) -> Floats:
    return (amplitude * np.sin(np.arange(rate * ms // 1000) * (2 * np.pi * hz / rate))).astype(np.float32)


def nothing(ms: int, rate: int = RATE) -> Floats:
    return np.zeros(rate * ms // 1000, dtype=np.float32)


def pieces(signal: Floats, seed: int) -> list[Floats]:
    rnd = random.Random(seed)
    cuts = sorted(rnd.sample(range(len(signal)), 12))
    return np.split(signal, cuts)


def trimmer() -> Trimmer:
    return Trimmer(RATE, silence_dbfs=-55, lead_ms=20, tail_ms=30)


@pytest.mark.parametrize("seed", range(5))
def test_silence_goes_at_both_ends_and_stays_in_the_middle(seed: int):
    signal = np.concatenate([nothing(200), tone(300), nothing(250), tone(300), nothing(400)])
    cut = trimmer()

    out = np.concatenate([*(cut.push(piece) for piece in pieces(signal, seed)), cut.flush()])

    assert cut.cut == 180 * RATE // 1000
    assert np.array_equal(out, signal[180 * 8 : (200 + 300 + 250 + 300 + 30) * 8])


def test_sound_from_the_first_sample_on_is_not_cut():
    cut = trimmer()

    assert len(cut.push(tone(100))) == 800
    assert cut.cut == 0


def test_nothing_but_silence_becomes_nothing():
    cut = trimmer()

    assert len(cut.push(nothing(500))) + len(cut.flush()) == 0
    assert cut.cut is None


def test_pauses_do_not_make_a_voice_quieter():
    speech = np.concatenate([tone(500), nothing(1_500), tone(500)])

    assert active_level_dbfs(speech, RATE) == pytest.approx(-23.0, abs=0.1)


def test_the_gain_brings_a_voice_to_the_target_within_bounds():
    assert gain_towards(-20, -26) == pytest.approx(10 ** (6 / 20))
    assert gain_towards(-20, -70) == pytest.approx(10.0)
    assert gain_towards(-20, active_level_dbfs(nothing(500), RATE)) == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_the_limiter_keeps_length_place_and_ceiling(seed: int):
    loud = np.concatenate([tone(200, 0.2), tone(200, 1.8), tone(200, 0.2)])
    limiter = Limiter(RATE, -1.0)

    out = np.concatenate([*(limiter.push(piece) for piece in pieces(loud, seed)), limiter.flush()])

    assert len(out) == len(loud)
    assert np.abs(out).max() <= 10 ** (-1 / 20) + 1e-6
    assert np.array_equal(out[: 190 * 8], loud[: 190 * 8])
    assert np.allclose(out[410 * 8 :], loud[410 * 8 :])


def test_the_limiter_does_not_distort_a_steady_tone():
    """Clipping a tone at 1.8 would put 20 % of its energy elsewhere."""
    limiter = Limiter(RATE, -1.0)
    out = np.concatenate([limiter.push(tone(1_000, 1.8, 500)), limiter.flush()])[800:7_200]
    power = np.abs(np.fft.rfft(out * np.hanning(len(out)))) ** 2
    peak = int(power.argmax())

    assert power[peak - 3 : peak + 4].sum() / power.sum() > 0.999


def test_the_first_chunk_is_short_and_the_others_follow_on():
    cutter = Cutter(RATE, first_ms=20, chunk_ms=100)

    chunks = cutter.push(bytes(2 * 2_000)) + cutter.flush()

    assert [(position, len(pcm) // 2) for position, pcm in chunks] == [(0, 160), (160, 800), (960, 800), (1_760, 240)]


def test_chunks_grow_as_audio_gets_ahead():
    """Never longer than half of what was sent before, never over four times the usual length."""
    cutter = Cutter(RATE, first_ms=20, chunk_ms=100)

    chunks = cutter.push(bytes(2 * 40_000)) + cutter.flush()
    lengths = [len(pcm) // 2 for _, pcm in chunks]

    assert lengths[:5] == [160, 800, 800, 880, 1_320]
    assert max(lengths) == 3_200
    assert sum(lengths) == 40_000


def test_a_skipped_beginning_is_left_out_and_the_join_faded_in():
    pcm = from_float(np.full(2_000, 0.5, dtype=np.float32))
    cutter = Cutter(RATE, first_ms=20, chunk_ms=100, skip=500, position=500, fade=True)

    chunks = cutter.push(pcm[:700]) + cutter.push(pcm[700:]) + cutter.flush()
    out = samples_of(b"".join(pcm for _, pcm in chunks))

    assert chunks[0][0] == 500
    assert len(out) == 1_500
    assert out[0] == 0
    assert np.all(np.diff(out[:80]) > 0)
    assert np.all(out[80:] == 16_384)
