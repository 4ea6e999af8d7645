"""A gateway that is none: speaks the Twilio protocol on loopback, answers every utterance with a tone.

Ships with the product so that the simulated caller can be tried without any service: it takes an
utterance to be over after 200 ms of quiet, tells of it on the watch subject as the real one does,
and says the next of its replies as a tone of 0.2 s.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import orjson
from aiohttp import WSMsgType, web
from holdfast_common import subjects
from holdfast_common.bus import Bus, Lane
from holdfast_common.contracts.dialogue import Notes
from holdfast_common.contracts.watch import Watch, WatchEvent
from holdfast_common.contracts.wire import encode
from holdfast_common.hashing import call_id
from holdfast_common.pcm import from_float, rms_dbfs, ulaw_decode, ulaw_encode

LOUD_DBFS = -40.0
QUIET_FRAMES = 10
TONE = ulaw_encode(from_float(0.3 * np.sin(np.arange(1_600) * 2 * np.pi * 440 / 8_000)))
AT = "2026-11-23T15:00:00Z"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the fake says to one utterance; `heard` is what it claims to have understood."""

    text: str
    asks: str = ""
    heard: str = "something"
    article: str = ""
    notes: Notes = field(default_factory=Notes)
    closes: bool = False
    """It hangs up when this has been played."""
    drops: bool = False
    """It loses the line instead of answering."""


@dataclass
class FakeGateway:
    """Replies are used up in order, over all legs of the call; the last one stays."""

    bus: Bus
    replies: list[Reply]
    greeting: str = "hello this is the assistant"
    rings: list[dict[str, str]] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    starts: list[dict[str, object]] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    over: bool = False
    _turn: int = 0

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """The base address while it runs."""
        app = web.Application()
        app.router.add_post("/twilio/voice", self._voice)
        app.router.add_post("/twilio/after", self._after)
        app.router.add_get("/twilio/media", self._media)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        try:
            yield f"http://{host}:{port}"
        finally:
            await runner.cleanup()

    async def _voice(self, request: web.Request) -> web.Response:
        self.rings.append({key: str(value) for key, value in (await request.post()).items()})
        self.signatures.append(request.headers.get("X-Twilio-Signature", ""))
        return _twiml(
            '<Connect action="/twilio/after"><Stream url="/twilio/media">'
            '<Parameter name="token" value="t0ken"/></Stream></Connect>'
        )

    async def _after(self, request: web.Request) -> web.Response:
        return _twiml("<Hangup/>") if self.over else await self._voice(request)

    async def _media(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        leg = _Leg(self, socket)
        async for message in socket:
            if message.type != WSMsgType.TEXT or not await leg.take(orjson.loads(message.data)):
                break
        return socket

    async def tell(self, call: str, event: WatchEvent, **fields: object) -> None:
        self.bus.publish(
            subjects.watch(call),
            encode(Watch(call=call, event=event, at=AT, **fields)),  # type: ignore[arg-type]
            lane=Lane.CONTROL,
        )


class _Leg:
    def __init__(self, gateway: FakeGateway, socket: web.WebSocketResponse) -> None:
        self._gateway, self._socket = gateway, socket
        self._call, self._sid = "", ""
        self._voiced = self._quiet = 0
        self._closing = False

    async def take(self, message: dict[str, object]) -> bool:
        """One message of the phone; false: hang up."""
        match message["event"]:
            case "start":
                start = message["start"]
                assert isinstance(start, dict)
                self._gateway.starts.append(start)
                self._call, self._sid = call_id("twilio", start["callSid"]), start["streamSid"]
                await self._say(Reply(self._gateway.greeting))
            case "media":
                media = message["media"]
                assert isinstance(media, dict)
                return await self._hear(base64.b64decode(media["payload"]))
            case "mark":
                mark = message["mark"]
                assert isinstance(mark, dict)
                self._gateway.marks.append(mark["name"])
                return not self._closing
            case "stop":
                self._gateway.over = True
                return False
            case _:
                pass
        return True

    async def _hear(self, ulaw: bytes) -> bool:
        if rms_dbfs(ulaw_decode(ulaw)) > LOUD_DBFS:
            self._voiced, self._quiet = self._voiced + 1, 0
        elif self._voiced:
            self._quiet += 1
        if self._quiet < QUIET_FRAMES:
            return True
        self._voiced = self._quiet = 0
        replies = self._gateway.replies
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        self._gateway._turn += 1
        if reply.drops:
            return False
        await self._gateway.tell(self._call, WatchEvent.FINAL, turn=self._gateway._turn, text=reply.heard)
        await self._say(reply)
        return True

    async def _say(self, reply: Reply) -> None:
        gateway, turn = self._gateway, self._gateway._turn
        await gateway.tell(
            self._call,
            WatchEvent.SENTENCE,
            turn=turn,
            sentence=0,
            text=reply.text,
            asks=reply.asks,
            notes=reply.notes,
        )
        await self._send({"event": "media", "media": {"payload": base64.b64encode(TONE).decode()}})
        await self._send({"event": "mark", "mark": {"name": f"t{turn}"}})
        await gateway.tell(self._call, WatchEvent.TURN, turn=turn, route="fake", article=reply.article, answered=True)
        if reply.closes:
            self._closing = gateway.over = True

    async def _send(self, message: dict[str, object]) -> None:
        await self._socket.send_str(orjson.dumps({**message, "streamSid": self._sid}).decode())


def _twiml(verbs: str) -> web.Response:
    return web.Response(
        text=f'<?xml version="1.0" encoding="UTF-8"?><Response>{verbs}</Response>', content_type="text/xml"
    )
