"""Who the invitation goes to: misheard, put right, changed, typed."""

from __future__ import annotations

import pytest
from holdfast_common.contracts.asr import Expectation
from holdfast_common.contracts.dialogue import TurnKind


async def test_a_correction_of_the_address_is_read_back_before_anything_is_booked(call):
    await call.tells_everything()
    await call.says("no it's dana dot milner at northwind dot example")
    assert call.asks == "confirm_booking"
    assert "milner" in call.text
    assert not call.tools.booked
    await call.says("yes")

    (booking,) = call.tools.booked
    assert booking.attendee_email == "dana.milner@northwind.example"


async def test_what_was_wrong_in_a_read_back_is_asked_for_in_code_words_and_the_rest_stays(call):
    await call.tells_everything()
    await call.says("no the email is wrong")
    assert call.reply[-1].expectation is Expectation.CODE_WORDS
    await call.says("november alpha victor india delta")
    assert call.state.proposal.attendee_email == "navid.miller@northwind.example"
    assert call.asks == "confirm_booking"
    await call.says("yes")

    (booking,) = call.tools.booked
    assert booking.attendee_email == "navid.miller@northwind.example"


async def test_an_address_that_was_rejected_is_not_read_back_again(call):
    """Heard once more it is the same mishearing: no read-back of it, but letters, and another way in the end."""
    await call.tells_everything()
    for _ in range(3):
        await call.says("no my email is dana dot miller at north wind dot example")
        assert (call.asks, call.reply[-1].expectation) == ("email", Expectation.CODE_WORDS)
    await call.says("dana dot miller at north wind dot example")

    assert call.asks == "email_other_way"


async def test_another_address_with_every_no_ends_in_another_way(call):
    await call.tells_everything()
    for name in ("anna", "hanna", "johanna"):
        await call.says(f"no my email is {name} dot miller at northwind dot example")
        assert call.asks == "confirm_booking"
    await call.says("no my email is joanna dot miller at northwind dot example")

    assert call.asks == "email_other_way"
    assert not call.tools.booked


@pytest.mark.parametrize(
    "change", ["use my work email instead dana at example dot com", "no my private address is dana at example dot com"]
)
async def test_who_changes_their_mind_may_come_back_to_the_first_address(call, change):
    await call.tells_everything()
    await call.says(change)
    assert call.state.proposal.attendee_email == "dana@example.com"
    await call.says("no my other address is dana dot miller at northwind dot example")
    assert call.asks == "confirm_booking"
    await call.says("yes")

    (booking,) = call.tools.booked
    assert booking.attendee_email == "dana.miller@northwind.example"


async def test_an_address_that_was_said_no_to_counts_again_where_it_is_said_without_a_no(call):
    await call.tells_everything()
    await call.says("no my email is hanna dot miller at northwind dot example")
    await call.says("my email is dana dot miller at northwind dot example")

    assert call.state.proposal.attendee_email == "dana.miller@northwind.example"
    assert call.asks == "confirm_booking"


async def test_a_typed_address_was_not_misheard(call):
    call.kind = TurnKind.TYPED
    await call.tells_everything()
    await call.says("no, my email is dana.miller@example.com")
    await call.says("no, my email is dana.miller@northwind.example")

    assert call.state.proposal.attendee_email == "dana.miller@northwind.example"
    assert call.asks == "confirm_booking"
    await call.says("no the email is wrong")
    await call.says("dana.miller@example.com")
    assert call.state.proposal.attendee_email == "dana.miller@example.com"


async def test_a_name_that_was_misheard_is_put_right_with_the_spelled_address(call):
    await call.says("i'm sarah lynch we are a team of twelve")
    await call.says("i'd like a meeting next tuesday at half past two new york time")
    await call.says("sarah dot lynch at northwind dot example")
    await call.says("no that's not my email address")
    await call.says("sierra alpha romeo alpha dot lima india november delta")

    assert call.state.proposal.attendee_email == "sara.lind@northwind.example"
    assert call.state.fields["name"] == "Sara Lind"
