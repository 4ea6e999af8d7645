"""The small protocols that the turn's handlers need, in their own words."""

from __future__ import annotations

import asyncio
from typing import Protocol

from holdfast_common.contracts.tools import ToolCall, ToolResult


class Tools(Protocol):
    """Where tool calls go."""

    def begin(self, request: ToolCall, *, call: str, generation: int, deadline_s: float) -> asyncio.Task[ToolResult]:
        """Start one tool call. The task raises StreamFailed.

        Searches may be cancelled. A call that changes the world is kept running by whoever implements
        this until it has an outcome, also when nobody waits for it any more.
        """
        ...
