"""A tone instead of speech, all at once: for measuring everything around the engine (`holdfast up --scripted`)."""

from __future__ import annotations

import numpy as np

from holdfast_tts.domain.timings import estimate
from holdfast_tts.ports import Emit, Piece, Run

RATE_HZ = 8_000
_LEVEL = 0.2


class Scripted:
    """The same tone for every run of words, the words spread evenly over it."""

    name = "scripted"
    whole_runs = False

    def __init__(self, *, length_ms: int = 2_000, pitch_hz: int = 440) -> None:
        self.version = f"{length_ms} ms {pitch_hz} Hz"
        phase = np.arange(RATE_HZ * length_ms // 1000) * (2 * np.pi * pitch_hz / RATE_HZ)
        self._tone = np.rint(_LEVEL * 32_767 * np.sin(phase)).astype(np.int16)

    def resolve(self, voice: str, language: str) -> str:
        return "tone"

    def rate_hz(self, voice: str) -> int:
        return RATE_HZ

    def speak(self, run: Run, emit: Emit) -> None:
        emit(Piece(self._tone, tuple(estimate(["x"] * len(run.words), 0, len(self._tone)))))
