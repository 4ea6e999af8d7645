"""Tool calls over replayable streams to the tools service."""

from __future__ import annotations

import asyncio

from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.stream import ErrorCode
from holdfast_common.contracts.tools import CHANGES_THE_WORLD, ToolCall, ToolResult
from holdfast_common.errors import StreamFailed
from holdfast_common.stream.api import Opener


class StreamTools:
    """`Tools` behind an Opener: placement, fail-over and replay come with the stream."""

    def __init__(self, opener: Opener, *, result_deadline_ms: int) -> None:
        self._opener = opener
        self._result_deadline_ms = result_deadline_ms
        self._changing: set[asyncio.Task[ToolResult]] = set()
        """Calls that change the world, kept alive until they have an outcome."""

    def begin(self, request: ToolCall, *, call: str, generation: int, deadline_s: float) -> asyncio.Task[ToolResult]:
        # A task of its own, not the turn's: a begun change of the world outlives the turn that asked for it.
        task = asyncio.get_running_loop().create_task(
            self._ask(request, call, generation, deadline_s), name=f"tool-{type(request).__name__}"
        )
        if isinstance(request, CHANGES_THE_WORLD):
            self._changing.add(task)
            task.add_done_callback(self._settled)
        return task

    async def drain(self) -> None:
        """Wait for the changes of the world under way; their own deadlines bound it."""
        if self._changing:
            await asyncio.wait(self._changing)

    def _settled(self, task: asyncio.Task[ToolResult]) -> None:
        self._changing.discard(task)
        if not task.cancelled():
            task.exception()  # taken note of: whoever waited has it, and the next turn asks by key

    async def _ask(self, request: ToolCall, call: str, generation: int, deadline_s: float) -> ToolResult:
        stream = self._opener.open(
            Service.TOOLS,
            lambda: request,
            call=call,
            generation=generation,
            deadline_ms=max(1, int(deadline_s * 1000)),
            result_deadline_ms=lambda: self._result_deadline_ms,
            ends_input=True,
        )
        try:
            async with asyncio.timeout(deadline_s):
                async for result in stream:
                    return result
        except TimeoutError as error:
            raise StreamFailed(ErrorCode.DEADLINE, f"tools: no result in {deadline_s:.1f} s") from error
        finally:
            stream.cancel()
        raise StreamFailed(ErrorCode.INTERNAL, "tools: the stream ended without a result")
