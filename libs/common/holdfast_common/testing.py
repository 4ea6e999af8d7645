"""Stand-ins for both ends of a stream, for tests of handlers and owners. Ships with the product.

`FakeSession` is what a handler is given: put inputs in, read `results`. `FakeOpener` is what an
owner is given: each service's streams are served by a function of your own, in process, at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.wire import Audio, Message
from holdfast_common.errors import StreamFailed
from holdfast_common.stream.api import FirstInput, Handler

_END = object()


class FakeSession:
    """A `Session` without a bus."""

    def __init__(
        self,
        first: Any,
        *inputs: Any,
        call: str = "call-1",
        generation: int = 1,
        epoch: int = 1,
        remaining_s: float = 60.0,
    ) -> None:
        self.stream = "stream-1"
        self.epoch = epoch
        self.call = call
        self.generation = generation
        self.first = first
        self.results: list[Any] = []
        """What the handler sent: structs and Audio, in order."""
        self.done_to = 0
        self.changed = asyncio.Condition()
        self._remaining_s = remaining_s
        self._inputs: asyncio.Queue[Any] = asyncio.Queue()
        for item in inputs:
            self.put(item)

    def put(self, item: Any) -> None:
        """One more input, now."""
        self._inputs.put_nowait(item)

    def hang_up(self) -> None:
        """No more inputs will come."""
        self._inputs.put_nowait(_END)

    def remaining_s(self) -> float:
        return self._remaining_s

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (item := await self._inputs.get()) is not _END:
            yield item

    async def send(self, result: Message) -> None:
        await self._add(result)

    async def send_audio(self, pcm: bytes, *, rate_hz: int, position: int) -> None:
        await self._add(Audio(pcm, rate_hz, position))

    def progress(self, done_to: int) -> None:
        self.done_to = done_to

    async def wait_for(self, condition: Callable[[list[Any]], bool], timeout_s: float = 10.0) -> None:
        """Until the results fulfil the condition; raises TimeoutError."""
        async with asyncio.timeout(timeout_s), self.changed:
            await self.changed.wait_for(lambda: condition(self.results))

    async def _add(self, item: Any) -> None:
        async with self.changed:
            self.results.append(item)
            self.changed.notify_all()


class FakeStream:
    """A `ReplayableStream` served by a handler in the same process."""

    def __init__(self, service: Service, first: FirstInput, handler: Handler, call: str, generation: int) -> None:
        self.id = "stream-1"
        self.epoch = 0
        self.replica: str | None = f"{service}-fake"
        self.service = service
        self.cancelled = False
        self.sent: list[Any] = []
        """What the owner sent after the first input."""
        self.session: FakeSession
        self._first = first
        self._handler = handler
        self._call = call
        self._generation = generation
        self._results: asyncio.Queue[Any] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.reopen()

    def reopen(self) -> None:
        """Play a fail-over: the old handler is dead, a new one gets the first input anew and all inputs again."""
        if self._task:
            self._task.cancel()
        self.epoch += 1
        self.session = _Forwarding(self._first(), self._results, call=self._call, generation=self._generation)
        self.session.epoch = self.epoch
        for item in self.sent:
            self.session.put(item)
        # Owned by this stream: cancelled by cancel(), reopen() or its own end.
        self._task = asyncio.get_running_loop().create_task(self._serve(self.session))

    async def _serve(self, session: FakeSession) -> None:
        try:
            await self._handler(session)
        except StreamFailed as error:
            self._results.put_nowait(error)
        self._results.put_nowait(_END)

    def send(self, message: Message, *, ends_input: bool = False) -> None:
        self.sent.append(message)
        self.session.put(message)

    def send_audio(self, pcm: bytes, *, rate_hz: int, capture_us: int = 0) -> None:
        position = sum(item.samples for item in self.sent if isinstance(item, Audio))
        self.sent.append(Audio(pcm, rate_hz, position, capture_us))
        self.session.put(self.sent[-1])

    def cancel(self) -> None:
        self.cancelled = True
        if self._task:
            self._task.cancel()
        self._results.put_nowait(_END)

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (item := await self._results.get()) is not _END:
            if isinstance(item, StreamFailed):
                raise item
            yield item


class _Forwarding(FakeSession):
    def __init__(self, first: Any, results: asyncio.Queue[Any], *, call: str, generation: int) -> None:
        super().__init__(first, call=call, generation=generation)
        self._forward = results

    async def _add(self, item: Any) -> None:
        await super()._add(item)
        self._forward.put_nowait(item)


class FakeOpener:
    """An `Opener` whose streams are served in process by `handlers`."""

    def __init__(self, handlers: dict[Service, Handler]) -> None:
        self.handlers = handlers
        self.opened: list[FakeStream] = []

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
    ) -> FakeStream:
        stream = FakeStream(service, first, self.handlers[service], call, generation)
        self.opened.append(stream)
        return stream

    def replicas(self, service: Service) -> list[str]:
        return [f"{service}-fake"] if service in self.handlers else []
