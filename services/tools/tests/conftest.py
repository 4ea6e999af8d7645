from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from holdfast_common.database import Database, Patience, address
from holdfast_tools.adapters.ledger import SqlLedger
from holdfast_tools.domain.openings import Rules

PROFILE = Path(__file__).parents[3] / "profiles" / "trial_success"
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


Connect = Callable[..., SqlLedger]


@pytest.fixture
async def connect_to() -> AsyncIterator[Connect]:
    """Ledgers over any address, closed at the end; their tables are not made yet."""
    made: list[SqlLedger] = []

    def connect_to(
        url: str, *, patience: Patience | None = None, password_file: str = "", kind: type[SqlLedger] = SqlLedger
    ) -> SqlLedger:
        where = address(url, default_file=Path(), schema="tools", password_file=password_file)
        made.append(kind(Database(where, patience=patience), "tenant", lambda: NOW))
        return made[-1]

    yield connect_to
    for ledger in made:
        await ledger.close()


@pytest.fixture
def connect(database_url: str, connect_to: Connect) -> Connect:
    """Replicas' ledgers over the test's database."""
    return partial(connect_to, database_url)


@pytest.fixture
async def ledger(connect: Connect) -> SqlLedger:
    ledger = connect()
    await ledger.prepare()
    return ledger


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A profile folder with three articles of the shipped one."""
    folder = tmp_path / "profile"
    (folder / "knowledge").mkdir(parents=True)
    for name in ("trial-length", "hubspot", "fields"):
        shutil.copy(PROFILE / "knowledge" / f"{name}.md", folder / "knowledge")
    return folder


@pytest.fixture(scope="session")
def account() -> str:
    """A service account's key, made here."""
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps(
        {
            "type": "service_account",
            "client_email": "agent@project.iam.example",
            "private_key": pem.decode(),
            "private_key_id": "1",
            "token_uri": "http://calendar.invalid/token",
        }
    )


@pytest.fixture(scope="session")
def chaos() -> Any:
    """The bench of random schedules, as a module."""
    path = Path(__file__).parents[3] / "bench" / "calendar_chaos.py"
    spec = importlib.util.spec_from_file_location("calendar_chaos", path)
    assert spec and spec.loader
    module = sys.modules["calendar_chaos"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
