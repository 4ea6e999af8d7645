"""Where the voice is, to the step of 4 ms: levels within what the detector called speech.

Silero says whether a window is speech, and says so 45-75 ms too long at a word's end. Its windows
are therefore only the frame: within them a step counts as voiced when it stands above the noise
floor and within 30 dB of the utterance's peak.

The noise floor is learnt from windows that are surely not speech. Until there were some (a caller
who talks at once) it is guessed from the quietest steps so far, and the guess is kept low-trust:
a window without any step that stands out is still believed to its end. Otherwise a floor that
starts too low never ends a turn on a noisy line, and one that starts too high ends it at once.

Pure: samples and probabilities in, sample positions out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import log10

import numpy as np
from holdfast_common.pcm import BYTES_PER_SAMPLE, FULL_SCALE, samples_of

STEP_MS = 4
STEPS_KEPT = 64
"""Steps that wait for their window's verdict (256 ms; a window is 32 ms)."""
ONSET_STEPS = 24
"""An onset is looked for at most this far before the first window of speech (96 ms)."""
ONSET_GAP_STEPS = 4
"""... across holes of at most this (a stop consonant's closure is longer, but so is its silence)."""


@dataclass(frozen=True, slots=True)
class LevelRule:
    """Thresholds of the level rule; levels are dBFS of a 4 ms step."""

    speech: float = 0.5
    """A window this probable is speech."""
    still_speech: float = 0.35
    """... and this probable, after one that was."""
    surely_not: float = 0.15
    """A window under this teaches the noise floor."""
    above_noise_db: float = 8.0
    """A voiced step stands this far above the floor (the spread of 4 ms steps of noise is 1-2 dB)."""
    below_peak_db: float = 30.0
    noise_memory: float = 0.05
    """Weight of a new window in the noise floor once there were twenty."""


@dataclass(frozen=True, slots=True)
class Voiced:
    """The voiced part of one window, in samples since the leg began."""

    start: int
    end: int


class Levels:
    """Levels of one leg."""

    def __init__(self, rate_hz: int, rule: LevelRule | None = None) -> None:
        self.rule = rule or LevelRule()
        self.step = rate_hz * STEP_MS // 1000
        self._steps: deque[float] = deque(maxlen=STEPS_KEPT)
        self._end = 0
        """Sample at which the newest step ends."""
        self._unweighed = b""
        self._noise_db = -60.0
        self._noise_windows = 0
        self._quietest_db = 0.0
        self._peak_db = -120.0
        self._was_speech = False

    @property
    def noise_db(self) -> float:
        """Noise floor, dBFS."""
        return self._noise_db if self._noise_windows else min(self._noise_db, self._quietest_db)

    def begin(self) -> None:
        """A new utterance: its peak is its own."""
        self._peak_db = -120.0

    def hear(self, pcm: bytes) -> None:
        """Take a frame of any length, s16le. Its levels are worked out with those of its whole window."""
        self._unweighed += pcm

    def _weigh(self, end: int) -> None:
        """Levels of the steps up to sample `end`. Later ones wait: a leg that was stalled brings seconds at once."""
        count = max(0, end - self._end) // self.step
        size = count * self.step * BYTES_PER_SAMPLE
        steps = samples_of(self._unweighed[:size]).astype(np.float32).reshape(count, self.step)
        scale = 1.0 / (self.step * FULL_SCALE * FULL_SCALE)
        self._steps.extend([10.0 * log10(energy * scale + 1e-12) for energy in np.vecdot(steps, steps).tolist()])
        self._end += count * self.step
        self._unweighed = self._unweighed[size:]

    def judge(self, probability: float, start: int, end: int) -> Voiced | None:
        """The voiced part of the window [start, end), which has just got its verdict.

        Windows come in order; `start` and `end` lie on steps.
        """
        rule = self.rule
        self._weigh(end)
        newest = (self._end - end) // self.step
        steps = list(self._steps)[-newest - (end - start) // self.step : len(self._steps) - newest]
        if not steps:
            return None
        loudest = max(steps)
        is_speech = probability >= (rule.still_speech if self._was_speech else rule.speech)
        is_onset, self._was_speech = is_speech and not self._was_speech, is_speech
        if not is_speech:
            if probability < rule.surely_not:
                self._learn(steps)
            return None
        self._peak_db = max(self._peak_db, loudest)
        if not self._noise_windows:
            self._quietest_db = min(self._quietest_db, sorted(steps)[len(steps) // 4])
        least = max(self.noise_db + rule.above_noise_db, self._peak_db - rule.below_peak_db)
        standing = [i for i, level in enumerate(steps) if level > least]
        if not standing:
            return None
        first = start + standing[0] * self.step
        if is_onset:
            first -= self._earlier(newest + len(steps) - standing[0], least) * self.step
        return Voiced(first, start + (standing[-1] + 1) * self.step)

    def _earlier(self, back: int, least: float) -> int:
        """Steps by which the voice began before the step that lies `back` steps from the newest end.

        Silero notices a voice a window or two late; what stood out right before belongs to it.
        """
        steps = list(self._steps)
        found = 0
        for count in range(1, min(ONSET_STEPS, len(steps) - back) + 1):
            if steps[-back - count] > least:
                found = count
            elif count - found > ONSET_GAP_STEPS:
                break
        return found

    def _learn(self, steps: list[float]) -> None:
        level = sum(steps) / len(steps)
        self._noise_windows += 1
        weight = max(1 / self._noise_windows, self.rule.noise_memory)
        self._noise_db = level if self._noise_windows == 1 else self._noise_db + weight * (level - self._noise_db)
