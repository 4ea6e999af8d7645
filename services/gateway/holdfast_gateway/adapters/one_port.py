"""One listening port for everything: pages and webhooks by aiohttp, media WebSockets by picows.

A new connection is read up to the end of its first request's head, and then handed over, with what
was read, to the protocol that serves its path: picows (parsing and masking in C, no task per
message; a third less CPU a call than websockets or uvicorn) for the media paths, aiohttp for the
rest. A tunnel to one port is thus enough to try the phone.

Connections serve one request each (`Connection: close`): so the door sees every head, in time and
within bounds, and a proxy or client that would send an upgrade down a kept-alive connection cannot
end up with the wrong protocol. Behind a proxy that ends TLS this costs a local connect a request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import cast

import structlog
from aiohttp import web
from picows import (
    WSAutoPingStrategy,
    WSListener,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # the .pyi omits it; ws_create_server builds it

from holdfast_gateway.adapters.media_socket import MAX_MESSAGE_BYTES, MediaSocket

log = structlog.get_logger()

MAX_HEAD_BYTES = 16 * 1024
HEAD_TIMEOUT_S = 5.0
READ_BUFFER_BYTES = 4 * 1024
"""Grows by itself; a call's frames are 300 bytes each."""

_quiet = logging.getLogger("holdfast.picows")
_quiet.setLevel(logging.CRITICAL)  # bad peers are reported by the legs, once each, with a code


class Refused(Exception):
    """An upgrade is not granted; the reason is told in the answer's body."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class Upgrade:
    """What a path's owner may know of a WebSocket's opening request."""

    def __init__(self, headers: Mapping[str, str], peer: str) -> None:
        self.headers = headers
        """Names in any case."""
        self.peer = peer
        """Address at the other end of the TCP connection."""


SocketFactory = Callable[[Upgrade], MediaSocket]
"""Makes the socket of a granted upgrade; raises Refused. Synchronous: it runs before the 101."""


class OnePort:
    """Listens, and sends each connection to the protocol of its path."""

    def __init__(self, *, max_connections: int = 4_000) -> None:
        self._http: web.Server | None = None
        self._sockets: Mapping[str, SocketFactory] = {}
        self._max = max_connections
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.BaseTransport] = set()
        self._sweep_at = 64

    async def listen(self, host: str, port: int) -> int:
        """Take the port (any free one for 0) and return it. Connections wait until `open`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Door(self), host, port, backlog=512, start_serving=False)
        return self._server.sockets[0].getsockname()[1]

    async def open(self, http: web.Server, sockets: Mapping[str, SocketFactory]) -> None:
        """Begin to serve: `sockets` by path, everything else by `http`."""
        assert self._server is not None
        self._http, self._sockets = http, sockets
        await self._server.start_serving()

    def stop(self) -> None:
        """Take no further connections; those that are open are their owners' to close."""
        if self._server is not None:
            self._server.close()

    def admit(self, transport: asyncio.BaseTransport) -> bool:
        """Count a new connection; False when there are too many.

        Who serves a connection is not asked to say when it ends: closed ones are swept out once the
        set has doubled since the last sweep.
        """
        if len(self._connections) >= self._sweep_at:
            self._connections = {t for t in self._connections if not t.is_closing()}
            self._sweep_at = min(self._max, 2 * len(self._connections) + 64)
        if len(self._connections) >= self._max:
            return False
        self._connections.add(transport)
        return True

    def protocol_for(self, path: str, peer: str) -> asyncio.BaseProtocol:
        factory = self._sockets.get(path)
        if factory is None:
            assert self._http is not None
            return self._http()
        return _websocket(factory, peer)


class _Door(asyncio.Protocol):
    """Reads one connection's first request head, then steps aside."""

    def __init__(self, port: OnePort) -> None:
        self._port = port
        self._head = bytearray()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not self._port.admit(transport):
            log.warning("connection_refused", code="too_many_connections")
            self._transport.abort()
            return
        self._timer = asyncio.get_running_loop().call_later(HEAD_TIMEOUT_S, self._give_up)

    def data_received(self, data: bytes) -> None:
        self._head += data
        if b"\r\n\r\n" in self._head:
            self._hand_over()
        elif len(self._head) > MAX_HEAD_BYTES:
            self._answer(b"431 Request Header Fields Too Large", b'{"error":"head_too_large"}')

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()

    def _hand_over(self) -> None:
        assert self._transport is not None
        parts = bytes(self._head.split(b"\r\n", 1)[0]).split(b" ")
        if len(parts) != 3:
            self._answer(b"400 Bad Request", b'{"error":"no_request_line"}')
            return
        path = parts[1].split(b"?", 1)[0].decode("latin-1")
        transport, head = self._transport, bytes(self._head)
        protocol = self._port.protocol_for(path, peer_of(transport))
        self._leave()
        # uvloop picks its way of reading (buffered or not) when reading starts.
        transport.pause_reading()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        _feed(protocol, head)
        if not transport.is_closing():
            transport.resume_reading()

    def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._answer(b"408 Request Timeout", b'{"error":"head_too_slow"}')

    def _answer(self, status: bytes, body: bytes) -> None:
        assert self._transport is not None
        self._leave()
        self._transport.write(
            b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
            % (status, len(body), body)
        )
        self._transport.close()


def peer_of(transport: asyncio.BaseTransport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else ""


def _feed(protocol: asyncio.BaseProtocol, data: bytes) -> None:
    """Give a protocol what was read before it was there."""
    if isinstance(protocol, asyncio.BufferedProtocol):
        view = memoryview(data)
        while view:
            buffer = protocol.get_buffer(len(view))
            n = min(len(buffer), len(view))  # type: ignore[arg-type]  # typeshed: Buffer has no len
            buffer[:n] = view[:n]  # type: ignore[index]
            protocol.buffer_updated(n)
            view = view[n:]
    else:
        cast(asyncio.Protocol, protocol).data_received(data)


def _websocket(factory: SocketFactory, peer: str) -> WSProtocol:
    def listener(request: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener:
        # Browsers send "keep-alive, Upgrade"; picows takes only the bare word.
        if "upgrade" in request.headers.get("Connection", "").lower():
            request.headers["Connection"] = "upgrade"
        try:
            return factory(Upgrade(request.headers, peer))
        except Refused as refusal:
            log.warning("upgrade_refused", code=refusal.code)
            body = b'{"error":"%b"}' % refusal.code.encode()
            response = WSUpgradeResponse.create_error_response(
                refusal.status, body, {"Content-Type": "application/json", "Connection": "close"}
            )
            return WSUpgradeResponseWithListener(response, None)

    return WSProtocol(
        None,  # host and port: clients only
        None,  # path: clients only
        False,  # this is the server's side
        listener,
        _quiet,
        True,  # disconnect when a callback raises
        HEAD_TIMEOUT_S,
        False,  # pings: audio flows at 50 messages a second, silence is noticed by the socket's own clock
        20.0,
        20.0,
        WSAutoPingStrategy.PING_WHEN_IDLE,
        True,  # answer pings
        MAX_MESSAGE_BYTES,
        None,  # extra headers: clients only
        READ_BUFFER_BYTES,
    )
