"""The small protocols that the turn's handlers need, in their own words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Protocol

from holdfast_common.contracts.tools import ToolCall, ToolResult

from holdfast_dialogue.domain.model_steps import AskModel, ModelEvent


class Tools(Protocol):
    """Where tool calls go."""

    def begin(self, request: ToolCall, *, call: str, generation: int, deadline_s: float) -> asyncio.Task[ToolResult]:
        """Start one tool call. The task raises StreamFailed.

        Searches may be cancelled. A call that changes the world is kept running by whoever implements
        this until it has an outcome, also when nobody waits for it any more.
        """
        ...


class Model(Protocol):
    """A language model behind some endpoint."""

    def answer(self, request: AskModel, *, within_s: float) -> AsyncGenerator[ModelEvent, None]:
        """One answer: text and proposals as they come, then ModelDone or ModelFailed, always one of them, as the last.

        `within_s`: seconds until the first event. Raises nothing on the endpoint's account. Closing the
        generator closes the connection.
        """
        ...

    @property
    def is_away(self) -> bool:
        """It failed so often of late that it is not even asked."""
        ...

    def too_slow(self) -> None:
        """The answer under way came too late to be used: counts as a failure of the endpoint."""
        ...
