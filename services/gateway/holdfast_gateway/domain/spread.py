"""Which of several gateways takes a new call: the process that is asked, or once another one. Pure.

The asked process hands a call on when a sibling has clearly more free seats. What siblings say of
themselves is up to a beat old, so calls that were handed to them since are counted here as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

CLEARLY = 2
"""Seats that a sibling must have more than we do: handing on costs the caller a request."""
REMEMBERED_S = 1.0
"""A call handed on takes so long at most to show in the sibling's beats."""


class Sibling(NamedTuple):
    """Another gateway process, as its last beat says."""

    replica: str
    free: int
    """Seats."""
    address: str
    """Where it answers webhooks, `https://voice.example.com/gateway/2`."""


class Spread:
    """Hands calls on; remembers to whom, for a moment."""

    def __init__(self) -> None:
        self._handed: deque[tuple[float, str]] = deque()

    def better(self, own_free: int, siblings: Iterable[Sibling], now: float) -> Sibling | None:
        """The sibling that should take the next call, which then counts as handed to it; None: we keep it."""
        while self._handed and self._handed[0][0] <= now - REMEMBERED_S:
            self._handed.popleft()
        handed = [replica for _, replica in self._handed]
        free = {sibling: sibling.free - handed.count(sibling.replica) for sibling in siblings}
        best = max(free, key=lambda sibling: (free[sibling], sibling.replica), default=None)
        least = max(1, own_free + CLEARLY) if own_free > 0 else 1
        if best is None or free[best] < least:
            return None
        self._handed.append((now, best.replica))
        return best
