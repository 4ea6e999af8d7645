"""Several gateway processes: a call that one has no room for is answered by another, and by no third."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from holdfast_common.contracts.beat import Beat
from holdfast_common.placement import Presence
from holdfast_gateway.adapters.signature import TwilioGuard
from holdfast_gateway.edge import NEEDED, OWN_ADDRESS
from twilio.request_validator import RequestValidator


def beat(service: str, replica: str, free: int, **info: str) -> Beat:
    return Beat(service=service, replica=replica, version="1", boot="b", capacity_free=free, info=info)


@pytest.fixture
async def two(open_edge: Any) -> Any:
    """The one that is asked, with one seat, and a sibling with many, which has told it so."""
    presence = Presence(stale_s=60)
    now = asyncio.get_running_loop().time()
    sibling = await open_edge(max_calls=5)
    for service in NEEDED:
        presence.observe(beat(service, f"{service}-1", 100), now)
    presence.observe(beat("gateway", "gw-2", 5, **{OWN_ADDRESS: sibling.url}), now)
    parts = {"presence": presence}
    return await open_edge(max_calls=1, media_base_url="http://127.0.0.1:1", parts=parts), sibling


async def test_a_call_that_is_handed_on_is_put_through_there(two: Any, new_caller: Any) -> None:
    """The caller's next request goes to the sibling, whose answer leads to its own media socket."""
    asked, sibling = two
    caller = new_caller(asked)
    (redirect,) = await caller.ring()

    assert redirect.tag == "Redirect"
    assert redirect.text == f"{sibling.url}/twilio/voice?handed=1"

    caller.follow(await caller.post(redirect.text))
    await caller.connect()
    await caller.start()
    await caller.speak()
    await caller.hear_audio(160)
    assert sibling.reception.held == 1 and asked.reception.held == 0


async def test_a_call_that_was_handed_on_is_not_handed_on_again(two: Any, new_caller: Any) -> None:
    """It is answered or refused for good: no caller goes round in circles."""
    asked, _ = two
    first, second = new_caller(asked), new_caller(asked)

    assert (await first.post(f"{asked.url}/twilio/voice?handed=1"))[0].tag == "Connect"
    assert (await second.post(f"{asked.url}/twilio/voice?handed=1"))[0].tag == "Say"


async def test_a_webhook_that_comes_twice_stays_where_it_was_answered(two: Any, new_caller: Any) -> None:
    """Twilio repeats a webhook whose answer was lost; the seat is here by then."""
    asked, _ = two
    caller = new_caller(asked)
    await caller.post(f"{asked.url}/twilio/voice?handed=1")

    assert (await caller.ring())[0].tag == "Connect"


def test_a_call_handed_on_is_signed_for_the_address_it_was_handed_to() -> None:
    """Twilio signs the address that it was redirected to, which the proxy shortens; strangers still fail."""
    guard = TwilioGuard("secret", "https://voice.example.com", "https://voice.example.com/gateway/2")
    form = {"CallSid": "CA1"}

    def refusal(address: str, token: str = "secret") -> str | None:
        signature = RequestValidator(token).compute_signature(address, form)
        return guard.refusal("/twilio/voice?handed=1", form, {"X-Twilio-Signature": signature}, "10.0.0.1")

    assert refusal("https://voice.example.com/gateway/2/twilio/voice?handed=1") is None
    assert refusal("https://voice.example.com/twilio/voice?handed=1") is None
    assert refusal("https://voice.example.com/gateway/3/twilio/voice?handed=1") == "bad_signature"
    assert refusal("https://voice.example.com/gateway/2/twilio/voice?handed=1", "guess") == "bad_signature"


async def test_a_call_handed_to_a_process_that_has_died_is_answered_by_the_one_behind_it(
    open_edge: Any, http: Any
) -> None:
    """The proxy brings it to a sibling, which knows the dead one's address from its beats; no other address counts."""
    presence = Presence(stale_s=60)
    edge = await open_edge(
        public_base_url="https://voice.example.com",
        media_base_url="https://voice.example.com/gateway/1",
        twilio_auth_token="secret",
        parts={"presence": presence},
    )
    presence.observe(
        beat("gateway", "gw-2", 5, **{OWN_ADDRESS: "https://voice.example.com/gateway/2"}),
        asyncio.get_running_loop().time(),
    )
    looking = asyncio.create_task(edge.look_round())
    await asyncio.sleep(0)
    looking.cancel()
    presence.forget("gateway", "gw-2")

    async def rings(address: str, token: str = "secret") -> int:
        form = {"CallSid": "CA" + "1" * 32, "From": "+15550100"}
        signature = RequestValidator(token).compute_signature(f"{address}/twilio/voice?handed=1", form)
        path = f"http://127.0.0.1:{edge.port}/twilio/voice?handed=1"
        async with http.post(path, data=form, headers={"X-Twilio-Signature": signature}) as answer:
            return answer.status

    assert await rings("https://voice.example.com/gateway/2") == 200
    assert await rings("https://voice.example.com/gateway/3") == 403
    assert await rings("https://voice.example.com/gateway/2", "guess") == 403


async def test_a_seat_that_nobody_claimed_is_told_as_free_again(open_edge: Any, new_caller: Any) -> None:
    """Also by a process that nobody asks: what its beats say would else stay full, and no call be handed to it."""
    edge = await open_edge(max_calls=1)
    edge.reception.seats.unclaimed_s = 0.0
    await new_caller(edge).ring()
    assert edge.reception.seats.certainly_free() == 0

    edge.reception.look_round()
    assert edge.reception.seats.certainly_free() == 1
