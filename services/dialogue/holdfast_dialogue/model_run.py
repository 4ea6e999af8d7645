"""One turn's hand on the language model: the policy's steps in, events of the answer back, within the turn's time.

    AskModel -> (confirmed) -> Model.answer() ... ReadOn, ReadOn ... StopModel or the end of the turn

A speculative turn waits for its Confirm first: tokens are spent on what was really said. The first
sentence has a deadline of its own, so that the next route can still be heard in time; a model that
misses it is told to have failed, and the connection is closed, which makes the endpoint stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass

import structlog
from holdfast_common import telemetry
from opentelemetry import trace

from holdfast_dialogue.domain.model_steps import (
    AskModel,
    Failure,
    ModelDone,
    ModelEvent,
    ModelFailed,
    ModelStep,
    ModelText,
    StopModel,
)
from holdfast_dialogue.ports import Model

log = structlog.get_logger()

BEFORE_THE_EAR_S = 0.5
"""Kept of the turn's budget for the next route's own sentence and its first audio."""
LEAST_S = 0.4
"""A request with less time than this left for its first sentence is not made."""
FAIR_SHARE = 0.5
"""Of the time for a first sentence that a request must have had before its lateness is the model's failure."""


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """Seconds that an answer may take."""

    first_sentence_s: float = 2.4
    next_s: float = 2.0
    """Longest silence between two pieces once something was said."""
    whole_s: float = 10.0


class ModelRun:
    """The answers of one turn, one after another."""

    def __init__(self, model: Model | None, limits: ModelLimits, budget_s: float) -> None:
        self._model = model
        self._limits = limits
        self._first_s = max(LEAST_S, min(limits.first_sentence_s, budget_s - BEFORE_THE_EAR_S))
        self._answer: AsyncGenerator[ModelEvent, None] | None = None
        self._spoken = False
        self._began = self._first_by = self._ends_by = 0.0
        self._read_any = False
        self._had_time = True
        self._taking: asyncio.Task[object] | None = None
        self._span: trace.Span | None = None

    def spoken(self) -> None:
        """A sentence left: the first deadline is met."""
        self._spoken = True

    async def take(self, step: ModelStep) -> ModelEvent | None:
        """Do what the policy asks, and give it the next event."""
        self._taking = asyncio.current_task()
        match step:
            case StopModel():
                await self.close()
                return None
            case AskModel():
                await self.close()
                return await self._ask(step)
            case _:
                return await self._next()

    async def close(self) -> None:
        """Stop reading; the endpoint is let go."""
        reading = self._taking
        if reading is not None and not reading.done() and reading is not asyncio.current_task():
            reading.cancel()  # whoever waited for it has gone; a generator that runs cannot be closed
            await asyncio.wait({reading})
        answer, self._answer = self._answer, None
        if answer is not None:
            await answer.aclose()
        self._end_span("stopped")

    async def _ask(self, request: AskModel) -> ModelEvent:
        if self._model is None:
            return ModelFailed(Failure.OFF)
        now = asyncio.get_running_loop().time()
        if not self._first_by:  # a second request of the same turn has what is left
            self._first_by, self._ends_by = now + self._first_s, now + self._limits.whole_s
        elif self._first_by - now < LEAST_S and not request.continues:
            return ModelFailed(Failure.TIMEOUT)
        left_s = self._first_by - now
        self._began, self._read_any, self._spoken = now, False, request.continues
        self._had_time = left_s >= FAIR_SHARE * self._first_s
        self._span = telemetry.TRACER.start_span(telemetry.SPAN_MODEL, kind=trace.SpanKind.CLIENT)
        self._answer = self._model.answer(request, within_s=self._within_s(left_s))
        return await self._next()

    def _within_s(self, left_s: float) -> float:
        """What the model is told: where little is left, the turn's own deadline cuts it off and blames nobody."""
        return max(0.0, left_s) if self._had_time else self._first_s

    async def _next(self) -> ModelEvent:
        answer = self._answer
        if answer is None:
            return ModelFailed(Failure.OFF)
        now = asyncio.get_running_loop().time()
        until = min(self._ends_by, now + self._limits.next_s if self._spoken else self._first_by)
        try:
            async with asyncio.timeout_at(until):
                event = await anext(answer, None)
        except TimeoutError:
            event = ModelFailed(Failure.TIMEOUT)
            stalled = self._spoken and until < self._ends_by
            late = not self._spoken and self._had_time
            if self._model is not None and (stalled or late):
                self._model.too_slow()
        if event is None:
            event = ModelFailed(Failure.BROKEN)
        self._tell(event)
        if isinstance(event, ModelDone | ModelFailed):
            with suppress(Exception):  # it is over either way, and said so already
                await self.close()
        return event

    def _tell(self, event: ModelEvent) -> None:
        took_ms = (asyncio.get_running_loop().time() - self._began) * 1000
        if not self._read_any and not isinstance(event, ModelFailed):
            self._read_any = True
            telemetry.MODEL_FIRST_TOKEN_MS.record(took_ms)
            if self._span is not None:
                self._span.add_event("first_token")
        match event:
            case ModelText():
                return
            case ModelDone() | ModelFailed():
                outcome = event.kind.value if isinstance(event, ModelFailed) else event.finish
                telemetry.MODEL_ANSWERS.add(1, {"outcome": outcome})
                telemetry.MODEL_TOKENS.add(event.tokens_in, {"direction": "in"})
                telemetry.MODEL_TOKENS.add(event.tokens_out, {"direction": "out"})
                telemetry.MODEL_COST.add(event.cost_micros / 1_000_000)
                self._end_span(outcome, failed=isinstance(event, ModelFailed), tokens_out=event.tokens_out)
                log.info("model_answered", outcome=outcome, took_ms=round(took_ms), tokens_out=event.tokens_out)
            case _:
                pass

    def _end_span(self, outcome: str, *, failed: bool = False, **attributes: telemetry.Value) -> None:
        span, self._span = self._span, None
        if span is not None:
            telemetry.end(span, outcome, failed=failed, **attributes)
