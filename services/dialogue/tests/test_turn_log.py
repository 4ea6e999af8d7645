"""A turn and the log: fenced by what stands in it, carried while it is away, bounded."""

from __future__ import annotations

import pytest
from holdfast_common.contracts.dialogue import TurnEntry, TurnKind
from holdfast_common.contracts.wire import decoder, encode
from holdfast_common.errors import StreamFailed
from holdfast_common.testing import FakeSession
from holdfast_dialogue.journal import bounded

NOW = "2026-11-23T15:00:00Z"


async def test_a_later_generation_fences_an_older_one(call):
    await call.dialogue(FakeSession(call.turn("hello"), call=call.call, generation=2))
    with pytest.raises(StreamFailed) as failure:
        await call.dialogue(FakeSession(call.turn("how long does the free trial last"), call=call.call, generation=1))

    assert failure.value.code == "superseded"


async def test_a_later_turn_in_the_log_fences_an_earlier_one(call):
    stale = call.turn("how long does the free trial last")
    await call.says("hello")
    await call.says("we are three people")
    with pytest.raises(StreamFailed) as failure:
        await call.dialogue(FakeSession(stale, call=call.call))

    assert failure.value.code == "superseded"


async def test_without_the_log_turns_go_on_and_their_entries_are_carried_and_caught_up(call):
    call.log.away = True
    await call.says("how long does the free trial last")
    await call.says("we are a team of twelve")
    assert len(call.unlogged) == 2
    call.log.away = False
    await call.says("no thank you")

    assert call.unlogged == []
    assert [entry.n for entry in call.entries] == [0, 1, 2]


async def test_without_the_log_nothing_is_booked(call):
    await call.says("i'm dana miller we are a team of twelve")
    await call.says("i'd like a meeting next tuesday at half past two new york time")
    await call.says("dana dot miller at northwind dot example")
    call.log.away = True
    await call.says("yes")
    assert not call.tools.ledger
    assert "can't confirm" in call.text
    assert call.state.pending is None


async def test_an_entry_that_was_stored_after_all_is_not_stored_twice(call):
    """The log took the entry and its answer was lost: the gateway carries it, the next turn finds it there."""
    await call.says("how long does the free trial last")
    entry = call.log.entries[-1]
    call.unlogged, call.sequence = [entry.data], 0
    await call.says("we are a team of twelve")

    assert [entry.n for entry in call.entries] == [0, 1]
    assert call.unlogged == []


async def test_what_is_carried_while_the_log_is_away_never_outgrows_a_message(call):
    """Sixty turns without a log: the newest entry is whole, the oldest go first, and the call goes on."""
    call.log.away = True
    for _ in range(60):
        await call.says("we are a team of twelve")
    assert len(call.unlogged) <= 40
    call.log.away = False
    await call.says("no thank you")

    assert call.unlogged == []
    assert call.entries[-1].n == 60 and call.entries[-1].snapshot


def test_entries_lose_their_snapshots_before_any_is_lost():
    """Size first: a snapshot of an older entry is worth less than its words."""
    entries = [
        encode(TurnEntry(call="c", n=n, generation=1, kind=TurnKind.SPOKEN, at=NOW, said="hi", snapshot=b"x" * 9_000))
        for n in range(10)
    ]
    kept = [decoder(TurnEntry).decode(data) for data in bounded(entries, size=40_000)]

    assert [entry.n for entry in kept] == list(range(10))
    assert kept[0].snapshot == b"" and kept[-1].snapshot
    assert sum(map(len, bounded(entries, size=40_000))) <= 40_000
    assert len(bounded(entries, most=3, size=10**6)) == 3
