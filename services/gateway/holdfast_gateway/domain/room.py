"""Is there anybody to serve a new caller? What the beats of the services say, with a moment's patience. Pure.

    open --a needed service has no free stream--> pinched --for `patience_s`--> full
      ^                                              |                            |
      +-------------- all have some ----------------+----------------------------+

A new caller needs a free stream of each. One that is missing for a moment is normal (its only replica is being
restarted, everybody speaks at once) and the caller's greeting covers it; one that stays away is not, and then it
is better not to answer at all. A service that was never there has no moment's patience: nobody has ever been served.
Time comes in, in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

PATIENCE_S = 3.0
"""A killed replica is back in less on one machine."""


@dataclass(slots=True)
class Room:
    """Looks at the free streams of the services that every call needs."""

    needed: tuple[str, ...]
    patience_s: float = PATIENCE_S
    _last_free: dict[str, float] = field(default_factory=dict)
    """Service to the last moment at which it had a free stream."""

    def observe(self, free: Mapping[str, int], now: float) -> None:
        """The free streams of each service now; one that is not named has none."""
        for service in self.needed:
            if free.get(service, 0) > 0:
                self._last_free[service] = now

    def lacking(self, now: float) -> tuple[str, ...]:
        """The services for want of which no new call may be taken; none: come in."""
        return tuple(service for service in self.needed if self._is_away(service, now))

    def _is_away(self, service: str, now: float) -> bool:
        last = self._last_free.get(service)
        return last is None or now - last > self.patience_s


def free_streams(beats: Iterable[tuple[str, int, bool, bool]]) -> dict[str, int]:
    """Free streams by service, of (service, free, draining, healthy) of each live replica."""
    free: dict[str, int] = {}
    for service, count, draining, healthy in beats:
        if healthy and not draining:
            free[service] = free.get(service, 0) + max(0, count)
    return free
