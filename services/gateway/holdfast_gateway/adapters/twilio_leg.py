"""A phone call through Twilio Media Streams, as a leg.

    opened --connected--> greeted --start (token good)--> live --stop, close, silence--> gone

Anything out of that order, malformed, too big or binary closes this one socket with a reason; no
other call notices. Outward, audio is followed by a mark named `<generation>.<position>`: one that
comes back says that all before it was played, unless a clear came between (Twilio then returns all
pending marks at once), which is why clears count the generation. A mark into an empty buffer comes
back at once and measures the round trip.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog
from holdfast_common import telemetry
from holdfast_common.contracts.asr import Channel
from holdfast_common.errors import ContractError
from holdfast_common.pcm import ulaw_decode, ulaw_encode

from holdfast_gateway.adapters import twilio_messages as wire
from holdfast_gateway.adapters.event_queue import EventQueue
from holdfast_gateway.adapters.media_socket import CloseCode, Socket
from holdfast_gateway.adapters.playout_sender import PlayoutSender
from holdfast_gateway.adapters.tokens import BadToken, Pass
from holdfast_gateway.domain.framing import FrameCutter
from holdfast_gateway.ports import (
    AudioIn,
    Caption,
    CarrierSays,
    Dtmf,
    HungUp,
    LegEvent,
    PositionMoved,
    ToPerson,
)

log = structlog.get_logger()

RATE_HZ = 8_000
START_TIMEOUT_S = 5.0
MAX_UNKNOWN_EVENTS = 50
PING_EVERY_S = 5.0

Admit = Callable[[str, str], Pass]
"""(token, CallSid) -> what is granted; raises BadToken."""
PassOn = Callable[[str, int, ToPerson | CarrierSays], Awaitable[None]]
"""(CallSid, generation, what to do with the call)."""


class TwilioLeg:
    """One media stream. `admit` checks who it is; `attached` is told once it is somebody."""

    kind = "twilio"
    channel = Channel.PHONE
    rate_hz = RATE_HZ

    def __init__(
        self,
        admit: Admit,
        attached: Callable[[TwilioLeg, Pass], None],
        pass_on: PassOn | None = None,
        *,
        start_timeout_s: float = START_TIMEOUT_S,
    ) -> None:
        self._start_timeout_s = start_timeout_s
        self._admit = admit
        self._attached = attached
        self._pass_on = pass_on
        self._call = ("", 0)
        """CallSid and generation."""
        self._socket: Socket | None = None
        self._events = EventQueue()
        self._cutter = FrameCutter(RATE_HZ)
        self._sender = PlayoutSender(RATE_HZ, self._send_audio, self._ping)
        self._sid = ""
        self._greeted = False
        self._sequence = 0
        self._unknown = 0
        self._pings = 0
        self._ping_at = float("-inf")
        self._loop = asyncio.get_running_loop()
        self._deadline: asyncio.TimerHandle | None = None
        self._gone = False
        self._refused = False

    # -- the leg's port
    def events(self) -> AsyncIterator[LegEvent]:
        return self._events

    def play(self, pcm: bytes) -> None:
        if not self._gone:
            self._sender.play(pcm)

    def clear(self) -> int:
        reached = self._sender.clear()
        self._text(wire.clear(self._sid))
        return reached

    def position(self) -> int:
        return self._sender.position()

    def sent(self) -> int:
        return self._sender.sent()

    def show(self, caption: Caption) -> None:
        """A telephone shows nothing."""

    async def pass_on(self, to: ToPerson | CarrierSays) -> None:
        if self._pass_on is not None:
            await self._pass_on(*self._call, to)

    async def close(self, reason: str) -> None:
        self._events.end()
        if self._socket is not None and not self._gone:
            self._sender.flush()
            self._socket.close(CloseCode.OK, reason)
            await self._socket.wait_closed()

    # -- the socket's side
    def on_open(self, socket: Socket) -> None:
        self._socket = socket
        self._deadline = self._loop.call_later(self._start_timeout_s, self._refuse, "no_start_in_time")

    def on_binary(self, data: bytes) -> None:
        self._refuse("binary_frame", CloseCode.UNSUPPORTED)

    def on_text(self, data: bytes) -> None:
        try:
            message = wire.decode(data)
        except ContractError as error:
            self._refuse("malformed_message", CloseCode.MALFORMED, detail=str(error)[:200])
            return
        match message:
            case wire.Media() if self._live(message):
                self._hear(message.media)
            case wire.Mark() if self._live(message):
                self._mark_came_back(message.mark.name)
            case wire.Dtmf() if self._live(message):
                self._put(Dtmf(message.dtmf.digit))
            case wire.Stop() if self._live(message):
                self._hang_up()
            case wire.Connected() if not self._greeted:
                self._greeted = True
            case wire.Start() if self._greeted and not self._sid:
                self._start(message)
            case wire.Connected() | wire.Start():
                self._refuse("out_of_order")
            case None:
                self._unknown += 1
                if self._unknown > MAX_UNKNOWN_EVENTS:
                    self._refuse("unknown_events")

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
    def _start(self, message: wire.Start) -> None:
        details = message.start
        if not details.media_format.is_telephone():
            self._refuse("unsupported_media_format")
            return
        try:
            granted = self._admit(details.custom_parameters.get("token", ""), details.call_sid)
        except BadToken as error:
            self._refuse(error.code)
            return
        if self._deadline is not None:
            self._deadline.cancel()
        self._call = (details.call_sid, granted.generation)
        self._sid = message.stream_sid
        self._sequence = message.sequence_number
        self._ping()
        self._attached(self, granted)

    def _live(self, message: wire.Media | wire.Mark | wire.Dtmf | wire.Stop) -> bool:
        """Is this message of our stream, and in order? Closes the socket where it is not."""
        if not self._sid:
            self._refuse("out_of_order")
        elif message.stream_sid != self._sid:
            self._refuse("wrong_stream")
        elif message.sequence_number <= self._sequence:
            self._refuse("out_of_order")
        else:
            self._sequence = message.sequence_number
            return True
        return False

    def _hear(self, media: wire.MediaDetails) -> None:
        if media.track != "inbound" or not media.payload:
            return
        at = time.monotonic_ns() // 1000
        for frame in self._cutter.cut(ulaw_decode(media.payload)):
            self._put(AudioIn(frame, at))

    def _hang_up(self) -> None:
        if rest := self._cutter.flush():
            self._put(AudioIn(rest, time.monotonic_ns() // 1000))
        self._put(HungUp())
        self._events.end()

    def _put(self, event: LegEvent) -> None:
        if not self._events.put(event):
            self._refuse("flooding")

    def _send_audio(self, pcm: bytes, end: int, generation: int) -> None:
        self._text(wire.media(self._sid, ulaw_encode(pcm)))
        self._text(wire.mark(self._sid, f"{generation}.{end}"))

    def _ping(self) -> None:
        """The far end's buffer is empty: measure the round trip, if that was not done of late."""
        now = self._loop.time()
        if now - self._ping_at >= PING_EVERY_S:
            self._ping_at = now
            self._pings += 1
            self._text(wire.mark(self._sid, f"p.{self._pings}"))

    def _mark_came_back(self, name: str) -> None:
        kind, _, value = name.partition(".")
        if not (value.isascii() and value.isdigit() and len(value) <= 15):
            return  # not one of ours
        if kind == "p":
            if int(value) == self._pings:
                self._sender.measured(self._loop.time() - self._ping_at)
        elif kind == str(self._sender.generation) and self._sender.told(int(value), self._sender.generation):
            self._put(PositionMoved())

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
