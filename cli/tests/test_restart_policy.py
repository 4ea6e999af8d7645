"""When a dead process is started again."""

from __future__ import annotations

from holdfast_cli.supervise.restart import Deaths, RestartPolicy, after_death
from hypothesis import given
from hypothesis import strategies as st

POLICY = RestartPolicy()


def test_a_process_that_had_lived_is_restarted_within_the_promise():
    """0.3 s is promised from death to restart."""
    _, delay = after_death(POLICY, Deaths(early_in_a_row=7), lived_s=60)

    assert delay <= 0.3


def test_the_first_early_death_is_forgiven_at_once():
    """A kill right after a start (chaos, two kills in a row) must not cost the caller seconds."""
    _, delay = after_death(POLICY, Deaths(), lived_s=0.5)

    assert delay <= 0.3


def test_early_deaths_in_a_row_wait_longer_and_longer_up_to_the_limit():
    """A process that never comes up does not eat a core."""
    deaths, delays = Deaths(), []
    for _ in range(12):
        deaths, delay = after_death(POLICY, deaths, lived_s=0.1)
        delays.append(delay)

    assert delays == sorted(delays)
    assert delays[-1] == POLICY.backoff_limit_s


def test_a_long_life_forgets_early_deaths():
    """After five good seconds the next death counts as the first."""
    deaths = Deaths(early_in_a_row=5)

    deaths, _ = after_death(POLICY, deaths, lived_s=POLICY.settled_after_s)

    assert deaths == Deaths()


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_delays_are_always_within_bounds(lives: list[float]):
    """Whatever the history, the delay is positive and bounded."""
    deaths = Deaths()
    for lived in lives:
        deaths, delay = after_death(POLICY, deaths, lived)

        assert 0 < delay <= POLICY.backoff_limit_s
