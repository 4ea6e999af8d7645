"""One tool call in, one result out; the world is changed once or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holdfast_common.contracts.stream import ErrorCode
from holdfast_common.contracts.tools import (
    Booking,
    BookingsOfCall,
    BookingState,
    CalendarAvailability,
    CalendarBook,
    CalendarCancel,
    CalendarChange,
    CalendarStatus,
    Hit,
    KnowledgeSearch,
    Sureness,
)
from holdfast_common.errors import StreamFailed
from holdfast_common.testing import FakeSession
from holdfast_tools.adapters.fake import CollectedInvitations, ScriptedKnowledge
from holdfast_tools.adapters.ledger import SqlLedger
from holdfast_tools.domain.openings import Rules
from holdfast_tools.domain.wishes import Wish
from holdfast_tools.handlers import Tools

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
TUESDAY_HALF_PAST_TWO = "2026-11-24T19:30:00Z"


class Desk:
    """The service with its collaborators at hand."""

    def __init__(self, ledger: SqlLedger, rules: Rules) -> None:
        self.now = NOW
        self.knowledge = ScriptedKnowledge()
        self.invitations = CollectedInvitations()
        self.ledger = ledger
        self.tools = Tools(
            knowledge=self.knowledge, ledger=ledger, invitations=self.invitations, rules=rules, now=lambda: self.now
        )

    async def ask(self, message: Any, *, call: str = "c1", remaining_s: float = 10.0) -> Any:
        session = FakeSession(message, call=call, remaining_s=remaining_s)
        await self.tools(session)
        (result,) = session.results
        return result


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One kind of database is enough here; the ledger's own tests run on both."""
    return f"sqlite+aiosqlite:///{tmp_path / 'tools.db'}"


@pytest.fixture
def desk(ledger: SqlLedger, make_rules: Callable[..., Rules]) -> Desk:
    return Desk(ledger, make_rules())


def book(key: str = "k1", start: str = TUESDAY_HALF_PAST_TWO, email: str = "dana.miller@northwind.example") -> Any:
    return CalendarBook(key=key, start=start, duration_min=30, attendee_email=email, attendee_name="Dana Miller")


async def test_a_question_goes_to_the_knowledge(desk: Desk) -> None:
    desk.knowledge.answers["how long"] = [Hit(article="trial-length", title="t", answer="a", score=0.9)]
    found = await desk.ask(KnowledgeSearch(text="how long"))

    assert (found.sureness, found.hits[0].article) == (Sureness.SURE, "trial-length")


async def test_a_booked_time_is_no_opening_any_more(desk: Desk) -> None:
    day = CalendarAvailability(start="2026-11-24T00:00:00Z", end="2026-11-25T00:00:00Z")
    before = await desk.ask(day)
    booking = await desk.ask(book())
    after = await desk.ask(day)

    assert booking.state == BookingState.BOOKED
    assert set(before.starts) - set(after.starts) == {TUESDAY_HALF_PAST_TWO}
    assert (after.duration_min, after.zone) == (30, "America/New_York")


async def test_openings_stop_at_the_limit(desk: Desk) -> None:
    asked = CalendarAvailability(start="2026-11-23T00:00:00Z", end="2026-12-24T00:00:00Z", limit=3)

    assert (await desk.ask(asked)).starts == ["2026-11-23T16:00:00Z", "2026-11-23T16:30:00Z", "2026-11-23T17:00:00Z"]


async def test_the_status_of_a_booking_tells_everything_that_was_booked(desk: Desk) -> None:
    booked = await desk.ask(book())
    status = await desk.ask(CalendarStatus(key="k1"), call="another-call")

    assert status == booked
    assert status.start == TUESDAY_HALF_PAST_TWO
    assert status.attendee_email == "dana.miller@northwind.example"
    assert len(status.reference) == 6


async def test_the_status_of_a_wish_nobody_made_is_none(desk: Desk) -> None:
    assert await desk.ask(CalendarStatus(key="never")) == Booking(key="never", state=BookingState.NONE)


async def test_the_bookings_of_a_call_can_be_asked_for_from_another(desk: Desk) -> None:
    await desk.ask(book(), call="c1")
    await desk.ask(book("k2"), call="c1")
    await desk.ask(book("k3", start="2026-11-24T20:00:00Z"), call="c2")
    found = await desk.ask(BookingsOfCall(call="c1"), call="console")

    assert [(b.key, b.state) for b in found.bookings] == [("k1", BookingState.BOOKED), ("k2", BookingState.TAKEN)]
    assert len((await desk.ask(BookingsOfCall(), call="c2")).bookings) == 1


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (book(start="2026-11-24T12:00:00Z"), "hours"),
        (book(start="2026-11-26T19:30:00Z"), "closed_day"),
        (book(start="2026-11-23T15:30:00Z"), "notice"),
        (book(start="2027-03-01T19:30:00Z"), "horizon"),
        (book(email="dana at northwind"), "email"),
        (book(email="dana@localhost"), "email"),
    ],
)
async def test_what_the_rules_forbid_is_refused_with_its_reason(desk: Desk, message: Any, reason: str) -> None:
    refused = await desk.ask(message)

    assert (refused.state, refused.reason) == (BookingState.REFUSED, reason)
    assert await desk.ask(CalendarStatus(key="k1")) == refused
    assert desk.invitations.written == []


@pytest.mark.parametrize("address", ["a@shop.test", "j.smith@acme.com", "Dana@NorthWind.Example"])
async def test_addresses_on_reserved_names_can_be_booked(desk: Desk, address: str) -> None:
    assert (await desk.ask(book(email=address))).state == BookingState.BOOKED


async def test_a_repeated_wish_keeps_its_outcome_although_the_rules_would_now_refuse_it(desk: Desk) -> None:
    first = await desk.ask(book())
    desk.now = NOW + timedelta(days=30)

    assert await desk.ask(book()) == first
    assert len(desk.invitations.written) == 1


async def test_a_change_moves_the_invitation_and_a_cancellation_calls_it_off(desk: Desk) -> None:
    await desk.ask(book())
    moved = await desk.ask(CalendarChange(key="k2", booking="k1", start="2026-11-24T20:00:00Z"))
    cancelled = await desk.ask(CalendarCancel(key="k3", booking="k1"))

    assert (moved.state, moved.start) == (BookingState.BOOKED, "2026-11-24T20:00:00Z")
    assert (cancelled.state, cancelled.start) == (BookingState.CANCELLED, "2026-11-24T20:00:00Z")
    assert moved.reference == cancelled.reference
    assert [(w.meeting, w.sequence, w.state) for w in desk.invitations.written] == [
        ("k1", 0, BookingState.BOOKED),
        ("k1", 1, BookingState.BOOKED),
        ("k1", 2, BookingState.CANCELLED),
    ]


async def test_a_change_to_a_forbidden_time_is_refused_and_the_booking_stays(desk: Desk) -> None:
    await desk.ask(book())
    moved = await desk.ask(CalendarChange(key="k2", booking="k1", start="2026-11-26T20:00:00Z"))

    assert (moved.state, moved.reason) == (BookingState.REFUSED, "closed_day")
    assert (await desk.ask(CalendarStatus(key="k1"))).state == BookingState.BOOKED


async def test_an_invitation_that_cannot_be_made_harms_neither_booking_nor_start(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The meeting stands, the caller is told so, and the service starts again beside it."""

    async def unmakeable(wish: Wish) -> None:
        raise ValueError(f"no invitation for {wish.key}")

    monkeypatch.setattr(desk.invitations, "write", unmakeable)
    booked = await desk.ask(book())
    await desk.tools.write_missing_invitations()

    assert booked.state is BookingState.BOOKED


async def test_an_invitation_that_could_not_be_written_is_written_at_the_next_start(desk: Desk) -> None:
    desk.invitations.broken = True
    booked = await desk.ask(book())
    desk.invitations.broken = False
    await desk.tools.write_missing_invitations()
    await desk.tools.write_missing_invitations()

    assert booked.state == BookingState.BOOKED
    assert [w.key for w in desk.invitations.written] == ["k1"]


async def test_without_its_ledger_the_calendar_fails_for_now_and_knowledge_goes_on(
    connect: Callable[[], SqlLedger], make_rules: Callable[..., Rules]
) -> None:
    """There is a database, and there are no tables in it."""
    desk = Desk(connect(), make_rules())
    hour = CalendarAvailability(start=TUESDAY_HALF_PAST_TWO, end="2026-11-24T20:30:00Z")

    for message in (book(), CalendarStatus(key="k1"), hour):
        with pytest.raises(StreamFailed) as failed:
            await desk.ask(message)
        assert (failed.value.code, failed.value.retryable) == (ErrorCode.ENGINE, True)
    assert (await desk.ask(KnowledgeSearch(text="anything"))).sureness == Sureness.UNSURE
    assert desk.invitations.written == []


class SlowLedger(SqlLedger):
    """Holds each booking until it is let go."""

    def __init__(self, inner: SqlLedger) -> None:
        self._inner = inner
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def find(self, key: str) -> Wish | None:
        return await self._inner.find(key)

    async def invited(self, key: str) -> None:
        await self._inner.invited(key)

    async def book(self, wish: Wish) -> Wish:
        self.begun.set()
        await self.go_on.wait()
        return await self._inner.book(wish)


async def test_a_booking_that_has_begun_is_finished_when_its_stream_is_cancelled(
    ledger: SqlLedger, make_rules: Callable[..., Rules]
) -> None:
    slow = SlowLedger(ledger)
    desk = Desk(slow, make_rules())
    stream = asyncio.create_task(desk.ask(book()))
    await slow.begun.wait()
    stream.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stream
    slow.go_on.set()
    await desk.tools.drained()

    assert (await desk.ask(CalendarStatus(key="k1"))).state == BookingState.BOOKED


async def test_a_call_past_its_deadline_fails_but_its_booking_can_be_asked_for(
    ledger: SqlLedger, make_rules: Callable[..., Rules]
) -> None:
    slow = SlowLedger(ledger)
    desk = Desk(slow, make_rules())
    with pytest.raises(StreamFailed) as failed:
        await desk.ask(book(), remaining_s=0.05)
    slow.go_on.set()
    await desk.tools.drained()

    assert failed.value.code == ErrorCode.DEADLINE
    assert (await desk.ask(CalendarStatus(key="k1"))).state in (BookingState.BOOKED, BookingState.NONE)


async def test_a_day_that_does_not_exist_is_bad_input(desk: Desk) -> None:
    with pytest.raises(StreamFailed) as failed:
        await desk.ask(book(start="2026-02-30T10:00:00Z"))

    assert failed.value.code == ErrorCode.BAD_INPUT
