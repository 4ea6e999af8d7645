"""One WebSocket as the legs see it: whole messages in, bounded; text and binary out; one reason at the end.

The seam between the fast listener (picows) and the legs. A leg implements `SocketUser` and calls
`Socket`; tests put a fake in the place of either side.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Protocol

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

MAX_MESSAGE_BYTES = 64 * 1024
_TEXT, _BINARY = WSMsgType.TEXT, WSMsgType.BINARY
"""Members of an enumeration are slow to look up, fifty times a second and call."""
LINGER_S = 2.0
"""How long the other side may take to answer our close before the connection is cut."""
STUCK_WRITES_S = 10.0
"""A peer that takes nothing for so long is gone."""


class CloseCode:
    """WebSocket close codes that we send (RFC 6455, 7.4.1)."""

    OK = WSCloseCode.OK
    UNSUPPORTED = WSCloseCode.UNSUPPORTED_DATA
    MALFORMED = WSCloseCode.INVALID_TEXT
    REFUSED = WSCloseCode.POLICY_VIOLATION
    TOO_BIG = WSCloseCode.MESSAGE_TOO_BIG
    INTERNAL = WSCloseCode.INTERNAL_ERROR


class Socket(Protocol):
    """What a leg may do with its connection."""

    def send_text(self, data: bytes) -> None: ...
    def send_binary(self, data: bytes) -> None: ...
    def close(self, code: WSCloseCode, reason: str) -> None: ...
    async def wait_closed(self) -> None: ...


class SocketUser(Protocol):
    """What a leg is told. These are called on the event loop and must return at once."""

    def on_open(self, socket: Socket) -> None: ...
    def on_text(self, data: bytes) -> None: ...
    def on_binary(self, data: bytes) -> None: ...
    def on_gone(self, reason: str) -> None:
        """The connection is over; called exactly once, also after our own close."""
        ...


class MediaSocket(WSListener):
    """A server-side WebSocket on picows.

    Silent for `idle_s`: closed. With `pings` the other side is asked half-way whether it is there
    (browsers answer by themselves, also from a tab in the background whose timers are slowed down).
    """

    def __init__(
        self, user: SocketUser, *, idle_s: float, pings: bool = False, max_message_bytes: int = MAX_MESSAGE_BYTES
    ) -> None:
        super().__init__()
        self._user = user
        self._idle_s = idle_s
        self._pings = pings
        self._max = max_message_bytes
        self._transport: WSTransport | None = None
        self._loop = asyncio.get_running_loop()
        self._gone = self._loop.create_future()
        self._reason = ""
        self._last = monotonic()
        self._timer: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self._parts: list[bytes] = []
        self._parts_type: WSMsgType | None = None

    # -- what the leg does
    def send_text(self, data: bytes) -> None:
        self._send(WSMsgType.TEXT, data)

    def send_binary(self, data: bytes) -> None:
        self._send(WSMsgType.BINARY, data)

    def close(self, code: WSCloseCode, reason: str) -> None:
        """Say why, and leave; the connection is cut if the other side does not answer."""
        if self._reason or self._transport is None:
            return
        self._reason = reason
        self._transport.send_close(code, reason.encode()[:120])
        self._arm(LINGER_S, self._cut)

    async def wait_closed(self) -> None:
        await asyncio.shield(self._gone)

    # -- what picows says
    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._arm(self._idle_s / 2, self._check_idle)
        self._user.on_open(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self._last = monotonic()
        kind = frame.msg_type
        if kind == _TEXT and frame.fin and not self._reason and self._parts_type is None:
            self._deliver(kind, frame.get_payload_as_bytes())  # nearly all that comes on a phone's socket
        elif kind == WSMsgType.CLOSE:
            if not transport.is_close_frame_sent:
                self._reason = self._reason or "closed_by_peer"
                transport.send_close(WSCloseCode.OK)
            transport.disconnect()
        elif self._reason:
            return  # we have said goodbye: what still comes is not heard
        elif kind in (_TEXT, _BINARY) and frame.fin and self._parts_type is None:
            self._deliver(kind, frame.get_payload_as_bytes())
        elif kind in (_TEXT, _BINARY, WSMsgType.CONTINUATION):
            self._collect(kind, frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        for timer in (self._timer, self._stuck):
            if timer is not None:
                timer.cancel()
        if not self._gone.done():
            self._gone.set_result(None)
            self._user.on_gone(self._reason or "lost")

    def pause_writing(self) -> None:
        if self._stuck is None:
            self._stuck = self._loop.call_later(STUCK_WRITES_S, self._fell_behind)

    def resume_writing(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    # -- inside
    def _send(self, kind: WSMsgType, data: bytes) -> None:
        if self._transport is not None and not self._reason and not self._gone.done():
            self._transport.send(kind, data)

    def _deliver(self, kind: WSMsgType, data: bytes) -> None:
        if len(data) > self._max:
            self.close(CloseCode.TOO_BIG, "message_too_big")
        elif kind == _TEXT:
            self._user.on_text(data)
        else:
            self._user.on_binary(data)

    def _collect(self, kind: WSMsgType, frame: WSFrame) -> None:
        """A message in fragments (RFC 6455, 5.4): bounded, put together when its last part is there."""
        starts = kind != WSMsgType.CONTINUATION
        if starts == (self._parts_type is not None):
            self.close(WSCloseCode.PROTOCOL_ERROR, "bad_fragments")
            return
        if starts:
            self._parts_type = kind
        self._parts.append(frame.get_payload_as_bytes())
        if sum(map(len, self._parts)) > self._max or len(self._parts) > 64:
            self.close(CloseCode.TOO_BIG, "message_too_big")
        elif frame.fin:
            kind, self._parts_type = self._parts_type or kind, None
            data, self._parts = b"".join(self._parts), []
            self._deliver(kind, data)

    def _arm(self, delay_s: float, callback: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay_s, callback)  # type: ignore[arg-type]

    def _check_idle(self) -> None:
        """One timer a socket: it is not moved with every message, it looks again when it is due."""
        silent = monotonic() - self._last
        if silent >= self._idle_s:
            self.close(CloseCode.REFUSED, "silent_socket")
            return
        if self._pings and silent >= self._idle_s / 2 and self._transport is not None:
            self._transport.send_ping()
        self._arm(self._idle_s / 2, self._check_idle)

    def _fell_behind(self) -> None:
        self._reason = self._reason or "not_reading"
        self._cut()

    def _cut(self) -> None:
        if self._transport is not None:
            self._transport.disconnect(False)
