"""The model's adapter against an endpoint over HTTP: every way in which one answers, fails, or does neither."""

from __future__ import annotations

import asyncio

import pytest
from holdfast_cli.model_server.server import Knobs, serving
from holdfast_common.health import State
from holdfast_common.resilience import Patience
from holdfast_dialogue.adapters.openai_model import Endpoint, OpenAIModel
from holdfast_dialogue.domain.model_steps import (
    AskModel,
    Failure,
    Message,
    ModelDone,
    ModelFailed,
    ModelProposal,
    ModelText,
    ReadOn,
)
from holdfast_dialogue.domain.model_tools import ALL
from holdfast_dialogue.model_run import ModelLimits, ModelRun

PASSAGES = (
    "Passages from the knowledge base:\n[1] How long the free trial lasts\n"
    "Your trial runs for fourteen days from the day you signed up. You don't have to give a card to start it."
)
REQUEST = AskModel((Message("system", PASSAGES), Message("user", "how long does my trial run")), ALL)
QUICK = Patience(attempts=2, attempt_s=10.0, wait_s=0.01, fail_max=3, reset_s=0.2)
SLOW_TO_PROBE = Patience(attempts=2, attempt_s=10.0, wait_s=0.01, fail_max=3, reset_s=60.0)
IMPATIENT = Patience(attempts=2, attempt_s=0.2, wait_s=0.01)


async def events_of(model: OpenAIModel, request: AskModel = REQUEST, within_s: float = 20.0) -> list:
    return [event async for event in model.answer(request, within_s=within_s)]


async def one(knobs: Knobs, patience: Patience = QUICK, **endpoint) -> tuple[list, list]:
    """The events of one answer, and what the endpoint was asked."""
    async with serving(knobs) as server:
        model = OpenAIModel(Endpoint(server.url, "any", **endpoint), patience)
        try:
            return await events_of(model), server.asked
        finally:
            await model.aclose()


async def test_an_answer_comes_in_pieces_and_ends_with_what_it_took():
    events, (asked,) = await one(Knobs(), price_in=2.0, price_out=10.0)
    *pieces, done = events

    assert "fourteen days" in "".join(p.text for p in pieces if isinstance(p, ModelText))
    assert isinstance(done, ModelDone)
    assert done.tokens_in > 10
    assert done.cost_micros == done.tokens_in * 2 + done.tokens_out * 10
    assert asked["max_tokens"] == 150
    assert asked["stream_options"] == {"include_usage": True}
    assert {tool["function"]["name"] for tool in asked["tools"]} == {tool.name for tool in ALL}


async def test_warming_up_asks_no_endpoint():
    async with serving() as server:
        model = OpenAIModel(Endpoint(server.url, "any"), QUICK)
        await model.warm()
        await model.aclose()

    assert server.asked == []


async def test_a_proposal_is_put_together_from_its_fragments():
    async with serving() as server:
        model = OpenAIModel(Endpoint(server.url, "any"), QUICK)
        request = AskModel((Message("system", "none"), Message("user", "i want a meeting")), ALL)
        *_, proposal, done = await events_of(model, request)
        await model.aclose()

    assert proposal == ModelProposal("propose_meeting", "{}")
    assert isinstance(done, ModelDone)


@pytest.mark.parametrize(
    ("fault", "kind", "requests"),
    [
        ("500", Failure.UNAVAILABLE, 2),
        ("429", Failure.RATE_LIMITED, 1),
        ("quota", Failure.UNAVAILABLE, 1),
        ("401", Failure.REFUSED, 1),
        ("hang", Failure.TIMEOUT, 2),
        ("not_json", Failure.UNAVAILABLE, 1),
        ("empty", Failure.UNAVAILABLE, 1),
        ("mid_error", Failure.BROKEN, 1),
        ("mid_cut", Failure.BROKEN, 1),
    ],
)
async def test_each_failure_is_told_apart_and_asked_again_only_where_that_may_help(fault, kind, requests):
    events, asked = await one(Knobs(fault=fault), IMPATIENT if fault == "hang" else QUICK)

    assert isinstance(events[-1], ModelFailed)
    assert events[-1].kind is kind
    assert not any(isinstance(event, ModelFailed) for event in events[:-1])
    assert len(asked) == requests


async def test_a_short_failure_is_mended_by_asking_again():
    events, asked = await one(Knobs(fault="500", times=1))

    assert isinstance(events[-1], ModelDone)
    assert len(asked) == 2


async def test_a_rate_limited_endpoint_is_left_alone_for_as_long_as_it_asked():
    async with serving(Knobs(fault="429", retry_after_s=0.2)) as server:
        model = OpenAIModel(Endpoint(server.url, "any"), QUICK)
        for _ in range(3):
            assert (await events_of(model))[-1] == ModelFailed(Failure.RATE_LIMITED)
        assert len(server.asked) == 1
        server.knobs.fault = "none"
        async with asyncio.timeout(5):
            while not isinstance((await events_of(model))[-1], ModelDone):
                await asyncio.sleep(0.05)
        await model.aclose()


async def test_nothing_left_of_the_limit_is_heeded_before_a_429_comes():
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m0s"}
    async with serving(Knobs(headers=headers)) as server:
        model = OpenAIModel(Endpoint(server.url, "any"), QUICK)
        assert isinstance((await events_of(model))[-1], ModelDone)
        assert (await events_of(model))[-1] == ModelFailed(Failure.RATE_LIMITED)
        assert len(server.asked) == 1
        assert "rate limited" in model.finding().detail
        await model.aclose()


async def test_the_breaker_keeps_a_dead_endpoint_out_of_the_way_until_it_is_back():
    async with serving(Knobs(fault="500")) as server:
        model = OpenAIModel(Endpoint(server.url, "any"), QUICK)
        while (await events_of(model))[-1].kind is not Failure.OPEN:
            assert len(server.asked) < 10
        asked = len(server.asked)
        await events_of(model)
        assert len(server.asked) == asked
        server.knobs.fault = "none"
        async with asyncio.timeout(5):
            while not isinstance((await events_of(model))[-1], ModelDone):
                await asyncio.sleep(0.05)
        await model.aclose()


@pytest.mark.parametrize("fault", ["mid_error", "mid_cut"])
async def test_answers_that_open_well_and_break_off_open_the_breaker(fault):
    async with serving(Knobs(fault=fault)) as server:
        model = OpenAIModel(Endpoint(server.url, "any"), SLOW_TO_PROBE)
        for _ in range(SLOW_TO_PROBE.fail_max):
            answer = model.answer(REQUEST, within_s=20.0)
            async for event in answer:
                if isinstance(event, ModelFailed):
                    assert event.kind is Failure.BROKEN
                    break
            await answer.aclose()
        assert (await events_of(model))[-1] == ModelFailed(Failure.OPEN)
        assert len(server.asked) == SLOW_TO_PROBE.fail_max
        await model.aclose()


async def test_answers_that_open_well_and_come_to_a_halt_open_the_breaker():
    async with serving(Knobs(token_ms=60_000)) as server:
        model = OpenAIModel(Endpoint(server.url, "any"), SLOW_TO_PROBE)
        for _ in range(SLOW_TO_PROBE.fail_max):
            run = ModelRun(model, ModelLimits(first_sentence_s=0.5), budget_s=20.0)
            event = await run.take(REQUEST)
            while not isinstance(event, ModelFailed):
                event = await run.take(ReadOn())
            assert event.kind is Failure.TIMEOUT
        assert (await events_of(model))[-1] == ModelFailed(Failure.OPEN)
        assert len(server.asked) == SLOW_TO_PROBE.fail_max
        await model.aclose()


async def test_a_whole_answer_or_one_that_was_let_go_forgets_those_that_broke_off():
    async with serving() as server:
        model = OpenAIModel(Endpoint(server.url, "any"), SLOW_TO_PROBE)
        for let_go in (False, True, False):
            for _ in range(SLOW_TO_PROBE.fail_max - 1):
                server.knobs.fault = "mid_error"
                await events_of(model)
            server.knobs.fault = "none"
            if let_go:
                answer = model.answer(REQUEST, within_s=20.0)
                assert isinstance(await anext(answer), ModelText)
                await answer.aclose()
            else:
                assert isinstance((await events_of(model))[-1], ModelDone)
        assert model.finding().state is State.OK
        await model.aclose()


async def test_letting_an_answer_go_closes_its_connection():
    async with serving(Knobs(token_ms=5)) as server:
        model = OpenAIModel(Endpoint(server.url, "any"), QUICK)
        answer = model.answer(REQUEST, within_s=20.0)
        assert isinstance(await anext(answer), ModelText)
        await answer.aclose()
        async with asyncio.timeout(5):
            while not server.gone:
                await asyncio.sleep(0.01)
        assert server.answered == 0
        await model.aclose()
