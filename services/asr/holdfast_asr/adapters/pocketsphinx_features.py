"""The acoustic features of one utterance, kept so that it can be decoded more than once.

Normalisation is ours and not the decoder's: its live one adapts over eight seconds,
longer than most utterances, and the mean over the utterance's first seconds (held by a prior worth one second)
makes a third fewer errors on some voices.
"""

from __future__ import annotations

import sys

import numpy as np

from holdfast_asr.adapters.phone_front import CEPSTRA, Floats, PhoneFront, load_regression

PRIOR_FRAMES = 100
"""How much the general mean weighs, in frames: one second."""
MEAN_FRAMES = 260
"""So much of an utterance, with the room before its first sound, tells its mean; words come out no better by more."""
FRAME_MS = 10
PRIOR_MEAN = load_regression(8_000).cepstral_mean
"""What every decoder is told to subtract; `normalised` moves each utterance's own mean there."""


class Features:
    """Grows with `feed`; frames of 10 ms."""

    def __init__(self, rate_hz: int, *, settles: bool = True) -> None:
        """`settles`: whether the mean is that of the beginning, or of all."""
        self._mean_frames = MEAN_FRAMES if settles else sys.maxsize
        self._front = PhoneFront(rate_hz=rate_hz)
        self._prior = _numbers(load_regression(rate_hz).cepstral_mean)
        self._there = _numbers(PRIOR_MEAN)
        self._parts: list[Floats] = []
        self._whole = np.zeros((0, CEPSTRA), np.float32)
        self._sum = np.zeros(CEPSTRA, np.float64)
        self._frames = 0

    def __len__(self) -> int:
        return self._frames

    def feed(self, pcm: bytes) -> None:
        made = self._front.feed(np.frombuffer(pcm, "<i2"))
        if len(made):
            self._parts.append(made)
            self._sum += made[: max(0, self._mean_frames - self._frames)].sum(0)
            self._frames += len(made)

    def mean(self) -> Floats:
        """Of the utterance so far, held by the prior."""
        frames = min(self._frames, self._mean_frames)
        return ((PRIOR_FRAMES * self._prior + self._sum) / (PRIOR_FRAMES + frames)).astype(np.float32)

    @property
    def has_settled(self) -> bool:
        """Whether `mean` will change no more."""
        return self._frames >= self._mean_frames

    def normalised(self, start: int, stop: int, mean: Floats) -> Floats:
        """Frames [start, stop), moved so that `mean` lies where the decoder expects it."""
        if self._parts:
            self._whole = np.concatenate([self._whole, *self._parts])
            self._parts = []
        return np.ascontiguousarray(self._whole[start:stop] - mean + self._there, dtype=np.float32)


def _numbers(mean: str) -> Floats:
    return np.array([float(value) for value in mean.split(",")], np.float32)
