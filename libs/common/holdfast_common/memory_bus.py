"""The bus in one process: for tests, and for anything that wants no server.

Delivers in publishing order from a task of its own, as NATS does: a callback never runs inside the
publisher's call. `down` plays a lost connection, `lost` loses messages on purpose.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from holdfast_common.bus import BusMessage, Callback, Lane
from holdfast_common.errors import BusUnavailable

log = structlog.get_logger()


def matches(pattern: list[str], subject: list[str]) -> bool:
    """NATS subject matching: `*` stands for one token, `>` for one or more at the end."""
    for i, token in enumerate(pattern):
        if token == ">":
            return len(subject) > i
        if i >= len(subject) or token not in ("*", subject[i]):
            return False
    return len(pattern) == len(subject)


@dataclass(eq=False, slots=True)
class _Subscription:
    hub: MemoryHub
    bus: MemoryBus
    pattern: list[str]
    callback: Callback

    async def unsubscribe(self) -> None:
        if self in self.hub.subscriptions:
            self.hub.subscriptions.remove(self)


class MemoryHub:
    """What the connections of one in-memory bus have in common: the server, so to speak."""

    def __init__(self) -> None:
        self.subscriptions: list[_Subscription] = []
        self.lost: Callable[[BusMessage], bool] | None = None
        """A test's fault: messages for which it returns true vanish."""
        self.down = False
        self._queue: deque[BusMessage] = deque()
        self._scheduled = False

    def push(self, message: BusMessage) -> None:
        self._queue.append(message)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._deliver)

    def _deliver(self) -> None:
        self._scheduled = False
        while self._queue:
            message = self._queue.popleft()
            if self.down or (self.lost and self.lost(message)):
                continue
            tokens = message.subject.split(".")
            for subscription in list(self.subscriptions):
                if not subscription.bus.cut and matches(subscription.pattern, tokens):
                    try:
                        subscription.callback(message)
                    except Exception:
                        log.exception("bus_callback_failed", subject=message.subject)


class MemoryBus:
    """One connection to a hub; a `Bus`."""

    def __init__(self, hub: MemoryHub | None = None) -> None:
        self.hub = hub or MemoryHub()
        self.cut = False
        """A test's fault: this connection alone is dead (the process behind it was killed or cut off)."""

    def publish(
        self,
        subject: str,
        data: bytes,
        *,
        lane: Lane = Lane.MEDIA,
        headers: Mapping[str, str] | None = None,
        bundle: str | None = None,
        may_wait_s: float = 0.0,
    ) -> None:
        if self.hub.down:
            raise BusUnavailable("memory bus is down")
        if not self.cut:
            self.hub.push(BusMessage(subject, data, headers or {}))

    async def subscribe(self, subject: str, callback: Callback, *, lane: Lane = Lane.MEDIA) -> _Subscription:
        subscription = _Subscription(self.hub, self, subject.split("."), callback)
        self.hub.subscriptions.append(subscription)
        return subscription

    async def probe(self, timeout_s: float) -> bool:
        await asyncio.sleep(0)
        return not (self.hub.down or self.cut)

    async def close(self) -> None:
        self.cut = True
        for subscription in [s for s in self.hub.subscriptions if s.bus is self]:
            await subscription.unsubscribe()
