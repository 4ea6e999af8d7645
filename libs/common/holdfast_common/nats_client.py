"""nats-py's client, with the detours of its core messages left out.

The library hands every message from task to task: a publish waits for its flusher, a delivery for its
subscription's task. Each is one more turn of the event loop, and a caller's turn makes six hops: with a
hundred calls a turn of the loop takes milliseconds. Here what is published in one turn of the loop is
written together at its end, and a delivery is a plain call. Connecting, reconnecting, pings, parsing
and JetStream stay the library's.

Where both ends know of it, small messages of one turn of the loop go as one, a *bundle*: the server and the
reader at its other end are paid by the message (some 50 us with the write that it causes), not by the byte.

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

from holdfast_common import subjects, telemetry
from holdfast_common.contracts.wire import UNREADABLE, decoder, encode
from holdfast_common.rhythm import until_next

log = structlog.get_logger()

Deliver = Callable[[str, bytes, Mapping[str, str]], None]
"""(subject, data, headers); must return at once."""


PING_EVERY_S = 1.0
"""So that a server that hangs is noticed."""

BUNDLE_BYTES = 60_000
"""A bundle that would grow beyond goes out, and another is begun: the reader takes in 64 kB at a time."""

PART_BYTES = 40
"""What a part takes besides its message, at most."""

Part = tuple[str, bytes]
"""Of a bundle: the last two tokens of its subject, and the message."""

MOST_PARTS = BUNDLE_BYTES // PART_BYTES + 1
"""More are not sent, and not read: 60,000 empty ones, which fit in one message, would hold the loop for seconds."""

_parts = decoder(list[Part])


async def _nothing(_: object) -> None:
    """The library wants a callback of its own kind for a subscription that is not read by hand."""


class DirectClient(Client):
    """A NATS connection whose core messages take the short way."""

    def __init__(self) -> None:
        super().__init__()
        self._direct: dict[int, Deliver] = {}
        self._unwritten: list[bytes] = []
        self._bundles: dict[str, _Bundle] = {}
        """Begun in this turn of the loop, by the subject that they will go to."""
        self._will_write = False
        self._waits: asyncio.TimerHandle | None = None
        """For what may wait for company, and found none that is in a hurry."""

    def publish_now(self, subject: str, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Write the message to the connection, which must be there; raises MaxPayloadError."""
        if len(data) > self._max_payload:
            raise MaxPayloadError
        if headers:
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            command = hpub_cmd(subject, "", f"NATS/1.0\r\n{lines}\r\n".encode(), data)
        else:
            command = pub_cmd(subject, "", data)
        self._unwritten.append(command)
        self._write_soon()

    def publish_bundled(self, bundle: str, subject: str, data: bytes, may_wait_s: float = 0.0) -> None:
        """Write the message together with others that go to the same bundle; raises MaxPayloadError."""
        if len(data) > self._max_payload:
            raise MaxPayloadError
        begun = self._bundles.get(bundle)
        if begun is not None and begun.size + len(data) > BUNDLE_BYTES:
            self._unwritten.append(begun.command(bundle))
            begun = None
        if begun is None:
            begun = self._bundles[bundle] = _Bundle()
        begun.add(subject, data)
        if not may_wait_s:
            self._write_soon()
        elif self._waits is None and not self._will_write:
            self._waits = asyncio.get_running_loop().call_later(may_wait_s, self._write)

    def _write_soon(self) -> None:
        if not self._will_write:
            self._will_write = True
            asyncio.get_running_loop().call_soon(self._write)

    def _write(self) -> None:
        self._will_write = False
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None
        commands, self._unwritten = self._unwritten, []
        if self._bundles:
            commands += [bundle.command(subject) for subject, bundle in self._bundles.items()]
            self._bundles.clear()
        if not commands or self._transport is None or not self.is_connected:
            return
        try:
            self._transport.write(b"".join(commands))
        except (RuntimeError, OSError) as error:
            # It broke and the library has not noticed yet: lost, like all that is published while the bus is away.
            log.warning("bus_write_failed", messages=len(commands), error=type(error).__name__)

    async def _send_ping(self, future: asyncio.Future[Any] | None = None) -> None:
        """The next goes out when all of the machine's processes wake anyway: the library sleeps for so long."""
        self.options["ping_interval"] = until_next(PING_EVERY_S, asyncio.get_running_loop().time())
        await super()._send_ping(future)

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
        told = subject.decode(errors="replace")
        if not subjects.is_bundle(told):
            _call(deliver, told, data, found or {})
            return
        try:
            parts = _parts.decode(data)
        except UNREADABLE:
            parts = None
        if parts is None or len(parts) > MOST_PARTS:
            telemetry.BAD_MESSAGES.add(1, {"kind": "bundle"})
            return
        for tail, part in parts:
            _call(deliver, subjects.of_part(told, tail), part, {})


class _Bundle:
    """Messages that leave together."""

    def __init__(self) -> None:
        self.size = 0
        self._parts: list[Part] = []
        self._subject = ""

    def add(self, subject: str, data: bytes) -> None:
        self._subject = subject
        self._parts.append((subjects.tail(subject), data))
        self.size += len(data) + PART_BYTES

    def command(self, bundle: str) -> bytes:
        """One message alone goes as itself."""
        if len(self._parts) == 1:
            return pub_cmd(self._subject, "", self._parts[0][1])
        return pub_cmd(bundle, "", encode(self._parts))


def _call(deliver: Deliver, subject: str, data: bytes, headers: Mapping[str, str]) -> None:
    try:
        deliver(subject, data, headers)
    except Exception:  # one message's bug must not end the connection
        log.exception("bus_callback_failed", subject=subject)
