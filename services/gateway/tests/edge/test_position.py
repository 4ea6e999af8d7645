"""Where the caller's ear is."""

from __future__ import annotations

import pytest
from holdfast_gateway.domain.position import Playout
from hypothesis import given
from hypothesis import strategies as st


def test_a_far_end_that_has_said_nothing_yet_is_believed_to_play_on_time() -> None:
    playout = Playout(8000)
    playout.handed(8000, now=10.0)

    assert playout.position(10.0) == 0
    assert playout.position(10.25) == 2000
    assert playout.position(99.0) == 8000, "the clock stands still at what was handed over"


def test_half_the_round_trip_passes_before_the_first_sample_sounds() -> None:
    playout = Playout(8000)
    playout.measured(0.2)
    playout.handed(8000, now=10.0)

    assert playout.position(10.1) == 0
    playout.told(160, now=10.22)
    assert playout.position(10.35) == 2000


def test_a_mark_puts_the_clock_right() -> None:
    """Told 1600 at 10.5: half a round trip ago it was there, so by now it is a little further."""
    playout = Playout(8000)
    playout.measured(0.1)
    playout.handed(8000, now=10.0)
    playout.told(1600, now=10.5)

    assert playout.position(10.5) == 1600 + 400
    assert playout.position(10.6) == 1600 + 1200


def test_told_and_guessed_positions_agree_when_the_far_end_is_on_time() -> None:
    guessed, told = Playout(8000), Playout(8000)
    for playout in (guessed, told):
        playout.measured(0.1)
        playout.handed(8000, now=0.0)
        playout.told(160, now=0.05 + 0.02 + 0.05)
    told.told(1600, now=0.05 + 0.2 + 0.05)

    assert told.position(0.45) == guessed.position(0.45) == 3200


def test_a_line_that_stalls_is_not_mistaken_for_a_patient_listener() -> None:
    playout = Playout(8000, slack_s=0.5)
    playout.handed(80_000, now=0.0)
    playout.told(1600, now=0.2)

    assert playout.position(5.0) == 1600 + 4000


def test_a_clear_is_obeyed_half_a_round_trip_later() -> None:
    playout = Playout(8000)
    playout.measured(0.1)
    playout.told(0, now=0.0)
    playout.handed(16_000, now=0.0)
    playout.told(1600, now=0.3)

    assert playout.cleared(now=0.4) == 1600 + 400 + 800 + 400


def test_what_a_far_end_waits_before_it_plays_is_learned_from_its_first_word() -> None:
    """Handed over at 0, 20 ms of it played by 0.42: it waits 0.4 s, next time as well."""
    playout = Playout(8000)
    playout.measured(0.0)
    playout.handed(800, now=0.0)
    assert playout.position(0.3) == 0, "it speaks, and has not said that it has begun"
    playout.told(160, now=0.42)
    assert playout.lag_s == pytest.approx(0.4)
    playout.handed(8000, now=2.0)

    assert playout.position(2.4) == 800
    assert playout.position(2.5) == 1600


def test_a_far_end_that_answers_marks_but_never_speaks_of_its_audio_is_taken_to_play_it() -> None:
    """It counts as not having begun for 1.5 s; after that the clock is all there is."""
    playout = Playout(8000)
    playout.measured(0.0)
    playout.handed(80_000, now=0.0)

    assert playout.position(1.0) == 0
    assert playout.position(2.0) == 16_000


def test_a_late_word_does_not_put_the_clock_back_but_three_do() -> None:
    playout = Playout(8000)
    playout.handed(80_000, now=0.0)
    playout.told(1600, now=0.2)
    playout.told(3200, now=0.55)
    assert playout.position(0.55) == 4400, "that word was 150 ms on its way"
    playout.told(4800, now=0.75)
    playout.told(6400, now=0.95)

    assert playout.position(1.0) == 6800, "the line stood still for 150 ms"


def test_after_a_clear_the_position_stays_and_new_audio_goes_on_from_there() -> None:
    playout = Playout(8000)
    playout.handed(16_000, now=0.0)

    assert playout.cleared(now=0.5) == 4000
    assert playout.position(0.9) == 4000
    assert playout.sent == 4000
    playout.handed(800, now=1.0)
    assert playout.position(1.05) == 4400
    assert playout.sent == 4800


def test_an_empty_buffer_starts_anew_and_a_full_one_goes_on() -> None:
    playout = Playout(8000)
    playout.handed(800, now=0.0)
    playout.handed(800, now=0.05)
    assert playout.runs_dry_at() == 0.2
    playout.handed(800, now=3.0)
    assert playout.position(3.05) == 2000


_steps = st.lists(
    st.tuples(st.sampled_from(["hand", "tell", "clear", "wait", "measure"]), st.integers(0, 4000), st.floats(0.0, 2.0)),
    max_size=60,
)


@given(_steps)
def test_whatever_happens_the_position_never_goes_back_and_never_beyond_what_was_sent(
    steps: list[tuple[str, int, float]],
) -> None:
    playout, now, before = Playout(8000), 0.0, 0
    for what, number, seconds in steps:
        now += seconds
        match what:
            case "hand":
                playout.handed(number, now)
            case "tell":
                playout.told(number * 7, now)
            case "clear":
                assert playout.cleared(now) == playout.sent
            case "measure":
                playout.measured(seconds)
        position = playout.position(now)
        assert before <= position <= playout.sent
        before = position
