"""The one way through which adapters reach the world outside: `call_with_retry_and_circuit_breaker`.

    crm = Outside("crm", Patience(attempts=2, attempt_s=1.0))
    hits = await call_with_retry_and_circuit_breaker(lambda: ask(question), deadline, to=crm)

One `Outside` stands for one service behind one address; it holds the breaker (pybreaker's state
machine), the budget for retries and the cap on calls at once, and tells health and metrics how the
service is. This is the only layer that retries: the retries of client libraries are set to 0.

pybreaker's own `call_async` needs tornado and `@breaker` on a coroutine function counts nothing, so a
call runs outside the breaker and only its outcome is told to it. That also leaves out what says
nothing about the service: a caller that stopped waiting (cancellation) is neither failure nor success.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import pybreaker
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from holdfast_common import telemetry
from holdfast_common.errors import HoldfastError
from holdfast_common.health import Finding, State

log = structlog.get_logger()

T = TypeVar("T")
Clock = Callable[[], float]
Why = Literal["open", "busy", "deadline", "failed"]

LEAST_ATTEMPT_S = 0.05
"""An attempt with less time than this left is not begun."""
STATES = {"closed": 0, "half-open": 1, "open": 2}
"""Values of the metric `holdfast.breaker`."""


class OutsideError(HoldfastError):
    """Anything that a service outside did to a call of ours. Messages hold no caller's words."""


class OutsideRefused(OutsideError):
    """It answered, and the answer is no; asking the same again changes nothing. Does not count against it."""

    def __init__(self, service: str, reason: str, status: int = 0) -> None:
        super().__init__(f"{service}: refused: {reason}" + (f" ({status})" if status else ""))
        self.reason = reason
        self.status = status


class OutsideFailed(OutsideError):
    """One attempt failed; raised by adapters, seen by `call_with_retry_and_circuit_breaker`.

    `maybe_done`: the service may have done what it was asked (False where it was never reached).
    `retry_after_s`: it asked to be left alone for so long. `trips`: it will not answer for a good
    while (quota used up), so the breaker opens at once.
    """

    def __init__(
        self,
        service: str,
        reason: str,
        *,
        maybe_done: bool = True,
        retryable: bool = True,
        retry_after_s: float = 0.0,
        trips: bool = False,
    ) -> None:
        super().__init__(f"{service}: {reason}")
        self.reason = reason
        self.maybe_done = maybe_done
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.trips = trips


class OutsideUnavailable(OutsideError):
    """The service did not do it in time; the caller takes its next route.

    `why`: `open` (breaker), `busy` (too many calls at once), `deadline`, `failed`. `maybe_done`: some
    attempt may have had its effect, so a call that changes the world has an unknown outcome.
    """

    def __init__(self, service: str, why: Why, reason: str = "", *, maybe_done: bool = False) -> None:
        super().__init__(f"{service}: unavailable: {why}" + (f" ({reason})" if reason else ""))
        self.why: Why = why
        self.reason = reason
        self.maybe_done = maybe_done


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often a service is asked; times in seconds."""

    attempts: int = 2
    attempt_s: float = 2.0
    """Limit of one attempt."""
    wait_s: float = 0.05
    """Middle of the first wait before a retry; doubles, jittered by half."""
    wait_most_s: float = 1.0
    fail_max: int = 5
    """Failures in a row that open the breaker."""
    reset_s: float = 15.0
    """How long it stays open; then one call at a time probes."""
    at_once: int = 64
    """Most calls at once; more are refused at once (no queue), so a hanging service holds no more."""
    retry_share: float = 0.2
    """Retries allowed per first attempt, over time: no storm when everything fails."""
    retry_spare: float = 5.0
    """Retries allowed before any call was made, and the most that can be saved up."""


class Outside:
    """One service outside, as this process sees it."""

    def __init__(
        self,
        name: str,
        patience: Patience = Patience(),
        *,
        clock: Clock | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.patience = patience
        self._clock = clock
        self._draw = draw
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=patience.fail_max,
            reset_timeout=patience.reset_s,
            exclude=[OutsideRefused],
            name=name,
            throw_new_error_on_trip=False,
        )
        self._open_until = 0.0
        self._running = 0
        self._probing = False
        self._spare_retries = patience.retry_spare
        self._last_failure = ""
        self._failed_late = 0
        """Answers in a row that began well and failed later; the breaker alone would forget them at each beginning."""
        telemetry.BREAKER.told_by(lambda: STATES[self.state], outside=name)

    @property
    def state(self) -> str:
        """`closed`, `half-open` or `open`."""
        return str(self._breaker.current_state)

    def finding(self) -> Finding:
        """For health: well, or why it is kept out of the way."""
        if self.state == "closed":
            return Finding(State.OK, "answers" if not self._last_failure else f"answers; last: {self._last_failure}")
        return Finding(State.DEGRADED, f"breaker {self.state}: {self._last_failure}")

    def now(self) -> float:
        return self._clock() if self._clock else asyncio.get_running_loop().time()

    def deadline(self, within_s: float) -> float:
        """The deadline of something that may take so long from now."""
        return self.now() + within_s

    async def attempt(self, call: Callable[[], Awaitable[T]], deadline: float) -> T:
        """One attempt under the breaker and the limits of time. Raises what `call` raises, OutsideFailed where
        the time ran out, OutsideUnavailable where it was not begun."""
        probes = self._admit(deadline)
        began = self.now()
        limit_s = min(self.patience.attempt_s, deadline - began)
        outcome = "cancelled"
        self._running += 1
        self._probing |= probes
        try:
            try:
                async with asyncio.timeout(limit_s):
                    result = await call()
            except TimeoutError as error:
                raise OutsideFailed(self.name, f"no answer within {limit_s:.2f} s") from error
        except OutsideRefused as refused:
            outcome = "refused"
            self._tell(refused)
            raise
        except Exception as error:
            outcome = "failed"
            self._tell(error)
            raise
        else:
            outcome = "ok"
            self._tell(None)
            return result
        finally:
            self._running -= 1
            self._probing &= not probes
            telemetry.OUTSIDE_CALLS.add(1, {"outside": self.name, "outcome": outcome})
            telemetry.OUTSIDE_MS.record((self.now() - began) * 1000, {"outside": self.name})

    def may_retry(self, state: RetryCallState, deadline: float) -> bool:
        """Attempts, time and budget left for one more; takes it from the budget."""
        if state.attempt_number >= self.patience.attempts:
            return False
        if self.now() + state.upcoming_sleep + LEAST_ATTEMPT_S > deadline or self._spare_retries < 1:
            return False
        self._spare_retries -= 1
        telemetry.OUTSIDE_RETRIES.add(1, {"outside": self.name})
        return True

    def wait_s(self, state: RetryCallState) -> float:
        """Doubling, between half and one and a half times; or as long as the service asked for."""
        error = state.outcome.exception() if state.outcome else None
        asked_s = error.retry_after_s if isinstance(error, OutsideFailed) else 0.0
        patience = self.patience
        backoff_s = min(patience.wait_most_s, patience.wait_s * 2 ** (state.attempt_number - 1))
        return max(asked_s, backoff_s * (0.5 + self._draw()))

    def tell(self, error: OutsideFailed) -> None:
        """A failure that was seen after its attempt had succeeded: an answer that broke off or came to a halt.

        `fail_max` of them without a `tell_whole` between them open the breaker, however well each began.
        """
        self._failed_late += 1
        self._tell(error)
        if self._failed_late >= self.patience.fail_max and self.state != "open":
            self._open(error, self.state)

    def tell_whole(self) -> None:
        """An answer went on to its end, or as far as anybody wanted it."""
        self._failed_late = 0

    def count_call(self) -> None:
        """A first attempt adds its share to the budget for retries."""
        self._spare_retries = min(self.patience.retry_spare, self._spare_retries + self.patience.retry_share)

    def _admit(self, deadline: float) -> bool:
        """Whether this attempt is the probe of a half-open breaker. Raises OutsideUnavailable."""
        now = self.now()
        if deadline - now < LEAST_ATTEMPT_S:
            raise self._unavailable("deadline")
        if self._running >= self.patience.at_once:
            raise self._unavailable("busy")
        if self.state == "open":
            if now < self._open_until:
                raise self._unavailable("open")
            self._breaker.half_open()
            log.info("breaker_half_open", outside=self.name)
        if self.state == "half-open":
            if self._probing:
                raise self._unavailable("open")
            return True
        return False

    def _tell(self, error: Exception | None) -> None:
        """Give the outcome to the breaker."""
        if error is not None and not isinstance(error, OutsideRefused):
            self._last_failure = error.reason if isinstance(error, OutsideFailed) else type(error).__name__
        before = self.state
        if before == "open":
            return  # began before it opened: says nothing new
        try:
            with self._breaker.calling():
                if error is not None:
                    raise error
        except Exception as told:  # noqa: BLE001 - it is the one that was put in
            assert told is error
        if self.state == "open" or (isinstance(error, OutsideFailed) and error.trips):
            self._open(error, before)
        elif self.state != before:
            self._log_change(before)

    def _open(self, error: Exception | None, before: str) -> None:
        """Open it where the breaker did not do so itself, and say for how long."""
        if self.state != "open":
            self._breaker.open()
        asked_s = error.retry_after_s if isinstance(error, OutsideFailed) else 0.0
        self._open_until = self.now() + max(self.patience.reset_s, asked_s)
        self._log_change(before)

    def _log_change(self, before: str) -> None:
        log.warning("breaker_changed", outside=self.name, before=before, now=self.state, last=self._last_failure)

    def _unavailable(self, why: Why) -> OutsideUnavailable:
        telemetry.OUTSIDE_CALLS.add(1, {"outside": self.name, "outcome": why})
        return OutsideUnavailable(self.name, why, self._last_failure if why == "open" else "")


async def call_with_retry_and_circuit_breaker(
    call: Callable[[], Awaitable[T]], deadline: float, *, to: Outside, repeatable: bool = True
) -> T:
    """The result of `call`, tried until `deadline` (on the event loop's clock) at most.

    `call` makes one attempt each time. Where doing it twice would do harm, `repeatable` is False: then
    only an attempt that surely had no effect is followed by another one. It raises OutsideFailed for
    what another attempt may mend, OutsideRefused for a plain no; anything else counts as a failure and
    passes through unretried.

    Raises OutsideRefused, or OutsideUnavailable once breaker, budget, attempts or time are used up.
    Cancelling it cancels the attempt and tells the breaker nothing.
    """
    to.count_call()
    maybe_done = False

    async def attempt() -> T:
        nonlocal maybe_done
        try:
            return await to.attempt(call, deadline)
        except OutsideFailed as error:
            maybe_done |= error.maybe_done
            raise

    retrying = AsyncRetrying(
        retry=retry_if_exception(
            lambda e: isinstance(e, OutsideFailed) and e.retryable and (repeatable or not e.maybe_done)
        ),
        stop=lambda state: not to.may_retry(state, deadline),
        wait=to.wait_s,
        sleep=asyncio.sleep,
        reraise=True,
    )
    try:
        return await retrying(attempt)
    except OutsideFailed as error:
        why: Why = "deadline" if deadline - to.now() < LEAST_ATTEMPT_S else "failed"
        raise OutsideUnavailable(to.name, why, error.reason, maybe_done=maybe_done) from error
    except OutsideUnavailable as error:
        raise OutsideUnavailable(to.name, error.why, error.reason, maybe_done=maybe_done) from error
