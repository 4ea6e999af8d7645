"""Calls go to the gateway with clearly more room, are counted on their way, and stay where nobody has more."""

from __future__ import annotations

from holdfast_gateway.domain.spread import Sibling, Spread
from hypothesis import given
from hypothesis import strategies as st


def sibling(n: int, free: int) -> Sibling:
    return Sibling(f"gateway-{n}", free, f"http://127.0.0.1:{8080 + n}")


def test_a_process_alone_keeps_every_call():
    """Also when it is full: then it says so itself."""
    assert Spread().better(3, [], 0.0) is None
    assert Spread().better(0, [], 0.0) is None


def test_a_call_is_not_sent_round_for_a_seat_or_two():
    """As long as nobody has clearly more room it stays."""
    assert Spread().better(5, [sibling(2, 6)], 0.0) is None


def test_a_full_process_hands_on_to_the_last_free_seat():
    """One seat elsewhere is better than none here; a second call in the same moment finds none."""
    spread = Spread()

    assert spread.better(0, [sibling(2, 1)], 0.0) == sibling(2, 1)
    assert spread.better(0, [sibling(2, 1)], 0.1) is None
    assert spread.better(0, [sibling(2, 1)], 2.0) == sibling(2, 1)


@given(st.lists(st.integers(0, 60), min_size=2, max_size=5), st.integers(1, 250))
def test_a_burst_between_two_beats_overfills_nobody_who_was_handed_to(free, callers):
    """Whatever room they have: each sibling gets at most what it said, and nobody is refused while anybody has room."""
    spread = Spread()
    own, others = free[0], [sibling(n + 2, count) for n, count in enumerate(free[1:])]
    got = dict.fromkeys([s.replica for s in others], 0)
    refused = 0
    for n in range(callers):
        to = spread.better(own, others, n * 0.0001)
        if to is not None:
            got[to.replica] += 1
        elif own > 0:
            own -= 1
        else:
            refused += 1

    assert all(got[s.replica] <= s.free for s in others)
    assert refused == max(0, callers - sum(free))
