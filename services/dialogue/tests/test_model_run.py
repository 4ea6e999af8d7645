"""One turn's hand on the model: whose fault it is when the time is up."""

from __future__ import annotations

import asyncio

from holdfast_dialogue.adapters.fake_model import HANG, FakeModel, says
from holdfast_dialogue.domain.model_steps import AskModel, Failure, Message, ModelDone, ModelFailed, ReadOn
from holdfast_dialogue.model_run import ModelLimits, ModelRun

REQUEST = AskModel((Message("user", "how long does it take"),))


async def answered(run: ModelRun) -> ModelDone | ModelFailed:
    event = await run.take(REQUEST)
    while not isinstance(event, ModelDone | ModelFailed):
        event = await run.take(ReadOn())
    return event


def a_run(model: FakeModel, first_s: float = 0.9) -> ModelRun:
    return ModelRun(model, ModelLimits(first_sentence_s=first_s, next_s=0.05), budget_s=30.0)


async def test_a_model_that_had_its_time_and_says_nothing_is_told_to_have_failed():
    model = FakeModel([[HANG]])
    assert (await answered(a_run(model, 0.05))).kind is Failure.TIMEOUT
    assert model.slow == 1


async def test_a_second_request_with_no_time_left_is_not_made_and_the_model_not_blamed():
    model = FakeModel([says("a moment"), [HANG]])
    run = a_run(model)
    assert isinstance(await answered(run), ModelDone)
    await asyncio.sleep(0.6)  # a look-up that took long
    assert await answered(run) == ModelFailed(Failure.TIMEOUT)
    assert len(model.asked) == 1
    assert model.slow == 0


async def test_a_second_request_with_little_time_left_may_fail_without_blame():
    model = FakeModel([says("a moment"), [HANG]])
    run = a_run(model)
    assert isinstance(await answered(run), ModelDone)
    await asyncio.sleep(0.48)
    assert await answered(run) == ModelFailed(Failure.TIMEOUT)
    assert model.slow == 0


async def test_a_model_that_stalls_after_a_sentence_was_said_is_told_to_have_failed():
    model = FakeModel([[*says("It takes a day.")[:-1], HANG]])
    run = a_run(model, 5.0)
    await run.take(REQUEST)
    run.spoken()
    assert (await answered_on(run)).kind is Failure.TIMEOUT
    assert model.slow == 1


async def answered_on(run: ModelRun) -> ModelFailed:
    while not isinstance(event := await run.take(ReadOn()), ModelFailed):
        pass
    return event
