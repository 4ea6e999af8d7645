"""From "I'd like a meeting" to exactly one event, in text, with everything that people do on the way."""

from __future__ import annotations

import msgspec
import pytest
from holdfast_common.contracts.asr import Expectation
from holdfast_common.contracts.dialogue import Heard, TurnKind
from holdfast_common.contracts.tools import BookingState, CalendarAvailability, CalendarBook, CalendarStatus

LUNCH = "2026-12-01T19:30:00Z"
"""Half past two in New York on the Tuesday of the week after."""


async def test_a_call_with_two_questions_ends_in_the_booking_that_was_asked_for(call):
    """The whole way: greeting, question, follow-up, who they are, time, address, read-back, yes, thanks."""
    await call.open()
    await call.says("hi there how long does the free trial last")
    assert call.committed.article == "trial-length"
    await call.says("and how do i extend it")
    assert call.committed.article == "trial-length"
    assert "request" in call.text
    await call.says("i'm dana miller we are a team of twelve")
    await call.says("i'd like a meeting next tuesday at half past two new york time")
    assert call.asks == "email"
    await call.says("dana dot miller at northwind dot example")
    assert call.asks == "confirm_booking"
    assert not call.tools.booked
    await call.says("yes that's right")
    assert "booked" in call.text
    assert "Thank you, Dana" in call.text
    await call.says("no that's all thank you bye")

    (booking,) = call.tools.booked
    assert (booking.start, booking.attendee_email) == (LUNCH, "dana.miller@northwind.example")
    assert call.committed.ends_call
    assert call.state.fields["team_size"] == "12"
    assert call.state.fields["name"] == "Dana Miller"


async def test_typed_turns_with_digits_and_punctuation_book_the_same(call):
    call.kind, call.zone = TurnKind.TYPED, "America/New_York"
    await call.says("Hi, I'm Dana Miller. We are a team of 12.")
    await call.says("I'd like a meeting next Tuesday, 2:30 pm.")
    assert call.asks == "email"
    await call.says("dana.miller@northwind.example")
    assert call.asks == "confirm_booking"
    await call.says("Yes.")

    (booking,) = call.tools.booked
    assert (booking.start, booking.attendee_email) == (LUNCH, "dana.miller@northwind.example")


async def test_the_read_back_says_weekday_date_time_zone_and_address_and_is_protected(call):
    await call.tells_everything()

    readback = next(s for s in call.reply if s.notes.proposal)
    assert readback.protected
    for part in (
        "Tuesday",
        "December first",
        "two thirty",
        "New York time",
        "dana dot miller",
        "northwind dot example",
    ):
        assert part in readback.text
    assert call.reply[-1].expectation is Expectation.YES_NO


async def test_three_openings_are_offered_in_time_order_and_the_second_can_be_taken(call):
    call.tools.free = ["2026-11-25T16:30:00Z", "2026-11-24T19:00:00Z", "2026-11-30T15:00:00Z"]
    await call.says("we're eight people and i'd like a demo some time", zone="America/New_York")
    while call.asks != "start":
        await call.says({"name": "nina patel", "email": "nina at example dot net"}.get(call.asks, "i'd rather not say"))
    assert [o.start for o in call.reply[-1].notes.openings] == sorted(call.tools.free)
    await call.says("the second one please")
    await call.says("nina patel")
    await call.says("nina dot patel at example dot net")
    await call.says("yes")

    assert [b.start for b in call.tools.booked] == ["2026-11-25T16:30:00Z"]


async def test_the_callers_zone_is_asked_on_the_phone_and_time_means_their_time(call):
    await call.says("i'm walt greene we are eleven people on pipedrive can i get a specialist tomorrow at three")
    assert call.asks == "timezone"
    await call.says("i'm in denver")
    await call.says("walt at example dot com")
    assert "Mountain" in call.text or "Denver" in call.text
    await call.says("yep that's it")

    assert [b.start for b in call.tools.booked] == ["2026-11-24T22:00:00Z"]


async def test_a_browser_caller_is_not_asked_for_the_zone(call):
    call.zone = "America/Chicago"
    await call.says("we are nine people i'm ann lee please book a meeting tomorrow at ten")
    assert call.asks == "email"
    assert call.state.start == "2026-11-24T16:00:00Z"


async def test_a_time_that_is_not_free_leads_to_the_nearest_ones(call):
    call.tools.free = ["2026-11-24T14:00:00Z", "2026-11-25T19:00:00Z", "2026-12-02T19:00:00Z"]
    await call.says("we are nine people i'm ann lee please book a meeting tomorrow at four new york time")
    assert call.asks == "start"
    assert "four" in call.text
    assert [o.start for o in call.reply[-1].notes.openings] == call.tools.free


async def test_a_yes_with_a_new_time_in_it_books_nothing_and_is_a_new_proposal(call):
    await call.tells_everything()
    first = call.state.proposal.id
    await call.says("yes but make it three o'clock")
    assert not [a for a in call.tools.asked if isinstance(a, CalendarBook)]
    assert call.state.proposal.id != first
    assert call.state.proposal.start == "2026-12-01T20:00:00Z"
    await call.says("yes")

    assert [b.start for b in call.tools.booked] == ["2026-12-01T20:00:00Z"]


async def test_a_yes_to_a_read_back_that_was_cut_off_gets_it_read_again(call):
    await call.tells_everything()
    await call.says("yes", heard=Heard(turn=call.n - 1, sentences=0, words_of_next=4, interrupted=True))
    assert not call.tools.booked
    assert any(s.notes.proposal for s in call.reply)
    await call.says("yes")

    assert len(call.tools.booked) == 1


async def test_a_question_in_between_is_answered_and_the_read_back_repeated(call):
    await call.tells_everything()
    await call.says("wait how long does the free trial last")
    assert call.committed.article == "trial-length"
    assert call.asks == "confirm_booking"
    assert not call.tools.booked
    await call.says("okay yes")

    assert len(call.tools.booked) == 1


async def test_yes_after_a_silence_prompt_books_because_the_prompt_reads_it_all_again(call):
    await call.tells_everything()
    await call.is_silent()
    assert any(s.notes.proposal and s.protected for s in call.reply)
    await call.says("yes please")

    assert len(call.tools.booked) == 1


async def test_who_answers_a_read_back_with_neither_is_told_the_words_for_it(call):
    await call.tells_everything()
    await call.says("lovely s")
    assert "say yes" not in call.text
    await call.says("lovely s")
    assert "say yes" in call.text
    assert call.reply[-1].expectation is Expectation.YES_NO
    await call.says("yes")

    assert len(call.tools.booked) == 1


async def test_a_booking_goes_on_without_a_name_that_cannot_be_heard(call):
    await call.says("we are a team of twelve and i'd like a meeting next tuesday at half past two new york time")
    assert call.asks == "name"
    for _ in range(2):
        await call.says("nine two patel", confidence=0.3)
        assert call.asks == "repeat"
    await call.says("nine two patel", confidence=0.3)

    assert call.asks == "email"


async def test_yes_twice_is_one_booking(call):
    await call.tells_everything()
    await call.says("yes")
    await call.says("yes yes")

    assert len(call.tools.booked) == 1


async def test_a_time_taken_in_the_meantime_leads_to_another_proposal_with_another_key(call):
    await call.tells_everything()
    call.tools.taken_once.add(LUNCH)
    await call.says("yes")
    assert "taken" in call.text
    assert call.asks == "start"
    await call.says("three o'clock the same day")
    assert call.asks == "confirm_booking"
    await call.says("yes")

    assert [b.start for b in call.tools.booked] == ["2026-12-01T20:00:00Z"]
    assert len({a.key for a in call.tools.asked if isinstance(a, CalendarBook)}) == 2


async def test_an_unknown_outcome_is_settled_by_its_key_before_anything_else(call):
    """The book call fails after it took effect; the next turn asks what became of it and tells it first."""
    await call.tells_everything()
    call.tools.down = {"CalendarBook", "CalendarStatus"}
    await call.says("yes")
    assert "booked" not in call.text.lower().replace("booking", "")
    key = call.state.pending.key
    proposal = call.state.pending.proposal
    call.tools.down = set()
    await call.tools.begin(
        CalendarBook(
            key=key, start=proposal.start, duration_min=30, attendee_email=proposal.attendee_email
        ),
        call=call.call, generation=1, deadline_s=1,
    )  # fmt: skip
    await call.says("so how long does the free trial last")

    asked = call.tools.asked[-2:]
    assert isinstance(asked[0], CalendarStatus)
    assert call.reply[0].text.endswith("New York time.")
    assert "booked" in call.reply[0].text
    assert call.state.pending is None
    assert len(call.tools.booked) == 1


async def test_a_wish_that_never_arrived_is_read_back_again(call):
    await call.tells_everything()
    call.tools.down = {"CalendarBook"}
    await call.says("yes")
    assert call.asks == "confirm_booking"
    call.tools.down = set()
    await call.says("yes")

    assert len(call.tools.booked) == 1


async def test_without_the_calendar_nothing_is_claimed_and_somebody_writes(call):
    call.tools.down = {"calendar"}
    await call.says("erik dahl sixteen people on hubspot i'd like the specialist tomorrow at two eastern")
    assert "calendar" in call.text
    assert call.asks == "permission_follow_up"
    await call.says("yes")
    await call.says("erik dot dahl at example dot com")
    assert call.asks == "confirm_email"
    await call.says("yes")
    assert call.recorded("follow_up_request")["email"] == "erik.dahl@example.com"
    await call.says("so am i booked or not")

    assert "Nothing is booked" in call.text


async def test_a_full_calendar_is_told_and_a_note_offered(call):
    call.tools.free = []
    await call.says("we are thirty people on dynamics i need a demo tomorrow at two eastern time")

    assert "no openings" in call.text or "no availability" in call.text
    assert call.asks == "permission_follow_up"


async def test_the_meeting_of_this_call_can_be_moved_and_cancelled(call):
    await call.tells_everything()
    await call.says("yes")
    await call.says("can we move the meeting to wednesday at eleven")
    assert call.asks == "confirm_booking"
    await call.says("yes")
    (moved,) = call.tools.booked
    assert moved.start == "2026-11-25T16:00:00Z"
    await call.says("actually cancel the meeting please")
    assert call.asks == "confirm_booking"
    await call.says("yes")

    assert not call.tools.booked
    assert {b.state for b in call.tools.ledger.values()} == {BookingState.CANCELLED}


async def test_somebody_elses_meeting_is_out_of_reach(call):
    await call.says("please cancel my meeting")

    assert not call.tools.asked
    assert "invitation" in call.text


async def test_a_no_that_puts_a_number_right_declines_no_meeting(call):
    await call.says("we are a team of fifty")
    assert call.asks == "permission_to_book"
    await call.says("no fifteen people")

    assert call.state.fields["team_size"] == "15"
    assert call.asks == "permission_to_book"


@pytest.mark.parametrize(
    "no",
    [
        "no thanks",
        "not really",
        "nope",
        "no thanks we already use hubspot",
        "no we use hubspot for that",
        "no thanks we are twelve people and have no time for meetings",
        "no thanks we are only fifteen people",
    ],
)
async def test_who_declines_a_meeting_is_not_offered_it_again(call, no):
    await call.says("we are a team of twelve")
    assert call.asks == "permission_to_book"
    await call.says(no)
    await call.says("how long does the free trial last")

    assert call.asks != "permission_to_book"


async def test_openings_that_were_not_heard_were_not_offered(call):
    await call.says("we are nine people i'm ann lee please book a meeting tomorrow morning new york time")
    assert call.asks == "start"
    await call.says("sorry what", heard=Heard(turn=call.n - 1, sentences=0, words_of_next=2, interrupted=True))

    assert call.state.offers == [] or any(s.notes.openings for s in call.reply)


async def test_the_calendar_is_not_asked_while_there_is_nothing_to_book(call):
    await call.says("how long does the free trial last")
    await call.says("we are two people")

    assert not [a for a in call.tools.asked if isinstance(a, CalendarAvailability)]


async def test_what_was_offered_stands_while_something_else_is_said(call):
    await call.says("we are nine people i'm ann lee please book a meeting tomorrow morning new york time")
    offered = call.state.offers
    assert len(offered) == 3
    await call.says("ann at example dot com")
    assert call.state.offers == offered
    await call.says("no none of those")
    assert call.asks == "start"
    assert call.state.offers == []
    await call.says("wednesday at three")

    assert call.asks == "confirm_booking"
    assert "three" in call.text


async def test_the_video_link_is_not_said_only_where_it_is(call):
    await call.tells_everything()
    await call.says("yes")
    await call.says("when is my meeting")
    assert "link" not in call.text
    (booking,) = call.tools.booked
    call.tools.ledger[booking.key] = msgspec.structs.replace(booking, link="https://meet.example/abc-defg-hij")
    await call.says("sorry when is my meeting again")

    assert "link for the video call is in your invitation" in call.text
    assert "meet.example" not in call.text
