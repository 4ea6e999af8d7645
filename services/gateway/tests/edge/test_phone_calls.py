"""Phone calls over the real port: Twilio's protocol from the webhook to the way back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientSession
from holdfast_gateway.adapters.echo_desk import EchoDesk
from holdfast_gateway.edge import Edge
from holdfast_gateway.edge_settings import EdgeSettings
from holdfast_gateway.ports import Arrival, Dtmf, Ending, HungUp, Leg
from holdfast_gateway.reception import Recalled

VOICE = bytes(range(128, 255)) * 10
"""Mu-law in which every byte stands for a sample of its own (0x7F and 0xFF are both zero)."""


async def put_through(caller: Any) -> None:
    caller.follow(await caller.ring())
    await caller.connect()
    await caller.start()


async def test_a_call_is_put_through_and_its_audio_is_bit_for_bit_the_callers(caller: Any, desk: EchoDesk) -> None:
    await put_through(caller)
    for i in range(0, 1280, 160):
        await caller.speak(VOICE[i : i + 160])

    assert await caller.hear_audio(1120) == VOICE[:1120]
    assert desk.arrivals[0].generation == 1
    assert caller.sid not in desk.arrivals[0].call


async def test_audio_is_followed_by_marks_and_the_echoed_mark_moves_the_position(
    caller: Any, desk: EchoDesk, until: Any
) -> None:
    await put_through(caller)
    assert (await caller.hear("mark"))["mark"]["name"].startswith("p."), "the round trip is measured first"
    await caller.speak()
    mark = await caller.hear("mark")
    assert mark["mark"]["name"] == "0.160"
    await caller.say(caller.numbered("mark", mark={"name": mark["mark"]["name"]}))

    await until(lambda: any(type(e).__name__ == "PositionMoved" for e in desk.events))


async def test_digits_reach_the_desk_and_a_clear_reaches_the_phone(caller: Any, desk: EchoDesk) -> None:
    await put_through(caller)
    await caller.say(caller.numbered("dtmf", dtmf={"track": "inbound_track", "digit": "0"}))

    await caller.hear("clear")
    assert desk.events == [Dtmf("0")]


async def test_who_hangs_up_has_nothing_to_come_back_to(caller: Any, desk: EchoDesk, until: Any) -> None:
    await put_through(caller)
    await caller.speak()
    await caller.hang_up()
    await until(lambda: desk.endings == [Ending(True, "hung_up")])

    assert isinstance(desk.events[-1], HungUp)
    assert [verb.tag for verb in await caller.come_back()] == ["Hangup"]


async def test_when_the_agent_ends_the_call_the_way_back_leads_out(caller: Any) -> None:
    await put_through(caller)
    await caller.say(caller.numbered("dtmf", dtmf={"digit": "#"}))

    assert await caller.closed() == (1000, "ended")
    assert [verb.tag for verb in await caller.come_back()] == ["Hangup"]


async def test_a_lost_connection_comes_back_as_the_next_generation(caller: Any, desk: EchoDesk, edge: Any) -> None:
    await put_through(caller)
    await caller.speak()
    await caller.hear("media")
    await caller.vanish()
    caller.follow(await caller.come_back())
    caller.stream, caller.sequence = "MZback", 0
    await caller.connect()
    await caller.start()
    await caller.speak()
    await caller.hear("media")

    assert [a.generation for a in desk.arrivals] == [1, 2]
    assert len({a.call for a in desk.arrivals}) == 1
    assert edge.reception.seats.taken(asyncio.get_running_loop().time()) == 1


async def test_a_newer_connection_of_a_call_supersedes_the_older(caller: Any, edge: Any, new_caller: Any) -> None:
    """The old socket may hang half-open while Twilio is already back."""
    await put_through(caller)
    await caller.speak()
    await caller.hear("media")
    again = new_caller(edge, caller.sid)
    again.after = caller.after
    # The desk has not ended the first leg: the way back waits for it in vain, then goes ahead.
    again.follow(await again.come_back())
    await again.connect()
    await again.start()

    assert await caller.closed() == (1000, "superseded")
    await again.speak()
    await again.hear("media")


async def test_a_call_that_keeps_falling_is_not_picked_up_for_ever(caller: Any) -> None:
    caller.follow(await caller.ring())
    answers = [[verb.tag for verb in await caller.come_back()] for _ in range(4)]

    assert answers == [["Connect", "Redirect"]] * 3 + [["Reject"]]


async def test_an_unknown_call_hears_a_polite_sentence(caller: Any, edge: Any) -> None:
    caller.after = edge.url + "/twilio/after"

    assert [verb.tag for verb in await caller.come_back()] == ["Say", "Hangup"]


async def test_a_call_that_has_completed_is_over(caller: Any) -> None:
    caller.follow(await caller.ring())

    assert [verb.tag for verb in await caller.come_back(CallStatus="completed")] == ["Hangup"]


class Past:
    """A call log that knows one call."""

    def __init__(self, told: Recalled | None) -> None:
        self.told = told
        self.asked: list[str] = []

    async def recall(self, call: str) -> Recalled | None:
        self.asked.append(call)
        return self.told


async def test_the_call_of_a_gateway_that_died_goes_on_here(
    open_edge: Callable[..., Any], new_caller: Any, desk: EchoDesk
) -> None:
    """This process has never met the call; the log and the address of the way back have."""
    past = Past(Recalled(generation=4, ended=False))
    edge = await open_edge(parts={"history": past})
    caller = new_caller(edge)
    caller.after = edge.url + "/twilio/after?generation=3"
    caller.follow(await caller.come_back())
    await caller.connect()
    await caller.start()
    await caller.speak()
    await caller.hear("media")

    assert desk.arrivals[0].generation == 5
    assert past.asked[0] == desk.arrivals[0].call


async def test_a_call_that_the_log_says_has_ended_is_over(open_edge: Callable[..., Any], new_caller: Any) -> None:
    edge = await open_edge(parts={"history": Past(Recalled(generation=1, ended=True))})
    caller = new_caller(edge)
    caller.after = edge.url + "/twilio/after?generation=1"

    assert [verb.tag for verb in await caller.come_back()] == ["Hangup"]


async def test_the_cap_is_exact_when_everybody_calls_at_once(open_edge: Callable[..., Any], new_caller: Any) -> None:
    edge = await open_edge(max_calls=5)
    answers = await asyncio.gather(*(new_caller(edge).ring() for _ in range(20)))
    tags = sorted(verbs[0].tag for verbs in answers)

    assert tags == ["Connect"] * 5 + ["Say"] * 15


async def test_one_number_cannot_call_without_end(open_edge: Callable[..., Any], new_caller: Any) -> None:
    edge = await open_edge(calls_per_caller_per_min=2)
    tags = [(await new_caller(edge).post(edge.url + "/twilio/voice", From="+15550100"))[0].tag for _ in range(3)]

    assert tags == ["Connect", "Connect", "Reject"]


async def test_a_draining_gateway_takes_no_new_calls(edge: Any, caller: Any) -> None:
    await edge.drain(1)

    assert [verb.tag for verb in await caller.ring()] == ["Say", "Hangup"]


BAD = {
    "media before start": ("out_of_order", lambda c: [c.numbered("media", media={"payload": "//8="})]),
    "start before connected": ("out_of_order", lambda c: [c.numbered("start", start=START)]),
    "malformed": ("malformed_message", lambda c: ["{not json"]),
    "not an object": ("malformed_message", lambda c: ["[]"]),
    "payload that is no base64": ("malformed_message", lambda c: [None, c.numbered("media", media={"payload": "*"})]),
    "an overlong payload": (
        "malformed_message",
        lambda c: [None, c.numbered("media", media={"payload": "A" * 20_000})],
    ),
    "two digits": ("malformed_message", lambda c: [None, c.numbered("dtmf", dtmf={"digit": "12"})]),
    "the same number twice": (
        "out_of_order",
        lambda c: [None, c.numbered("media", media=MEDIA) | {"sequenceNumber": "1"}],
    ),
    "another stream": ("wrong_stream", lambda c: [None, c.numbered("media", media=MEDIA) | {"streamSid": "MZ0"}]),
    "a second start": ("out_of_order", lambda c: [None, c.numbered("start", start=START)]),
    "binary": ("binary_frame", lambda c: [b"\x00\x01"]),
    "oversized": (None, lambda c: ["x" * 70_000]),
}
MEDIA = {"payload": "//8="}
START = {"callSid": "CA1", "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_client_is_closed_with_a_reason_and_touches_nobody_else(
    name: str, edge: Any, new_caller: Any, caller: Any
) -> None:
    reason, messages = BAD[name]
    await put_through(caller)
    bad = new_caller(edge)
    bad.follow(await bad.ring())
    await bad.connect()
    for message in messages(bad):
        if message is None:
            bad.sequence = 0
            await bad.start()
            bad.sequence = 5
        elif isinstance(message, bytes):
            await bad.ws.send_bytes(message)
        else:
            await (bad.ws.send_str(message) if isinstance(message, str) else bad.say(message))
    code, told = await bad.closed()

    assert code in (1003, 1007, 1008, 1009)
    if reason is not None:
        assert told == reason
    await caller.speak()
    await caller.hear("media")


@pytest.mark.parametrize(
    ("changes", "parameters", "reason"),
    [
        (
            {"mediaFormat": {"encoding": "audio/l16", "sampleRate": 16000, "channels": 1}},
            None,
            "unsupported_media_format",
        ),
        ({"callSid": "CA" + "9" * 32}, None, "token_of_another_call"),
        ({}, {}, "token_missing"),
        ({}, {"token": "guess"}, "token_invalid"),
    ],
)
async def test_who_cannot_show_the_right_token_is_not_let_in(
    changes: dict[str, Any], parameters: dict[str, str] | None, reason: str, caller: Any, desk: EchoDesk
) -> None:
    caller.follow(await caller.ring())
    if parameters is not None:
        caller.parameters = parameters
    await caller.connect()
    await caller.start(**changes)

    assert (await caller.closed())[1] == reason
    assert desk.arrivals == []


async def test_a_stream_token_is_used_once(edge: Any, caller: Any, new_caller: Any) -> None:
    await put_through(caller)
    await caller.speak()
    await caller.hear("media")
    thief = new_caller(edge, caller.sid)
    thief.media_url, thief.parameters = caller.media_url, caller.parameters
    await thief.connect()
    await thief.start()

    assert (await thief.closed())[1] == "token_used"


async def test_events_of_a_later_protocol_are_passed_over(caller: Any) -> None:
    await put_through(caller)
    await caller.say(caller.numbered("hologram", hologram={"shape": "owl"}))
    await caller.speak()

    await caller.hear("media")


async def test_a_silent_socket_is_lost_after_its_time(
    open_edge: Callable[..., Any], new_caller: Any, until: Any
) -> None:
    desk = EchoDesk()
    edge = await open_edge(at=desk, parts={"idle_s": 0.2})
    caller = new_caller(edge)
    await put_through(caller)

    assert (await caller.closed())[1] == "silent_socket"
    await until(lambda: desk.endings == [Ending(False, "lost")])


async def test_a_message_in_fragments_is_put_together(caller: Any, desk: EchoDesk, until: Any) -> None:
    await put_through(caller)
    data = b'{"event":"dtmf","sequenceNumber":"9","streamSid":"%b","dtmf":{"digit":"7"}}' % caller.stream.encode()
    caller.send_frame(data[:30], opcode=1, fin=False)
    caller.send_frame(data[30:60], opcode=0, fin=False)
    caller.send_frame(data[60:], opcode=0, fin=True)

    await until(lambda: desk.events == [Dtmf("7")])


async def test_a_fragment_that_continues_nothing_ends_the_socket(caller: Any) -> None:
    await put_through(caller)
    caller.send_frame(b"rest", opcode=0, fin=True)

    assert await caller.closed() == (1002, "bad_fragments")


def test_the_doors_work_on_the_loop_that_production_uses(phone: Any) -> None:
    """uvloop picks how it reads when reading starts: the hand-over happens in between."""
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not for this platform")

    async def story() -> bytes:
        chosen = EdgeSettings(_env_file=None, port=0)  # type: ignore[call-arg]
        async with Edge(EchoDesk(), chosen, replica="gw") as edge, ClientSession() as http:
            async with http.get(edge.url + "/api/health") as answer:
                assert answer.status == 200
            caller = phone(edge, http)
            await put_through(caller)
            await caller.speak(VOICE[:160])
            return await caller.hear_audio(160)

    assert uvloop.run(story()) == VOICE[:160]


class Broken:
    """A desk with a bug."""

    async def serve(self, leg: Leg, arrival: Arrival) -> Ending:
        raise RuntimeError("a bug")


async def test_a_bug_in_one_call_ends_that_call_only(open_edge: Callable[..., Any], new_caller: Any) -> None:
    edge = await open_edge(at=Broken())
    first, second = new_caller(edge), new_caller(edge)
    for caller in (first, second):
        await put_through(caller)
        assert (await caller.closed())[1] == "failed"

    assert (await first.ring())[0].tag == "Connect"


async def test_signed_webhooks_and_streams_only_where_there_is_an_auth_token(
    open_edge: Callable[..., Any], new_caller: Any, http: ClientSession
) -> None:
    edge = await open_edge(twilio_auth_token="secret")
    async with http.post(edge.url + "/twilio/voice", data={"CallSid": "CA1"}) as answer:
        assert answer.status == 403
        assert await answer.json() == {"error": "unsigned"}
    async with http.get(
        edge.url + "/twilio/media",
        headers={
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        },
    ) as answer:
        assert answer.status == 403
        assert await answer.json() == {"error": "unsigned"}


async def test_the_media_go_to_the_process_that_answered_and_the_way_back_to_any(
    open_edge: Any, http: ClientSession, phone: Any
) -> None:
    edge = await open_edge(media_base_url="https://voice.example.com/g/gateway-1")
    caller = phone(edge, http)

    caller.follow(await caller.ring())

    assert caller.media_url == "wss://voice.example.com/g/gateway-1/twilio/media"
    assert caller.after.startswith(edge.url + "/twilio/after")
