"""Calls to the world outside: bounded, jittered, budgeted retries within the deadline, and a breaker that counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from holdfast_common.health import State
from holdfast_common.resilience import (
    Outside,
    OutsideFailed,
    OutsideRefused,
    OutsideUnavailable,
    Patience,
    call_with_retry_and_circuit_breaker,
)
from holdfast_common.virtual_time import VirtualLoop

FAILED = OutsideFailed("crm", "status 503")
NO_WAIT = Patience(attempts=1, fail_max=3, reset_s=10.0)


def story(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Run a story in virtual time."""

    def run() -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test())  # type: ignore[arg-type]

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


class Service:
    """Answers as it is told: an exception to raise, seconds to take, or a result; the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.times: list[float] = []
        self.cancelled = 0

    async def __call__(self) -> Any:
        self.times.append(now())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, float):
            try:
                await asyncio.sleep(answer)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        return answer


def now() -> float:
    return asyncio.get_running_loop().time()


async def ask(service: Service, outside: Outside, within_s: float = 5.0) -> Any:
    return await call_with_retry_and_circuit_breaker(service, now() + within_s, to=outside)


async def fail(service: Service, outside: Outside, within_s: float = 5.0) -> OutsideUnavailable:
    with pytest.raises(OutsideUnavailable) as caught:
        await ask(service, outside, within_s)
    return caught.value


@story
async def test_a_passing_failure_is_mended_by_one_retry_after_a_jittered_wait() -> None:
    waits = []
    for draw in (0.0, 0.5, 0.999):
        service = Service(FAILED, "fine")
        outside = Outside("crm", Patience(attempts=2, wait_s=0.1), draw=lambda draw=draw: draw)
        assert await ask(service, outside) == "fine"
        waits.append(service.times[1] - service.times[0])

    assert waits == pytest.approx([0.05, 0.1, 0.15], abs=0.01)


@story
async def test_a_refusal_is_not_asked_again_and_counts_for_the_service() -> None:
    service = Service(OutsideRefused("crm", "no such field", 400))
    outside = Outside("crm", Patience(attempts=3, fail_max=1))
    for _ in range(5):
        with pytest.raises(OutsideRefused):
            await ask(service, outside)

    assert len(service.times) == 5
    assert outside.state == "closed"


@story
async def test_a_hanging_service_costs_its_attempts_and_no_more_than_the_deadline() -> None:
    outside = Outside("crm", Patience(attempts=5, attempt_s=0.6, wait_s=0.01))
    service = Service(60.0)
    began = now()
    error = await fail(service, outside, within_s=1.5)

    assert now() - began == pytest.approx(1.5, abs=0.1)
    assert len(service.times) == 3 == service.cancelled
    assert error.maybe_done


@story
async def test_no_attempt_begins_where_the_wait_would_pass_the_deadline() -> None:
    service = Service(OutsideFailed("crm", "status 429", retry_after_s=30, maybe_done=False))
    began = now()
    error = await fail(service, Outside("crm", Patience(attempts=3)), within_s=2.0)

    assert (len(service.times), now() - began) == (1, 0.0)
    assert not error.maybe_done


@story
async def test_retries_are_budgeted_over_all_calls() -> None:
    """When everything fails, retries are the saved ones and then a fifth of the calls: no storm."""
    outside = Outside("crm", Patience(attempts=3, wait_s=0.001, fail_max=10_000, retry_share=0.2, retry_spare=5))
    service = Service(FAILED)
    for _ in range(100):
        await fail(service, outside)

    assert 100 < len(service.times) <= 100 + 5 + 20


@story
async def test_the_breaker_opens_probes_with_one_call_at_a_time_and_closes() -> None:
    outside = Outside("crm", NO_WAIT)
    service = Service(FAILED)
    for _ in range(3):
        assert (await fail(service, outside)).why == "failed"
    assert (await fail(service, outside)).why == "open"
    assert len(service.times) == 3
    assert outside.finding().state is State.DEGRADED

    await asyncio.sleep(10.1)
    service.answers = [1.0]
    together = await asyncio.gather(*(ask(service, outside) for _ in range(4)), return_exceptions=True)
    assert [r for r in together if r == 1.0] == [1.0]
    assert [r.why for r in together if isinstance(r, OutsideUnavailable)] == ["open"] * 3
    assert outside.state == "closed"
    assert await ask(service, outside) == 1.0
    assert outside.finding().state is State.OK


@story
async def test_a_failed_probe_opens_the_breaker_again() -> None:
    outside = Outside("crm", NO_WAIT)
    service = Service(FAILED)
    for _ in range(3):
        await fail(service, outside)
    await asyncio.sleep(10.1)
    assert (await fail(service, outside)).why == "failed"
    assert (await fail(service, outside)).why == "open"


@story
async def test_a_caller_who_stops_waiting_is_neither_failure_nor_success() -> None:
    """Barge-ins cut calls short all the time: they must not close a breaker, nor open one."""
    outside = Outside("crm", NO_WAIT)
    hanging = Service(60.0)

    async def cut_short() -> None:
        task = asyncio.create_task(ask(hanging, outside))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait({task})

    for _ in range(10):
        await cut_short()
    assert outside.state == "closed"
    for _ in range(2):
        await fail(Service(FAILED), outside)
    await cut_short()
    await fail(Service(FAILED), outside)
    assert outside.state == "open"

    await asyncio.sleep(10.1)
    await cut_short()
    assert outside.state == "half-open"
    assert await ask(Service("fine"), outside) == "fine"
    assert outside.state == "closed"


@story
async def test_used_up_quota_opens_the_breaker_at_once_and_for_as_long_as_was_asked() -> None:
    outside = Outside("voice", NO_WAIT)
    await fail(Service(OutsideFailed("voice", "quota", retryable=False, trips=True, retry_after_s=300)), outside)
    await asyncio.sleep(290)
    assert (await fail(Service("fine"), outside)).why == "open"
    await asyncio.sleep(11)
    assert await ask(Service("fine"), outside) == "fine"


@story
async def test_calls_over_the_cap_are_refused_at_once() -> None:
    """A hanging service holds its share of this process and no more."""
    outside = Outside("crm", Patience(attempts=1, attempt_s=5, at_once=2))
    service = Service(2.0)
    results = await asyncio.gather(*(ask(service, outside) for _ in range(5)), return_exceptions=True)

    assert [r.why for r in results if isinstance(r, OutsideUnavailable)] == ["busy"] * 3
    assert len(service.times) == 2


@story
async def test_a_mistake_of_our_own_counts_and_is_not_hidden() -> None:
    outside = Outside("crm", NO_WAIT)
    for _ in range(3):
        with pytest.raises(KeyError):
            await ask(Service(KeyError("results")), outside)
    assert outside.state == "open"


async def test_answers_that_begin_well_and_fail_later_open_the_breaker_unless_one_is_whole() -> None:
    outside = Outside("late", Patience(fail_max=3, reset_s=60.0))

    async def begins_well() -> None:
        return None

    for number in range(5):
        await outside.attempt(begins_well, outside.deadline(5.0))
        outside.tell(OutsideFailed("late", "broke off"))
        if number == 1:
            outside.tell_whole()
        assert outside.state == ("open" if number == 4 else "closed")
    with pytest.raises(OutsideUnavailable):
        await outside.attempt(begins_well, outside.deadline(5.0))
