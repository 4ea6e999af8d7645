"""Who is calling, again: the outside identities (CallSid, page session) that this process has met.

    met ---> live ---> lost ---> live (generation + 1)   a connection fell, the caller came back
                 \\--> ended                              said goodbye or hung up: there is no way back

Kept so that the way back after a lost connection can tell "ended" from "lost" from "never heard of",
and so that a call that keeps falling is not picked up for ever. Bounded: the longest unseen go first.
Pure: time comes in.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from enum import StrEnum

MAX_RETURNS = 3
RETURNS_WITHIN_S = 60.0


class CallState(StrEnum):
    MET = "met"
    LIVE = "live"
    LOST = "lost"
    ENDED = "ended"


@dataclass(slots=True)
class Known:
    """What this process knows of one call."""

    call: str
    """Its id on the bus."""
    generation: int = 0
    """Of the last connection that was offered; the first is 1."""
    state: CallState = CallState.MET
    lost_at: float = 0.0
    returns: deque[float] = field(default_factory=deque)
    """When it came back, for the limit."""

    def may_return(self, now: float) -> bool:
        """Count one more way back; False when there were too many of late."""
        while self.returns and now - self.returns[0] > RETURNS_WITHIN_S:
            self.returns.popleft()
        if len(self.returns) >= MAX_RETURNS:
            return False
        self.returns.append(now)
        return True


@dataclass(slots=True)
class Acquaintances:
    """The calls that this process has met, by outside identity."""

    max_calls: int = 10_000
    _known: OrderedDict[str, Known] = field(default_factory=OrderedDict)

    def get(self, key: str) -> Known | None:
        return self._known.get(key)

    def meet(self, key: str, call: str, generation: int = 0) -> Known:
        """Remember a call; what is known of it already stays, a higher generation is taken over."""
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Known(call, generation)
            self._forget_some()
        known.generation = max(known.generation, generation)
        self._known.move_to_end(key)
        return known

    def _forget_some(self) -> None:
        surplus = len(self._known) - self.max_calls
        if surplus > 0:
            for key in [k for k, known in self._known.items() if known.state is not CallState.LIVE][:surplus]:
                del self._known[key]

    def __len__(self) -> int:
        return len(self._known)
