"""nats-py's client, with the detours of its core messages left out.

The library hands every message from task to task: a publish waits for its flusher, a delivery for its
subscription's task. Each is one more turn of the event loop, and a caller's turn makes six hops: with a
hundred calls a turn of the loop takes milliseconds. Here what is published in one turn of the loop is
written together at its end, and a delivery is a plain call. Connecting, reconnecting, pings, parsing
and JetStream stay the library's.

It leans on names of nats-py 2.16 that are not public; `tests/test_bus.py` holds them against a real server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from nats.aio.client import DEFAULT_FLUSH_TIMEOUT, Client
from nats.aio.subscription import Subscription
from nats.errors import MaxPayloadError
from nats.protocol.command import hpub_cmd, pub_cmd

log = structlog.get_logger()

Deliver = Callable[[str, bytes, Mapping[str, str]], None]
"""(subject, data, headers); must return at once."""


async def _nothing(_: object) -> None:
    """The library wants a callback of its own kind for a subscription that is not read by hand."""


class DirectClient(Client):
    """A NATS connection whose core messages take the short way."""

    def __init__(self) -> None:
        super().__init__()
        self._direct: dict[int, Deliver] = {}
        self._unwritten: list[bytes] = []

    def publish_now(self, subject: str, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Write the message to the connection, which must be there; raises MaxPayloadError."""
        if len(data) > self._max_payload:
            raise MaxPayloadError
        if headers:
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            command = hpub_cmd(subject, "", f"NATS/1.0\r\n{lines}\r\n".encode(), data)
        else:
            command = pub_cmd(subject, "", data)
        if not self._unwritten:
            asyncio.get_running_loop().call_soon(self._write)
        self._unwritten.append(command)

    def _write(self) -> None:
        commands, self._unwritten = self._unwritten, []
        if not commands or self._transport is None or not self.is_connected:
            return
        try:
            self._transport.write(b"".join(commands))
        except (RuntimeError, OSError) as error:
            # It broke and the library has not noticed yet: lost, like all that is published while the bus is away.
            log.warning("bus_write_failed", messages=len(commands), error=type(error).__name__)

    async def flush(self, timeout: int = DEFAULT_FLUSH_TIMEOUT) -> None:
        self._write()
        await super().flush(timeout)

    async def subscribe_now(self, subject: str, deliver: Deliver) -> Subscription:
        """Call `deliver` for every message while it is being read; unsubscribe with what is returned."""
        subscription = await self.subscribe(subject, cb=_nothing)
        self._direct[subscription._id] = deliver
        return subscription

    def _remove_sub(self, sid: int, max_msgs: int = 0) -> None:
        super()._remove_sub(sid, max_msgs)
        self._direct.pop(sid, None)

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: Any) -> None:
        deliver = self._direct.get(sid)
        if deliver is None:
            await super()._process_msg(sid, subject, reply, data, headers)
            return
        found = await self._process_headers(headers) if headers else None
        try:
            deliver(subject.decode(), data, found or {})
        except Exception:  # one message's bug must not end the connection
            log.exception("bus_callback_failed", subject=subject.decode(errors="replace"))
