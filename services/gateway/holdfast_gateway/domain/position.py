"""Where the caller's ear is: samples played at the far end, by the best knowledge at a given moment.

The far end (Twilio, the page) plays what we hand over, one after another, on a clock of its own. We
know when we handed audio over, and it tells us now and then how far it is (a mark comes back, the
page reports). In between a playout clock runs from the last such word:

    told "p" at t        the far end was at p at t - round trip / 2
    handed over at t     playing begins at t + round trip / 2, or when what it still has has run out

so a position told or guessed is the same function of time. The clock stands still at what was handed
over, and goes at most `slack_s` past the last word of a far end that speaks at all: a stalled line
is not mistaken for a patient listener. After a clear, words about what was thrown away are not
passed in (the legs name their marks by generation). Times are seconds of any monotonic clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

SLACK_S = 0.6
"""Reports come every 100-200 ms; three may be late before the line counts as stalled."""


@dataclass(slots=True)
class Playout:
    """The far end's playout buffer as it looks from here."""

    rate_hz: int
    slack_s: float = SLACK_S
    _sent: int = 0
    _anchor: int = 0
    _anchor_at: float = 0.0
    _told: int = 0
    _speaks: bool = False
    _reported: int = 0
    _round_trips: deque[float] = field(default_factory=lambda: deque(maxlen=8))

    @property
    def sent(self) -> int:
        """Samples handed over since the leg began, less those that a clear threw away."""
        return self._sent

    @property
    def round_trip_s(self) -> float:
        """The shortest of the last measurements: our own delays only ever add."""
        return min(self._round_trips, default=0.0)

    def measured(self, round_trip_s: float) -> None:
        """A mark sent into an empty buffer came back after so long."""
        self._round_trips.append(max(0.0, round_trip_s))

    def handed(self, samples: int, now: float) -> None:
        """So many more samples left for the far end."""
        arrives = now + self.round_trip_s / 2
        if self.runs_dry_at() <= arrives:
            self._anchor, self._anchor_at = self._sent, arrives
        self._sent += samples

    def told(self, position: int, now: float) -> None:
        """The far end says that it has played up to `position`."""
        position = min(position, self._sent)
        if position < self._told:
            return
        self._told, self._speaks = position, True
        self._anchor, self._anchor_at = position, now - self.round_trip_s / 2

    def position(self, now: float) -> int:
        """Samples played by now; never goes back."""
        played = self._anchor + round(max(0.0, now - self._anchor_at) * self.rate_hz)
        if self._speaks:
            played = min(played, self._told + round((self.slack_s + self.round_trip_s) * self.rate_hz))
        self._reported = max(self._reported, min(played, self._sent))
        return self._reported

    def cleared(self, now: float) -> int:
        """What was not played is thrown away; returns the position reached, where audio goes on from."""
        reached = self.position(now)
        self._sent = self._anchor = self._told = reached
        self._anchor_at = now
        return reached

    def runs_dry_at(self) -> float:
        """When the far end will have played everything that it was handed."""
        return self._anchor_at + (self._sent - self._anchor) / self.rate_hz
