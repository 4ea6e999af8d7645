"""An engine for tests, deterministic: each word is a tone as long as the word, silence around the run."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from holdfast_common.errors import EngineUnavailable

from holdfast_tts.domain.timings import Span
from holdfast_tts.ports import Emit, Piece, Run


class FakeSynthesiser:
    """Every letter sounds for `letter_ms`; a word's pitch follows from its letters.

    `timed=False` tells no word times; `piece_ms` is the length of its pieces;
    `break_at` raises EngineUnavailable when that word is reached; `before_piece` is called on the
    voice thread before each piece.
    """

    def __init__(
        self,
        name: str = "fake",
        *,
        rate_hz: int = 16_000,
        letter_ms: int = 50,
        silence_ms: int = 100,
        piece_ms: int = 20,
        amplitude: float = 0.1,
        timed: bool = True,
        break_at: str | None = None,
        before_piece: Callable[[], None] = lambda: None,
        whole_runs: bool = False,
    ) -> None:
        self.whole_runs = whole_runs
        self.name = name
        self.version = "1"
        self.runs: list[Run] = []
        """What it was asked to say."""
        self.pieces = 0
        self.started = threading.Event()
        """Set when a run begins."""
        self.stopped = threading.Event()
        """Set when a run was ended by its listener."""
        self._rate = rate_hz
        self._letter = rate_hz * letter_ms // 1000
        self._silence = np.zeros(rate_hz * silence_ms // 1000, dtype=np.int16)
        self._piece = rate_hz * piece_ms // 1000
        self._amplitude = amplitude
        self._timed = timed
        self._break_at = break_at
        self._before_piece = before_piece

    def resolve(self, voice: str, language: str) -> str:
        return voice or "plain"

    def rate_hz(self, voice: str) -> int:
        return self._rate

    def speak(self, run: Run, emit: Emit) -> None:
        self.runs.append(run)
        self.started.set()
        if self._break_at in run.words:
            raise EngineUnavailable(f"{self.name}: broke")
        sounds = [self._silence]
        spans: list[Span] = []
        position = len(self._silence)
        for index, word in enumerate(run.words):
            sound = self._tone(word, round(self._letter * len(word) / run.speed))
            spans.append(Span(index, position, position + len(sound)))
            position += len(sound)
            sounds.append(sound)
        audio = np.concatenate([*sounds, self._silence])
        for start in range(0, len(audio), self._piece):
            self._before_piece()
            self.pieces += 1
            words = tuple(spans) if self._timed and start == 0 else None
            if not emit(Piece(audio[start : start + self._piece], words)):
                self.stopped.set()
                return

    def _tone(self, word: str, samples: int) -> np.ndarray:
        pitch = 200 + sum(map(ord, word)) % 800
        wave = np.sin(np.arange(samples) * (2 * np.pi * pitch / self._rate))
        return np.rint(self._amplitude * 32_767 * wave).astype(np.int16)
