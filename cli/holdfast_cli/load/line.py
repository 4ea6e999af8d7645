"""One simulated call's media socket: Twilio's side of a bidirectional stream, lean enough for hundreds on one core.

Absolute deadlines: frame n is due at the start + n x 20 ms, however late the last one was; how late each was is
counted, because a generator that lags measures itself. No task and no JSON library per frame sent: the message is
put together around a payload that was encoded before the call began.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field

import orjson
from picows import WSFrame, WSListener, WSMsgType, WSTransport

from holdfast_cli.caller.audio import FRAME_S, RATE_HZ
from holdfast_cli.caller.playout import Playout
from holdfast_cli.caller.twiml import ACCOUNT_SID
from holdfast_cli.load.scenario import Speech
from holdfast_cli.load.talk import Patience, Talk

HANG_UP_S = 0.2
MAX_LATE_MS = 1_000


@dataclass(slots=True)
class Traffic:
    """What went over one line, and how punctual we were."""

    frames: int = 0
    late_ms: Counter[int] = field(default_factory=Counter)
    """Frames by how late they were sent, whole ms."""
    media_in: int = 0
    bytes_in: int = 0
    marks: int = 0
    clears: int = 0


class LoadLine(WSListener):
    """The socket of one call. `over` is done when the call has ended, from whichever side."""

    def __init__(
        self, call_sid: str, speech: Speech, patience: Patience, parameters: dict[str, str], *, min_s: float = 0.0
    ) -> None:
        self.call_sid = call_sid
        self.playout = Playout(keeps_audio=False)
        self.traffic = Traffic()
        self.opened: float | None = None
        self.ended: float | None = None
        self.first_heard: float | None = None
        """The agent's first audible audio arrived."""
        self.talk: Talk | None = None
        self.hung_up = False
        self._loop = asyncio.get_running_loop()
        self.over: asyncio.Future[None] = self._loop.create_future()
        self.closed: asyncio.Future[None] = self._loop.create_future()
        """The socket is gone, a moment after `over`."""
        self._speech, self._patience, self._parameters, self._min_s = speech, patience, parameters, min_s
        self._stream_sid = "MZ" + secrets.token_hex(16)
        self._transport: WSTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._marks_timer: asyncio.TimerHandle | None = None
        self._tick = 0
        self._sequence = 1

    # -- connection
    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self.opened = now = time.monotonic()
        self.talk = Talk(self._speech, self._patience, now=now, offset=int(self.call_sid[2:6], 16))
        self._send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        self._send(
            {
                "event": "start",
                "sequenceNumber": "1",
                "streamSid": self._stream_sid,
                "start": {
                    "accountSid": ACCOUNT_SID,
                    "streamSid": self._stream_sid,
                    "callSid": self.call_sid,
                    "tracks": ["inbound"],
                    "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": RATE_HZ, "channels": 1},
                    "customParameters": self._parameters,
                },
            }
        )
        self._timer = self._loop.call_at(now, self._on_tick)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._transport = None
        self._end()
        if not self.closed.done():
            self.closed.set_result(None)

    def close(self) -> None:
        """Give the call up."""
        if self._transport is not None:
            self._transport.disconnect()
        self._end()

    def _end(self) -> None:
        if self.ended is None:
            self.ended = time.monotonic()
        for timer in (self._timer, self._marks_timer):
            if timer is not None:
                timer.cancel()
        if not self.over.done():
            self.over.set_result(None)

    # -- the caller's voice
    def _on_tick(self) -> None:
        assert self.opened is not None and self.talk is not None
        while (due := self.opened + self._tick * FRAME_S) <= (now := time.monotonic()):
            if self._transport is None or self.hung_up:
                return
            self.traffic.frames += 1
            self.traffic.late_ms[min(MAX_LATE_MS, int((now - due) * 1_000))] += 1
            payload = self.talk.payload(now)
            if payload is None:
                if now - self.opened >= self._min_s:
                    self._hang_up()
                    return
                payload = self._speech.noise[self._tick % len(self._speech.noise)]
            self._send_frame(payload)
            self._tick += 1
        self._timer = self._loop.call_at(due, self._on_tick)

    def _send_frame(self, payload: str) -> None:
        self._sequence += 1
        assert self._transport is not None
        self._transport.send(
            WSMsgType.TEXT,
            (
                f'{{"event":"media","sequenceNumber":"{self._sequence}","media":{{"track":"inbound",'
                f'"chunk":"{self._tick + 1}","timestamp":"{self._tick * 20}","payload":"{payload}"}},'
                f'"streamSid":"{self._stream_sid}"}}'
            ).encode(),
        )

    def _hang_up(self) -> None:
        self.hung_up = True
        self._send_next("stop", {"stop": {"accountSid": ACCOUNT_SID, "callSid": self.call_sid}})
        assert self._transport is not None
        self._transport.send_close()
        self._loop.call_later(HANG_UP_S, self._transport.disconnect)
        self._end()

    # -- the agent's messages
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
            return
        if frame.msg_type != WSMsgType.TEXT:
            return
        now = time.monotonic()
        data = frame.get_payload_as_memoryview()
        self.traffic.bytes_in += len(data)
        message = orjson.loads(data)
        match message.get("event"):
            case "media":
                self._on_media(base64.b64decode(message["media"]["payload"]), now)
            case "mark":
                self.traffic.marks += 1
                due = self.playout.mark(message["mark"]["name"], now)
                self._await_mark(due)
            case "clear":
                self.traffic.clears += 1
                names = self.playout.clear(now)
                if self.talk is not None:
                    self.talk.clear(now)
                self._answer(names)
            case _:
                pass

    def _on_media(self, ulaw: bytes, now: float) -> None:
        self.traffic.media_in += 1
        self.playout.listen_for()
        self.playout.push(ulaw, now)
        onset = self.playout.onset
        if onset is not None and self.talk is not None:
            if self.first_heard is None:
                self.first_heard = now
            self.talk.hear(now, onset.heard, self.playout.loud_until)

    # -- marks: one timer a call, for the earliest that is due
    def _await_mark(self, due: float) -> None:
        if self._marks_timer is None:
            self._marks_timer = self._loop.call_at(due, self._on_marks_due)

    def _on_marks_due(self) -> None:
        self._marks_timer = None
        # The timer may run a moment early by the loop's clock resolution.
        self._answer(self.playout.due_marks(time.monotonic() + 0.001))
        if (due := self.playout.next_mark_due) is not None:
            self._await_mark(due)

    def _answer(self, names: list[str]) -> None:
        for name in names:
            self._send_next("mark", {"mark": {"name": name}})

    def _send_next(self, event: str, body: dict[str, object]) -> None:
        self._sequence += 1
        self._send({"event": event, "sequenceNumber": str(self._sequence), "streamSid": self._stream_sid, **body})

    def _send(self, message: dict[str, object]) -> None:
        if self._transport is not None and not (self.hung_up and message["event"] != "stop"):
            self._transport.send(WSMsgType.TEXT, orjson.dumps(message))
