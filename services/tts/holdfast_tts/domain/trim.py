"""Cut an engine's own silence off both ends of what it says, while it is still saying it.

flite pads 80-240 ms at the beginning, all of it delay at the caller's ear. Pauses inside are kept;
the pause after a sentence is ours to set. Silence is judged by 5 ms steps against a level well
below the voice's set loudness.
"""

from __future__ import annotations

import numpy as np
from holdfast_common.pcm import Floats

STEP_MS = 5


class Trimmer:
    """For one run of speech; feed it in pieces of any length."""

    def __init__(self, rate_hz: int, *, silence_dbfs: float, lead_ms: int, tail_ms: int) -> None:
        self._step = max(1, rate_hz * STEP_MS // 1000)
        self._lead = rate_hz * lead_ms // 1000
        self._tail = rate_hz * tail_ms // 1000
        self._power = 10 ** (silence_dbfs / 10)
        self._held = np.zeros(0, dtype=np.float32)
        self.cut: int | None = None
        """Samples cut off at the beginning; None until something was heard."""

    def push(self, signal: Floats) -> Floats:
        """Take some, give what is known to stay; ends in sound or within the tail."""
        waiting = np.concatenate((self._held, signal))
        loud = self._loud_steps(waiting)
        if not loud.size:
            self._held = waiting
            return waiting[:0]
        begin = 0
        if self.cut is None:
            begin = self.cut = max(0, int(loud[0]) * self._step - self._lead)
        end = (int(loud[-1]) + 1) * self._step
        self._held = waiting[end:]
        return waiting[begin:end]

    def flush(self) -> Floats:
        """The tail that is kept; the run is over. Nothing at all if there never was a sound."""
        if self.cut is None:
            return self._held[:0]
        # Less than one step may be left that no step has judged: it belongs to the tail.
        return self._held[: self._tail]

    def _loud_steps(self, signal: Floats) -> np.ndarray:
        count = len(signal) // self._step
        steps = signal[: count * self._step].reshape(count, self._step)
        return np.flatnonzero(np.mean(np.square(steps, dtype=np.float64), axis=1) > self._power)
