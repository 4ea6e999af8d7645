"""The seam to the bus: publish, subscribe, probe. NATS and an in-memory twin pass the same tests.

Two lanes, each a connection of its own: *media* carries everything that has an order within a
stream, *control* carries beats, cancel and health, so that a backlog of audio never delays them.
Callbacks only enqueue: those of one subscription run one after another on the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple, Protocol


class Lane(Enum):
    MEDIA = "media"
    CONTROL = "control"


class BusMessage(NamedTuple):
    subject: str
    data: bytes
    headers: Mapping[str, str]


Callback = Callable[[BusMessage], None]
"""Plain function: it must return at once (put the message somewhere) and must not raise."""


class Subscription(Protocol):
    async def unsubscribe(self) -> None: ...


class Bus(Protocol):
    """At-most-once delivery; order holds from one publisher to one subscriber within a lane."""

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
        """Hand a message over, at once and without waiting. Raises BusUnavailable when there is no connection now.

        `bundle`: the subject of one (`subjects.output_bundle`). What names the same one and is published in one turn
        of the loop may travel as one message, without headers; the subscriber's bus takes it apart, so nobody else
        sees that. Order holds within a bundle. `may_wait_s`: so long the message may wait for company in it.
        """
        ...

    async def subscribe(self, subject: str, callback: Callback, *, lane: Lane = Lane.MEDIA) -> Subscription:
        """Call back for each message whose subject matches (`*` one token, `>` the rest)."""
        ...

    async def probe(self, timeout_s: float) -> bool:
        """One round trip on the media lane: is the bus there?"""
        ...

    async def close(self) -> None:
        """Flush what was published and leave."""
        ...
