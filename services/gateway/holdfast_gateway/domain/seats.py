"""Seats: how many calls this process may hold, counted exactly where the webhook is answered.

    (none) --take--> waiting --claim--> held --release--> (none)
                        ^                 |
                        +------- lose ----+
    waiting, for longer than `unclaimed_s`: (none)

A call that loses its connection keeps its seat for the time in which it may come back. Taking is
idempotent per call: a webhook that is delivered twice takes one seat. While nobody is there to serve
them the seats are closed to new calls; whoever is in a call keeps theirs. Pure: time comes in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

UNCLAIMED_S = 15.0


@dataclass(slots=True)
class Seats:
    """The seats of one process; keys are the callers' outside identities (CallSid, session)."""

    limit: int
    unclaimed_s: float = UNCLAIMED_S
    closed: bool = False
    """No new calls: what serves them has no capacity."""
    _waiting: dict[str, float] = field(default_factory=dict)
    """Key to the moment at which the seat returns."""
    _held: set[str] = field(default_factory=set)

    def take(self, key: str, now: float, *, is_new: bool = True) -> bool:
        """Keep a seat for a caller who is about to connect; False when there is none.

        `is_new` false: the caller comes back to a call that runs, which closed seats do not keep out.
        """
        if key in self._held:
            return True
        self._expire(now)
        if key not in self._waiting and (self._count() >= self.limit or (self.closed and is_new)):
            return False
        self._waiting[key] = now + self.unclaimed_s
        return True

    def claim(self, key: str, now: float) -> bool:
        """The caller is connected. A seat that returned meanwhile is taken anew, if there is one."""
        if not self.take(key, now, is_new=False):
            return False
        self._waiting.pop(key, None)
        self._held.add(key)
        return True

    def lose(self, key: str, now: float) -> None:
        """The connection is gone, the call may come back."""
        if key in self._held:
            self._held.discard(key)
            self._waiting[key] = now + self.unclaimed_s

    def release(self, key: str) -> None:
        """The call is over."""
        self._held.discard(key)
        self._waiting.pop(key, None)

    def taken(self, now: float) -> int:
        self._expire(now)
        return self._count()

    def free(self, now: float) -> int:
        """Seats that a new caller could have."""
        return 0 if self.closed else max(0, self.limit - self.taken(now))

    def certainly_free(self) -> int:
        """At least so many; changes nothing, so that any thread may ask."""
        return 0 if self.closed else max(0, self.limit - self._count())

    def _count(self) -> int:
        return len(self._held) + len(self._waiting)

    def _expire(self, now: float) -> None:
        for key in [key for key, until in self._waiting.items() if until <= now]:
            del self._waiting[key]
