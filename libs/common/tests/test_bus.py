"""The bus contract: what holds on NATS and on its in-memory twin alike."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import nats
import pytest
from holdfast_common import subjects
from holdfast_common.bus import Bus, BusMessage, Lane
from holdfast_common.contracts.wire import decoder, encode
from holdfast_common.errors import BusUnavailable
from holdfast_common.memory_bus import MemoryBus, MemoryHub
from holdfast_common.nats_bus import connect_nats
from holdfast_common.nats_client import PING_EVERY_S


@pytest.fixture(params=["memory", pytest.param("nats", marks=pytest.mark.live)])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Bus, Bus]]:
    """Two connections to the same bus."""
    if request.param == "memory":
        hub = MemoryHub()
        yield MemoryBus(hub), MemoryBus(hub)
    else:
        server = request.getfixturevalue("nats_server")
        one, two = await connect_nats(server.url, name="one"), await connect_nats(server.url, name="two")
        yield one, two
        await one.close()
        await two.close()


class Inbox:
    """Collects messages and lets a test wait for a number of them."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[BusMessage] = asyncio.Queue()

    def __call__(self, message: BusMessage) -> None:
        self.queue.put_nowait(message)

    async def take(self, n: int) -> list[BusMessage]:
        async with asyncio.timeout(5):
            return [await self.queue.get() for _ in range(n)]


async def test_messages_arrive_whole_and_in_order(pair: tuple[Bus, Bus]) -> None:
    """Order holds from one publisher to one subscriber."""
    one, two = pair
    inbox = Inbox()
    await two.subscribe("t.order.*", inbox)
    assert await two.probe(1.0)

    for i in range(200):
        one.publish(f"t.order.{i % 3}", bytes([i]))

    assert [m.data[0] for m in await inbox.take(200)] == list(range(200))


async def test_headers_travel(pair: tuple[Bus, Bus]) -> None:
    """Deadlines and trace context go beside the data."""
    one, two = pair
    inbox = Inbox()
    await two.subscribe("t.headers", inbox)
    assert await two.probe(1.0)

    one.publish("t.headers", b"x", headers={"hf-deadline-ms": "250"})

    [message] = await inbox.take(1)
    assert message.headers["hf-deadline-ms"] == "250"


@pytest.mark.parametrize(
    ("pattern", "subject", "hit"),
    [("t.a.*", "t.a.b", True), ("t.a.*", "t.a.b.c", False), ("t.>", "t.a.b.c", True), ("t.a", "t.b", False)],
)
async def test_wildcards(pair: tuple[Bus, Bus], pattern: str, subject: str, hit: bool) -> None:
    """`*` is one token, `>` the rest."""
    one, two = pair
    inbox = Inbox()
    await two.subscribe(pattern, inbox)
    await two.subscribe("fence", inbox)
    assert await two.probe(1.0)

    one.publish(subject, b"x")
    one.publish("fence", b"end")

    assert [m.data for m in await inbox.take(2 if hit else 1)] == ([b"x", b"end"] if hit else [b"end"])


async def test_unsubscribed_hears_nothing(pair: tuple[Bus, Bus]) -> None:
    """After unsubscribing, messages go by."""
    one, two = pair
    inbox = Inbox()
    subscription = await two.subscribe("t.gone", inbox)
    await two.subscribe("fence", inbox)
    await subscription.unsubscribe()
    assert await two.probe(1.0)

    one.publish("t.gone", b"x")
    one.publish("fence", b"end")

    assert [m.data for m in await inbox.take(1)] == [b"end"]


async def test_lanes_are_independent(pair: tuple[Bus, Bus]) -> None:
    """What is said on the control lane is heard there."""
    one, two = pair
    inbox = Inbox()
    await two.subscribe("t.lane", inbox, lane=Lane.CONTROL)
    await asyncio.sleep(0.05 if not isinstance(two, MemoryBus) else 0)  # the probe goes over the media lane

    one.publish("t.lane", b"x", lane=Lane.CONTROL)

    assert (await inbox.take(1))[0].data == b"x"


async def test_a_callback_that_raises_does_not_stop_the_next(pair: tuple[Bus, Bus]) -> None:
    """One message's bug is logged; the connection and its other messages are not touched."""
    one, two = pair
    inbox = Inbox()

    def picky(message: BusMessage) -> None:
        if message.data == b"bad":
            raise ValueError("a bug")
        inbox(message)

    await two.subscribe("t.bug", picky)
    for data in (b"bad", b"good"):
        one.publish("t.bug", data)

    assert (await inbox.take(1))[0].data == b"good"


BUNDLE = subjects.output_bundle("o")


async def test_what_travels_in_a_bundle_arrives_as_itself(pair: tuple[Bus, Bus]) -> None:
    """In order, under its own subject, however much it is; what waits for company goes with what does not."""
    one, two = pair
    inbox = Inbox()
    await two.subscribe(subjects.outputs("o"), inbox)
    sent = [(subjects.output("o", f"s{i % 3}", 1), bytes([i]) * 1_000) for i in range(200)]

    for i, (subject, data) in enumerate(sent):
        one.publish(subject, data, bundle=BUNDLE, may_wait_s=60.0 if i < 199 else 0.0)

    assert [(m.subject, m.data) for m in await inbox.take(200)] == sent


async def test_nothing_waits_for_company_for_ever(pair: tuple[Bus, Bus]) -> None:
    one, two = pair
    inbox = Inbox()
    await two.subscribe(subjects.outputs("o"), inbox)

    one.publish(subjects.output("o", "s", 1), b"alone", bundle=BUNDLE, may_wait_s=0.02)

    assert (await inbox.take(1))[0].data == b"alone"


async def test_a_bug_with_one_message_of_a_bundle_does_not_lose_the_others(pair: tuple[Bus, Bus]) -> None:
    one, two = pair
    inbox = Inbox()

    def picky(message: BusMessage) -> None:
        if message.data == b"bad":
            raise ValueError("a bug")
        inbox(message)

    await two.subscribe(subjects.outputs("o"), picky)
    for data in (b"bad", b"good"):
        one.publish(subjects.output("o", "s", 1), data, bundle=BUNDLE)

    assert (await inbox.take(1))[0].data == b"good"


async def test_a_bundle_has_no_more_parts_than_are_read(pair: tuple[Bus, Bus]) -> None:
    one, two = pair
    inbox = Inbox()
    await two.subscribe(subjects.outputs("o"), inbox)

    for _ in range(4_000):
        one.publish(subjects.output("o", "s", 1), b"", bundle=BUNDLE)

    assert len(await inbox.take(4_000)) == 4_000


@pytest.mark.live
async def test_a_bundle_of_more_parts_than_are_sent_is_dropped(nats_server) -> None:
    """60,000 empty ones fit into one message: they would hold the reader's loop for seconds."""
    bus = await connect_nats(nats_server.url, name="reader")
    plain = await nats.connect(nats_server.url)
    inbox = Inbox()
    await bus.subscribe(subjects.outputs("o"), inbox)

    await plain.publish(BUNDLE, encode([("s.1", b"")] * 4_000))
    await plain.publish(subjects.output("o", "s", 1), b"good")

    assert (await inbox.take(1))[0].data == b"good"
    await plain.close()
    await bus.close()


@pytest.mark.live
async def test_a_bundle_is_one_message_and_rubbish_in_its_place_is_dropped(nats_server) -> None:
    """Seen by a reader that knows nothing of bundles."""
    bus = await connect_nats(nats_server.url, name="bundler")
    plain = await nats.connect(nats_server.url)
    heard = await plain.subscribe("hf.out.>")
    await plain.flush()
    inbox = Inbox()
    await bus.subscribe(subjects.outputs("o"), inbox)

    await plain.publish(BUNDLE, b"rubbish")
    assert (await heard.next_msg(timeout=5)).data == b"rubbish"  # its flush alone does not say that it is there
    for data in (b"1", b"2"):
        bus.publish(subjects.output("o", "s", 1), data, bundle=BUNDLE)
    bus.publish(subjects.output("p", "s", 1), b"3", bundle=subjects.output_bundle("p"))

    assert [m.data for m in await inbox.take(2)] == [b"1", b"2"]
    got = [await heard.next_msg(timeout=5) for _ in range(2)]
    assert [m.subject for m in got] == [BUNDLE, subjects.output("p", "s", 1)]
    assert decoder(list[tuple[str, bytes]]).decode(got[0].data) == [("s.1", b"1"), ("s.1", b"2")]
    await plain.close()
    await bus.close()


async def test_what_is_published_right_before_the_end_arrives(pair: tuple[Bus, Bus]) -> None:
    one, two = pair
    inbox = Inbox()
    await two.subscribe("t.last", inbox)

    one.publish("t.last", b"goodbye")
    await one.close()

    assert (await inbox.take(1))[0].data == b"goodbye"


@pytest.mark.live
def test_a_server_killed_while_messages_go_out_raises_nothing_in_the_loop(own_nats_server) -> None:
    """On uvloop, as the services run: what is written to a connection that has just died is lost, and no more."""
    uvloop = pytest.importorskip("uvloop", reason="there is no uvloop on this platform")
    bugs: list[object] = []

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: bugs.append(context))
        bus = await connect_nats(own_nats_server.url, name="killed")
        kill = asyncio.create_task(asyncio.to_thread(own_nats_server.stop, kill=True))
        async with asyncio.timeout(5):
            while bus.connected or not kill.done():
                with contextlib.suppress(BusUnavailable):
                    bus.publish("t.killed", b"x" * 1_000)
                await asyncio.sleep(0.0002)
        await bus.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(story())

    assert not bugs


@pytest.mark.live
async def test_connections_ping_at_the_same_moments(nats_server) -> None:
    """The library's own pings: each is sent no earlier than the last one's grid line, and sets the next."""
    bus = await connect_nats(nats_server.url, name="pinging")
    clock, sends, pings = asyncio.get_running_loop().time, bus.control._send_ping, asyncio.Queue()

    async def noted(future: asyncio.Future[Any] | None = None) -> None:
        before = clock()
        await sends(future)
        pings.put_nowait((before, clock(), before + bus.control.options["ping_interval"]))

    bus.control._send_ping = noted
    async with asyncio.timeout(10):
        first, second = await pings.get(), await pings.get()
    for before, after, due in (first, second):
        assert -due % PING_EVERY_S <= after - before
    assert second[1] >= first[2] - 0.01
    await bus.close()


@pytest.mark.live
async def test_a_lost_server_is_told_and_comes_back(own_nats_server) -> None:
    """While NATS is away publishing raises and probing fails; afterwards both work by themselves."""
    bus = await connect_nats(own_nats_server.url, name="lost")
    inbox = Inbox()
    await bus.subscribe("t.back", inbox)
    own_nats_server.stop(kill=True)
    async with asyncio.timeout(5):
        while await bus.probe(0.2):
            await asyncio.sleep(0.02)

    with pytest.raises(BusUnavailable):
        bus.publish("t.back", b"lost")
    own_nats_server.start()
    async with asyncio.timeout(10):
        while not await bus.probe(0.2):
            await asyncio.sleep(0.02)
    bus.publish("t.back", b"found")

    assert (await inbox.take(1))[0].data == b"found"
    await bus.close()


@pytest.mark.live
@pytest.mark.parametrize(
    ("subject", "data"),
    [
        (b"hf.out.o.\xff.1", b"x"),
        (BUNDLE.encode(), b"\x91\x92\xa1\xff\xc4\x00"),  # of one part, whose name is no text
    ],
)
async def test_a_name_that_is_no_text_does_not_end_the_connection(nats_server, subject: bytes, data: bytes) -> None:
    """All streams of the process are on it, and anybody on the bus can send one."""
    bus = await connect_nats(nats_server.url, name="reader")
    inbox = Inbox()
    await bus.subscribe(subjects.outputs("o"), inbox)
    _, writer = await asyncio.open_connection("127.0.0.1", nats_server.port)
    writer.write(b'CONNECT {"verbose":false}\r\nPUB %s %d\r\n%s\r\n' % (subject, len(data), data))
    writer.write(b"PUB hf.out.o.s.1 4\r\ngood\r\n")

    async with asyncio.timeout(5):
        while (await inbox.queue.get()).data != b"good":
            pass
    writer.close()
    await writer.wait_closed()
    await bus.close()
