"""What services see of replayable streams, on either side.

Opening side (gateway for asr, dialogue, tts; dialogue for tools):

    stream = opener.open(Service.ASR, first=lambda: Listen(...), call=call, generation=1)
    stream.send_audio(pcm, rate_hz=8000); stream.send(EndOfUtterance(...))
    async for result in stream: ...        # ends after End; raises StreamFailed

Serving side:

    async def handle(session: Session) -> None:
        async for item in session: ...     # Audio or a struct of the contract
        await session.send(Final(...))
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.wire import Message

FirstInput = Callable[[], Message]
"""Builds the first input from the owner's present state. Called at each opening, so it is also how
the owner learns that the stream is being re-opened: a tts owner drops what it will ask for again
and names the word to go on from, a dialogue owner adds the sentences that have begun to play."""


class ReplayableStream(Protocol):
    """The opener's end of one stream. Not thread-safe; belongs to one task."""

    @property
    def id(self) -> str: ...
    @property
    def epoch(self) -> int:
        """Openings so far; 1 while nothing went wrong."""
        ...

    @property
    def replica(self) -> str | None:
        """Where it runs now."""
        ...

    def send(self, message: Message, *, ends_input: bool = False) -> None:
        """Queue a signal in sequence. `ends_input` starts the deadline for the result."""
        ...

    def send_audio(self, pcm: bytes, *, rate_hz: int, capture_us: int = 0) -> None:
        """Queue audio in sequence: mono s16le, at most 1 s."""
        ...

    def __aiter__(self) -> AsyncIterator[Any]:
        """Results in order: structs of the contract, and Audio. Ends after End; raises StreamFailed."""
        ...

    def cancel(self) -> None:
        """No more use for it: tell the replica, end the iteration. Idempotent."""
        ...


class Opener(Protocol):
    def open(
        self,
        service: Service,
        first: FirstInput,
        *,
        call: str,
        generation: int = 1,
        deadline_ms: int = 60_000,
        result_deadline_ms: Callable[[], int] | None = None,
        ends_input: bool = False,
    ) -> ReplayableStream:
        """Begin a stream; placement, fail-over and replay happen behind it.

        `result_deadline_ms`: how long after the input's end the first following result may take
        (late once: re-opened elsewhere; late twice: StreamFailed). `ends_input`: the first input
        is the only one, so that clock starts at once.
        """
        ...

    def replicas(self, service: Service) -> list[str]:
        """Live replicas that take streams."""
        ...


class Session(Protocol):
    """The serving end of one stream."""

    @property
    def stream(self) -> str: ...
    @property
    def epoch(self) -> int: ...
    @property
    def call(self) -> str: ...
    @property
    def generation(self) -> int: ...
    @property
    def first(self) -> Any:
        """The first input, decoded and validated."""
        ...

    def remaining_s(self) -> float:
        """Time left of the opener's deadline."""
        ...

    def __aiter__(self) -> AsyncIterator[Any]:
        """Inputs in order: structs of the contract, and Audio; ends when the opener cancels."""
        ...

    async def send(self, result: Message) -> None: ...

    async def send_audio(self, pcm: bytes, *, rate_hz: int, position: int) -> None:
        """Audio whose first sample has this position."""
        ...

    def progress(self, done_to: int) -> None:
        """Remember how far the work is; goes out with the next Alive."""
        ...


Handler = Callable[[Session], Awaitable[None]]
"""Serves one stream. Returning ends it (End is sent); raising StreamFailed sends Failed with its
code; any other exception is our bug: logged with its traceback, sent as `internal`. It is cancelled
when the opener cancels or a later epoch of the same stream arrives."""
