"""Meetings in Google Calendar's stand-in: what it may answer, and what becomes of a wish then."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holdfast_cli.stand_ins.calendar import CalendarStandIn, Event
from holdfast_cli.stand_ins.faults import Fault
from holdfast_common.contracts.tools import BookingState, CalendarAvailability, CalendarBook, CalendarStatus
from holdfast_common.database import address
from holdfast_common.outside_http import http_client
from holdfast_common.resilience import Outside, OutsideRefused, OutsideUnavailable, Patience
from holdfast_common.secret_file import SecretSource
from holdfast_common.testing import FakeSession
from holdfast_common.virtual_time import VirtualLoop
from holdfast_tools.adapters.fake import CollectedInvitations, ScriptedKnowledge
from holdfast_tools.adapters.google_calendar import GoogleCalendar
from holdfast_tools.adapters.google_token import ServiceAccount
from holdfast_tools.adapters.two_step_ledger import TwoStepLedger
from holdfast_tools.domain.openings import Refusal
from holdfast_tools.domain.wishes import Action, Wish, arguments, booking
from holdfast_tools.handlers import Tools
from holdfast_tools.settling import AWAY, OutsideLedger

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
CALENDAR = "meetings@holdfast.example"
HALF_HOUR = timedelta(minutes=30)


class Desk:
    """A ledger over the stand-in, as the service has it."""

    def __init__(self, base: TwoStepLedger, account: str, patience: Patience) -> None:
        self.google = CalendarStandIn(subject="sales@holdfast.example")
        self.base = base
        client = http_client("http://calendar.invalid", transport=self.google.transport())
        tokens = ServiceAccount(client, SecretSource(account), subject="sales@holdfast.example", epoch=lambda: 1e9)
        self.calendar = GoogleCalendar(
            client, tokens, Outside("google", patience), calendar=CALENDAR, zone="America/New_York", title="Meeting"
        )
        self.ledger = OutsideLedger(base, self.calendar, lambda: NOW)

    @property
    def event(self) -> Event:
        (event,) = self.google.live
        return event


def story(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test with a desk in virtual time, which stands still while the database is at work."""

    async def told(loop: VirtualLoop, file: Path, account: str, chaos: Any, **given: Any) -> None:
        database = chaos.CountedDatabase(address("", default_file=file, schema="tools"))
        base = TwoStepLedger(database, "tenant", lambda: NOW)
        loop.hold_while(lambda: True)
        await base.prepare()
        desk = Desk(base, account, Patience(attempts=2, attempt_s=1.2, fail_max=50))
        if account:
            await desk.calendar._tokens.token()  # signing takes a thread of its own
        loop.hold_while(lambda: database.working > 0)
        await test(desk, **given)
        loop.hold_while(lambda: True)
        await base.close()

    def run(tmp_path: Path, account: str, chaos: Any, **given: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(told(runner.get_loop(), tmp_path / "test.db", account, chaos, **given))  # type: ignore[arg-type]

    mine = inspect.signature(run).parameters
    wanted = [p for name, p in inspect.signature(test).parameters.items() if name != "desk"]
    run.__signature__ = inspect.Signature([*(mine[name] for name in ("tmp_path", "account", "chaos")), *wanted])  # type: ignore[attr-defined]
    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def wish(key: str, hour: float = 0, *, action: Action = Action.BOOK, booking: str = "") -> Wish:
    start = NOW + timedelta(days=1, hours=hour)
    return Wish(
        key=key * 5,
        call="c1",
        action=action,
        state=BookingState.PENDING,
        arguments=arguments(action, start.isoformat(), booking),
        start=start,
        duration=HALF_HOUR,
        attendee_email="dana@northwind.example",
        attendee_name="Dana",
        zone="America/Denver",
    )


@story
async def test_a_booking_is_an_event_with_guest_meet_link_and_invitation(desk: Desk) -> None:
    outcome = await desk.ledger.book(wish("a"))

    body = desk.event.body
    assert outcome.state == BookingState.BOOKED
    assert body["id"] == "aaaaa"
    assert body["attendees"] == [{"email": "dana@northwind.example", "displayName": "Dana"}]
    assert body["conferenceData"]["createRequest"]["conferenceSolutionKey"] == {"type": "hangoutsMeet"}
    assert body["start"] == {"dateTime": "2026-11-24T08:00:00-07:00", "timeZone": "America/Denver"}


@story
async def test_a_calendar_told_broken_inside_a_200_is_never_taken_for_free(desk: Desk) -> None:
    desk.google.broken[CALENDAR] = "notFound"
    with pytest.raises(OutsideRefused):
        await desk.calendar.busy(NOW, NOW + HALF_HOUR, desk.calendar.deadline(1))
    assert (await desk.ledger.book(wish("a"))).state == BookingState.REFUSED
    assert desk.google.live == []


@story
async def test_what_others_have_in_the_calendar_is_neither_offered_nor_booked(desk: Desk) -> None:
    start = NOW + timedelta(days=1)
    times = {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": (start + HALF_HOUR).isoformat()}}
    desk.google.events["office"] = Event({"status": "confirmed", **times})
    first = int(start.timestamp()) // 300

    assert await desk.ledger.taken(range(first - 3, first + 12)) == frozenset(range(first, first + 6))
    assert (await desk.ledger.book(wish("a", 0.25))).state == BookingState.TAKEN
    assert (await desk.ledger.book(wish("b", 0.5))).state == BookingState.BOOKED


@pytest.mark.parametrize(
    "fault", [Fault.ERROR_AFTER, Fault.HANG_AFTER, Fault.RESET_AFTER, Fault.RUBBISH, Fault.LATE, Fault.LIMIT]
)
@story
async def test_an_insert_without_an_answer_is_found_by_its_id_and_made_once(desk: Desk, fault: Fault) -> None:
    """Free/busy is answered, the insert is not."""
    desk.google.faults.plan = [Fault.NONE, fault]
    desk.google.faults.delay_s = desk.google.faults.retry_after_s = 0.5
    outcome = await desk.ledger.book(wish("a"))
    await desk.google.faults.settled()

    assert outcome.state == BookingState.BOOKED
    assert desk.event.body["id"] == "aaaaa"


@story
async def test_an_outcome_that_stays_unknown_is_pending_and_settled_when_it_is_asked_for(desk: Desk) -> None:
    desk.google.faults.plan = [Fault.NONE, Fault.HANG_AFTER]
    desk.google.faults.always = Fault.HANG
    assert (await desk.ledger.book(wish("a"))).state == BookingState.PENDING
    assert (await desk.ledger.book(wish("b"))).state == BookingState.TAKEN

    desk.google.faults.always = Fault.NONE
    found = await desk.ledger.find("aaaaa")
    assert found and found.state == BookingState.BOOKED
    assert len(desk.google.live) == 1


@story
async def test_a_calendar_that_cannot_be_asked_makes_no_promise_and_leaves_no_trace(desk: Desk) -> None:
    """Not in the calendar, no time held; a repeat that comes late changes nothing, a later yes is a new wish."""
    desk.google.faults.always = Fault.ERROR
    outcome = await desk.ledger.book(wish("a"))
    assert (outcome.state, outcome.reason) == (BookingState.NONE, AWAY)
    assert await desk.ledger.taken(range(0, 12)) == frozenset()

    desk.google.faults.always = Fault.NONE
    assert (await desk.ledger.book(wish("a"))).state == BookingState.NONE
    assert (await desk.ledger.book(wish("b"))).state == BookingState.BOOKED


@story
async def test_a_wish_given_up_cannot_come_true_late(desk: Desk) -> None:
    """Its insert is still under way when somebody else gets the time: the id is used up first."""
    desk.google.faults.plan = [Fault.NONE, Fault.LATE]
    desk.google.faults.delay_s = 20
    desk.google.faults.always = Fault.HANG
    assert (await desk.ledger.book(wish("a"))).state == BookingState.PENDING
    start = NOW + timedelta(days=1)
    times = {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": (start + HALF_HOUR).isoformat()}}
    desk.google.events["office"] = Event({"status": "confirmed", **times})
    desk.google.faults.always = Fault.NONE

    found = await desk.ledger.find("aaaaa")
    await desk.google.faults.settled()
    assert found and found.state == BookingState.TAKEN
    assert desk.event is desk.google.events["office"]


@story
async def test_a_moved_meeting_keeps_its_event_and_may_overlap_itself(desk: Desk) -> None:
    await desk.ledger.book(wish("a"))
    moved = await desk.ledger.change(wish("b", 0.25, action=Action.CHANGE, booking="aaaaa"), "aaaaa")

    assert moved.state == BookingState.BOOKED
    assert desk.event.body["id"] == "aaaaa"
    assert desk.event.span[0] == NOW + timedelta(days=1, hours=0.25)
    old = await desk.ledger.find("aaaaa")
    assert old and (old.state, old.moved_to) == (BookingState.CANCELLED, "bbbbb")
    first = int((NOW + timedelta(days=1)).timestamp()) // 300
    assert await desk.base.taken(range(first, first + 12)) == frozenset(range(first + 3, first + 9))


@story
async def test_the_video_link_that_comes_later_is_kept_over_a_move_and_gone_with_the_meeting(desk: Desk) -> None:
    booked = await desk.ledger.book(wish("a"))
    without = await desk.base.without_link(HALF_HOUR)
    left = await desk.ledger.fetch_links()
    found = await desk.ledger.find("aaaaa")
    moved = await desk.ledger.change(wish("b", 2, action=Action.CHANGE, booking="aaaaa"), "aaaaa")
    cancelled = await desk.ledger.cancel(wish("c", 2, action=Action.CANCEL, booking="bbbbb"), "bbbbb")

    assert [booked.link, [one.key for one in without], left] == ["", ["aaaaa"], 0]
    assert found and booking(found).link == "https://meet.example/abc-defg-hij"
    assert booking(moved).link == booking(found).link
    assert booking(cancelled).link == ""
    assert await desk.base.without_link(HALF_HOUR) == []


@story
async def test_a_calendar_that_is_away_has_its_links_fetched_later(desk: Desk) -> None:
    await desk.ledger.book(wish("a"))
    desk.google.faults.plan = [Fault.ERROR] * 2

    assert await desk.ledger.fetch_links() == 1
    assert await desk.ledger.fetch_links() == 0


@story
async def test_a_meeting_that_is_settled_late_has_its_link_fetched_all_the_same(desk: Desk) -> None:
    """The minutes in which a link may come begin with the outcome, not with the wish."""
    desk.google.faults.plan = [Fault.NONE, Fault.HANG_AFTER]
    desk.google.faults.always = Fault.HANG
    assert (await desk.ledger.book(wish("a"))).state == BookingState.PENDING
    desk.google.faults.always = Fault.NONE
    desk.base._now = lambda: NOW + HALF_HOUR
    assert await desk.ledger.settle_old() == 0
    assert await desk.ledger.fetch_links() == 0

    found = await desk.ledger.find("aaaaa")
    assert found and booking(found).link == "https://meet.example/abc-defg-hij"


@story
async def test_a_move_whose_answer_is_lost_is_found_by_the_events_time(desk: Desk) -> None:
    await desk.ledger.book(wish("a"))
    desk.google.faults.plan = [Fault.NONE, Fault.NONE, Fault.RESET_AFTER]
    moved = await desk.ledger.change(wish("b", 2, action=Action.CHANGE, booking="aaaaa"), "aaaaa")

    assert moved.state == BookingState.BOOKED
    assert desk.event.span[0] == NOW + timedelta(days=1, hours=2)


@pytest.mark.parametrize("fault", [Fault.NONE, Fault.RESET_AFTER, Fault.ERROR, Fault.RUBBISH])
@story
async def test_a_cancelled_meeting_leaves_calendar_and_ledger(desk: Desk, fault: Fault) -> None:
    await desk.ledger.book(wish("a"))
    desk.google.faults.plan = [fault]
    cancel = replace(wish("b", action=Action.CANCEL, booking="aaaaa"), start=None)
    await desk.ledger.cancel(cancel, "aaaaa")
    outcome = await desk.ledger.find("bbbbb")

    assert outcome and outcome.state == BookingState.CANCELLED
    assert desk.google.live == []
    assert (await desk.ledger.book(wish("c"))).state == BookingState.BOOKED


@story
async def test_a_key_stands_for_one_wish(desk: Desk) -> None:
    await desk.ledger.book(wish("a"))
    other = await desk.ledger.book(replace(wish("a"), arguments="other"))

    assert (other.state, other.reason) == (BookingState.REFUSED, Refusal.ARGUMENTS)


@story
async def test_guests_that_a_service_account_may_not_invite_are_a_refusal_not_an_outage(desk: Desk) -> None:
    desk.google.forbid_guests = True
    outcome = await desk.ledger.book(wish("a"))

    assert (outcome.state, outcome.reason) == (BookingState.REFUSED, "forbiddenForServiceAccounts")
    assert desk.calendar.outside.state == "closed"
    assert desk.google.live == []


class Forbidden:
    """The calendar as a replica has it whose `method` is refused, `after` something else has happened."""

    def __init__(self, calendar: Any, method: str, after: Callable[[], Awaitable[object]]) -> None:
        self._calendar, self._method, self._after = calendar, method, after

    def __getattr__(self, name: str) -> Any:
        return self._forbidden if name == self._method else getattr(self._calendar, name)

    async def _forbidden(self, *_args: Any) -> None:
        await self._after()
        raise OutsideRefused("google", "forbidden", 403)


@story
async def test_a_refusal_before_the_insert_says_nothing_of_what_another_replica_has_sent(desk: Desk) -> None:
    """The other replica marked the same wish as sent while this one was asking what is busy."""
    forbidden = Forbidden(desk.calendar, "busy", lambda: desk.base.mark_sent("aaaaa"))
    told = await OutsideLedger(desk.base, forbidden, lambda: NOW).book(wish("a"))
    assert told.state == BookingState.PENDING

    outcome = await desk.ledger.find("aaaaa")
    assert outcome and outcome.state == BookingState.BOOKED
    assert len(desk.google.live) == 1


@story
async def test_a_refused_insert_is_no_refusal_where_another_replica_has_made_the_event(desk: Desk) -> None:
    meeting = replace(wish("a"), meeting="aaaaa")
    made = Forbidden(desk.calendar, "put", lambda: desk.calendar.put(meeting, desk.calendar.deadline(3)))
    told = await OutsideLedger(desk.base, made, lambda: NOW).book(wish("a"))
    assert told.state == BookingState.PENDING

    outcome = await desk.ledger.find("aaaaa")
    assert outcome and outcome.state == BookingState.BOOKED
    assert len(desk.google.live) == 1


@story
async def test_after_a_refused_insert_that_of_another_replica_comes_too_late(desk: Desk) -> None:
    async def nothing() -> None: ...

    told = await OutsideLedger(desk.base, Forbidden(desk.calendar, "put", nothing), lambda: NOW).book(wish("a"))
    late = await desk.calendar.put(replace(wish("a"), meeting="aaaaa"), desk.calendar.deadline(3))

    assert (told.state, late, desk.google.live) == (BookingState.REFUSED, False, [])


@story
async def test_used_up_quota_opens_the_breaker_and_the_openings_come_from_the_ledger(desk: Desk) -> None:
    await desk.ledger.book(wish("a"))
    desk.google.faults.always = Fault.QUOTA
    first = int((NOW + timedelta(days=1)).timestamp()) // 300
    for _ in range(3):
        assert await desk.ledger.taken(range(first, first + 12)) == frozenset(range(first, first + 6))

    assert desk.calendar.outside.state == "open"
    assert desk.google.requests < 10


@story
async def test_a_sign_in_that_was_not_delegated_is_told_and_the_token_is_asked_for_once(desk: Desk) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.hold_while(lambda: True)  # signing takes a thread of its own
    for _ in range(3):
        await desk.calendar.busy(NOW, NOW + HALF_HOUR, desk.calendar.deadline(1))
    assert desk.google.requests == 4  # one sign-in
    desk.google.subject = "somebody@else.example"
    desk.calendar._tokens.forget()
    with pytest.raises(OutsideRefused, match="unauthorized_client"):
        await desk.calendar.busy(NOW, NOW + HALF_HOUR, desk.calendar.deadline(1))


@story
async def test_a_key_that_cannot_be_read_shows_nothing_of_itself(desk: Desk) -> None:
    desk.calendar._tokens = ServiceAccount(
        desk.calendar._client, SecretSource('{"private_key": "hush"}'), subject="", epoch=lambda: 1e9
    )
    with pytest.raises(OutsideUnavailable) as caught:
        await desk.calendar.find("aaaaa", desk.calendar.deadline(1))
    assert "hush" not in str(caught.value) + repr(caught.value.__cause__)


@story
async def test_the_service_answers_while_the_calendar_hangs(desk: Desk, make_rules: Callable[..., Any]) -> None:
    """Openings by the ledger alone, no promise for a booking; each within its time."""
    tools = Tools(
        knowledge=ScriptedKnowledge(),
        ledger=desk.ledger,
        invitations=CollectedInvitations(),
        rules=make_rules(),
        now=lambda: NOW,
    )
    desk.google.faults.always = Fault.HANG
    loop = asyncio.get_running_loop()
    answers = []
    for call in (
        CalendarAvailability(start="2026-11-24T14:00:00Z", end="2026-11-24T22:00:00Z"),
        CalendarBook(key="d" * 6, start="2026-11-24T15:00:00Z", duration_min=30, attendee_email="d@x.example"),
        CalendarStatus(key="d" * 6),
    ):
        session, began = FakeSession(call, remaining_s=4.0), loop.time()
        await tools(session)
        answers += session.results
        assert loop.time() - began < 3.5

    assert len(answers[0].starts) > 5
    assert [answer.state for answer in answers[1:]] == [BookingState.NONE, BookingState.NONE]
