"""Rate limits: token buckets, one per key, in bounded memory.

A bucket holds `burst` tokens and gets `per_minute` new ones a minute; a request takes one. Buckets
that are full again are forgotten; with `max_keys` of them in use the oldest is dropped, which can
only be in that key's favour. Pure: time comes in.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field


@dataclass(slots=True)
class Bucket:
    """One token bucket."""

    per_minute: float
    burst: float
    tokens: float
    at: float

    def take(self, now: float, tokens: float = 1.0) -> bool:
        """Take so many tokens; False (and nothing taken) when there are not enough."""
        self.tokens = min(self.burst, self.tokens + max(0.0, now - self.at) * self.per_minute / 60)
        self.at = now
        if self.tokens < tokens:
            return False
        self.tokens -= tokens
        return True

    def wait_s(self) -> float:
        """Seconds until the next token, counted from the last `take`."""
        return max(0.0, (1.0 - self.tokens) * 60 / self.per_minute)


@dataclass(slots=True)
class Rates:
    """Equal buckets for many keys (callers, addresses)."""

    per_minute: float
    burst: float
    max_keys: int = 10_000
    _buckets: OrderedDict[str, Bucket] = field(default_factory=OrderedDict)

    def take(self, key: str, now: float) -> bool:
        """Take a token of this key's bucket; False: too many."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self.per_minute, self.burst, self.burst, now)
            while len(self._buckets) > self.max_keys:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket.take(now)

    def wait_s(self, key: str) -> float:
        """Seconds until this key may try again."""
        bucket = self._buckets.get(key)
        return bucket.wait_s() if bucket else 0.0

    def __len__(self) -> int:
        return len(self._buckets)
