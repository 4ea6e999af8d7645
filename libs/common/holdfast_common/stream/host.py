"""Serves streams: one subscription for all of a replica's inputs, one task a stream, progress every 200 ms.

A hole in the inputs, an overflow or a broken handler ends the stream with a code that tells the
opener whether another replica could do better.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from typing import Any

import structlog

from holdfast_common import subjects, telemetry
from holdfast_common.bus import Bus, BusMessage, Lane
from holdfast_common.contracts import stream as wire_stream
from holdfast_common.contracts.registry import CONTRACTS, Service
from holdfast_common.contracts.wire import (
    FORMAT_OF_RATE,
    RATE_HZ,
    UNREADABLE,
    Audio,
    Flag,
    Format,
    Frame,
    Message,
    decoder,
    encode,
    pack_frame,
    unpack_frame,
)
from holdfast_common.errors import BusUnavailable, ContractError, StreamFailed
from holdfast_common.rhythm import until_next
from holdfast_common.stream.api import Handler

log = structlog.get_logger()

SAY_EVERY_S = 0.2
INPUTS_WAITING = 4_096
"""Inputs that a handler may leave unread; then the stream fails with `gap` and is replayed elsewhere."""
GENERATIONS_KEPT = 50_000
CANCELS_KEPT = 1_000
"""Cancels remembered for streams that are not there: they come on another connection, and may overtake the open."""
FENCED = frozenset({Service.DIALOGUE, Service.TOOLS})
"""Services that refuse an older gateway generation of a call."""

_opens = decoder(wire_stream.Open)
_cancels = decoder(wire_stream.Cancel)
_GONE = object()


def _bundle_for(open_: wire_stream.Open) -> str | None:
    """With the outputs of which other streams this one's may travel; an opener of an earlier version takes none."""
    return subjects.output_bundle(open_.opener) if open_.bundles else None


class HostedStream:
    """One stream on the serving side; a `Session`."""

    def __init__(self, host: StreamHost, open_: wire_stream.Open, first: Any, deadline_at: float) -> None:
        self.stream = open_.stream
        self.epoch = open_.epoch
        self.call = open_.call
        self.generation = open_.generation
        self.first = first
        self.task: asyncio.Task[None] | None = None
        self.received_to = 0
        self.told_received_to = 0
        self.told_at = 0.0
        self.said_at = 0.0
        self._output = subjects.output(open_.opener, open_.stream, open_.epoch)
        self._bundle = _bundle_for(open_)
        self._host = host
        self._deadline_at = deadline_at
        self._done_to = 0
        self._next_output = 0
        self._samples_in = 0
        self._inputs: asyncio.Queue[Any] = asyncio.Queue(maxsize=INPUTS_WAITING)

    def remaining_s(self) -> float:
        return max(0.0, self._deadline_at - self._host.now())

    def progress(self, done_to: int) -> None:
        self._done_to = done_to

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (item := await self._inputs.get()) is not _GONE:
            if isinstance(item, StreamFailed):
                raise item
            yield item

    async def send(self, result: Message) -> None:
        await self._say(encode(result), Format.STRUCT, 0)

    async def send_audio(self, pcm: bytes, *, rate_hz: int, position: int) -> None:
        await self._say(pcm, FORMAT_OF_RATE[rate_hz], position)

    async def say_alive(self) -> None:
        self.told_received_to, self.told_at = self.received_to, self._host.now()
        await self.send(wire_stream.Alive(received_to=self.received_to, done_to=self._done_to))

    async def _say(self, body: bytes, form: Format, position: int) -> None:
        sequence, self._next_output = self._next_output, self._next_output + 1
        self.said_at = self._host.now()
        frame = pack_frame(body, format=form, epoch=self.epoch, sequence=sequence, capture_us=position)
        self._host.publish(self._output, frame, self._bundle)

    def take(self, frame: Frame) -> None:
        """An input has arrived, in order."""
        self.received_to = frame.sequence + 1
        try:
            if frame.format is Format.STRUCT:
                item = CONTRACTS[self._host.service].inputs.decode(frame.body)
            else:
                item = Audio(frame.body, RATE_HZ[frame.format], self._samples_in, frame.capture_us)
                self._samples_in += item.samples
        except UNREADABLE as error:
            item = StreamFailed(wire_stream.ErrorCode.BAD_INPUT, str(error))
        self.put(item)

    def put(self, item: Any) -> None:
        try:
            self._inputs.put_nowait(item)
        except asyncio.QueueFull:
            self._inputs.get_nowait()
            self._inputs.put_nowait(StreamFailed(wire_stream.ErrorCode.GAP, f"{INPUTS_WAITING} inputs unread"))

    def hang_up(self) -> None:
        """The opener is gone from this epoch: end the inputs, cancel the handler."""
        if self.task:
            self.task.cancel()


class StreamHost:
    """Serves one service's streams for one replica. `run` must be running."""

    def __init__(
        self,
        bus: Bus,
        service: Service,
        replica: str,
        handler: Handler,
        *,
        capacity: Callable[[], int],
        now: Callable[[], float] | None = None,
        late: Callable[[float], None] | None = None,
    ) -> None:
        """`late` is told how many seconds late each look at what is to be said was."""
        self._tell_late = late
        self.service = service
        self.now = now or asyncio.get_running_loop().time
        self.draining = False
        self._bus = bus
        self._replica = replica
        self._handler = handler
        self._capacity = capacity
        self._streams: dict[str, HostedStream] = {}
        self._generations: OrderedDict[str, int] = OrderedDict()
        self._cancelled: OrderedDict[str, int] = OrderedDict()
        self._arrivals: asyncio.Queue[BusMessage] = asyncio.Queue()
        """Opens only; inputs go straight to their stream's bounded queue."""
        self._group: asyncio.TaskGroup | None = None
        self._empty = asyncio.Event()
        self._empty.set()
        self._occupied = asyncio.Event()
        """There is a stream."""

    @property
    def active(self) -> int:
        return len(self._streams)

    @property
    def free(self) -> int:
        return 0 if self.draining else max(0, self._capacity() - self.active)

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await self._bus.subscribe(subjects.open_(self.service, self._replica), self._arrivals.put_nowait)
            await self._bus.subscribe(subjects.inputs(self.service, self._replica), self._on_input)
            await self._bus.subscribe(subjects.cancel(self.service, self._replica), self._on_cancel, lane=Lane.CONTROL)
            group.create_task(self._keep_talking(), name="host-alive")
            while True:
                await self._on_open(await self._arrivals.get())

    async def drained(self) -> None:
        """Refuse new streams and wait until the last one has ended."""
        self.draining = True
        await self._empty.wait()

    def publish(self, subject: str, data: bytes, bundle: str | None) -> None:
        try:
            self._bus.publish(subject, data, bundle=bundle)
        except BusUnavailable:
            telemetry.UNSENT_MESSAGES.add(1)  # the opener will find the gap and replay

    async def _on_open(self, message: BusMessage) -> None:
        try:
            open_ = _opens.decode(message.data)
        except UNREADABLE as error:
            telemetry.BAD_MESSAGES.add(1, {"kind": "open"})
            log.warning("bad_open", error=str(error)[:200])
            return
        refusal = self._refusal(open_)
        if refusal is None:
            try:
                first = CONTRACTS[self.service].first.decode(open_.first)
            except UNREADABLE as error:
                telemetry.BAD_MESSAGES.add(1, {"kind": "first"})
                await self._answer(open_, wire_stream.Accepted(replica=self._replica, bundles=True))
                await self._answer(
                    open_, wire_stream.Failed(code=wire_stream.ErrorCode.BAD_INPUT, message=str(error)[:200])
                )
                return
            await self._accept(open_, first, message)
        else:
            await self._answer(open_, refusal)

    def _refusal(self, open_: wire_stream.Open) -> Message | None:
        if self.draining:
            return wire_stream.Draining()
        if self.service in FENCED:
            known = self._generations.get(open_.call, 0)
            if open_.generation < known:
                return wire_stream.Superseded(generation=known)
            self._generations[open_.call] = open_.generation
            self._generations.move_to_end(open_.call)
            if len(self._generations) > GENERATIONS_KEPT:
                self._generations.popitem(last=False)
        if open_.stream not in self._streams and self.free <= 0:
            return wire_stream.Busy()
        return None

    async def _accept(self, open_: wire_stream.Open, first: Any, message: BusMessage) -> None:
        earlier = self._streams.get(open_.stream)
        if earlier is not None:
            if earlier.epoch >= open_.epoch:
                return
            earlier.hang_up()
        try:
            deadline_s = int(message.headers.get("hf-deadline-ms", "60000")) / 1000
        except ValueError:
            deadline_s = 60.0
        session = HostedStream(self, open_, first, self.now() + deadline_s)
        self._streams[open_.stream] = session
        self._empty.clear()
        self._occupied.set()
        await self._answer(open_, wire_stream.Accepted(replica=self._replica, bundles=True))
        if self._cancelled.get(open_.stream, 0) >= open_.epoch:
            self._forget(session)
            return
        assert self._group is not None
        session.said_at = self.now()
        session.task = self._group.create_task(self._serve(session, message), name=f"stream-{open_.stream}")
        # Not in `_serve`: a task that is cancelled before its first step never gets there.
        session.task.add_done_callback(lambda _: self._forget(session))

    def _forget(self, session: HostedStream) -> None:
        if self._streams.get(session.stream) is session:
            del self._streams[session.stream]
            if not self._streams:
                self._empty.set()
                self._occupied.clear()

    async def _answer(self, open_: wire_stream.Open, answer: Message) -> None:
        frame = pack_frame(encode(answer), format=Format.STRUCT, epoch=open_.epoch, sequence=0)
        self.publish(subjects.output(open_.opener, open_.stream, open_.epoch), frame, _bundle_for(open_))

    async def _serve(self, session: HostedStream, message: BusMessage) -> None:
        structlog.contextvars.bind_contextvars(call=session.call)
        ending: Message = wire_stream.End()
        with telemetry.span_from(
            message.headers,
            telemetry.SPAN_SERVE,
            service=self.service.value,
            call=session.call,
            epoch=session.epoch,
        ) as span:
            deadline = asyncio.timeout(session.remaining_s())
            try:
                async with deadline:
                    await self._handler(session)
            except StreamFailed as error:
                ending = self._failure(error.code, error.message)
            except Exception as error:
                if isinstance(error, TimeoutError) and deadline.expired():
                    ending = self._failure(wire_stream.ErrorCode.DEADLINE, "the opener's deadline is over")
                else:
                    log.exception("handler_failed", service=self.service)
                    ending = self._failure(wire_stream.ErrorCode.INTERNAL, "the handler failed")
            if isinstance(ending, wire_stream.Failed):
                telemetry.mark_failed(span, ending.code)
        await session.send(ending)

    @staticmethod
    def _failure(code: str, message: str) -> wire_stream.Failed:
        try:
            told = wire_stream.ErrorCode(code)
        except ValueError:  # raised in the handler by something that is no stream of ours
            told = wire_stream.ErrorCode.INTERNAL
        return wire_stream.Failed(code=told, message=message[:200])

    def _on_input(self, message: BusMessage) -> None:
        try:
            stream_id, epoch = subjects.stream_and_epoch(message.subject)
            frame = unpack_frame(message.data)
        except (ValueError, ContractError):
            telemetry.BAD_MESSAGES.add(1, {"kind": "input"})
            return
        session = self._streams.get(stream_id)
        if session is None or session.epoch != epoch:
            telemetry.STALE_MESSAGES.add(1)
        elif frame.sequence == session.received_to:
            session.take(frame)
            if frame.flags & Flag.REPLAY and self._group is not None:
                self._group.create_task(session.say_alive(), name="host-ack")
        elif frame.sequence > session.received_to:
            session.put(StreamFailed(wire_stream.ErrorCode.GAP, f"input {session.received_to} is missing"))

    def _on_cancel(self, message: BusMessage) -> None:
        try:
            cancel = _cancels.decode(message.data)
        except UNREADABLE:
            telemetry.BAD_MESSAGES.add(1, {"kind": "cancel"})
            return
        session = self._streams.get(cancel.stream)
        if session is not None and session.epoch <= cancel.epoch:
            session.hang_up()
        if session is None or session.epoch < cancel.epoch or session.task is None:
            self._cancelled[cancel.stream] = cancel.epoch
            if len(self._cancelled) > CANCELS_KEPT:
                self._cancelled.popitem(last=False)

    async def _keep_talking(self) -> None:
        """Say something at least every 200 ms on each stream, and acknowledge inputs as often."""
        while True:
            await self._occupied.wait()
            began = self.now()
            wait_s = until_next(SAY_EVERY_S / 2, began)
            await asyncio.sleep(wait_s)
            now = self.now()
            if self._tell_late is not None:
                self._tell_late(now - began - wait_s)
            for session in list(self._streams.values()):
                silent = now - session.said_at >= SAY_EVERY_S * 0.9
                waits = session.told_received_to < session.received_to
                unacknowledged = waits and now - session.told_at >= SAY_EVERY_S * 0.9
                if session.task is not None and not session.task.done() and (silent or unacknowledged):
                    await session.say_alive()
