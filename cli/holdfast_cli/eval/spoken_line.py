"""The telephone line of an evaluation: the caller's frames with noise in them, through the telephone's codec.

Noise is made, not recorded: `white`; `pink` (1/f, a ventilator, a street); `babble` (eight voices at once,
from the same synthesiser as the caller, so it has speech's rhythm and spectrum). Its level is set against
the caller's voice, by the active parts of what the caller says.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from holdfast_common.pcm import Floats, from_float, to_float, ulaw_decode, ulaw_encode

RATE_HZ = 8_000
FRAME = RATE_HZ // 50
SPEECH_DBFS = -20.0
"""Level of the caller's speech, over its voiced frames."""
QUIET_LINE_DB = 60.0
"""Signal to noise of a line of which nothing is said."""
VOICED_BELOW_PEAK_DB = 30.0
BABBLE_VOICES = 8


def levelled(samples: Floats, dbfs: float = SPEECH_DBFS) -> Floats:
    """The same at this level, taken over its voiced frames; padded to whole frames."""
    padded = np.pad(samples, (0, -len(samples) % FRAME))
    power = np.square(padded.reshape(-1, FRAME)).mean(axis=1)
    voiced = power[power > power.max(initial=0.0) * 10 ** (-VOICED_BELOW_PEAK_DB / 10)]
    if not len(voiced):
        return padded
    return np.clip(padded * 10 ** (dbfs / 20) / np.sqrt(voiced.mean()), -1.0, 1.0).astype(np.float32)


def white(seconds: float, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(0, 1, int(seconds * RATE_HZ)).astype(np.float32)


def pink(seconds: float, seed: int = 1) -> Floats:
    """1/f noise, shaped in the spectrum."""
    spectrum = np.fft.rfft(white(seconds, seed))
    spectrum /= np.sqrt(np.maximum(1.0, np.arange(len(spectrum))))
    return np.fft.irfft(spectrum, int(seconds * RATE_HZ)).astype(np.float32)


def babble(clips: Sequence[Floats], seconds: float, seed: int = 1) -> Floats:
    """Many voices at once: the clips laid round, each voice with an order and a beginning of its own."""
    rng = np.random.default_rng(seed)
    length = int(seconds * RATE_HZ)
    mixed = np.zeros(length, np.float32)
    for _ in range(BABBLE_VOICES):
        voice = np.concatenate([clips[i] for i in rng.permutation(len(clips))])
        mixed += np.resize(np.roll(voice, int(rng.integers(len(voice)))), length)
    return mixed


class Line:
    """One call's line: called with each 20 ms frame of the caller (s16le), gives what the gateway hears."""

    def __init__(self, noise: Floats, snr_db: float) -> None:
        """`noise` is played round and round, `snr_db` under the caller's speech (both as root mean square)."""
        level = SPEECH_DBFS - snr_db
        self._noise = (noise * 10 ** (level / 20) / max(1e-9, float(np.sqrt(np.square(noise).mean())))).astype(
            np.float32
        )
        self._at = 0

    def __call__(self, pcm: bytes) -> bytes:
        frame = to_float(pcm)
        noise = np.take(self._noise, np.arange(self._at, self._at + len(frame)), mode="wrap")
        self._at = (self._at + len(frame)) % len(self._noise)
        coded = ulaw_encode(from_float(np.clip(frame + noise, -1.0, 1.0)))
        return ulaw_decode(coded)
