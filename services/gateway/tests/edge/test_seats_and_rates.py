"""Who gets a seat, who calls too often, who has been here before."""

from __future__ import annotations

from holdfast_gateway.domain.identity import Acquaintances, CallState
from holdfast_gateway.domain.rates import Rates
from holdfast_gateway.domain.seats import Seats
from hypothesis import given
from hypothesis import strategies as st


def test_the_last_seat_is_given_once() -> None:
    seats = Seats(limit=2)

    assert [seats.take(f"CA{i}", 0.0) for i in range(4)] == [True, True, False, False]


def test_a_webhook_delivered_twice_takes_one_seat() -> None:
    seats = Seats(limit=2)
    seats.take("CA1", 0.0)
    seats.take("CA1", 0.1)

    assert seats.taken(0.2) == 1


def test_an_unclaimed_seat_returns_after_its_time_and_a_claimed_one_does_not() -> None:
    seats = Seats(limit=2, unclaimed_s=15)
    seats.take("CA1", 0.0)
    seats.take("CA2", 0.0)
    seats.claim("CA2", 1.0)

    assert not seats.take("CA3", 14.9)
    assert seats.take("CA3", 15.0)
    assert not seats.take("CA1", 15.1), "the seat of the one who did not come has gone to another"
    assert not seats.claim("CA1", 15.1)


def test_a_lost_call_keeps_its_seat_while_it_may_come_back() -> None:
    seats = Seats(limit=1, unclaimed_s=15)
    seats.claim("CA1", 0.0)
    seats.lose("CA1", 100.0)

    assert not seats.take("CA2", 114.0)
    assert seats.claim("CA1", 114.0)
    seats.release("CA1")
    assert seats.take("CA2", 114.0)


_keys = st.sampled_from([f"CA{i}" for i in range(6)])
_happenings = st.lists(
    st.tuples(st.sampled_from(["take", "claim", "lose", "release"]), _keys, st.floats(0, 10)), max_size=80
)


@given(st.integers(1, 4), _happenings)
def test_never_more_seats_than_there_are(limit: int, happenings: list[tuple[str, str, float]]) -> None:
    seats, now = Seats(limit), 0.0
    for what, key, seconds in happenings:
        now += seconds
        if what == "release":
            seats.release(key)
        else:
            getattr(seats, what)(key, now)
        assert 0 <= seats.taken(now) <= limit


def test_a_burst_is_taken_and_then_the_rate_holds() -> None:
    rates = Rates(per_minute=60, burst=3)

    assert [rates.take("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert rates.wait_s("a") == 1.0
    assert rates.take("b", 0.0), "another key has its own"
    assert rates.take("a", 1.0)
    assert not rates.take("a", 1.5)


def test_rates_remember_a_bounded_number_of_keys() -> None:
    rates = Rates(per_minute=60, burst=1, max_keys=100)
    for i in range(1_000):
        rates.take(str(i), 0.0)

    assert len(rates) == 100


def test_a_call_may_return_three_times_in_a_minute() -> None:
    known = Acquaintances().meet("CA1", "call-1", 1)

    assert [known.may_return(t) for t in (0, 10, 20, 30)] == [True, True, True, False]
    assert known.may_return(61), "the first of the three is a minute ago"


def test_generations_only_go_up() -> None:
    met = Acquaintances()
    met.meet("CA1", "call-1", 3)
    met.meet("CA1", "call-1", 2)

    known = met.get("CA1")
    assert known is not None
    assert known.generation == 3


def test_the_longest_unseen_are_forgotten_but_never_a_live_call() -> None:
    met = Acquaintances(max_calls=2)
    met.meet("live", "c", 1).state = CallState.LIVE
    for i in range(5):
        met.meet(str(i), "c", 1)

    assert met.get("live") is not None
    assert met.get("0") is None
    assert met.get("4") is not None
    assert len(met) == 2
