"""Patience, endpoints by what was said, and the caller's turn."""

from __future__ import annotations

import pytest
from holdfast_common.contracts.asr import Expectation, Final
from holdfast_gateway.domain.endpointing import Endpointing, weigh
from holdfast_gateway.domain.floor import Words
from holdfast_gateway.domain.patience import Patience, Step
from holdfast_gateway.domain.turns import CallerTurn

USUAL = Endpointing(500, {"email": 1_200, "yes_no": 400})


@pytest.mark.parametrize(
    ("text", "expectation", "endpoint_ms"),
    [
        ("how do i change the address of a signer in my account", Expectation.OPEN, 500),
        ("yes", Expectation.YES_NO, 260),
        ("yes that is correct", Expectation.YES_NO, 260),
        ("no thanks", Expectation.YES_NO, 260),
        ("no the address is", Expectation.YES_NO, 1_300),
        ("we use hubspot and", Expectation.OPEN, 1_300),
        ("my address is dana at", Expectation.OPEN, 1_300),
        ("um", Expectation.OPEN, 1_300),
        ("four two", Expectation.OPEN, 1_300),
        ("the code is four two one nine", Expectation.OPEN, 880),
        ("nine one seven five five five one two one two", Expectation.NUMBER, 500),
        ("there are seven", Expectation.OPEN, 880),
        ("seven", Expectation.NUMBER, 880),
        ("which plan does that come with", Expectation.OPEN, 880),
        ("i would like to come with", Expectation.OPEN, 1_300),
        ("dana dot miller", Expectation.EMAIL, 1_500),
        ("dana dot miller at northwind dot com", Expectation.EMAIL, 600),
        ("hello there", Expectation.OPEN, 500),
        ("no thank you very much", Expectation.OPEN, 500),
        ("", Expectation.EMAIL, 1_200),
        ("", Expectation.OPEN, 880),
    ],
)
def test_the_endpoint_follows_what_was_asked_and_said(text, expectation, endpoint_ms):
    """Quick after a finished yes, patient in mid-address or after "and"."""
    assert USUAL.after(text, expectation) == endpoint_ms


def test_the_less_final_a_sentence_sounds_the_longer_is_waited():
    """By its last word, its length and an open clause; at most 2.6 times as long as for a whole one."""
    texts = (
        "how do i change the address of a signer in my account",
        "can i cancel my trial account",
        "we send contracts to the customer",
        "if the customer needed",
    )
    waits = [USUAL.after(text, Expectation.OPEN) for text in texts]

    assert waits == sorted(set(waits))
    assert (waits[0], waits[-1]) == (500, 1_300)


def test_a_sentence_for_an_answer_waits_by_its_words_from_the_answers_own_endpoint():
    """A whole one is as quick as any answer to a yes or no."""
    whole = "how do i change the address of a signer in my account"
    assert USUAL.after(whole, Expectation.YES_NO) == 400
    assert 400 < USUAL.after("well it depends on the price", Expectation.YES_NO) < 1_300


def test_a_pause_that_the_recogniser_has_not_answered_is_neither_an_end_nor_none():
    """Silence alone decides only after the middle endpoint."""
    assert USUAL.unheard(Expectation.OPEN) == 880
    assert USUAL.unheard(Expectation.EMAIL) == 1_200


def test_a_fixed_endpoint_is_not_moved_by_words():
    fixed = Endpointing(200, {"email": 1_200}, is_fixed=True)

    assert fixed.after("and um", Expectation.EMAIL) == fixed.expected(Expectation.EMAIL) == 200


@pytest.mark.parametrize(
    ("text", "expectation", "weight"),
    [
        ("", Expectation.OPEN, Words.NONE),
        ("...", Expectation.OPEN, Words.NONE),
        ("Mm-hm.", Expectation.OPEN, Words.BACK_CHANNEL),
        ("yeah okay", Expectation.OPEN, Words.BACK_CHANNEL),
        ("I see", Expectation.OPEN, Words.BACK_CHANNEL),
        ("yeah but wait", Expectation.OPEN, Words.SOME),
        ("stop", Expectation.OPEN, Words.SOME),
        ("no", Expectation.OPEN, Words.SOME),
        ("yeah", Expectation.YES_NO, Words.SOME),
        ("mm-hm", Expectation.YES_NO, Words.SOME),
    ],
)
def test_a_sign_of_listening_is_told_from_words(text, expectation, weight):
    """Unless a yes or no is expected: then it is one."""
    assert weigh(text, expectation) is weight


def test_the_caller_hears_something_while_waiting():
    """Each step once, in order, at its time."""
    patience = Patience()
    patience.start(100.0)
    said = [(at, step) for at in range(100, 130) if (step := patience.due(at + 0.5))]

    assert said == [(101, Step.FILLER), (106, Step.APOLOGY), (112, Step.OFFER), (120, Step.GOODBYE)]


def test_a_spoken_sentence_starts_the_wait_anew():
    patience = Patience()
    patience.start(0.0)
    assert patience.due(2.0) is Step.FILLER
    patience.spoken(5.0)

    assert patience.due(6.0) is None
    assert patience.due(6.3) is Step.FILLER


def test_steps_that_were_slept_through_are_not_said_in_a_row():
    patience = Patience()
    patience.start(0.0)

    assert patience.due(13.0) is Step.OFFER
    assert patience.due(13.1) is None


def test_nothing_is_due_when_nothing_is_owed():
    patience = Patience()
    patience.start(0.0)
    patience.stop()

    assert patience.next_at() is None and patience.due(100.0) is None


def test_a_turn_of_several_utterances_is_ready_when_all_have_their_words():
    """Texts are joined in the order of speaking, whichever final comes first."""
    turn = CallerTurn()
    turn.begin(4)
    turn.begin(5)
    turn.final(5, Final(text="next tuesday", confidence=0.5))
    turn.is_over = True
    assert not turn.is_ready
    turn.partial(4, "can we")
    assert turn.text_so_far == "can we next tuesday"
    turn.final(4, Final(text="can we meet", confidence=1.0))

    assert turn.is_ready
    assert turn.said().text == "can we meet next tuesday"
    assert turn.said().confidence == pytest.approx(0.8)


def test_a_final_of_another_turn_is_refused():
    assert CallerTurn().final(1, Final(text="old", confidence=1.0)) is False


@pytest.mark.parametrize(("known_s", "filler_s"), [(0.5, 1.2), (1.4, 1.8)])
def test_a_filler_leaves_a_reply_its_time_after_a_long_wait_for_the_callers_words(known_s, filler_s):
    """1.4 s of silence were waited for words that might have gone on: the reply may be there in a moment."""
    patience = Patience()
    patience.start(10.0, 10.0 + known_s)
    assert patience.next_at() == pytest.approx(10.0 + filler_s)
    assert patience.due(10.0 + filler_s + 0.01) is Step.FILLER
    assert patience.next_at() == pytest.approx(16.0)


@pytest.mark.parametrize(
    ("said_final", "expectation", "endpoint_ms"),
    [
        (4.0, Expectation.OPEN, 500),
        (2.5, Expectation.OPEN, 500),
        (1.5, Expectation.OPEN, 750),
        (-6.0, Expectation.OPEN, 1_300),
        (1.5, Expectation.YES_NO, 650),
        (-6.0, Expectation.NAME, 500),
    ],
)
def test_where_the_recogniser_says_how_final_it_sounds_the_wait_follows(said_final, expectation, endpoint_ms):
    """Down to the surest and up to the patient endpoint; a name is a fragment anyway."""
    assert USUAL.after("we send contracts to the customer", expectation, said_final) == endpoint_ms


@pytest.mark.parametrize("text", ["um", "four two one nine", "hello there"])
def test_hesitation_digits_and_courtesy_are_known_better_than_by_how_final_they_sound(text):
    assert USUAL.after(text, Expectation.OPEN, 9.0) == USUAL.after(text, Expectation.OPEN, -9.0)
