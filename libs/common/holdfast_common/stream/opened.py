"""One stream as its owner holds it: inputs in, results out; what is done about them is the opener's."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from opentelemetry import trace

from holdfast_common import telemetry
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.wire import FORMAT_OF_RATE, Format, Message, encode
from holdfast_common.errors import StreamFailed
from holdfast_common.stream.actions import Action
from holdfast_common.stream.api import FirstInput
from holdfast_common.stream.machine import Kept, StreamMachine

RESULTS_WAITING = 5_000
"""Results that an owner may leave unread (50 s of audio in 10 ms chunks); then the stream fails."""

_DONE = object()


class Driver(Protocol):
    """Who does what a stream's machine says: the process's opener."""

    now: Callable[[], float]

    def act(self, stream: OpenedStream, actions: list[Action]) -> None: ...
    def drop(self, stream: OpenedStream, outcome: str, *, failed: bool = False) -> None: ...


class OpenedStream:
    """One stream: its machine, its kept inputs, its results. A `ReplayableStream`."""

    def __init__(
        self,
        opener: Driver,
        service: Service,
        first: FirstInput,
        call: str,
        generation: int,
        machine: StreamMachine,
    ) -> None:
        self.id = secrets.token_hex(8)
        self.service = service
        self.first = first
        self.call = call
        self.generation = generation
        self.machine = machine
        self.span = telemetry.start_hop(service, call=call, generation=generation)
        """Over all openings; `drop` ends it."""
        self.headers = telemetry.inject(trace.set_span_in_context(self.span))
        self.inputs: list[tuple[Format, bytes, int]] = []
        self.opened_at = opener.now()
        self.replica_takes_bundles = False
        """Said as it accepts; inputs go out after that only."""
        self._opener = opener
        self._results: asyncio.Queue[Any] = asyncio.Queue(maxsize=RESULTS_WAITING)
        self._has_results = False

    @property
    def epoch(self) -> int:
        return self.machine.epoch

    @property
    def replica(self) -> str | None:
        return self.machine.replica

    def send(self, message: Message, *, ends_input: bool = False) -> None:
        self._add(Format.STRUCT, encode(message), 0, Kept(), ends_input)

    def send_audio(self, pcm: bytes, *, rate_hz: int, capture_us: int = 0) -> None:
        self._add(FORMAT_OF_RATE[rate_hz], pcm, capture_us, Kept(len(pcm) / 2 / rate_hz, rate_hz), False)

    def _add(self, form: Format, body: bytes, capture_us: int, kept: Kept, ends_input: bool) -> None:
        if not self.machine.over:
            self.inputs.append((form, body, capture_us))
            if ends_input:
                self.span.add_event("input_ended")
            self._opener.act(self, self.machine.add_input(kept, self._opener.now(), ends_input=ends_input))

    def cancel(self) -> None:
        self._opener.act(self, self.machine.cancel())
        self._opener.drop(self, "left" if self._has_results else "cancelled")
        self.finish()

    def push(self, item: Any) -> None:
        """Give the owner a result, or the end. An owner that does not read for so long has gone wrong."""
        try:
            self._results.put_nowait(item)
        except asyncio.QueueFull:
            self._opener.act(self, self.machine.cancel())
            self._opener.drop(self, "overflow", failed=True)
            self._results.get_nowait()
            self._results.put_nowait(StreamFailed("overflow", f"{self.service}: {RESULTS_WAITING} results unread"))

    def finish(self) -> None:
        """Tell the owner that nothing more will come."""
        self.push(_DONE)

    def push_result(self, item: Any) -> None:
        if not self._has_results:
            self._has_results = True
            self.span.add_event("first_result")
        self.push(item)

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (item := await self._results.get()) is not _DONE:
            if isinstance(item, StreamFailed):
                raise item
            yield item
