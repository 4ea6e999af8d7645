"""Calls from the page over the real port: session, hello, sound both ways, typing, coming back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from holdfast_gateway.adapters.echo_desk import EchoDesk
from holdfast_gateway.ports import Ending, HungUp, Typed


class Page:
    """What the page's scripts do."""

    def __init__(self, edge: Any, http: ClientSession) -> None:
        self.edge, self.http, self.origin = edge, http, edge.url
        self.resume = ""
        self.ws: ClientWebSocketResponse

    async def session(self) -> str:
        async with self.http.post(self.edge.url + "/api/session", headers={"Origin": self.origin}) as answer:
            assert answer.status == 200, await answer.text()
            return (await answer.json())["token"]

    async def open(self) -> None:
        self.ws = await self.http.ws_connect(self.edge.url + "/ws/call", origin=self.origin)

    async def say(self, t: str, **fields: Any) -> None:
        await self.ws.send_str(json.dumps({"t": t} | fields))

    async def hear(self, t: str) -> dict[str, Any]:
        async with asyncio.timeout(5):
            async for message in self.ws:
                if message.type is WSMsgType.TEXT and (told := json.loads(message.data))["t"] == t:
                    return told
        raise AssertionError(f"closed while waiting for {t}: {self.ws.close_code}")

    async def hear_audio(self, length: int) -> bytes:
        heard = b""
        async with asyncio.timeout(5):
            while len(heard) < length:
                message = await self.ws.receive()
                if message.type is WSMsgType.BINARY:
                    heard += message.data
        return heard

    async def closed(self) -> str:
        async with asyncio.timeout(5):
            while True:
                message = await self.ws.receive()
                if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED):
                    return str(message.extra or "")

    async def call(self, **hello: Any) -> dict[str, Any]:
        token = await self.session()
        await self.open()
        await self.say("hello", **({"token": token} | hello))
        ready = await self.hear("ready")
        self.resume = ready["resume"]
        return ready

    def vanish(self) -> None:
        connection = self.ws._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()


@pytest.fixture
def page(edge: Any, http: ClientSession) -> Page:
    return Page(edge, http)


async def test_the_voice_comes_back_bit_for_bit_at_16_khz(page: Page, desk: EchoDesk) -> None:
    assert (await page.call(zone="Europe/Berlin", language="de-DE"))["rate_hz"] == 16_000
    sound = bytes(range(256)) * 5
    await page.ws.send_bytes(sound)

    assert await page.hear_audio(len(sound)) == sound
    assert (desk.arrivals[0].zone, desk.arrivals[0].language) == ("Europe/Berlin", "de")


async def test_typed_lines_arrive_and_captions_come_back(page: Page, desk: EchoDesk) -> None:
    await page.call()
    await page.hear("caption")
    await page.say("typed", text="  hello\x00 there ")
    caption = await page.hear("caption")

    assert desk.events == [Typed("hello there")]
    assert (caption["role"], caption["text"], caption["final"]) == ("agent", "You said: hello there", True)


async def test_a_call_without_sound_is_typed_only(page: Page, desk: EchoDesk, until: Any) -> None:
    assert (await page.call(audio=False))["rate_hz"] == 0
    await page.say("typed", text="goodbye")

    assert (await page.hear("ended"))["reason"] == "ended"
    assert await page.closed() == "ended"
    await until(lambda: bool(desk.endings))
    assert desk.endings == [Ending(True, "ended")]


async def test_sound_in_a_typed_call_is_out_of_order(page: Page) -> None:
    await page.call(audio=False)
    await page.ws.send_bytes(bytes(640))

    assert await page.closed() == "out_of_order"


async def test_the_button_hangs_up(page: Page, desk: EchoDesk, until: Any) -> None:
    await page.call()
    await page.say("bye")
    await until(lambda: desk.endings == [Ending(True, "hung_up")])

    assert desk.events == [HungUp()]


async def test_reports_of_playout_move_the_position(page: Page, desk: EchoDesk, until: Any) -> None:
    await page.call()
    await page.ws.send_bytes(bytes(640))
    await page.hear_audio(640)
    await page.say("played", epoch=0, samples=320)

    await until(lambda: any(type(e).__name__ == "PositionMoved" for e in desk.events))


async def test_a_lost_page_comes_back_as_the_next_generation(page: Page, desk: EchoDesk) -> None:
    await page.call()
    page.vanish()
    await page.open()
    await page.say("hello", resume=page.resume)
    await page.hear("ready")
    await page.say("typed", text="still me")
    await page.hear("caption")

    assert [a.generation for a in desk.arrivals] == [1, 2]
    assert len({a.call for a in desk.arrivals}) == 1


async def test_a_resume_token_is_used_once(page: Page) -> None:
    await page.call()
    first = page.resume
    page.vanish()
    await page.open()
    await page.say("hello", resume=first)
    await page.hear("ready")
    page.vanish()
    await page.open()
    await page.say("hello", resume=first)

    assert await page.closed() == "token_used"


async def test_a_call_that_was_hung_up_is_not_resumed(page: Page, desk: EchoDesk, until: Any) -> None:
    await page.call()
    await page.say("bye")
    await until(lambda: bool(desk.endings))
    await page.closed()
    await page.open()
    await page.say("hello", resume=page.resume)

    assert await page.closed() == "call_ended"


async def test_a_page_call_survives_the_process_that_held_it(
    open_edge: Callable[..., Any], http: ClientSession
) -> None:
    """Two processes with one secret: the second has never met the call."""
    first, desk = await open_edge(token_secret="shared"), EchoDesk()
    page = Page(first, http)
    await page.call()
    page.vanish()
    second = await open_edge(token_secret="shared", at=desk, allowed_origins=[first.url])
    page.edge = second
    await page.open()
    await page.say("hello", resume=page.resume)
    await page.hear("ready")
    await page.say("typed", text="hello")
    await page.hear("caption")

    assert desk.arrivals[0].generation == 2


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
async def test_pages_of_strangers_get_no_session_and_no_socket(page: Page, origin: str) -> None:
    async with page.http.post(page.edge.url + "/api/session", headers={"Origin": origin}) as answer:
        assert answer.status == 403
        assert await answer.json() == {"error": "wrong_origin"}
    async with page.http.get(
        page.edge.url + "/ws/call",
        headers={
            "Origin": origin,
            "Upgrade": "websocket",
            "Connection": "keep-alive, Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        },
    ) as answer:
        assert answer.status == 403


async def test_sessions_are_limited_per_address_and_say_when_to_come_again(
    open_edge: Callable[..., Any], http: ClientSession
) -> None:
    edge = await open_edge(sessions_per_address_per_min=2)
    answers = [await http.post(edge.url + "/api/session", headers={"Origin": edge.url}) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 31


async def test_a_full_house_says_so(open_edge: Callable[..., Any], http: ClientSession) -> None:
    edge = await open_edge(max_calls=1)
    answers = [await http.post(edge.url + "/api/session", headers={"Origin": edge.url}) for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 503]
    assert "busy" in (await answers[1].json())["message"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('{"t":"typed","text":"first"}', "out_of_order"),
        ("[]", "malformed_message"),
        ('{"t":"hello","token":"guess"}', "token_invalid"),
        ('{"t":"hello"}', "token_missing"),
        (bytes(640), "out_of_order"),
        ('{"t":"typed","text":"%s"}' % ("x" * 17_000), "malformed_message"),
    ],
)
async def test_who_begins_wrongly_is_closed_with_a_reason(page: Page, message: str | bytes, reason: str) -> None:
    await page.open()
    await (page.ws.send_str(message) if isinstance(message, str) else page.ws.send_bytes(message))

    assert await page.closed() == reason


async def test_half_a_sample_is_malformed(page: Page) -> None:
    await page.call()
    await page.ws.send_bytes(b"\x00" * 641)

    assert await page.closed() == "malformed_audio"


async def test_a_flood_of_messages_is_stopped(page: Page) -> None:
    await page.call()
    for _ in range(600):
        await page.say("played", epoch=0, samples=0)

    assert await page.closed() == "too_many_messages"


async def test_typing_without_pause_is_answered_with_a_request_to_wait(page: Page, desk: EchoDesk) -> None:
    await page.call()
    for i in range(12):
        await page.say("typed", text=str(i))
    while (caption := await page.hear("caption"))["role"] != "notice":
        pass

    assert "wait" in caption["text"]
    assert len(desk.events) == 10
