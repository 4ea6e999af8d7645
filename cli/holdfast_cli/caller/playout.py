"""The phone's playout buffer as Twilio plays it: in order, at 8 kHz, marks answered when their audio has sounded.

Pure: times are given, in seconds of one monotonic clock. It keeps what the caller heard on a
timeline, for latencies and for the recording. An empty buffer starts playing at once; `clear`
throws away what has not sounded and returns every mark, as the real one does.
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

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.underruns = 0
        """Gaps inside a reply that a caller would hear."""
        self.clears = 0
        self.onset: Onset | None = None
        self._ends = 0.0
        self._loud_until = 0.0
        self._marks: list[tuple[float, str]] = []
        self._replying = False

    def push(self, ulaw: bytes, now: float) -> None:
        """Audio has arrived."""
        gap = now - self._ends
        if self._replying and UNDERRUN_S < gap < MAX_REPLY_GAP_S:
            self.underruns += 1
        start = max(now, self._ends)
        self.heard.append(Heard(start, ulaw))
        self._ends = start + len(ulaw) / RATE_HZ
        loud = np.flatnonzero(np.abs(samples_of(ulaw_decode(ulaw)).astype(np.int32)) > SILENCE_PEAK)
        if loud.size:
            self._loud_until = start + (int(loud[-1]) + 1) / RATE_HZ
            self._replying = True
            if self.onset is None:
                self.onset = Onset(now, start + int(loud[0]) / RATE_HZ)
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
    def loud_until(self) -> float:
        """When the last audible sample so far has sounded."""
        return self._loud_until

    @property
    def ends(self) -> float:
        """When the buffer runs dry."""
        return self._ends
