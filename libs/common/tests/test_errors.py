"""What a task group failed of is told by itself where it is one kind of thing, and never hides another."""

from __future__ import annotations

import pytest
from holdfast_common.errors import EngineUnavailable, HoldfastError, StreamFailed, all_of

GONE, SLOW, BUG = EngineUnavailable("gone"), StreamFailed("deadline", "slow"), RuntimeError("bug")


@pytest.mark.parametrize(
    ("error", "kind", "found"),
    [
        (GONE, EngineUnavailable, [GONE]),
        (BUG, EngineUnavailable, []),
        (ExceptionGroup("", [GONE]), EngineUnavailable, [GONE]),
        (ExceptionGroup("", [ExceptionGroup("", [GONE, SLOW]), SLOW]), HoldfastError, [GONE, SLOW, SLOW]),
        (ExceptionGroup("", [GONE, SLOW]), EngineUnavailable, []),
        (ExceptionGroup("", [GONE, SLOW]), (EngineUnavailable, StreamFailed), [GONE, SLOW]),
        (ExceptionGroup("", [ExceptionGroup("", [GONE]), BUG]), HoldfastError, []),
    ],
)
def test_all_of_one_kind_or_nothing(error, kind, found):
    assert all_of(error, kind) == found
