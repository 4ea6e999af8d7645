"""Who is let in when there is no room: nobody is answered into silence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession
from holdfast_common.contracts.beat import Beat
from holdfast_common.contracts.dialogue import MediaEntry
from holdfast_common.contracts.wire import decoder
from holdfast_common.memory_log import MemoryLog
from holdfast_common.placement import Presence
from holdfast_common.profile import Profile
from holdfast_gateway.adapters.log_callbacks import LogCallbacks
from holdfast_gateway.domain.room import Room, free_streams
from holdfast_gateway.domain.seats import Seats
from holdfast_gateway.edge import NEEDED
from hypothesis import given
from hypothesis import strategies as st

COPY = {"callback_offer": ["Or press 1."], "callback_noted": ["Noted."], "callback_not_noted": ["Not noted."]}
PROFILE = Profile.model_validate(
    {"id": "t", "company": "T", "product": "P", "agent_name": "A", "copy": COPY, "clips": {"busy": ["All busy."]}}
)


def beat(service: str, free: int = 4, **fields: Any) -> Beat:
    return Beat(service=service, replica=f"{service}-1", version="1", boot="b", capacity_free=free, **fields)


def presence_of(*beats: Beat) -> Presence:
    presence = Presence()
    for one in beats:
        presence.observe(one, asyncio.get_running_loop().time())
    return presence


def everybody() -> list[Beat]:
    return [beat(service.value) for service in NEEDED]


# -- the rule
def test_a_service_that_is_away_for_a_moment_closes_nothing() -> None:
    room = Room(("asr",), patience_s=3.0)
    room.observe({"asr": 1}, 10.0)
    room.observe({"asr": 0}, 10.5)

    assert room.lacking(12.9) == ()
    assert room.lacking(13.1) == ("asr",)
    room.observe({"asr": 2}, 20.0)
    assert room.lacking(20.0) == ()


def test_a_service_that_was_never_there_has_no_moment() -> None:
    room = Room(("asr", "tts"))
    room.observe({"tts": 5}, 0.0)

    assert room.lacking(0.0) == ("asr",)


def test_replicas_that_drain_or_are_not_well_offer_nothing() -> None:
    assert free_streams([("asr", 4, True, True), ("asr", 3, False, False), ("asr", 2, False, True)]) == {"asr": 2}


@given(st.lists(st.tuples(st.floats(0.05, 2.0), st.booleans()), min_size=1, max_size=60))
def test_seats_are_never_closed_while_there_was_capacity_within_patience(looks: list[tuple[float, bool]]) -> None:
    room, now, last = Room(("asr",), patience_s=3.0), 0.0, None
    for wait, has_some in looks:
        now += wait
        room.observe({"asr": int(has_some)}, now)
        last = now if has_some else last
        assert bool(room.lacking(now)) == (last is None or now - last > 3.0)


def test_closed_seats_keep_new_callers_out_and_nobody_else() -> None:
    """Who is put through, in a call, or coming back to one, keeps the seat."""
    seats = Seats(limit=3)
    seats.take("waiting", 0.0)
    seats.take("live", 0.0)
    seats.claim("live", 0.0)
    seats.closed = True

    assert not seats.take("new", 1.0)
    assert seats.free(1.0) == seats.certainly_free() == 0
    assert seats.claim("waiting", 1.0)
    seats.lose("live", 2.0)
    assert seats.claim("live", 3.0)
    assert seats.take("of another process", 4.0, is_new=False)
    assert not seats.take("beyond the limit", 4.0, is_new=False)


# -- at the doors
async def test_two_hundred_at_once_at_a_cap_of_fifty(open_edge: Callable[..., Any], new_caller: Any) -> None:
    """Exactly fifty are put through, and the others know within a second of the last one's ringing."""
    edge = await open_edge(max_calls=50, parts={"presence": presence_of(*everybody())})
    edge.reception.look_round()
    began = time.monotonic()

    answers = await asyncio.gather(*(new_caller(edge).ring() for _ in range(200)))

    tags = [verbs[0].tag for verbs in answers]
    assert tags.count("Connect") == 50
    assert tags.count("Say") == 150
    assert time.monotonic() - began < 20, "for a loaded machine; the bench holds it to a second"


@pytest.mark.parametrize("missing", NEEDED)
async def test_without_one_of_the_services_nobody_is_answered_into_silence(
    open_edge: Callable[..., Any], new_caller: Any, http: ClientSession, missing: Any
) -> None:
    """Phone: the busy message. Page: 503 with words that it shows."""
    there = [one for one in everybody() if one.service != missing.value]
    edge = await open_edge(parts={"presence": presence_of(*there), "profile": PROFILE})
    edge.reception.look_round()

    verbs = await new_caller(edge).ring()
    page = await http.post(edge.url + "/api/session", headers={"Origin": edge.url})

    assert [verb.tag for verb in verbs] == ["Say", "Hangup"]
    assert verbs[0].text == "All busy."
    assert page.status == 503
    assert await page.json() == {"error": "busy", "message": "All busy."}


async def test_a_service_that_has_come_is_noticed_by_the_very_next_caller(
    open_edge: Callable[..., Any], new_caller: Any
) -> None:
    """Closed seats look round before they refuse."""
    presence = presence_of(*everybody()[:-1])
    edge = await open_edge(parts={"presence": presence})
    edge.reception.look_round()
    assert (await new_caller(edge).ring())[0].tag == "Say"

    presence.observe(everybody()[-1], asyncio.get_running_loop().time())

    assert (await new_caller(edge).ring())[0].tag == "Connect"


async def test_a_running_call_that_fell_is_taken_back_though_the_seats_are_closed(
    open_edge: Callable[..., Any], new_caller: Any
) -> None:
    """Overload is paid by new callers, never by one who is in the middle."""
    edge = await open_edge(parts={"presence": presence_of()})
    edge.reception.look_round()
    caller = new_caller(edge)
    caller.after = edge.url + "/twilio/after?generation=1"

    assert (await caller.come_back())[0].tag == "Connect"
    assert (await new_caller(edge).ring())[0].tag == "Say"


# -- the offer to be called back
async def full_house(open_edge: Callable[..., Any], new_caller: Any, log: MemoryLog) -> Any:
    edge = await open_edge(max_calls=1, parts={"profile": PROFILE, "callbacks": LogCallbacks(log)})
    await new_caller(edge).ring()
    return edge


async def test_beyond_the_seats_a_caller_may_ask_to_be_called_back(
    open_edge: Callable[..., Any], new_caller: Any
) -> None:
    """The key goes to a route of ours; what it says is in the call log before the caller is told so."""
    log = MemoryLog()
    edge = await full_house(open_edge, new_caller, log)
    caller = new_caller(edge)

    gather, hang_up = await caller.post(edge.url + "/twilio/voice", From="+15550100200")
    said = await caller.post(gather.get("action", ""), From="+15550100200", Digits="1", CallStatus="in-progress")

    assert (gather.tag, hang_up.tag) == ("Gather", "Hangup")
    assert gather.find("Say").text == "All busy. Or press 1."  # type: ignore[union-attr]
    assert urlsplit(gather.get("action", "")).path == "/twilio/callback"
    assert [verb.tag for verb in said] == ["Say", "Hangup"]
    assert said[0].text == "Noted."
    facts = [decoder(MediaEntry).decode(entry.data) for entry in log.entries]
    assert [(fact.event, fact.number, fact.reason) for fact in facts] == [
        ("callback", "+15550100200", ""),
        ("ended", "", "busy"),
    ]


async def test_what_could_not_be_written_down_is_not_promised(open_edge: Callable[..., Any], new_caller: Any) -> None:
    """The call log is away: the caller is asked to call again, however often they press the key."""
    log = MemoryLog()
    edge = await full_house(open_edge, new_caller, log)
    log.away = True

    caller = new_caller(edge)
    said = [await caller.post(edge.url + "/twilio/callback", From="+15550100200", Digits="1") for _ in range(4)]

    assert [verbs[0].text for verbs in said] == ["Not noted."] * 4


@pytest.mark.parametrize("number", ["anonymous", "+0", "", "sip:me@example.com"])
async def test_who_cannot_be_called_back_is_not_offered_it(
    open_edge: Callable[..., Any], new_caller: Any, number: str
) -> None:
    """Withheld numbers: the busy message alone."""
    edge = await full_house(open_edge, new_caller, MemoryLog())

    verbs = await new_caller(edge).post(edge.url + "/twilio/voice", From=number)

    assert [verb.tag for verb in verbs] == ["Say", "Hangup"]


async def test_another_key_or_a_repetition_writes_nothing_more(open_edge: Callable[..., Any], new_caller: Any) -> None:
    """Key 2: hung up. The same wish over and over: noted twice at most in a minute."""
    log = MemoryLog()
    edge = await full_house(open_edge, new_caller, log)
    caller = new_caller(edge)

    other = await caller.post(edge.url + "/twilio/callback", From="+15550100200", Digits="2")
    for _ in range(5):
        await caller.post(edge.url + "/twilio/callback", From="+15550100200", Digits="1")

    assert [verb.tag for verb in other] == ["Hangup"]
    assert len(log.entries) == 2 * 2


async def test_the_wish_must_be_signed(open_edge: Callable[..., Any], http: ClientSession) -> None:
    """As every webhook."""
    edge = await open_edge(
        twilio_auth_token="secret", parts={"profile": PROFILE, "callbacks": LogCallbacks(MemoryLog())}
    )

    async with http.post(edge.url + "/twilio/callback", data={"CallSid": "CA1", "Digits": "1"}) as answer:
        assert answer.status == 403
