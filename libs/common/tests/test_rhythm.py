"""Timers on one grid: `holdfast_common.rhythm`."""

from __future__ import annotations

import pytest
from holdfast_common.rhythm import LEAST, until_next


@pytest.mark.parametrize("now", [0.0, 0.01, 0.1, 0.2, 0.24, 0.249999, 1_234.56, 86_400.125])
def test_a_wait_ends_on_the_grid_that_others_wait_for_too(now: float) -> None:
    """Whoever asks, whenever they ask: they wake at a multiple of the interval."""
    wakes = (now + until_next(0.25, now)) / 0.25

    assert wakes == pytest.approx(round(wakes), abs=1e-6)


@pytest.mark.parametrize("now", [0.0, 0.2, 0.249999, 7.125])
def test_a_wait_is_never_nothing_and_never_much_more_than_the_interval(now: float) -> None:
    """Somebody who asks right before the grid's line does not run twice in a row, nor misses a beat."""
    assert LEAST * 0.25 <= until_next(0.25, now) <= (1 + LEAST) * 0.25
