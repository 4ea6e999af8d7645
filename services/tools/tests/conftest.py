from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from holdfast_tools.adapters.ledger import SqlLedger, ledger_engine
from holdfast_tools.domain.openings import Rules

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""Monday, ten in the morning in New York."""


@pytest.fixture
def make_rules() -> Callable[..., Rules]:
    def make(**changes: object) -> Rules:
        values: dict[str, object] = {
            "zone": NEW_YORK,
            "duration": timedelta(minutes=30),
            "step": timedelta(minutes=30),
            "notice": timedelta(minutes=60),
            "horizon_days": 14,
            "weekdays": frozenset(range(5)),
            "opens": time(9),
            "closes": time(17, 30),
            "days_off": frozenset({date(2026, 11, 26)}),
            "only": None,
        }
        return Rules(**(values | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    engine = ledger_engine(f"sqlite+aiosqlite:///{tmp_path / 'tools.db'}")
    ledger = SqlLedger(engine, "tenant", lambda: NOW)
    await ledger.prepare()
    yield ledger
    await ledger.close()
