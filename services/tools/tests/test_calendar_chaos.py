"""Random schedules of time-outs, crashes and repeats against Google Calendar's stand-in: the bench, in small."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from holdfast_common.resilience import OutsideUnavailable
from holdfast_tools.settling import OutsideLedger
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(seeds=st.lists(st.integers(0, 2**31), min_size=8, max_size=8, unique=True))
def test_random_faults_crashes_and_repeats_neither_double_nor_invent_nor_lose_a_booking(
    chaos: Any, seeds: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    found = chaos.run(seeds, tmp_path_factory.mktemp("chaos"))

    assert found.schedules == 8
    wrong = (found.double, found.false_confirmations, found.lost, found.orphans, found.unsettled)
    assert wrong == (0, 0, 0, 0, 0), found.seeds


def test_the_judge_sees_a_calendar_that_is_not_asked_again(
    chaos: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a lost answer is taken for success, the same schedules find false confirmations."""

    async def believes(self: OutsideLedger, done: Any) -> bool:
        with contextlib.suppress(OutsideUnavailable):
            await done
        return True

    monkeypatch.setattr(OutsideLedger, "_may_have", believes)
    found = chaos.run(list(range(1, 9)), tmp_path)
    assert found.false_confirmations + found.lost + found.double > 0
