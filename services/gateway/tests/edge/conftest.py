"""The edge as its callers meet it: a real server on a free port, an echoing desk, clients of both kinds."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from holdfast_gateway.adapters.echo_desk import EchoDesk
from holdfast_gateway.edge import Edge
from holdfast_gateway.edge_settings import EdgeSettings

SILENCE = b"\xff" * 160


class PhoneCaller:
    """Twilio's side of one call."""

    def __init__(self, edge: Edge, http: aiohttp.ClientSession, sid: str = "") -> None:
        self.edge, self.http = edge, http
        self.sid = sid or "CA" + uuid.uuid4().hex
        self.stream = "MZ" + uuid.uuid4().hex
        self.sequence = 0
        self.media_url, self.parameters, self.after = "", dict[str, str](), ""
        self.ws: aiohttp.ClientWebSocketResponse

    async def post(self, url: str, **fields: str) -> list[ET.Element]:
        """The verbs of the TwiML."""
        form = {"CallSid": self.sid, "From": f"+1{self.sid[-10:]}", "CallStatus": "ringing"} | fields
        async with self.http.post(url, data=form) as answer:
            assert answer.status == 200, await answer.text()
            assert answer.content_type == "text/xml"
            return list(ET.fromstring(await answer.text()))

    def follow(self, verbs: list[ET.Element]) -> None:
        stream = verbs[0].find("Stream")
        assert stream is not None, [verb.tag for verb in verbs]
        self.media_url = stream.get("url", "")
        self.parameters = {p.get("name", ""): p.get("value", "") for p in stream.iter("Parameter")}
        self.after = verbs[0].get("action", "")

    async def ring(self) -> list[ET.Element]:
        return await self.post(self.edge.url + "/twilio/voice")

    async def come_back(self, **fields: str) -> list[ET.Element]:
        return await self.post(self.after, **fields)

    async def connect(self) -> None:
        self.ws = await self.http.ws_connect(self.media_url)

    async def start(self, **changes: Any) -> None:
        await self.say({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        details = {
            "accountSid": "AC1",
            "streamSid": self.stream,
            "callSid": self.sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": self.parameters,
        }
        await self.say(self.numbered("start", start=details | changes))

    def numbered(self, event: str, **body: Any) -> dict[str, Any]:
        self.sequence += 1
        return {"event": event, "sequenceNumber": str(self.sequence), "streamSid": self.stream} | body

    async def say(self, message: dict[str, Any]) -> None:
        await self.ws.send_str(json.dumps(message))

    async def speak(self, ulaw: bytes = SILENCE) -> None:
        payload = base64.b64encode(ulaw).decode()
        media = {"track": "inbound", "chunk": "1", "timestamp": "20", "payload": payload}
        await self.say(self.numbered("media", media=media))

    async def hang_up(self) -> None:
        await self.say(self.numbered("stop", stop={"accountSid": "AC1", "callSid": self.sid}))
        await self.ws.close()

    async def hear(self, event: str) -> dict[str, Any]:
        """The next message of this kind."""
        async with asyncio.timeout(5):
            async for message in self.ws:
                told = json.loads(message.data)
                if told["event"] == event:
                    return told
        raise AssertionError(f"closed while waiting for {event}: {self.ws.close_code}")

    async def hear_audio(self, length: int) -> bytes:
        heard = b""
        while len(heard) < length:
            heard += base64.b64decode((await self.hear("media"))["media"]["payload"])
        return heard

    async def closed(self) -> tuple[int | None, str]:
        """Close code and reason, once the server has closed."""
        async with asyncio.timeout(5):
            while True:
                message = await self.ws.receive()
                if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
                    return self.ws.close_code, str(message.extra or "")

    async def vanish(self) -> None:
        """The connection is cut without a word."""
        self.transport().abort()

    def transport(self) -> asyncio.Transport:
        connection = self.ws._response.connection
        assert connection is not None
        assert connection.transport is not None
        return connection.transport

    def send_frame(self, data: bytes, *, opcode: int, fin: bool) -> None:
        """One WebSocket frame as it is on the wire (RFC 6455, 5.2), masked with zeros."""
        assert len(data) < 126
        self.transport().write(bytes([opcode | (0x80 if fin else 0), 0x80 | len(data)]) + bytes(4) + data)


@pytest.fixture
def desk() -> EchoDesk:
    return EchoDesk()


@pytest.fixture
async def open_edge(desk: EchoDesk, tmp_path: Any) -> AsyncIterator[Callable[..., Any]]:
    async with AsyncExitStack() as stack:

        async def start(*, at: Any = None, parts: dict[str, Any] | None = None, **settings: Any) -> Edge:
            values: dict[str, Any] = {"port": 0, "web_dir": tmp_path, "requests_per_address_per_s": 10_000} | settings
            chosen = EdgeSettings(_env_file=None, **values)  # type: ignore[call-arg]
            return await stack.enter_async_context(Edge(at or desk, chosen, replica="gw", **(parts or {})))

        yield start


@pytest.fixture
async def edge(open_edge: Callable[..., Any]) -> Edge:
    return await open_edge()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def caller(edge: Edge, http: aiohttp.ClientSession) -> PhoneCaller:
    return PhoneCaller(edge, http)


@pytest.fixture
def new_caller(http: aiohttp.ClientSession) -> Callable[..., PhoneCaller]:
    return lambda edge, sid="": PhoneCaller(edge, http, sid)


@pytest.fixture
def phone() -> type[PhoneCaller]:
    """For tests that run a loop of their own."""
    return PhoneCaller


@pytest.fixture
def until() -> Callable[..., Any]:
    """Waits for what another task is about to do; fails after 5 s."""

    async def wait(claim: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not claim():  # the claims are about plain attributes
                await asyncio.sleep(0.005)

    return wait
