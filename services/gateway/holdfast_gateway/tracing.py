"""One turn as a trace: its span, from the caller's first sound until the reply was heard to its end.

It begins before the turn is known to be one, because what the recogniser does with the first word
belongs to it; noise and signs of listening end as turns without words. What the caller waited for
stands in it as events at their own times and as `stage.<name>_ms`; never what was said.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager

from holdfast_common import telemetry
from opentelemetry import trace
from opentelemetry.context import Context


class TurnTrace:
    """Belongs to whoever has the turn in hand; ended once, later ends are ignored."""

    def __init__(self, call: str, generation: int) -> None:
        self._span = telemetry.TRACER.start_span(
            telemetry.SPAN_TURN, context=Context(), attributes={"call": call, "generation": generation}
        )
        self._is_over = False

    def entered(self) -> AbstractContextManager[None]:
        """What is opened and started here belongs to the turn."""
        return telemetry.entered(trace.set_span_in_context(self._span, Context()))

    def note(self, **facts: telemetry.Value) -> None:
        self._span.set_attributes(facts)

    def follows(self, earlier: TurnTrace) -> None:
        """The same turn was attempted before, with fewer words."""
        self._span.add_link(earlier._span.get_span_context())

    def end(self, outcome: str, *, failed: bool = False, moments: Mapping[str, float | None] | None = None) -> None:
        """`moments`: what happened when, in seconds of the loop's clock (which is the monotonic one)."""
        if self._is_over:
            return
        self._is_over = True
        if self._span.is_recording():
            offset = time.time() - time.monotonic()
            for name, at in (moments or {}).items():
                if at is not None:
                    self._span.add_event(name, timestamp=int((at + offset) * 1e9))
        telemetry.end(self._span, outcome, failed=failed)
