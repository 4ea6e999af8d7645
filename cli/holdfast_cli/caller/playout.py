"""The phone's playout buffer as Twilio plays it: in order, at 8 kHz, marks answered when their audio has sounded.

Pure: times are given, in seconds of one monotonic clock. It keeps what the caller heard on a
timeline, for latencies and (unless told not to, where hundreds of calls are held) for the recording.
An empty buffer starts playing at once; `clear` throws away what has not sounded and returns every
mark, as the real one does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from holdfast_common.pcm import samples_of, ulaw_decode

RATE_HZ = 8_000
SILENCE_PEAK = 256
"""16-bit amplitude at or under which the agent's audio counts as silence."""
UNDERRUN_S = 0.005
MAX_REPLY_GAP_S = 1.0
"""A longer hole is the beginning of something new, not a gap in playout."""
_LOUD = bytes(np.abs(samples_of(ulaw_decode(bytes(range(256)))).astype(np.int32)) > SILENCE_PEAK)
"""1 for each mu-law byte that is louder than silence: `bytes.translate` finds it ten times faster than arithmetic."""


@dataclass(slots=True)
class Heard:
    """A stretch of audio and when it began to sound."""

    start: float
    ulaw: bytes

    @property
    def end(self) -> float:
        return self.start + len(self.ulaw) / RATE_HZ


@dataclass(frozen=True, slots=True)
class Onset:
    """The first audible sample after `listen_for`."""

    arrived: float
    heard: float


class Playout:
    """One call's buffer."""

    def __init__(self, *, keeps_audio: bool = True) -> None:
        self.heard: list[Heard] = []
        """Empty where the audio is not kept."""
        self.gaps_s: list[float] = []
        """Holes inside a reply that a caller would hear, each by its length."""
        self.clears = 0
        self.onset: Onset | None = None
        self._ends = 0.0
        self._loud_until = 0.0
        self._loud_at = 0.0
        self._marks: list[tuple[float, str]] = []
        self._replying = False
        self._keeps_audio = keeps_audio

    def push(self, ulaw: bytes, now: float) -> None:
        """Audio has arrived."""
        gap = now - self._ends
        if self._replying and UNDERRUN_S < gap < MAX_REPLY_GAP_S:
            self.gaps_s.append(gap)
        start = max(now, self._ends)
        if self._keeps_audio:
            self.heard.append(Heard(start, ulaw))
        self._ends = start + len(ulaw) / RATE_HZ
        loud = ulaw.translate(_LOUD)
        if (last := loud.rfind(1)) >= 0:
            self._loud_until = start + (last + 1) / RATE_HZ
            self._loud_at = now
            self._replying = True
            if self.onset is None:
                self.onset = Onset(now, start + loud.find(1) / RATE_HZ)
        elif gap > 0:
            self._replying = False

    def listen_for(self) -> None:
        """Forget the last onset: the next audible sample is the answer."""
        self.onset = None

    def mark(self, name: str, now: float) -> float:
        """A mark has arrived; returns when it will be due."""
        due = max(now, self._ends)
        self._marks.append((due, name))
        return due

    def due_marks(self, now: float) -> list[str]:
        """Names of the marks whose audio has sounded, each once, in order."""
        due = [name for when, name in self._marks if when <= now]
        self._marks = self._marks[len(due) :]
        return due

    @property
    def next_mark_due(self) -> float | None:
        """When the oldest waiting mark is due."""
        return self._marks[0][0] if self._marks else None

    def clear(self, now: float) -> list[str]:
        """Throw away what has not sounded; the names of all waiting marks, which go back at once."""
        self.clears += 1
        self._replying = False
        while self.heard and self.heard[-1].start >= now:
            self.heard.pop()
        if self.heard and self.heard[-1].end > now:
            last = self.heard[-1]
            last.ulaw = last.ulaw[: int((now - last.start) * RATE_HZ)]
        self._ends = min(self._ends, now)
        self._loud_until = min(self._loud_until, now)
        names = [name for _, name in self._marks]
        self._marks.clear()
        return names

    @property
    def underruns(self) -> int:
        """How many gaps there were."""
        return len(self.gaps_s)

    @property
    def loud_at(self) -> float:
        """When audible audio last arrived."""
        return self._loud_at

    @property
    def loud_until(self) -> float:
        """When the last audible sample so far has sounded."""
        return self._loud_until

    @property
    def ends(self) -> float:
        """When the buffer runs dry."""
        return self._ends
