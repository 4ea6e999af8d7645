"""Who is there, and who takes the next stream: soft state from beats, pure.

The opener takes the better of two random live replicas ("power of two choices", Mitzenmacher 2001):
nearly as even as asking all, without everybody running to the same emptiest one. A replica is live
while its last beat is younger than 750 ms; times are the listener's own clock, in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from holdfast_common.contracts.beat import Beat

STALE_S = 0.75
FORGOTTEN_S = 60.0
"""Silent for so long, a replica is not even remembered: their names may be new with every start."""


@dataclass(slots=True)
class _Seen:
    beat: Beat
    at: float
    opened: int = 0
    """Streams we have sent there since its last beat: the beat's figure does not hold them yet."""
    shunned_until: float = 0.0


class Presence:
    """The replicas that one process knows of."""

    def __init__(self, rng: Random | None = None, stale_s: float = STALE_S) -> None:
        self._seen: dict[tuple[str, str], _Seen] = {}
        self._rng = rng or Random()
        self._stale_s = stale_s

    def observe(self, beat: Beat, now: float) -> None:
        """A beat has come in."""
        seen = self._seen.get((beat.service, beat.replica))
        if seen is None:
            self._seen = {key: other for key, other in self._seen.items() if now - other.at < FORGOTTEN_S}
        shunned = seen.shunned_until if seen and seen.beat.boot == beat.boot else 0.0
        self._seen[beat.service, beat.replica] = _Seen(beat, now, 0, shunned)

    def forget(self, service: str, replica: str) -> None:
        """It has said goodbye."""
        self._seen.pop((service, replica), None)

    def shun(self, service: str, replica: str, until: float) -> None:
        """It did not answer, or was busy: prefer others until then. A restart (new boot) clears it."""
        if seen := self._seen.get((service, replica)):
            seen.shunned_until = until

    def extend(self, by_s: float) -> None:
        """Our own loop or the bus was away for so long: the silence was ours, not theirs."""
        for seen in self._seen.values():
            seen.at += by_s

    def is_live(self, service: str, replica: str, now: float) -> bool:
        seen = self._seen.get((service, replica))
        return seen is not None and now - seen.at <= self._stale_s

    def boot(self, service: str, replica: str) -> str | None:
        """Changes when a replica of the same name was started anew."""
        seen = self._seen.get((service, replica))
        return seen.beat.boot if seen else None

    def beats(self, now: float, service: str | None = None) -> list[Beat]:
        """The live ones' last beats, in order of their names."""
        return [
            seen.beat
            for key, seen in sorted(self._seen.items())
            if now - seen.at <= self._stale_s and service in (None, key[0])
        ]

    def free(self, service: str, now: float) -> int:
        """Streams that the service's live replicas would take."""
        return sum(b.capacity_free for b in self.beats(now, service) if not b.draining)

    def choose(self, service: str, now: float, exclude: frozenset[str] = frozenset()) -> str | None:
        """A replica for the next stream; None when nobody takes one.

        Excluded and shunned ones are taken only where there is no other.
        """
        open_ = [
            (name, seen)
            for (kind, name), seen in sorted(self._seen.items())
            if kind == service
            and now - seen.at <= self._stale_s
            and not seen.beat.draining
            and seen.beat.capacity_free - seen.opened > 0
        ]
        better = [(n, s) for n, s in open_ if n not in exclude and s.shunned_until <= now]
        pool = better or [(n, s) for n, s in open_ if n not in exclude] or open_
        if not pool:
            return None
        two = pool if len(pool) <= 2 else self._rng.sample(pool, 2)
        name, seen = min(two, key=lambda pair: (self._load(pair[1]), self._rng.random()))
        seen.opened += 1
        return name

    @staticmethod
    def _load(seen: _Seen) -> float:
        """Share of capacity in use, made worse by a slow loop and a waiting queue."""
        beat = seen.beat
        active = beat.active + seen.opened
        share = active / max(1, active + beat.capacity_free - seen.opened)
        return share + (beat.loop_lag_ms + beat.queue_wait_ms) / 200
