"""The call log's contract, on JetStream and in memory alike."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from holdfast_common.call_log import CallLog, LogEntry
from holdfast_common.errors import WrongLastSequence
from holdfast_common.jetstream_log import JetStreamLog
from holdfast_common.memory_log import MemoryLog
from holdfast_common.nats_bus import connect_nats


@pytest.fixture(params=["memory", pytest.param("jetstream", marks=pytest.mark.live)])
async def calls(request: pytest.FixtureRequest) -> AsyncIterator[CallLog]:
    if request.param == "memory":
        yield MemoryLog()
    else:
        bus = await connect_nats(request.getfixturevalue("nats_server").url, name="log")
        log = JetStreamLog(bus.control)
        await log.prepare()
        yield log
        await bus.close()


@pytest.fixture
def call() -> str:
    return uuid.uuid4().hex


async def test_entries_are_read_back(calls: CallLog, call: str) -> None:
    """The last turn is what was appended last."""
    assert await calls.last_turn(call) is None

    first = await calls.append_turn(call, b"one", expected_last=0)
    second = await calls.append_turn(call, b"two", expected_last=first)

    last = await calls.last_turn(call)
    assert last is not None
    assert (last.sequence, last.data) == (second, b"two")


async def test_a_second_writer_is_refused(calls: CallLog, call: str) -> None:
    """Whoever believes an older entry to be last must not append."""
    first = await calls.append_turn(call, b"one", expected_last=0)
    await calls.append_turn(call, b"two", expected_last=first)

    with pytest.raises(WrongLastSequence):
        await calls.append_turn(call, b"too late", expected_last=first)
    with pytest.raises(WrongLastSequence):
        await calls.append_turn(call, b"knows nothing", expected_last=0)


async def test_media_facts_do_not_disturb_the_turns(calls: CallLog, call: str) -> None:
    """They are appended beside the turns, without a fence."""
    first = await calls.append_turn(call, b"one", expected_last=0)
    await calls.append_media(call, b"attached")

    await calls.append_turn(call, b"two", expected_last=first)


async def test_a_follower_reads_all_and_goes_on_where_it_stopped(calls: CallLog, call: str) -> None:
    """An entry counts as read when the next one is asked for; nothing is lost between two readers."""
    durable = f"reader-{call}"
    sequence = 0
    for i in range(3):
        sequence = await calls.append_turn(call, bytes([i]), expected_last=sequence)

    async def read(n: int) -> list[LogEntry]:
        found: list[LogEntry] = []
        reader = calls.follow(durable)
        async with asyncio.timeout(20):
            async for entry in reader:
                if call in entry.subject:
                    found.append(entry)
                if len(found) == n:
                    break
        await reader.aclose()  # type: ignore[attr-defined]
        return found

    assert [e.data[0] for e in await read(2)] == [0, 1]


async def test_entries_that_are_there_come_together_and_in_order(calls: CallLog, call: str) -> None:
    """A batch is what is there, at most as much as asked for; once the next is asked for, it does not come again."""
    durable = f"batches-{call}"
    sequence = 0
    for i in range(5):
        sequence = await calls.append_turn(call, bytes([i]), expected_last=sequence)

    mine: list[list[int]] = []
    reader = calls.follow_batches(durable, 3)
    async with asyncio.timeout(20):
        async for entries in reader:
            assert 0 < len(entries) <= 3
            mine.append([entry.data[0] for entry in entries if call in entry.subject])
            if sum(map(len, mine)) == 5:
                break
    await reader.aclose()  # type: ignore[attr-defined]

    assert [n for some in mine for n in some] == [0, 1, 2, 3, 4]
    assert max(map(len, mine)) > 1
