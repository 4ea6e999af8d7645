"""Simulated callers against a gateway that is none, over real sockets; and the figures made of what they got."""

from __future__ import annotations

import asyncio
import io
import json
from collections import Counter

import pytest
from aiohttp import web
from holdfast_cli.caller.fake_gateway import FakeGateway, Reply
from holdfast_cli.caller.twiml import Carrier
from holdfast_cli.load import report, table
from holdfast_cli.load.arrivals import Arrivals, CallMade, Crowd, NobodyThereError, Outcome, Traffic, reach
from holdfast_cli.load.result import Run, summary
from holdfast_cli.load.scenario import Said, Speech, load_scenario, make_speech
from holdfast_cli.load.talk import Patience, TurnTaken
from holdfast_cli.load.told import Told, ToldTurn
from holdfast_common.hashing import call_id
from holdfast_common.memory_bus import MemoryBus
from rich.console import Console

BRISK = Patience(gap_s=0.05, settle_s=0.05, answer_s=3.0)
CLIP = Said("clip", make_speech(*load_scenario("questions")).turns[0].payloads[:40], None)
SPEECH = Speech((CLIP,), make_speech(*load_scenario("questions")).noise)


def run_of(calls: list[CallMade], **parts: object) -> Run:
    given: dict[str, object] = {
        "calls": calls, "most_at_once": len(calls), "wall_s": 10.0, "own_cpu_s": 1.0, "cost": None, "told": None,
        "settings": {},
    }  # fmt: skip
    return Run(**(given | parts))  # type: ignore[arg-type]


async def test_callers_are_served_and_say_when_they_were_answered():
    """Three at once; the fake answers after 200 ms of quiet, so no less can have been measured."""
    gateway = FakeGateway(MemoryBus(), [Reply("yes")])
    async with gateway.serve() as address:
        crowd = Crowd(Carrier(f"{address}/twilio/voice"), [SPEECH], BRISK, Arrivals(3, stagger_s=0.1))
        calls = await crowd.run()

    found = summary(run_of(calls))

    assert [c.error for c in calls] == ["", "", ""]
    assert found["calls"]["served"] == 3
    assert found["turns"] == {"planned": 3, "spoken": 3, "unanswered": 0, "premature": 0}
    assert found["v2v_ms"]["min"] >= 180
    assert found["set_up_ms"]["first_sound"]["n"] == 3
    assert len({ring["From"] for ring in gateway.rings}) == 3


async def test_who_is_refused_politely_has_not_failed():
    """TwiML without a stream: the time of the refusal is kept."""
    app = web.Application()

    async def busy(_: web.Request) -> web.Response:
        return web.Response(text="<Response><Say>busy</Say><Hangup/></Response>", content_type="text/xml")

    app.router.add_post("/twilio/voice", busy)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        crowd = Crowd(Carrier(f"http://127.0.0.1:{port}/twilio/voice"), [SPEECH], BRISK, Arrivals(2, stagger_s=0))
        calls = await crowd.run()
    finally:
        await runner.cleanup()

    found = summary(run_of(calls))
    assert found["calls"]["refused"] == 2
    assert found["calls"]["failed"] == 0
    assert found["set_up_ms"]["refusal"]["n"] == 2


async def test_a_line_that_the_server_drops_is_a_failed_call():
    """With the reason, counted."""
    gateway = FakeGateway(MemoryBus(), [Reply("", drops=True)])
    async with gateway.serve() as address:
        crowd = Crowd(Carrier(f"{address}/twilio/voice"), [SPEECH], BRISK, Arrivals(1))
        calls = await crowd.run()

    assert summary(run_of(calls))["calls"]["errors"] == {"closed by the server": 1}


async def test_nobody_there_is_said_before_any_call():
    """A port that nothing listens at."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()

    with pytest.raises(NobodyThereError, match="nothing listens"):
        await reach(f"http://127.0.0.1:{port}/twilio/voice")


def call_with(turn: TurnTaken, late_ms: dict[int, int] | None = None) -> CallMade:
    made = CallMade(
        0, "CA" + "0" * 32, dialled=0, told=0.1, opened=0.2, ended=60.2, outcome=Outcome.SERVED, turns=[turn]
    )
    made.traffic = Traffic(frames=1_000, late_ms=Counter(late_ms or {0: 1_000}))
    return made


def test_a_generator_that_lags_is_told_from_one_that_does_not():
    """2 % of the frames 30 ms late is too much, 0.1 % is not."""
    turn = TurnTaken(CLIP, began=1, ended=2, answered=2.21, sounded=2.21)

    assert summary(run_of([call_with(turn, {0: 980, 30: 20})]))["generator"]["was_the_limit"]
    assert not summary(run_of([call_with(turn, {0: 999, 30: 1})]))["generator"]["was_the_limit"]
    assert summary(run_of([call_with(turn)], own_cpu_s=9.5))["generator"]["was_the_limit"]


def test_what_the_system_tells_is_held_against_what_was_heard():
    """210 ms heard, 205 told: 5 ms apart. A report without a latency (a silence) counts for nothing."""
    call = call_with(TurnTaken(CLIP, began=1, ended=2, answered=2.21, sounded=2.21))
    told = Told(
        {call_id("twilio", call.call_sid): [ToldTurn(1, {"v2v": 205.0, "asr": 5.0}), ToldTurn(2, {"dialogue": 1})]}
    )

    found = summary(run_of([call], told=told))

    assert found["told_against_heard_ms"]["n"] == 1
    assert found["told_against_heard_ms"]["p50"] == pytest.approx(5.0, abs=0.1)
    assert found["stages_ms"]["asr"]["n"] == 1


def test_calls_with_more_reports_than_turns_are_not_held_against_anything():
    """A turn that was withdrawn and one that was not cannot be told apart from outside."""
    call = call_with(TurnTaken(CLIP, began=1, ended=2, answered=2.21, sounded=2.21))
    told = Told({call_id("twilio", call.call_sid): [ToldTurn(1, {"v2v": 205.0}), ToldTurn(2, {"v2v": 900.0})]})

    assert summary(run_of([call], told=told))["told_against_heard_ms"]["n"] == 0


def test_the_report_is_one_page_with_its_plots_inside():
    """Distribution and waterfall as SVG; nothing is fetched from anywhere."""
    call = call_with(TurnTaken(CLIP, began=1, ended=2, answered=2.21, sounded=2.21))
    stages = {"v2v": 205.0, "endpointing": 200.0, "asr": 2.0, "dialogue": 1.0, "tts": 2.0, "playout": 0.0}
    told = Told({call_id("twilio", call.call_sid): [ToldTurn(1, stages)]})

    page = report.html(json.loads(json.dumps(summary(run_of([call], told=told)))))

    assert page.count("<svg") == 2
    assert "src=" not in page and "<link" not in page
    assert "1 served, 0 refused, 0 failed" in page


def test_the_table_says_what_came_of_the_calls():
    """For the terminal."""
    console = Console(width=160, record=True, file=io.StringIO())

    console.print(table.of(summary(run_of([call_with(TurnTaken(CLIP, began=1, ended=2, answered=2.2, sounded=2.2))]))))

    assert "p50 200" in console.export_text()
