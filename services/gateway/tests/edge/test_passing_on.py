"""A call that leaves us while its caller stays: put through to a person, or spoken to by the carrier's own voice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from aiohttp import ClientSession
from holdfast_cli.stand_ins.faults import Fault
from holdfast_cli.stand_ins.twilio import TwilioStandIn
from holdfast_common.profile import HandOver, load_profile
from holdfast_common.resilience import Outside, Patience
from holdfast_gateway.adapters.twilio_rest import NAME, TwilioRest
from holdfast_gateway.ports import Arrival, CarrierLeg, CarrierSays, Ending, Leg, ToPerson

PROFILE = load_profile(Path(__file__).parents[4] / "profiles" / "trial_success").model_copy(
    update={"hand_over": HandOver(number="+15551234567", ring_s=15, caller_id="+15557654321")}
)
PERSON = ToPerson("caller: Dana Miller\nteam size: 12")


class PassingDesk:
    """Passes every first leg on at once; those that come back stay until they hang up."""

    def __init__(self) -> None:
        self.course: ToPerson | CarrierSays = PERSON
        self.arrivals: list[Arrival] = []

    async def serve(self, leg: Leg, arrival: Arrival) -> Ending:
        self.arrivals.append(arrival)
        if arrival.generation > 1:
            async for _ in leg.events():
                pass
            return Ending(ended=True, reason="hung_up")
        assert isinstance(leg, CarrierLeg)
        await leg.pass_on(self.course)
        returns = not isinstance(self.course, CarrierSays) or self.course.returns
        return Ending(ended=not returns, reason="handed_over")


@pytest.fixture
def passing() -> PassingDesk:
    return PassingDesk()


@asynccontextmanager
async def redirects(twilio: TwilioStandIn) -> AsyncIterator[TwilioRest]:
    rest = TwilioRest(
        "http://twilio",
        twilio.account,
        twilio.token,
        Outside(NAME, Patience(attempt_s=0.2)),
        transport=twilio.transport(),
    )
    try:
        yield rest
    finally:
        await rest.close()


async def pass_one_on(caller: Any) -> None:
    caller.follow(await caller.ring())
    await caller.connect()
    await caller.start()
    await caller.closed()


async def test_a_caller_is_put_through_on_the_way_back(
    open_edge: Callable[..., Any], new_caller: Callable[..., Any], passing: PassingDesk
) -> None:
    """Without an account: when the stream ends, Twilio is told to ring the person."""
    edge = await open_edge(at=passing, parts={"profile": PROFILE})
    caller = new_caller(edge)
    await pass_one_on(caller)
    (dial,) = await caller.come_back(CallStatus="in-progress")

    assert dial.tag == "Dial"
    assert (dial.get("timeout"), dial.get("callerId")) == ("15", "+15557654321")
    number = dial.find("Number")
    assert number is not None and number.text == "+15551234567"


async def test_the_person_hears_the_summary_once_and_its_address_tells_nothing(
    open_edge: Callable[..., Any], new_caller: Callable[..., Any], passing: PassingDesk
) -> None:
    edge = await open_edge(at=passing, parts={"profile": PROFILE})
    caller = new_caller(edge)
    await pass_one_on(caller)
    (dial,) = await caller.come_back(CallStatus="in-progress")
    url = dial.find("Number").get("url")  # type: ignore[union-attr]

    assert "Dana" not in url
    (said,) = await caller.post(url)
    assert said.tag == "Say" and said.text == "caller: Dana Miller. team size: 12."
    assert await caller.post(url) == []


async def test_a_caller_whom_nobody_answers_comes_back_to_us(
    open_edge: Callable[..., Any], new_caller: Callable[..., Any], passing: PassingDesk
) -> None:
    edge = await open_edge(at=passing, parts={"profile": PROFILE})
    caller = new_caller(edge)
    await pass_one_on(caller)
    (dial,) = await caller.come_back(CallStatus="in-progress")
    caller.follow(await caller.post(dial.get("action"), CallStatus="in-progress", DialCallStatus="no-answer"))
    caller.stream = "MZ2"
    caller.sequence = 0
    await caller.connect()
    await caller.start()
    async with asyncio.timeout(5):
        while len(passing.arrivals) < 2:
            await asyncio.sleep(0.005)

    assert [arrival.generation for arrival in passing.arrivals] == [1, 2]
    assert passing.arrivals[0].call == passing.arrivals[1].call
    await caller.hang_up()


async def test_a_caller_who_spoke_to_the_person_is_through(
    open_edge: Callable[..., Any], new_caller: Callable[..., Any], passing: PassingDesk
) -> None:
    edge = await open_edge(at=passing, parts={"profile": PROFILE})
    caller = new_caller(edge)
    await pass_one_on(caller)
    (dial,) = await caller.come_back(CallStatus="in-progress")
    (verb,) = await caller.post(dial.get("action"), CallStatus="in-progress", DialCallStatus="completed")

    assert verb.tag == "Hangup"


async def test_the_carriers_voice_speaks_and_the_caller_returns(
    open_edge: Callable[..., Any], new_caller: Callable[..., Any], passing: PassingDesk
) -> None:
    passing.course = CarrierSays("Sorry, I'm still here.", returns=True)
    edge = await open_edge(at=passing, parts={"profile": PROFILE})
    caller = new_caller(edge)
    await pass_one_on(caller)
    said, redirect = await caller.come_back(CallStatus="in-progress")

    assert (said.tag, said.text) == ("Say", "Sorry, I'm still here.")
    assert redirect.tag == "Redirect"
    caller.follow(await caller.post(redirect.text, CallStatus="in-progress"))


async def test_the_carriers_goodbye_is_the_end(
    open_edge: Callable[..., Any], new_caller: Callable[..., Any], passing: PassingDesk
) -> None:
    passing.course = CarrierSays("Goodbye.", returns=False)
    edge = await open_edge(at=passing, parts={"profile": PROFILE})
    caller = new_caller(edge)
    await pass_one_on(caller)

    assert [verb.tag for verb in await caller.come_back(CallStatus="in-progress")] == ["Say", "Hangup"]
    assert [verb.tag for verb in await caller.come_back(CallStatus="in-progress")] == ["Hangup"]


async def test_an_account_has_the_call_redirected_at_once(
    open_edge: Callable[..., Any], new_caller: Callable[..., Any], passing: PassingDesk
) -> None:
    """Also where the way back would lead to another gateway process."""
    twilio = TwilioStandIn()
    async with redirects(twilio) as rest:
        edge = await open_edge(at=passing, parts={"profile": PROFILE, "redirects": rest})
        caller = new_caller(edge)
        await pass_one_on(caller)

    dial = ET.fromstring(twilio.redirected[caller.sid]).find("Dial")
    assert dial is not None and dial.findtext("Number") == "+15551234567"


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.HANG, Fault.RESET, Fault.LIMIT, Fault.RUBBISH, Fault.QUOTA])
async def test_where_rest_fails_the_way_back_serves(
    open_edge: Callable[..., Any], new_caller: Callable[..., Any], passing: PassingDesk, fault: Fault
) -> None:
    twilio = TwilioStandIn()
    twilio.faults.always = fault
    async with redirects(twilio) as rest:
        edge = await open_edge(at=passing, parts={"profile": PROFILE, "redirects": rest})
        caller = new_caller(edge)
        await pass_one_on(caller)
        (dial,) = await caller.come_back(CallStatus="in-progress")

    assert twilio.requests >= 1
    assert dial.tag == "Dial"


async def test_refused_credentials_open_the_breaker_and_are_told_in_health(passing: PassingDesk) -> None:
    twilio = TwilioStandIn(token="another")
    outside = Outside(NAME, Patience(attempt_s=0.2))
    rest = TwilioRest("http://twilio", twilio.account, "twilio-token", outside, transport=twilio.transport())
    with pytest.raises(Exception, match="credentials refused"):
        await rest.redirect("CA1", "<Response/>")

    assert outside.state == "open"
    assert "credentials refused (20003)" in outside.finding().detail
    await rest.close()


async def test_a_call_that_is_over_is_not_put_through(
    open_edge: Callable[..., Any], new_caller: Callable[..., Any], passing: PassingDesk
) -> None:
    """The caller hung up while Twilio was being told: nobody is rung for them."""
    twilio = TwilioStandIn()
    async with redirects(twilio) as rest:
        edge = await open_edge(at=passing, parts={"profile": PROFILE, "redirects": rest})
        caller = new_caller(edge)
        twilio.over.add(caller.sid)
        await pass_one_on(caller)
        verbs = await caller.come_back(CallStatus="completed")

    assert [verb.tag for verb in verbs] == ["Hangup"]
    assert not twilio.redirected


async def test_a_summary_is_told_to_twilio_alone(
    open_edge: Callable[..., Any], http: ClientSession, passing: PassingDesk
) -> None:
    edge = await open_edge(at=passing, twilio_auth_token="secret")
    async with http.post(edge.url + "/twilio/summary?key=x", data={"CallSid": "CA1"}) as answer:
        assert answer.status == 403
