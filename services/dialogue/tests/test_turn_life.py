"""The life of one turn: speculative, confirmed, interrupted, re-opened, fenced, logged or carried."""

from __future__ import annotations

import asyncio

import pytest
from holdfast_common.contracts.dialogue import Committed, Confirm, Heard, Interrupt, Sentence, TurnKind
from holdfast_common.contracts.tools import CalendarBook, CalendarStatus, KnowledgeSearch
from holdfast_common.contracts.wire import encode
from holdfast_common.errors import StreamFailed
from holdfast_common.testing import FakeSession
from msgspec.structs import replace

NOW = "2026-11-23T15:00:00Z"


async def up_to_the_read_back(call) -> None:
    await call.says("i'm dana miller we are a team of twelve")
    await call.says("i'd like a meeting next tuesday at half past two new york time")
    await call.says("dana dot miller at northwind dot example")


class Gate:
    """Holds tool calls of one kind until it is opened."""

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, request: object) -> None:
        if isinstance(request, self.kind):
            self.reached.set()
            await self.open.wait()


async def test_a_speculative_turn_speaks_but_appends_only_after_its_confirm(call):
    session = FakeSession(call.turn("how long does the free trial last", confirmed=False), call=call.call)
    running = asyncio.create_task(call.dialogue(session))
    await session.wait_for(lambda results: len(results) >= 2)
    assert all(isinstance(r, Sentence) for r in session.results)
    assert call.log.entries == []
    session.put(Confirm())
    await running

    assert isinstance(session.results[-1], Committed)
    assert len(call.log.entries) == 1


async def test_a_cancelled_speculative_turn_leaves_no_trace(call):
    session = FakeSession(call.turn("how long does the free trial last", confirmed=False), call=call.call)
    running = asyncio.create_task(call.dialogue(session))
    await session.wait_for(lambda results: len(results) >= 2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert call.log.entries == []


async def test_a_speculative_yes_books_only_after_its_confirm(call):
    await up_to_the_read_back(call)
    session = FakeSession(call.turn("yes", confirmed=False), call=call.call)
    running = asyncio.create_task(call.dialogue(session))
    # Nothing to wait for: the turn stands still. Give it every chance to go wrong.
    for _ in range(50):
        await asyncio.sleep(0)
    assert not call.tools.ledger
    session.put(Confirm())
    await running

    assert len(call.tools.booked) == 1


async def test_the_intent_is_in_the_log_before_the_world_is_changed(call):
    await up_to_the_read_back(call)
    seen = []

    async def look(request: object) -> None:
        if isinstance(request, CalendarBook):
            seen.append((call.entries[-1].intent, request.key))

    call.tools.before = look
    await call.says("yes")

    ((intent, key),) = seen
    assert intent == key
    assert call.entries[-1].intent == ""
    assert call.entries[-1].booking.startswith("booked 2026-12-01T19:30:00Z")


async def test_interrupted_while_searching_it_ends_at_once_and_says_nothing_more(call):
    call.tools.before = gate = Gate(KnowledgeSearch)
    session = FakeSession(call.turn("how long does the free trial last"), call=call.call)
    running = asyncio.create_task(call.dialogue(session))
    await gate.reached.wait()
    session.put(Interrupt(sentence=0, words=0))
    async with asyncio.timeout(2):
        await running

    assert [type(r) for r in session.results] == [Committed]


async def test_interrupted_while_booking_the_booking_goes_on_and_the_next_turn_tells_it(call):
    await up_to_the_read_back(call)
    call.tools.before = gate = Gate(CalendarBook)
    session = FakeSession(call.turn("yes"), call=call.call)
    running = asyncio.create_task(call.dialogue(session))
    await gate.reached.wait()
    session.put(Interrupt(sentence=0, words=0))
    async with asyncio.timeout(2):
        await running
    call.take(session)
    assert call.state.pending is not None
    assert not call.tools.booked
    gate.open.set()
    await call.says("hello are you there")

    assert isinstance(call.tools.asked[-1], CalendarStatus) or any(
        isinstance(a, CalendarStatus) for a in call.tools.asked
    )
    assert "booked" in call.reply[0].text
    assert len(call.tools.booked) == 1


async def test_a_turn_withdrawn_while_booking_is_settled_by_the_next_attempt(call):
    """The caller goes on after "yes": the attempt is cancelled, the booking is not, and it is told."""
    await up_to_the_read_back(call)
    call.tools.before = gate = Gate(CalendarBook)
    session = FakeSession(call.turn("yes"), call=call.call)
    running = asyncio.create_task(call.dialogue(session))
    await gate.reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    gate.open.set()
    await call.says("yes but make it three o'clock", attempt=1)

    assert len(call.tools.booked) == 1
    assert "booked" in call.text
    assert call.state.pending is None


async def test_a_dead_replicas_entry_is_adopted(call):
    """It appended and died before its Committed: the same turn, opened again, appends nothing."""
    turn = call.turn("how long does the free trial last")
    await call.dialogue(FakeSession(turn, call=call.call))
    again = FakeSession(turn, call=call.call, epoch=2)
    await call.dialogue(again)

    assert len(call.log.entries) == 1
    assert again.results[-1].log_sequence == 1


async def test_reopened_with_accepted_sentences_only_the_rest_is_sent(call):
    turn = call.turn("how long does the free trial last")
    whole = FakeSession(turn, call=call.call)
    await call.dialogue(whole)
    *sentences, committed = whole.results
    call.log.entries.clear()
    accepted = FakeSession(call.turn("how long does the free trial last", accepted=sentences[:1]), call=call.call)
    await call.dialogue(accepted)

    assert accepted.results[:-1] == sentences[1:]
    assert accepted.results[-1].snapshot == committed.snapshot


async def test_openings_that_were_accepted_are_not_asked_for_again(call):
    call.zone = "America/New_York"
    await call.says("we are nine people i'm ann lee")
    turn = call.turn("yes please tomorrow morning")
    whole = FakeSession(turn, call=call.call)
    await call.dialogue(whole)
    *sentences, _ = whole.results
    offered = next(i for i, s in enumerate(sentences) if s.notes.openings)
    call.log.entries.pop()
    call.tools.asked.clear()
    call.tools.free = ["2026-12-02T15:00:00Z"]
    again = FakeSession(call.turn("yes please tomorrow morning", accepted=sentences[: offered + 1]), call=call.call)
    await call.dialogue(again)
    call.take(again)

    assert call.tools.asked == []
    assert call.state.offers == [o.start for o in sentences[offered].notes.openings]


async def test_a_booking_replayed_by_another_replica_is_one_booking(call):
    """Dead between the booking and the entry: the intent is in the log, the key is the same."""
    await up_to_the_read_back(call)
    turn = call.turn("yes")
    await call.dialogue(FakeSession(turn, call=call.call))
    call.log.entries.pop()
    again = FakeSession(turn, call=call.call, epoch=2)
    await call.dialogue(again)

    assert len(call.tools.booked) == 1
    assert [e.intent != "" for e in call.entries[-2:]] == [True, False]


async def test_resumed_without_a_snapshot_reads_the_log_and_says_where_we_were(call):
    await up_to_the_read_back(call)
    turn = call.turn(kind=TurnKind.RESUMED, n=0, snapshot=b"", log_sequence=0)
    session = FakeSession(turn, call=call.call, generation=2)
    await call.dialogue(session)
    last_n = call.entries[-2].n
    call.take(session)

    assert call.committed.n == last_n + 1
    assert any(s.notes.proposal and s.protected for s in call.reply)
    await call.dialogue(FakeSession(call.turn("yes"), call=call.call, generation=2))
    assert len(call.tools.booked) == 1


async def test_resumed_after_a_booking_of_unknown_outcome_tells_it_first(call):
    await up_to_the_read_back(call)
    await call.dialogue(FakeSession(call.turn("yes"), call=call.call))
    call.log.entries.pop()  # the gateway and the dialogue died together, after the intent
    session = FakeSession(
        call.turn(kind=TurnKind.RESUMED, n=0, snapshot=b"", log_sequence=0), call=call.call, generation=2
    )
    await call.dialogue(session)

    assert "booked" in session.results[0].text
    assert len(call.tools.booked) == 1


async def test_ended_writes_an_entry_and_says_nothing(call):
    await call.says("we are a team of twelve")
    await call.play(call.turn(kind=TurnKind.ENDED))

    assert call.reply == []
    assert call.entries[-1].kind is TurnKind.ENDED
    assert call.entries[-1].fields["team_size"] == "12"


async def test_memory_holds_what_was_heard_not_what_was_sent(call):
    await call.says("how long does the free trial last")
    first_words = call.reply[0].text.split()[:5]
    await call.says("okay", heard=Heard(turn=0, sentences=0, words_of_next=5, interrupted=True))

    assert call.state.exchanges[0].reply == " ".join(first_words) + " ..."


async def test_the_same_turn_gives_the_same_reply_to_the_letter(call):
    turn = call.turn("how long does the free trial last")
    replies = []
    for _ in range(3):
        call.log.entries.clear()
        session = FakeSession(turn, call=call.call)
        await call.dialogue(session)
        replies.append(encode(session.results))

    assert len(set(replies)) == 1


async def test_a_snapshot_of_another_world_is_bad_input(call):
    with pytest.raises(StreamFailed) as failure:
        await call.dialogue(FakeSession(call.turn("hello", snapshot=b"\x81\xa6format\xa299"), call=call.call))

    assert failure.value.code == "bad_input"


async def test_a_withdrawn_attempt_that_ends_late_is_not_the_logs_last_word(call):
    """Both were opened after the same entry; the later attempt has written, so the earlier one is fenced."""
    withdrawn = call.turn("how long does the free trial last")
    await call.says("how long does the free trial last for teams", attempt=1)
    with pytest.raises(StreamFailed) as failure:
        await call.dialogue(FakeSession(withdrawn, call=call.call))

    assert failure.value.code == "superseded"
    assert [(entry.n, entry.attempt) for entry in call.entries] == [(0, 1)]


async def test_a_withdrawn_attempt_that_wrote_first_is_written_over(call):
    """Its reply was never heard: the next attempt's entry is the turn's, also with the same words."""
    await call.dialogue(FakeSession(call.turn("how long does the free trial last"), call=call.call))
    await call.says("how long does the free trial last", attempt=1)

    assert [(entry.n, entry.attempt) for entry in call.entries] == [(0, 0), (0, 1)]
    assert call.committed.log_sequence == 2


async def test_a_late_yes_that_was_withdrawn_books_nothing(call):
    """Its intent is refused by the log, so the world stays as it is."""
    await up_to_the_read_back(call)
    withdrawn = call.turn("yes")
    await call.says("no wait", attempt=1)
    with pytest.raises(StreamFailed):
        await call.dialogue(FakeSession(withdrawn, call=call.call))

    assert not call.tools.ledger


async def test_a_booking_of_a_withdrawn_attempt_is_known_to_a_guess_too(call):
    """The next attempt begins as a guess: what its predecessor began is read all the same."""
    await up_to_the_read_back(call)
    call.tools.before = gate = Gate(CalendarBook)
    running = asyncio.create_task(call.dialogue(FakeSession(call.turn("yes"), call=call.call)))
    await gate.reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    gate.open.set()
    session = FakeSession(call.turn("yes please", attempt=1, confirmed=False), call=call.call)
    guess = asyncio.create_task(call.dialogue(session))
    session.put(Confirm())
    await guess
    call.take(session)

    assert len(call.tools.booked) == 1
    assert "booked" in call.text


async def test_a_search_gets_what_is_left_of_the_turns_budget(call):
    """400 ms left of it: a search that hangs is given up in time to say something else."""
    call.tools.before = gate = Gate(KnowledgeSearch)
    late = replace(call.turn("how long does the free trial last"), budget_ms=400)
    session = FakeSession(late, call=call.call)
    async with asyncio.timeout(1.5):
        await call.dialogue(session)
    gate.open.set()

    assert isinstance(session.results[0], Sentence)
    assert isinstance(session.results[-1], Committed)
