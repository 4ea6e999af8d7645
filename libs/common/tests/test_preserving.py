"""A call that is cut off: what the log has not taken yet is written at once, in order, fenced."""

from __future__ import annotations

from holdfast_common.contracts.dialogue import Channel, TurnEntry, TurnKind
from holdfast_common.contracts.wire import encode
from holdfast_common.errors import LogUnavailable
from holdfast_common.memory_log import MemoryLog
from holdfast_common.preserving import CutOff, preserve_conversation_state


def entry(n: int, generation: int = 1, said: str = "hello") -> bytes:
    return encode(
        TurnEntry(
            call="c1",
            n=n,
            generation=generation,
            kind=TurnKind.SPOKEN,
            at="2026-11-28T21:00:00Z",
            profile="trial",
            channel=Channel.PHONE,
            said=said,
        )
    )


class AwayLog(MemoryLog):
    async def append_turn(self, call: str, data: bytes, *, expected_last: int) -> int:
        raise LogUnavailable("call log: away")


async def stored(log: MemoryLog) -> list[bytes]:
    return [e.data for e in log.entries]


async def test_what_the_call_carries_is_in_the_log_in_order() -> None:
    log = MemoryLog()
    first = await log.append_turn("c1", entry(0), expected_last=0)
    kept = await preserve_conversation_state(CutOff("c1", first, [entry(1), entry(2)]), to=log)

    assert await stored(log) == [entry(0), entry(1), entry(2)]
    assert (kept.unlogged, kept.log_sequence) == ([], log.entries[-1].sequence)


async def test_an_entry_that_was_stored_after_all_is_not_stored_twice() -> None:
    log = MemoryLog()
    first = await log.append_turn("c1", entry(0), expected_last=0)
    await log.append_turn("c1", entry(1), expected_last=first)
    await preserve_conversation_state(CutOff("c1", first, [entry(1), entry(2)]), to=log)

    assert await stored(log) == [entry(0), entry(1), entry(2)]


async def test_where_another_gateway_has_gone_on_its_turn_counts() -> None:
    log = MemoryLog()
    await log.append_turn("c1", entry(3, generation=2), expected_last=0)
    kept = await preserve_conversation_state(CutOff("c1", 0, [entry(2)]), to=log)

    assert await stored(log) == [entry(3, generation=2)]
    assert kept.unlogged == []


async def test_a_log_that_is_away_takes_nothing_from_the_call() -> None:
    kept = await preserve_conversation_state(CutOff("c1", 7, [entry(1)]), to=AwayLog())

    assert kept == CutOff("c1", 7, [entry(1)])
