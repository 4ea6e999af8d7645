"""The sound as the features that the wideband acoustic model expects, also where the line has cut it.

The acoustic model was trained on 16 kHz; on a telephone line everything above 3.4 kHz and the lowest
octave are missing, and merely resampling leaves a third of its filters empty. So the cepstra are not
computed from the sound but *predicted*: log-mel energies, with some frames around each, through a small
regression fitted on speech that was passed through simulated lines (bench/train_phone_front.py: its
targets are the recogniser's own cepstra of the wideband original). Word errors on the phone fall by a
third (README). The idea is old: stereo-based feature mapping (SPLICE, Deng et al. 2000).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

BANDS = 24
WINDOW_S = 0.025625
"""As the recogniser's own."""
HOP_S = 0.01
"""One frame."""
TOP_HZ = {8_000: 3_980.0, 16_000: 6_800.0}
LOWEST_HZ = 60.0
_FLOOR = 1e3
"""Added to each band's power (s16 scale): below it lies mu-law's own noise."""
CEPSTRA = 13


@dataclass(frozen=True, slots=True)
class Regression:
    """Features with context -> cepstra."""

    left: int
    right: int
    mean: Floats
    scale: Floats
    linear: Floats
    bias: Floats
    cepstral_mean: str
    """Mean of the predicted cepstra over speech, for the decoder's normalisation."""

    def __call__(self, features: Floats) -> Floats:
        """[frames, bands * (left + 1 + right)] -> [frames, 13]."""
        return ((features - self.mean) / self.scale @ self.linear + self.bias).astype(np.float32)


@lru_cache(maxsize=2)
def load_regression(rate_hz: int = 8_000) -> Regression:
    """The fitted weights that come with the package, for audio of this rate."""
    path = files("holdfast_asr") / "data" / f"front_{rate_hz}.npz"
    with path.open("rb") as file, np.load(file) as z:
        loaded: dict[str, Any] = {name: z[name] for name in z.files}
    mean = ",".join(f"{value:.2f}" for value in loaded.pop("cepstral_mean"))
    left, right = int(loaded.pop("left")), int(loaded.pop("right"))
    arrays = {name: array.astype(np.float32) for name, array in loaded.items()}
    return Regression(left=left, right=right, cepstral_mean=mean, **arrays)


class Bank:
    """Windows, spectrum and triangular mel filters of one sampling rate."""

    def __init__(self, rate_hz: int) -> None:
        self.window = int(rate_hz * WINDOW_S)
        self.hop = int(rate_hz * HOP_S)
        self._fft = 1 << (self.window - 1).bit_length()
        self._hamming = np.hamming(self.window).astype(np.float32)
        lowest, highest = (1127 * np.log1p(hz / 700) for hz in (LOWEST_HZ, TOP_HZ[rate_hz]))
        edges = 700 * np.expm1(np.linspace(lowest, highest, BANDS + 2) / 1127)
        frequency = np.arange(self._fft // 2 + 1) * rate_hz / self._fft
        filters = np.zeros((len(frequency), BANDS), np.float32)
        for band in range(BANDS):
            low, centre, high = edges[band : band + 3]
            rising, falling = (frequency - low) / (centre - low), (high - frequency) / (high - centre)
            filters[:, band] = np.maximum(np.minimum(rising, falling), 0)
            if not filters[:, band].any():
                filters[np.argmin(np.abs(frequency - centre)), band] = 1
        self._filters = filters / filters.sum(0, dtype=np.float32)

    def log_mel(self, samples: npt.NDArray[np.int16]) -> Floats:
        """[frames, BANDS] of whole windows; the first begins at the first sample."""
        if len(samples) < self.window:
            return np.zeros((0, BANDS), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float32), self.window)[:: self.hop]
        frames = frames - frames.mean(1, keepdims=True)
        power = np.abs(np.fft.rfft(frames * self._hamming, self._fft)).astype(np.float32) ** 2
        return np.log(power @ self._filters + np.float32(_FLOOR))


@lru_cache(maxsize=2)
def bank(rate_hz: int) -> Bank:
    return Bank(rate_hz)


def with_context(features: Floats, left: int, right: int) -> Floats:
    """Each frame beside its neighbours: [frames - left - right, BANDS * (left + 1 + right)]."""
    count = len(features) - left - right
    if count < 1:
        return np.zeros((0, BANDS * (left + 1 + right)), np.float32)
    return np.concatenate([features[i : i + count] for i in range(left + right + 1)], axis=1)


class PhoneFront:
    """One utterance's cepstra as its audio comes, some frames (30 ms) behind it. Chunking changes nothing."""

    def __init__(self, regression: Regression | None = None, *, rate_hz: int = 8_000) -> None:
        self._regression = regression or load_regression(rate_hz)
        self._bank = bank(rate_hz)
        self._rest = np.zeros(0, np.int16)
        self._features = np.zeros((0, BANDS), np.float32)
        self._begun = False

    def feed(self, samples: npt.NDArray[np.int16]) -> Floats:
        """Cepstra of the frames that are now complete."""
        left, right = self._regression.left, self._regression.right
        pending = np.concatenate([self._rest, samples])
        new = self._bank.log_mel(pending)
        self._rest = pending[len(new) * self._bank.hop :]
        if len(new) and not self._begun:
            self._begun = True
            self._features = np.repeat(new[:1], left, axis=0)
        self._features = np.concatenate([self._features, new])
        context = with_context(self._features, left, right)
        self._features = self._features[len(context) :]
        return self._regression(context)
