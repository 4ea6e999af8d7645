"""Is there a voice in this audio at all? A level gate, deliberately generous.

The gateway's voice detector has decided that somebody speaks; this only keeps digital silence, line hum
and steady noise from becoming words, and says whether what follows a pause is more than room.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FRAME_S = 0.02
VOICE_FRAMES = 3
"""60 ms above the threshold in a row count as voice."""
FLOOR_DBFS = -58.0
"""Nothing under this is voice (telephone speech lies between -45 and -10)."""
ABOVE_NOISE_DB = 9.0
BELOW_PEAK_DB = 26.0


class VoiceGate:
    """Levels of one utterance."""

    def __init__(self, rate_hz: int) -> None:
        self._size = int(rate_hz * FRAME_S)
        self._rest = np.zeros(0, np.int16)
        self._noise_dbfs = -40.0
        """Slowly rising minimum."""
        self._peak_dbfs = FLOOR_DBFS
        self._run = 0
        self.heard_voice = False

    def feed(self, samples: npt.NDArray[np.int16]) -> bool:
        """Whether voice was among these samples."""
        pending = np.concatenate([self._rest, samples])
        whole = len(pending) // self._size
        frames = pending[: whole * self._size].reshape(whole, self._size).astype(np.float32) / 32_768
        self._rest = pending[whole * self._size :]
        voiced = False
        for level in 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12):
            voiced |= self._frame(float(level))
        self.heard_voice |= voiced
        return voiced

    def _frame(self, level: float) -> bool:
        self._noise_dbfs = min(level, self._noise_dbfs + 0.04)
        self._peak_dbfs = max(level, self._peak_dbfs)
        above = level > max(FLOOR_DBFS, self._peak_dbfs - BELOW_PEAK_DB, self._noise_dbfs + ABOVE_NOISE_DB)
        self._run = self._run + 1 if above else 0
        return self._run >= VOICE_FRAMES
