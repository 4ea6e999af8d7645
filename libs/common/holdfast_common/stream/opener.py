"""Opens streams, keeps their inputs, fails over and replays: the machine's hands.

One per process. It owns the subscription for all that comes back, one ticker for all clocks, one
probe shared by all streams, and the ration of re-opens (10 per 100 ms, oldest first).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from typing import Any

import msgspec
import structlog

from holdfast_common import subjects, telemetry
from holdfast_common.bus import Bus, BusMessage, Lane
from holdfast_common.contracts import stream as wire_stream
from holdfast_common.contracts.beat import Beat, Goodbye
from holdfast_common.contracts.registry import CONTRACTS, Service
from holdfast_common.contracts.wire import (
    RATE_HZ,
    UNREADABLE,
    Audio,
    Flag,
    Format,
    decoder,
    encode,
    pack_frame,
    unpack_frame,
)
from holdfast_common.errors import BusUnavailable, ContractError, StreamFailed
from holdfast_common.placement import Presence
from holdfast_common.rhythm import until_next
from holdfast_common.stream.actions import Action, AskPlacement, AskProbe, Fail, Finish, SendCancel, SendInput, SendOpen
from holdfast_common.stream.api import FirstInput
from holdfast_common.stream.machine import StreamMachine, StreamTimes
from holdfast_common.stream.opened import OpenedStream

log = structlog.get_logger()

TICK_S = 0.05
IDLE_TICK_S = 0.25
"""... while there is no stream: an idle process wakes for little else."""
LATE_LOOP_S = 0.1
PROBE_TIMEOUT_S = 0.3
REOPENS_PER_TICK = 5
AUDIO_WAITS_S = 0.02
"""So long audio waits for that of other calls, to travel as one message with it. Nobody waits for it meanwhile:
a signal (`pause`, `end`) leaves at once and takes along what it comes after."""

_beats = decoder(Beat)
_goodbyes = decoder(Goodbye)


class StreamOpener:
    """Opens replayable streams for one process; an `Opener`. `run` must be running."""

    def __init__(
        self,
        bus: Bus,
        opener_id: str,
        presence: Presence | None = None,
        *,
        times: StreamTimes | None = None,
        now: Callable[[], float] | None = None,
        services: Collection[Service] | None = None,
        late: Callable[[float], None] | None = None,
    ) -> None:
        """`services`: those that streams are opened to (None: any); nobody else's beats are listened to.

        `late` is told how many seconds late each tick of the clocks was.
        """
        self._tell_late = late
        self._services = services
        self.presence = presence or Presence()
        self.now = now or asyncio.get_running_loop().time
        self._bus = bus
        self._id = opener_id
        self._times = times or StreamTimes()
        self._streams: dict[str, OpenedStream] = {}
        self._to_place: deque[OpenedStream] = deque()
        self._to_probe: set[OpenedStream] = set()
        self._probe_wanted = asyncio.Event()
        self._begun = asyncio.Event()
        """A stream was opened: the clocks run."""

    async def run(self) -> None:
        """Serve all streams of the process until cancelled."""
        if self._services is None:
            await self._bus.subscribe(subjects.BEATS, self._on_beat, lane=Lane.CONTROL)
        elif not self._services:
            return
        else:
            for service in self._services:
                await self._bus.subscribe(subjects.beats_of(service), self._on_beat, lane=Lane.CONTROL)
        await self._bus.subscribe(subjects.outputs(self._id), self._on_output, lane=Lane.MEDIA)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tick(), name="stream-clocks")
                group.create_task(self._probe(), name="stream-probe")
        finally:
            for stream in list(self._streams.values()):
                self.drop(stream, "stopped")

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
    ) -> OpenedStream:
        if self._services is not None and service not in self._services:
            raise ValueError(f"this process opens no streams to {service}: see contracts.registry.OPENS")
        now = self.now()
        machine = StreamMachine(
            now,
            lambda excluded: self.presence.choose(service, self.now(), excluded),
            deadline_s=deadline_ms / 1000,
            result_deadline_s=(lambda: result_deadline_ms() / 1000) if result_deadline_ms else None,
            ends_input=ends_input,
            times=self._times,
        )
        stream = OpenedStream(self, service, first, call, generation, machine)
        self._streams[stream.id] = stream
        self._begun.set()
        telemetry.STREAMS_OPENED.add(1, {"service": service})
        self.act(stream, machine.place(now))
        return stream

    @property
    def active(self) -> int:
        """Streams that are open."""
        return len(self._streams)

    def replicas(self, service: Service) -> list[str]:
        return [beat.replica for beat in self.presence.beats(self.now(), service) if not beat.draining]

    def drop(self, stream: OpenedStream, outcome: str, *, failed: bool = False) -> None:
        """Let go of a stream, whichever way it went."""
        self._to_probe.discard(stream)
        if self._streams.pop(stream.id, None) is not None:
            telemetry.end(stream.span, outcome, failed=failed, openings=stream.epoch)

    def act(self, stream: OpenedStream, actions: list[Action]) -> None:
        """Do what the machine says, in order."""
        for action in actions:
            match action:
                case SendInput():
                    self._send_input(stream, action)
                case SendOpen():
                    self._send_open(stream, action)
                case SendCancel(replica, epoch):
                    cancel = wire_stream.Cancel(stream=stream.id, epoch=epoch)
                    self._put(subjects.cancel(stream.service, replica), encode(cancel), Lane.CONTROL)
                case AskPlacement():
                    if stream.epoch:
                        telemetry.STREAMS_REOPENED.add(1, {"service": stream.service})
                    self._to_place.append(stream)
                case AskProbe():
                    self._to_probe.add(stream)
                    self._probe_wanted.set()
                case Finish():
                    self.drop(stream, "ended")
                    stream.finish()
                case Fail(code, message):
                    telemetry.STREAMS_FAILED.add(1, {"service": stream.service, "code": code})
                    self.drop(stream, str(code), failed=True)
                    stream.push(StreamFailed(code, f"{stream.service}: {message}"))

    def _put(
        self,
        subject: str,
        data: bytes,
        lane: Lane = Lane.MEDIA,
        headers: dict[str, str] | None = None,
        bundle: str | None = None,
        may_wait_s: float = 0.0,
    ) -> None:
        try:
            self._bus.publish(subject, data, lane=lane, headers=headers, bundle=bundle, may_wait_s=may_wait_s)
        except BusUnavailable:
            telemetry.UNSENT_MESSAGES.add(1)  # lost on purpose: the clocks find out, and what matters is replayed

    def _send_open(self, stream: OpenedStream, action: SendOpen) -> None:
        message = wire_stream.Open(
            stream=stream.id,
            epoch=action.epoch,
            generation=stream.generation,
            call=stream.call,
            opener=self._id,
            first=msgspec.Raw(encode(stream.first())),
            bundles=True,
        )
        if action.epoch > 1:
            log.info("stream_reopens", to=stream.service, replica=action.replica, stream=stream.id, epoch=action.epoch)
        remaining_ms = max(0, int((stream.machine.deadline - self.now()) * 1000))
        headers = {**stream.headers, "hf-deadline-ms": str(remaining_ms)}
        self._put(subjects.open_(stream.service, action.replica), encode(message), Lane.MEDIA, headers)

    def _send_input(self, stream: OpenedStream, action: SendInput) -> None:
        kept = stream.inputs[action.start : action.end]
        form, body, capture_us = kept[0]
        if len(kept) > 1:
            body = b"".join(item[1] for item in kept)
        frame = pack_frame(
            body,
            format=form,
            epoch=action.epoch,
            sequence=action.sequence,
            flags=Flag.REPLAY if action.replay else Flag.NONE,
            capture_us=capture_us,
        )
        self._put(
            subjects.input_(stream.service, action.replica, stream.id, action.epoch),
            frame,
            bundle=subjects.input_bundle(stream.service, action.replica) if stream.replica_takes_bundles else None,
            may_wait_s=0.0 if form is Format.STRUCT or action.replay else AUDIO_WAITS_S,
        )

    def _on_beat(self, message: BusMessage) -> None:
        now = self.now()
        try:
            if message.subject.endswith(".gone"):
                left = _goodbyes.decode(message.data)
                self.presence.forget(left.service, left.replica)
                self._replica_gone(left.service, left.replica, now)
                return
            beat = _beats.decode(message.data)
        except UNREADABLE:
            telemetry.BAD_MESSAGES.add(1, {"kind": "beat"})
            return
        before = self.presence.boot(beat.service, beat.replica)
        self.presence.observe(beat, now)
        if before is not None and before != beat.boot:
            self._replica_gone(beat.service, beat.replica, now)

    def _replica_gone(self, service: str, replica: str, now: float) -> None:
        for stream in [s for s in self._streams.values() if s.service == service and s.replica == replica]:
            self.act(stream, stream.machine.replica_gone(now))

    def _on_output(self, message: BusMessage) -> None:
        try:
            stream_id, epoch = subjects.stream_and_epoch(message.subject)
            stream = self._streams.get(stream_id)
            if stream is None or epoch != stream.epoch:
                telemetry.STALE_MESSAGES.add(1)
                return
            frame = unpack_frame(message.data)
            if frame.format is Format.STRUCT:
                item = CONTRACTS[stream.service].results.decode(frame.body)
            else:
                item = Audio(frame.body, RATE_HZ[frame.format], frame.capture_us)
        except (ValueError, ContractError, *UNREADABLE) as error:
            telemetry.BAD_MESSAGES.add(1, {"kind": "output"})
            log.warning("bad_stream_output", error=type(error).__name__)
            return
        self._take(stream, frame.sequence, item)

    def _take(self, stream: OpenedStream, sequence: int, item: Any) -> None:
        machine, now = stream.machine, self.now()
        match item:
            case wire_stream.Accepted(bundles=bundles):
                stream.replica_takes_bundles = bundles
                if stream.epoch == 1:
                    telemetry.PLACED_MS.record((now - stream.opened_at) * 1000, {"service": stream.service})
                stream.span.add_event("accepted", {"replica": stream.replica or "", "epoch": stream.epoch})
                self.act(stream, machine.accepted(now))
                return
            case wire_stream.Busy() | wire_stream.Draining():
                if stream.replica:
                    self.presence.shun(stream.service, stream.replica, now + 0.5)
                self.act(stream, machine.refused(now))
                return
            case wire_stream.Superseded(generation=generation):
                self.act(
                    stream,
                    machine.failed(wire_stream.ErrorCode.SUPERSEDED, f"generation {generation} holds the call", now),
                )
                return
        is_control = isinstance(item, wire_stream.Alive | wire_stream.End | wire_stream.Failed)
        deliver, actions = machine.output(sequence, now, is_result=not is_control)
        self.act(stream, actions)
        if not deliver:
            return
        match item:
            case wire_stream.Alive(received_to=received_to, done_to=done_to):
                self.act(stream, machine.acknowledged(received_to, now, done_to))
            case wire_stream.End():
                self.act(stream, machine.ended())
            case wire_stream.Failed(code=code, message=text):
                self.act(stream, machine.failed(code, text, now))
            case _:
                stream.push_result(item)

    async def _tick(self) -> None:
        while True:
            late, now = await self._pause()
            if self._tell_late is not None:
                self._tell_late(late)
            if late > LATE_LOOP_S:
                # First read what has arrived meanwhile, then start the clocks from zero.
                log.warning("loop_was_late", late_ms=round(late * 1000))
                self.presence.extend(late)
                for stream in self._streams.values():
                    stream.machine.restart_clocks(now)
                continue
            for stream in [s for s in self._streams.values() if now >= s.machine.due]:
                self.act(stream, stream.machine.tick(now))
            self._place_some(now)

    async def _pause(self) -> tuple[float, float]:
        """Wait for the next tick: (how late it is, now). Without streams a longer one, which the first stream ends."""
        began = self.now()
        if self._streams:
            wait_s = until_next(TICK_S, began)
            await asyncio.sleep(wait_s)
            now = self.now()
            return now - began - wait_s, now
        self._begun.clear()
        wait_s = until_next(IDLE_TICK_S, began)
        try:
            async with asyncio.timeout(wait_s):
                await self._begun.wait()
        except TimeoutError:
            now = self.now()
            return now - began - wait_s, now
        return 0.0, self.now()

    def _place_some(self, now: float) -> None:
        """The oldest that still want a place, a ration at a time."""
        placed = 0
        while self._to_place and placed < REOPENS_PER_TICK:
            oldest = self._to_place.popleft()
            if not oldest.machine.over:
                placed += 1
                self.act(oldest, oldest.machine.place(now))

    async def _probe(self) -> None:
        """One probe at a time for the whole process; while the bus is down, every 200 ms."""
        while True:
            await self._probe_wanted.wait()
            self._probe_wanted.clear()
            asked, self._to_probe = self._to_probe, set()
            ok = await self._bus.probe(PROBE_TIMEOUT_S)
            now = self.now()
            for stream in asked if ok else list(self._streams.values()):
                self.act(stream, stream.machine.probed(ok, now))
            if not ok:
                log.warning("bus_does_not_answer", streams=len(self._streams))
                await self._wait_for_bus()

    async def _wait_for_bus(self) -> None:
        gone_since = self.now()
        while not await self._bus.probe(PROBE_TIMEOUT_S):
            await asyncio.sleep(self._times.ask_again)
        now = self.now()
        self.presence.extend(now - gone_since)
        for stream in list(self._streams.values()):
            self.act(stream, stream.machine.probed(True, now))
