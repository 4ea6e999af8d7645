"""Where the caller's ear is: samples played at the far end, by the best knowledge at a given moment.

The far end (Twilio, the page) plays what we hand over, one after another, on a clock of its own. We
know when we handed audio over, and it tells us now and then how far it is (a mark comes back, the
page reports). In between a playout clock runs from the last such word:

    told "p" at t        the far end was at p at t - round trip / 2
    handed over at t     playing begins at t + round trip / 2 + lag, or when what it still has has run out
    cleared at t         the clear arrives at t + round trip / 2, and until then it plays on

so a position told or guessed is the same function of time. The *lag* is what a far end waits before audio into an
empty buffer sounds: it is learned from the first word about such audio, and until then a far end that is known
to speak (it has answered a mark) counts as not having begun. Words come late, never early: of the last few that
say different things about one stretch of playing, the most advanced is believed, so a late word does not put the
clock back, and a line that has really stalled is believed after `BELIEVED` words. The clock stands still at what was
handed over, and goes at most `slack_s` past the last word of a far end that speaks at all: a stalled line
is not mistaken for a patient listener. After a clear, words about what was thrown away are not
passed in (the legs name their marks by generation). Times are seconds of any monotonic clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

SLACK_S = 0.6
"""Reports come every 100-200 ms; three may be late before the line counts as stalled."""
LONGEST_LAG_S = 1.5
"""A far end that has not said a word about its audio by then is taken to play it in silence."""
BELIEVED = 3
"""Words about one stretch of playing that are weighed against each other."""


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
    _lags: deque[float] = field(default_factory=lambda: deque(maxlen=4))
    _begun: tuple[int, float] | None = None
    """The stretch that began in an empty buffer: its first sample, and when it arrived. None: its lag is learned."""
    _origins: deque[float] = field(default_factory=lambda: deque(maxlen=BELIEVED))
    """When sample 0 would have sounded, by each of the last words about this stretch."""

    @property
    def sent(self) -> int:
        """Samples handed over since the leg began, less those that a clear threw away."""
        return self._sent

    @property
    def round_trip_s(self) -> float:
        """The shortest of the last measurements: our own delays only ever add."""
        return min(self._round_trips, default=0.0)

    @property
    def lag_s(self) -> float:
        """How long audio that arrives in an empty buffer waits there."""
        return min(self._lags, default=0.0)

    @property
    def knows_lag(self) -> bool:
        return bool(self._lags)

    def measured(self, round_trip_s: float) -> None:
        """A mark sent into an empty buffer came back after so long."""
        self._round_trips.append(max(0.0, round_trip_s))

    def handed(self, samples: int, now: float) -> None:
        """So many more samples left for the far end."""
        arrives = now + self.round_trip_s / 2
        if self.runs_dry_at() <= arrives:
            self._anchor, self._anchor_at = self._sent, arrives + self.lag_s
            self._begun = (self._sent, arrives)
            self._origins.clear()
        self._sent += samples

    def told(self, position: int, now: float) -> None:
        """The far end says that it has played up to `position`."""
        position = min(position, self._sent)
        if position < self._told:
            return
        self._told, self._speaks = position, True
        at = now - self.round_trip_s / 2
        if self._begun is not None and position > self._begun[0]:
            first, arrived = self._begun
            self._begun = None
            self._lags.append(max(0.0, at - (position - first) / self.rate_hz - arrived))
        self._origins.append(at - position / self.rate_hz)
        self._anchor, self._anchor_at = position, min(self._origins) + position / self.rate_hz

    def position(self, now: float) -> int:
        """Samples played by now; never goes back."""
        played = self._anchor + round(max(0.0, now - self._anchor_at) * self.rate_hz)
        if self._speaks:
            played = min(played, self._told + round((self.slack_s + self.round_trip_s) * self.rate_hz))
        elif self._begun is not None and self._round_trips and now < self._begun[1] + LONGEST_LAG_S:
            played = self._begun[0]
        self._reported = max(self._reported, min(played, self._sent))
        return self._reported

    def cleared(self, now: float) -> int:
        """What will not have been played when the word arrives is thrown away; returns the position reached by then,
        where audio goes on from."""
        arrives = now + self.round_trip_s / 2
        reached = self.position(arrives)
        self._sent = self._anchor = self._told = reached
        self._anchor_at = arrives
        self._begun = None
        self._origins.clear()
        return reached

    def runs_dry_at(self) -> float:
        """When the far end will have played everything that it was handed."""
        return self._anchor_at + (self._sent - self._anchor) / self.rate_hz
