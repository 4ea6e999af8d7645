"""One call's phone: a 50 Hz clock with absolute deadlines, a playout buffer, a mouth.

`Phone` lives as long as the call and remembers what was said and heard; a `Leg` is one media socket
of it (a call that loses its gateway gets another). The clock never drifts: frame n of a leg is due
at its start + n x 20 ms, however late the last one was.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson
from holdfast_common.errors import HoldfastError
from picows import WSFrame, WSListener, WSMsgType, WSTransport

from holdfast_cli.caller.audio import FRAME_S, RATE_HZ, Utterance, noise_frames
from holdfast_cli.caller.playout import Heard, Playout
from holdfast_cli.caller.twiml import ACCOUNT_SID

LATE_S = 0.02


class LineLostError(HoldfastError):
    """The media socket has closed while something was waited for."""


@dataclass(frozen=True, slots=True)
class Said:
    """When one utterance was spoken, monotonic seconds."""

    started: float
    """First voiced frame sent."""
    ended: float
    """Last voiced frame sent: latencies count from here."""


@dataclass(slots=True)
class _Speaking:
    utterance: Utterance
    done: asyncio.Future[Said]
    position: int = 0
    started: float = 0.0
    ended: float = 0.0


@dataclass(slots=True)
class _Wait:
    holds: Callable[[float], bool]
    done: asyncio.Future[None]


@dataclass(slots=True)
class Phone:
    """The caller's end of one call."""

    call_sid: str = field(default_factory=lambda: "CA" + secrets.token_hex(16))
    playout: Playout = field(default_factory=Playout)
    spoken: list[Heard] = field(default_factory=list)
    """What was sent, frame by frame, for the recording."""
    late_frames: int = 0
    opened_at: float | None = None
    """When the first leg was up."""
    leg: Leg | None = None
    """The media socket that is open now."""
    over: bool = False
    """The carrier has ended the call."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _speaking: _Speaking | None = None
    _waits: list[_Wait] = field(default_factory=list)
    _noise: tuple[bytes, ...] = field(default_factory=noise_frames)
    _ticks: int = 0

    def say(self, utterance: Utterance) -> asyncio.Future[Said]:
        """Begin to speak at the next frame; the future is done with the last voiced frame."""
        done: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        self._speaking = _Speaking(utterance, done)
        self.playout.listen_for()
        return done

    async def until(self, holds: Callable[[float], bool], timeout_s: float) -> bool:
        """Wait until a condition (of the time now) holds, looked at with each frame; false: it never did."""
        wait = _Wait(holds, asyncio.get_running_loop().create_future())
        self._waits.append(wait)
        try:
            async with asyncio.timeout(timeout_s):
                await wait.done
        except TimeoutError:
            return False
        finally:
            if wait in self._waits:
                self._waits.remove(wait)
        return True

    def frame(self, now: float) -> bytes:
        """The 20 ms that are due; called by the leg's clock."""
        for wait in list(self._waits):
            if not wait.done.done() and wait.holds(now):
                wait.done.set_result(None)
        self._ticks += 1
        payload = self._noise[self._ticks % len(self._noise)]
        if (speaking := self._speaking) is not None:
            payload = self._next_of(speaking, now)
        self.spoken.append(Heard(now, payload))
        return payload

    def _next_of(self, speaking: _Speaking, now: float) -> bytes:
        utterance, at = speaking.utterance, speaking.position
        if at == utterance.first_voiced:
            speaking.started = now
        if at == utterance.last_voiced:
            speaking.ended = now
            # An answer that began while we were still talking is no answer to this.
            self.playout.listen_for()
            if not speaking.done.done():
                speaking.done.set_result(Said(speaking.started, speaking.ended))
        speaking.position += 1
        if speaking.position >= len(utterance.frames):
            self._speaking = None
        return utterance.frames[at]

    async def on_the_line(self) -> bool:
        """Wait until a leg is up; false: the call is over."""
        while self.leg is None and not self.over:
            self._changed.clear()
            await self._changed.wait()
        return not self.over

    def hang_up(self) -> None:
        """End the call as a caller does."""
        self.over = True
        if self.leg is not None:
            self.leg.hang_up()
        self._changed.set()

    def attach(self, leg: Leg, now: float) -> None:
        """A leg is up."""
        self.leg = leg
        if self.opened_at is None:
            self.opened_at = now
        self._changed.set()

    def end(self) -> None:
        """The carrier has nothing more to do for this call."""
        self.over = True
        self.lost()
        self._changed.set()

    def lost(self) -> None:
        """The leg is gone: whoever waits for it is told."""
        self.leg = None
        for wait in self._waits:
            if not wait.done.done():
                wait.done.set_exception(LineLostError("the line was closed"))
        if self._speaking and not self._speaking.done.done():
            self._speaking.done.set_exception(LineLostError("the line was closed"))
        self._speaking = None


class Leg(WSListener):
    """One media socket, from the phone's side."""

    def __init__(self, phone: Phone, parameters: dict[str, str]) -> None:
        self.phone = phone
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.hung_up = False
        self.stream_sid = "MZ" + secrets.token_hex(16)
        self._parameters = parameters
        self._loop = asyncio.get_running_loop()
        self._transport: WSTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._opened = 0.0
        self._tick = 0
        self._sequence = 1

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._opened = time.monotonic()
        self.phone.attach(self, self._opened)
        self._send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        self._send(
            {
                "event": "start",
                "sequenceNumber": "1",
                "streamSid": self.stream_sid,
                "start": {
                    "accountSid": ACCOUNT_SID,
                    "streamSid": self.stream_sid,
                    "callSid": self.phone.call_sid,
                    "tracks": ["inbound"],
                    "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": RATE_HZ, "channels": 1},
                    "customParameters": self._parameters,
                },
            }
        )
        self._timer = self._loop.call_at(self._opened, self._on_tick)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self._timer:
            self._timer.cancel()
        self._transport = None
        # What had not sounded when the line went is not heard.
        self.phone.playout.clear(time.monotonic())
        if self.phone.leg is self:
            self.phone.lost()
        if not self.closed.done():
            self.closed.set_result(None)

    def hang_up(self) -> None:
        """End the call as a caller does."""
        self.hung_up = True
        if self._transport is not None:
            self._send_next("stop", {"stop": {"accountSid": ACCOUNT_SID, "callSid": self.phone.call_sid}})
            self._transport.send_close()
            self._loop.call_later(0.2, self._transport.disconnect)

    def _on_tick(self) -> None:
        while (due := self._opened + self._tick * FRAME_S) <= (now := time.monotonic()):
            if self._transport is None or self.hung_up:
                return
            self.phone.late_frames += now - due > LATE_S
            self._tick += 1
            payload = base64.b64encode(self.phone.frame(now)).decode()
            self._send_next(
                "media",
                {
                    "media": {
                        "track": "inbound",
                        "chunk": str(self._tick),
                        "timestamp": str((self._tick - 1) * 20),
                        "payload": payload,
                    }
                },
            )
        self._timer = self._loop.call_at(due, self._on_tick)

    def _send_next(self, event: str, body: dict[str, object]) -> None:
        self._sequence += 1
        self._send({"event": event, "sequenceNumber": str(self._sequence), "streamSid": self.stream_sid, **body})

    def _send(self, message: dict[str, object]) -> None:
        if self._transport is not None:
            self._transport.send(WSMsgType.TEXT, orjson.dumps(message))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
            return
        if frame.msg_type != WSMsgType.TEXT:
            return
        now = time.monotonic()
        message = orjson.loads(frame.get_payload_as_bytes())
        playout = self.phone.playout
        match message.get("event"):
            case "media":
                playout.push(base64.b64decode(message["media"]["payload"]), now)
            case "mark":
                due = playout.mark(message["mark"]["name"], now)
                self._loop.call_at(due, self._answer_marks)
            case "clear":
                for name in playout.clear(now):
                    self._send_next("mark", {"mark": {"name": name}})
            case _:
                pass

    def _answer_marks(self) -> None:
        # The timer may run a moment early by the loop's clock resolution.
        for name in self.phone.playout.due_marks(time.monotonic() + 0.001):
            self._send_next("mark", {"mark": {"name": name}})
