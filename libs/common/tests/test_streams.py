"""Opener and host together, over both buses: results, fail-over, refusal, cancelling."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from holdfast_common import subjects
from holdfast_common.bus import Bus, BusMessage, Lane
from holdfast_common.contracts.asr import EndOfUtterance, Final, Listen, Partial
from holdfast_common.contracts.beat import Beat
from holdfast_common.contracts.dialogue import Turn, TurnKind
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.stream import Cancel, Open
from holdfast_common.contracts.wire import Audio, encode
from holdfast_common.errors import StreamFailed
from holdfast_common.memory_bus import MemoryBus, MemoryHub
from holdfast_common.nats_bus import connect_nats
from holdfast_common.placement import Presence
from holdfast_common.stream.api import Handler, Session
from holdfast_common.stream.host import StreamHost
from holdfast_common.stream.opener import StreamOpener
from msgspec import Raw

Connect = Callable[[], Awaitable[Bus]]


@pytest.fixture(params=["memory", pytest.param("nats", marks=pytest.mark.live)])
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    opened: list[Bus] = []
    hub = MemoryHub()

    async def one() -> Bus:
        if request.param == "memory":
            bus: Bus = MemoryBus(hub)
        else:
            bus = await connect_nats(request.getfixturevalue("nats_server").url, name="t")
        opened.append(bus)
        return bus

    yield one
    for bus in opened:
        await bus.close()


class Replica:
    """One serving process, so to speak; `kill` ends it without a word."""

    def __init__(self, name: str, host: StreamHost, tasks: list[asyncio.Task[Any]], bus: Bus) -> None:
        self.name, self.host, self._tasks, self._bus = name, host, tasks, bus

    async def kill(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._bus.close()


async def start(connect: Connect, service: Service, name: str, handler: Handler, *, capacity: int = 10) -> Replica:
    bus = await connect()
    name = f"{name}-{uuid.uuid4().hex[:4]}"
    host = StreamHost(bus, service, name, handler, capacity=lambda: capacity)

    async def beat() -> None:
        while True:
            message = Beat(service=service, replica=name, version="1", boot=name, capacity_free=host.free)
            bus.publish(subjects.beat(service, name), encode(message), lane=Lane.CONTROL)
            await asyncio.sleep(0.1)

    tasks = [asyncio.create_task(host.run()), asyncio.create_task(beat())]
    return Replica(name, host, tasks, bus)


@asynccontextmanager
async def opener_on(connect: Connect) -> AsyncIterator[StreamOpener]:
    opener = StreamOpener(await connect(), f"gw-{uuid.uuid4().hex[:6]}")
    task = asyncio.create_task(opener.run())
    yield opener
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def seen(opener: StreamOpener, service: Service, n: int) -> None:
    async with asyncio.timeout(5):
        while len(opener.replicas(service)) < n:
            await asyncio.sleep(0.01)


async def count_samples(session: Session) -> None:
    """A recogniser whose words are the number of samples it was given."""
    total = len(session.first.audio) // 2
    async for item in session:
        match item:
            case Audio():
                assert item.position == total - len(session.first.audio) // 2
                total += item.samples
                session.progress(total)
                await session.send(Partial(text=str(total)))
            case EndOfUtterance():
                await session.send(Final(text=str(total), confidence=1.0))
                return
            case _:
                pass


async def final_of(stream: Any) -> Final:
    async with asyncio.timeout(10):
        async for result in stream:
            if isinstance(result, Final):
                return result
    raise AssertionError("no final")


async def test_an_utterance_is_heard(connect: Connect) -> None:
    """Open, audio in order, end: one final, and the stream is over."""
    replica = await start(connect, Service.ASR, "asr", count_samples)
    async with opener_on(connect) as opener:
        await seen(opener, Service.ASR, 1)
        stream = opener.open(Service.ASR, lambda: Listen(rate_hz=8000, audio=b"\0\0" * 100), call="c1")
        for _ in range(20):
            stream.send_audio(b"\0\0" * 160, rate_hz=8000)
        stream.send(EndOfUtterance(position=3300), ends_input=True)

        assert (await final_of(stream)).text == "3300"
        assert stream.epoch == 1
    await replica.kill()


async def test_a_killed_replica_is_survived(connect: Connect) -> None:
    """The utterance goes on elsewhere from its start: nothing lost, nothing twice."""
    replicas = {r.name: r for r in [await start(connect, Service.ASR, f"asr{i}", count_samples) for i in range(2)]}
    async with opener_on(connect) as opener:
        await seen(opener, Service.ASR, 2)
        stream = opener.open(Service.ASR, lambda: Listen(rate_hz=8000), call="c1")
        for _ in range(60):
            stream.send_audio(b"\0\0" * 160, rate_hz=8000)
        async for result in stream:
            assert isinstance(result, Partial)
            break

        victim = replicas.pop(stream.replica or "")
        await victim.kill()
        for _ in range(60):
            stream.send_audio(b"\0\0" * 160, rate_hz=8000)
        stream.send(EndOfUtterance(position=19200), ends_input=True)

        assert (await final_of(stream)).text == "19200"
        assert stream.epoch > 1
        assert stream.replica != victim.name
    for replica in replicas.values():
        await replica.kill()


async def test_nobody_there_is_waited_for(connect: Connect) -> None:
    """With no replica the stream keeps its inputs and asks again."""
    async with opener_on(connect) as opener:
        stream = opener.open(Service.ASR, lambda: Listen(rate_hz=8000), call="c1")
        stream.send_audio(b"\0\0" * 160, rate_hz=8000)
        stream.send(EndOfUtterance(position=160), ends_input=True)
        late = await start(connect, Service.ASR, "late", count_samples)

        assert (await final_of(stream)).text == "160"
    await late.kill()


async def test_a_full_replica_says_busy_and_another_takes_it(connect: Connect) -> None:
    """Capacity is exact on the serving side."""
    held = asyncio.Event()

    async def hold(_: Session) -> None:
        await held.wait()

    replicas = [await start(connect, Service.TTS, f"tts{i}", hold, capacity=1) for i in range(2)]
    async with opener_on(connect) as opener:
        await seen(opener, Service.TTS, 2)
        from holdfast_common.contracts.tts import Speak

        streams = [opener.open(Service.TTS, lambda: Speak(text="x", rate_hz=8000), call="c") for _ in range(2)]
        async with asyncio.timeout(5):
            while sum(r.host.active for r in replicas) < 2:
                await asyncio.sleep(0.01)

        assert [r.host.active for r in replicas] == [1, 1]
        for stream in streams:
            stream.cancel()
        async with asyncio.timeout(5):
            while sum(r.host.active for r in replicas) > 0:
                await asyncio.sleep(0.01)
    for replica in replicas:
        await replica.kill()


async def test_an_older_generation_is_superseded(connect: Connect) -> None:
    """Once a later gateway holds the call, the earlier one is told to forget it."""

    async def nothing(_: Session) -> None:
        return

    replica = await start(connect, Service.DIALOGUE, "dlg", nothing)
    turn = Turn(n=0, kind=TurnKind.OPENED, now="2026-11-24T19:30:00Z")
    async with opener_on(connect) as opener:
        await seen(opener, Service.DIALOGUE, 1)
        async for _ in opener.open(Service.DIALOGUE, lambda: turn, call="c1", generation=2):
            pass
        with pytest.raises(StreamFailed) as failure:
            async for _ in opener.open(Service.DIALOGUE, lambda: turn, call="c1", generation=1):
                pass

    assert failure.value.code == "superseded"
    await replica.kill()


async def test_a_handlers_bug_is_told_and_tried_elsewhere(connect: Connect, caplog: Any) -> None:
    """An exception in a handler ends that stream alone; four of them are the stream's own fault."""

    async def broken(_: Session) -> None:
        raise RuntimeError("bug")

    replica = await start(connect, Service.ASR, "asr", broken)
    async with opener_on(connect) as opener:
        await seen(opener, Service.ASR, 1)
        with pytest.raises(StreamFailed) as failure:
            await final_of(opener.open(Service.ASR, lambda: Listen(rate_hz=8000), call="c1"))

    assert failure.value.code == "internal"
    await replica.kill()


async def test_a_bad_first_input_is_refused_with_a_reason(connect: Connect) -> None:
    """What does not fit the contract is refused once, not tried everywhere."""
    replica = await start(connect, Service.ASR, "asr", count_samples)
    async with opener_on(connect) as opener:
        await seen(opener, Service.ASR, 1)
        with pytest.raises(StreamFailed) as failure:
            await final_of(opener.open(Service.ASR, lambda: Listen(rate_hz=1), call="c1"))

    assert failure.value.code == "bad_input"
    assert "8000" in failure.value.message
    await replica.kill()


async def test_a_cancel_that_overtakes_its_open_is_honoured() -> None:
    """They come on two connections: the handler never begins, and the place is free again."""
    begun: list[str] = []

    async def begin(session: Session) -> None:
        begun.append(session.stream)

    bus = MemoryBus()
    async with hosted(bus, begin) as host:
        bus.publish(subjects.cancel(Service.ASR, "asr"), encode(Cancel(stream="s1", epoch=2)))
        for epoch in (1, 2):
            bus.publish(subjects.open_(Service.ASR, "asr"), encode(asr_open("s1", epoch)))
        bus.publish(subjects.open_(Service.ASR, "asr"), encode(asr_open("s2", 1)))
        await until(lambda: begun and not host.active)

    assert begun == ["s2"]


async def test_a_stream_cancelled_before_its_handler_begins_leaves_no_trace() -> None:
    """Open and cancel in one breath: its place is free again, and a drain does not wait for it."""

    async def never(_: Session) -> None:
        await asyncio.Event().wait()

    bus = MemoryBus()
    async with hosted(bus, never) as host:
        await host._on_open(BusMessage("open", encode(asr_open("s1", 1)), {}))
        assert host.active == 1
        host._on_cancel(BusMessage("cancel", encode(Cancel(stream="s1", epoch=1)), {}))
        async with asyncio.timeout(5):
            await host.drained()

    assert host.active == 0


async def test_a_code_that_is_none_of_ours_ends_that_stream_alone() -> None:
    """A handler may pass on the failure of a stream of its own; the process lives."""

    async def passes_on(_: Session) -> None:
        raise StreamFailed("overflow", "too many results")

    bus, said = MemoryBus(), list[bytes]()
    async with hosted(bus, passes_on) as host:
        await bus.subscribe(subjects.outputs("gw"), lambda message: said.append(message.data))
        bus.publish(subjects.open_(Service.ASR, "asr"), encode(asr_open("s1", 1)))
        await until(lambda: len(said) == 2 and not host.active)

    assert b"internal" in said[1]


@pytest.mark.parametrize("first", [b"\xa1\xff", b"\x91" * 100_000 + b"\xc0"])
async def test_an_open_that_nobody_can_read_does_not_end_the_replica(first: bytes) -> None:
    """Text that is none, and nesting without end: neither is msgspec's own error."""
    begun: list[str] = []

    async def begin(session: Session) -> None:
        begun.append(session.stream)

    bus = MemoryBus()
    async with hosted(bus, begin):
        unreadable = msgspec.structs.replace(asr_open("s1", 1), first=msgspec.Raw(first))
        for open_ in (unreadable, asr_open("s2", 1)):
            bus.publish(subjects.open_(Service.ASR, "asr"), encode(open_))
        await until(lambda: begun)

    assert begun == ["s2"]


async def test_only_who_takes_bundles_is_sent_any() -> None:
    """In a roll-out, earlier versions are on the other side: their messages travel one by one."""
    bundles: list[str | None] = []

    class Noting(MemoryBus):
        def publish(self, subject: str, data: bytes, **how: Any) -> None:
            bundles.append(how.get("bundle"))
            super().publish(subject, data, **how)

    async def ends(_: Session) -> None:
        return

    bus = Noting()
    async with hosted(bus, ends) as host:
        for open_ in (asr_open("s1", 1), msgspec.structs.replace(asr_open("s2", 1), bundles=True)):
            MemoryBus.publish(bus, subjects.open_(Service.ASR, "asr"), encode(open_))
        await until(lambda: len(bundles) == 4 and not host.active)

    assert bundles == [None, subjects.output_bundle("gw"), None, subjects.output_bundle("gw")]


def test_replicas_that_are_long_gone_are_forgotten() -> None:
    """Each start may bring a new name."""
    presence = Presence()
    for i in range(1_000):
        presence.observe(Beat(service="asr", replica=f"asr-{i}", version="1", boot="b", capacity_free=1), float(i))

    assert len(presence._seen) <= 61


def asr_open(stream: str, epoch: int) -> Open:
    first = Raw(encode(Listen(rate_hz=8000)))
    return Open(stream=stream, epoch=epoch, generation=1, call="c1", opener="gw", first=first)


@asynccontextmanager
async def hosted(bus: Bus, handler: Handler) -> AsyncIterator[StreamHost]:
    host = StreamHost(bus, Service.ASR, "asr", handler, capacity=lambda: 10)
    task = asyncio.create_task(host.run())
    await asyncio.sleep(0)
    yield host
    assert not task.done(), "the host ended"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)
