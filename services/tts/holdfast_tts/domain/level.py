"""How loud speech is, and how it stays below full scale: one loudness for every voice, no clipping.

A voice's gain is one constant, measured once on a calibration sentence: gains per sentence make
short sentences jump out. Peaks above the ceiling are taken down by a limiter that looks ahead, so
its gain moves smoothly and adds no clicks and hardly any harmonics.
"""

from __future__ import annotations

import numpy as np
from holdfast_common.pcm import SILENCE_DBFS, Floats
from numpy.lib.stride_tricks import sliding_window_view

ACTIVE_WITHIN_DB = 30.0
"""Frames this far below the loudest one still count as speech."""
FRAME_MS = 20
MOST_GAIN_DB = 20.0
LOOK_AHEAD_MS = 2.5


def active_level_dbfs(signal: Floats, rate_hz: int) -> float:
    """RMS of the 20 ms frames that hold speech, in dBFS: pauses do not make a voice quieter."""
    frame = rate_hz * FRAME_MS // 1000
    count = len(signal) // frame
    if count == 0:
        return SILENCE_DBFS
    power = np.mean(np.square(signal[: count * frame].reshape(count, frame), dtype=np.float64), axis=1)
    loudest = float(power.max())
    if loudest <= 0:
        return SILENCE_DBFS
    active = power[power >= loudest * 10 ** (-ACTIVE_WITHIN_DB / 10)]
    return 10 * float(np.log10(active.mean()))


def gain_towards(target_dbfs: float, measured_dbfs: float) -> float:
    """The factor that brings speech to the target, within +-20 dB; 1 for silence."""
    if measured_dbfs <= SILENCE_DBFS:
        return 1.0
    return 10 ** (float(np.clip(target_dbfs - measured_dbfs, -MOST_GAIN_DB, MOST_GAIN_DB)) / 20)


class Limiter:
    """Keeps a signal's peaks at or below a ceiling; as many samples come out as go in, none shifted.

    The gain at a sample is the mean over +-2.5 ms of the least gain needed within +-2.5 ms: never
    more than the sample itself needs, and smooth. So output lags input by 5 ms until `flush`.
    """

    def __init__(self, rate_hz: int, ceiling_dbfs: float) -> None:
        self._ceiling = 10 ** (ceiling_dbfs / 20)
        self._half = max(1, round(rate_hz * LOOK_AHEAD_MS / 1000))
        self._held = np.zeros(2 * self._half, dtype=np.float32)

    def push(self, signal: Floats) -> Floats:
        """Take some, give what is decided."""
        reach = 2 * self._half
        around = np.concatenate((self._held, signal))
        if len(around) <= 2 * reach:
            self._held = around
            return np.zeros(0, dtype=np.float32)
        self._held = around[-2 * reach :]
        decided = around[reach:-reach]
        peaks = np.abs(around)
        if float(peaks.max()) <= self._ceiling:
            return decided.copy()
        needed = np.minimum(1.0, self._ceiling / np.maximum(peaks, self._ceiling))
        least = sliding_window_view(needed, reach + 1).min(axis=1)
        smooth = sliding_window_view(least, reach + 1).mean(axis=1)
        return (decided * smooth).astype(np.float32)

    def flush(self) -> Floats:
        """The rest; the limiter is done."""
        return self.push(np.zeros(2 * self._half, dtype=np.float32))
