"""The caller's voice on the telephone: recordings and text become 20 ms mu-law frames.

A recording is band-limited and resampled to 8 kHz (soxr), brought to one level and companded, as a
phone network would. What counts as *voiced* follows the usual load tools: frames within 30 dB of
the utterance's loudest one; latencies are measured from the last of them.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from holdfast_common.errors import HoldfastError
from holdfast_common.pcm import Floats, from_float, to_float, ulaw_encode

RATE_HZ = 8_000
FRAME_SAMPLES = 160
FRAME_S = FRAME_SAMPLES / RATE_HZ
PEAK = 0.5
"""Of full scale: -6 dBFS, a close talker on a good line."""
NOISE_DBFS = -66.0
"""Comfort noise of the caller's room, between and under the words."""
VOICED_BELOW_PEAK_DB = 30.0
NOISE_FRAMES = 251
"""Frames of noise in the loop; prime, so that it does not beat with anything."""


class BadRecordingError(HoldfastError):
    """A file that is no recording we can play."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Frames of 160 mu-law bytes, and which of them are voice."""

    frames: tuple[bytes, ...]
    first_voiced: int
    last_voiced: int
    """Indices into `frames`."""

    @property
    def seconds(self) -> float:
        return len(self.frames) * FRAME_S


def read_wav(path: Path) -> Floats:
    """Mono samples in [-1, 1] at 8 kHz, band-limited; raises BadRecordingError."""
    try:
        with wave.open(str(path)) as file:
            if file.getsampwidth() != 2:
                raise BadRecordingError(f"{path}: {8 * file.getsampwidth()}-bit samples (16 wanted)")
            rate, channels = file.getframerate(), file.getnchannels()
            samples = to_float(file.readframes(file.getnframes()))
    except (OSError, wave.Error, EOFError) as error:
        raise BadRecordingError(f"{path}: {error}") from error
    mono = samples.reshape(-1, channels).mean(axis=1)
    return resample(mono, rate)


def resample(samples: Floats, rate_hz: int) -> Floats:
    """To the telephone's rate."""
    return samples if rate_hz == RATE_HZ else np.asarray(soxr.resample(samples, rate_hz, RATE_HZ, quality="HQ"))


def utterance(samples: Floats, noise_dbfs: float = NOISE_DBFS) -> Utterance:
    """One utterance of what was recorded or synthesised: levelled, companded, cut into frames, noise under it."""
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0.0:
        raise BadRecordingError("a recording without any sound")
    levelled = np.pad(samples * (PEAK / peak), (0, -len(samples) % FRAME_SAMPLES))
    level = np.sqrt(np.square(levelled.reshape(-1, FRAME_SAMPLES)).mean(axis=1)) + 1e-9
    voiced = np.flatnonzero(20 * np.log10(level / level.max()) > -VOICED_BELOW_PEAK_DB)
    noisy = levelled + _noise(len(levelled), noise_dbfs)
    return Utterance(_frames(noisy), int(voiced[0]), int(voiced[-1]))


def joined(parts: list[Floats]) -> Floats:
    """Recordings said in one breath."""
    return np.concatenate(parts)


def voice_dbfs(samples: Floats) -> float:
    """Level of the voiced frames of an utterance as `utterance` brings it onto the line, RMS in dB of full scale."""
    levelled = samples * (PEAK / float(np.abs(samples).max()))
    frames = levelled[: len(levelled) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    power = np.square(frames).mean(axis=1)
    voiced = power[power > power.max() * 10 ** (-VOICED_BELOW_PEAK_DB / 10)]
    return float(10 * np.log10(voiced.mean()))


def noise_frames(noise_dbfs: float = NOISE_DBFS) -> tuple[bytes, ...]:
    """What the line carries while the caller says nothing; play it round and round."""
    return _frames(_noise(NOISE_FRAMES * FRAME_SAMPLES, noise_dbfs))


def _noise(samples: int, noise_dbfs: float) -> Floats:
    # Seeded: two runs of one script send the same bytes.
    return np.random.default_rng(1).normal(0, 10 ** (noise_dbfs / 20), samples).astype(np.float32)


def _frames(samples: Floats) -> tuple[bytes, ...]:
    data = ulaw_encode(from_float(samples))
    return tuple(data[i : i + FRAME_SAMPLES] for i in range(0, len(data), FRAME_SAMPLES))
