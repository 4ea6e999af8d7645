"""A call from the page, as a leg: spoken at 16 kHz, or typed only.

    opened --hello (token good)--> live --bye, close, silence--> gone

What the page plays it counts and reports several times a second, from 0 after every clear; that and
a playout clock in between say where the ear is. It answers a clear at once: so long is the way there
and back. Captions are text for the page's text nodes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Protocol

import structlog
from holdfast_common import telemetry
from holdfast_common.contracts.asr import Channel
from holdfast_common.errors import ContractError

from holdfast_gateway.adapters import browser_messages as wire
from holdfast_gateway.adapters.event_queue import EventQueue
from holdfast_gateway.adapters.media_socket import CloseCode, Socket
from holdfast_gateway.adapters.playout_sender import PlayoutSender
from holdfast_gateway.adapters.tokens import RESUME_S, BadToken, Pass
from holdfast_gateway.domain.framing import FrameCutter
from holdfast_gateway.domain.rates import Bucket
from holdfast_gateway.ports import AudioIn, Caption, HungUp, LegEvent, PositionMoved, Typed

log = structlog.get_logger()

RATE_HZ = 16_000
HELLO_TIMEOUT_S = 5.0
MESSAGES_PER_S, MESSAGES_AT_ONCE = 80, 400
"""50 frames and a dozen reports a second; after a reconnection the frames of the gap come at once."""
LINES_PER_MIN, LINES_AT_ONCE = 60, 10


class PageDoor(Protocol):
    """What the leg asks of the reception."""

    def admit_page(self, token: str, origin: str) -> Pass: ...
    def admit_resumed(self, token: str, origin: str) -> Pass: ...
    def resume_token(self, granted: Pass) -> str: ...
    def attach(self, leg: BrowserLeg, granted: Pass, *, zone: str, language: str) -> None: ...


class BrowserLeg:
    """One page connection."""

    channel = Channel.WEB

    def __init__(self, door: PageDoor, origin: str) -> None:
        self._door = door
        self._origin = origin
        self._socket: Socket | None = None
        self._events = EventQueue()
        self._cutter = FrameCutter(RATE_HZ)
        self._sender = PlayoutSender(RATE_HZ, self._send_audio, lambda: None)
        self._base = 0
        """Position at which the current epoch began."""
        self._cleared_at: float | None = None
        """When a clear left that the page has not answered yet."""
        self._live = False
        self._gone = False
        self._refused = False
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._messages = Bucket(MESSAGES_PER_S * 60, MESSAGES_AT_ONCE, MESSAGES_AT_ONCE, now)
        self._lines = Bucket(LINES_PER_MIN, LINES_AT_ONCE, LINES_AT_ONCE, now)
        self._deadline: asyncio.TimerHandle | None = None
        self.kind = "browser"
        self.rate_hz = RATE_HZ

    # -- the leg's port
    def events(self) -> AsyncIterator[LegEvent]:
        return self._events

    def play(self, pcm: bytes) -> None:
        if self.rate_hz and not self._gone:
            self._sender.play(pcm)

    def clear(self) -> int:
        if not self.rate_hz:
            return 0
        self._base = self._sender.clear()
        self._cleared_at = self._loop.time()
        self._text(wire.clear(self._sender.generation))
        return self._base

    def position(self) -> int:
        return self._sender.position()

    def sent(self) -> int:
        return self._sender.sent()

    def show(self, caption: Caption) -> None:
        self._text(wire.caption(caption))

    async def close(self, reason: str) -> None:
        self._events.end()
        if self._socket is not None and not self._gone:
            self._sender.flush()
            self._text(wire.ended(reason))
            self._socket.close(CloseCode.OK, reason)
            await self._socket.wait_closed()

    # -- the socket's side
    def on_open(self, socket: Socket) -> None:
        self._socket = socket
        self._deadline = self._loop.call_later(HELLO_TIMEOUT_S, self._refuse, "no_hello_in_time")

    def on_text(self, data: bytes) -> None:
        try:
            message = wire.decode(data)
        except ContractError as error:
            self._refuse("malformed_message", CloseCode.MALFORMED, detail=str(error)[:200])
            return
        if not self._within_rate():
            return
        match message:
            case wire.Hello() if not self._live:
                self._hello(message)
            case _ if not self._live:
                self._refuse("out_of_order")
            case wire.Hello():
                self._refuse("out_of_order")
            case wire.TypedLine():
                self._typed(message.text)
            case wire.Played():
                self._played(message)
            case wire.Bye():
                self._put(HungUp())
                self._events.end()

    def on_binary(self, data: bytes) -> None:
        if not self._live or not self.rate_hz:
            self._refuse("out_of_order")
        elif len(data) % 2 or len(data) > wire.MAX_AUDIO_BYTES:
            self._refuse("malformed_audio", CloseCode.UNSUPPORTED)
        elif self._within_rate():
            at = time.monotonic_ns() // 1000
            for frame in self._cutter.cut(data):
                self._put(AudioIn(frame, at))

    def on_gone(self, reason: str) -> None:
        self._gone = True
        if self._deadline is not None:
            self._deadline.cancel()
        self._sender.stop()
        self._events.end()
        if self._events.dropped:
            log.warning("audio_dropped", frames=self._events.dropped, leg=self.kind)
        log.info("leg_gone", leg=self.kind, reason=reason)

    # -- inside
    def _hello(self, message: wire.Hello) -> None:
        try:
            if message.resume:
                granted = self._door.admit_resumed(message.resume, self._origin)
            else:
                granted = self._door.admit_page(message.token, self._origin)
        except BadToken as error:
            self._refuse(error.code)
            return
        if self._deadline is not None:
            self._deadline.cancel()
        if not message.audio:
            self.kind, self.rate_hz = "text", 0
        self._live = True
        self._text(wire.ready(self.rate_hz, self._door.resume_token(granted), RESUME_S))
        self._door.attach(
            self, granted, zone=wire.known_zone(message.zone), language=wire.known_language(message.language)
        )

    def _typed(self, text: str) -> None:
        if not self._lines.take(self._loop.time()):
            self.show(Caption("notice", "That was a lot at once. Please wait a moment and send it again."))
        elif line := wire.clean_line(text):
            self._put(Typed(line))

    def _played(self, message: wire.Played) -> None:
        if self._cleared_at is not None and message.epoch == self._sender.generation:
            if not message.samples:
                self._sender.measured(self._loop.time() - self._cleared_at)
            self._cleared_at = None
        if self._sender.told(self._base + message.samples, message.epoch):
            self._put(PositionMoved())

    def _within_rate(self) -> bool:
        if self._messages.take(self._loop.time()):
            return True
        self._refuse("too_many_messages")
        return False

    def _put(self, event: LegEvent) -> None:
        if not self._events.put(event):
            self._refuse("flooding")

    def _send_audio(self, pcm: bytes, _end: int, _generation: int) -> None:
        if self._socket is not None:
            self._socket.send_binary(pcm)

    def _text(self, data: bytes) -> None:
        if self._socket is not None:
            self._socket.send_text(data)

    def _refuse(self, code: str, close_code: object = CloseCode.REFUSED, *, detail: str = "") -> None:
        if self._refused:
            return
        self._refused = True
        log.warning("leg_refused", leg=self.kind, code=code, detail=detail)
        telemetry.REFUSED.add(1, {"reason": code})
        self._events.end()
        if self._socket is not None:
            self._socket.close(close_code, code)  # type: ignore[arg-type]
