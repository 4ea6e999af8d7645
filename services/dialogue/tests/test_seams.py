"""The service's joints: tools over streams, the scripted policy, the wiring."""

from __future__ import annotations

import asyncio

import pytest
from holdfast_common.contracts.dialogue import Turn, TurnKind
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.tools import (  # fmt: skip
    Booking,
    BookingState,
    CalendarBook,
    CalendarStatus,
    KnowledgeHits,
    KnowledgeSearch,
    Sureness,
)
from holdfast_common.errors import StreamFailed
from holdfast_common.memory_log import MemoryLog
from holdfast_common.testing import FakeOpener, FakeSession
from holdfast_dialogue.adapters.fake import FakeTools
from holdfast_dialogue.adapters.tools import StreamTools
from holdfast_dialogue.domain.scripted import scripted
from holdfast_dialogue.handlers import Dialogue, Limits

BOOK = CalendarBook(key="k1", start="2026-12-01T19:30:00Z", duration_min=30, attendee_email="d@x.example")


def stream_tools(handler) -> tuple[StreamTools, FakeOpener]:
    opener = FakeOpener({Service.TOOLS: handler})
    return StreamTools(opener, result_deadline_ms=1_000), opener


async def test_a_tool_call_is_one_stream_with_one_result():
    async def serve(session) -> None:
        await session.send(KnowledgeHits(sureness=Sureness.UNSURE))

    tools, opener = stream_tools(serve)
    result = await tools.begin(KnowledgeSearch(text="a"), call="c", generation=1, deadline_s=5)

    assert result == KnowledgeHits(sureness=Sureness.UNSURE)
    assert [stream.cancelled for stream in opener.opened] == [True]


async def test_a_tool_that_says_nothing_fails_by_its_deadline():
    async def serve(session) -> None:
        await asyncio.Event().wait()

    tools, _ = stream_tools(serve)
    with pytest.raises(StreamFailed) as failure:
        await tools.begin(KnowledgeSearch(text="a"), call="c", generation=1, deadline_s=0.05)

    assert failure.value.code == "deadline"


async def test_a_change_of_the_world_outlives_whoever_waits_for_it():
    go, done = asyncio.Event(), asyncio.Event()

    async def serve(session) -> None:
        await go.wait()
        await session.send(Booking(key="k1", state=BookingState.BOOKED))
        done.set()

    tools, _ = stream_tools(serve)
    waiting = asyncio.ensure_future(asyncio.shield(tools.begin(BOOK, call="c", generation=1, deadline_s=5)))
    await asyncio.sleep(0)
    waiting.cancel()
    go.set()
    await tools.drain()

    assert done.is_set()


async def test_the_scripted_policy_says_its_one_sentence_and_greets_nobody(profile):
    dialogue = Dialogue(profile=profile, policy=scripted, tools=FakeTools(), call_log=MemoryLog(), limits=Limits())
    replies = []
    for n, kind in enumerate((TurnKind.OPENED, TurnKind.SPOKEN, TurnKind.TYPED, TurnKind.SILENCE, TurnKind.ENDED)):
        session = FakeSession(Turn(n=n, kind=kind, now="2026-11-23T15:00:00Z", text="hello", log_sequence=n))
        await dialogue(session)
        replies.append([s.text for s in session.results[:-1]])

    assert [len(reply) for reply in replies] == [0, 1, 1, 0, 0]
    assert replies[1] == replies[2]
    assert len(replies[1][0].split()) == 12


async def test_the_fake_books_a_key_once():
    tools = FakeTools(free=[BOOK.start])
    outcomes = [await tools.begin(BOOK, call="c", generation=1, deadline_s=1) for _ in range(2)]
    status = await tools.begin(CalendarStatus(key="k1"), call="c", generation=1, deadline_s=1)

    assert outcomes[0] == outcomes[1] == status
    assert len(tools.booked) == 1
