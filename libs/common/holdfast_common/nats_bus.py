"""The bus over NATS: two connections (media, control), with the library's defaults put right.

What is changed and why (measured in NATS 2.15 / nats-py 2.16): pings every second instead of two
minutes, so that a hung server is noticed; endless quick reconnects instead of sixty slow ones; no
buffering of publishes while away (our streams replay, a stale backlog would only harm); core messages
written and delivered without a task in between (`nats_client`), so no subscription has a backlog either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import nats.errors
import structlog

from holdfast_common.bus import BusMessage, Callback, Lane, Subscription
from holdfast_common.errors import BusUnavailable
from holdfast_common.nats_client import PING_EVERY_S, DirectClient

log = structlog.get_logger()


class NatsBus:
    """A `Bus` over two NATS connections."""

    def __init__(self, media: DirectClient, control: DirectClient) -> None:
        self._connections = {Lane.MEDIA: media, Lane.CONTROL: control}

    @property
    def control(self) -> DirectClient:
        """For JetStream, which lives on the control lane."""
        return self._connections[Lane.CONTROL]

    @property
    def connected(self) -> bool:
        return all(connection.is_connected for connection in self._connections.values())

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
        connection = self._connections[lane]
        if not connection.is_connected:
            raise BusUnavailable(f"no connection to the bus ({lane.value})")
        try:
            if bundle is None:
                connection.publish_now(subject, data, headers)
            else:
                connection.publish_bundled(bundle, subject, data, may_wait_s)
        except nats.errors.MaxPayloadError:
            # This message alone is lost; its stream finds the hole. The bus is there.
            log.error("message_too_large", subject=subject, size=len(data))
        except (nats.errors.Error, OSError) as error:
            raise BusUnavailable(f"publish on {subject}: {type(error).__name__}") from error

    async def subscribe(self, subject: str, callback: Callback, *, lane: Lane = Lane.MEDIA) -> Subscription:
        def deliver(subject: str, data: bytes, headers: Mapping[str, str]) -> None:
            callback(BusMessage(subject, data, headers))

        subscription = await self._connections[lane].subscribe_now(subject, deliver)
        # Two round trips: the library puts a ping in front of what is still unsent, so that one
        # alone can come back before the server has seen the subscription.
        for _ in range(2):
            await self._connections[lane].flush(timeout=2)
        return subscription

    async def probe(self, timeout_s: float) -> bool:
        connection = self._connections[Lane.MEDIA]
        if not connection.is_connected:
            return False
        try:
            # nats-py takes whole seconds in its signature only; a float works (asyncio.wait_for).
            await connection.flush(timeout=timeout_s)  # pyright: ignore[reportArgumentType]
        except (nats.errors.Error, OSError, ValueError, RuntimeError):  # uvloop's word for a closed transport
            return False
        return True

    async def close(self) -> None:
        for connection in self._connections.values():
            # In a task of its own: a connection that is being lost ends its close with a cancellation of its own.
            (failed,) = await asyncio.gather(self._leave(connection), return_exceptions=True)
            if failed is not None:
                log.warning("bus_close_failed", error=type(failed).__name__)

    @staticmethod
    async def _leave(connection: DirectClient) -> None:
        async with asyncio.timeout(2):
            if connection.is_connected:
                await connection.flush(timeout=1)
            await connection.close()


async def connect_nats(
    url: str, *, name: str, user: str = "", password: str = "", on_change: Callable[[bool], None] | None = None
) -> NatsBus:
    """Connect both lanes, waiting for the server as long as it takes.

    `on_change(connected)` is told of losses and returns. Wrong credentials are logged at each try.
    """
    media = await _connect(url, f"{name}-media", user, password, on_change)
    control = await _connect(url, f"{name}-control", user, password, None)
    return NatsBus(media, control)


async def _connect(
    url: str, name: str, user: str, password: str, on_change: Callable[[bool], None] | None
) -> DirectClient:
    def told(connected: bool, event: str) -> Callable[[], Awaitable[None]]:
        async def tell() -> None:
            log.info(event, connection=name)
            if on_change:
                on_change(connected)

        return tell

    complaints = 0

    async def on_error(error: Exception) -> None:
        nonlocal complaints
        if complaints % 50 == 0:  # the library tries ten times a second
            log.warning("bus_error", connection=name, error=type(error).__name__, detail=str(error)[:200])
        complaints += 1

    client = DirectClient()
    await client.connect(
        servers=url.split(","),
        name=name,
        user=user or None,
        password=password or None,
        ping_interval=PING_EVERY_S,  # pyright: ignore[reportArgumentType] - slept for as it is
        max_outstanding_pings=2,
        connect_timeout=1,
        reconnect_time_wait=0.1,  # pyright: ignore[reportArgumentType] - slept for as it is
        max_reconnect_attempts=-1,
        pending_size=-1,
        error_cb=on_error,
        disconnected_cb=told(False, "bus_lost"),
        reconnected_cb=told(True, "bus_back"),
    )
    return client
