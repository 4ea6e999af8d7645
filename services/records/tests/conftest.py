from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from holdfast_common.database import Database, Patience, address
from holdfast_records.adapters.store import PATIENCE, SqlStore

Connect = Callable[..., SqlStore]


@pytest.fixture
async def connect(database_url: str) -> AsyncIterator[Connect]:
    """Further replicas' stores over the test's database, whose tables are not made yet."""
    made: list[SqlStore] = []

    def connect(*, patience: Patience = PATIENCE) -> SqlStore:
        where = address(database_url, default_file=Path(), schema="records")
        made.append(SqlStore(Database(where, patience=patience)))
        return made[-1]

    yield connect
    for store in made:
        await store.close()


@pytest.fixture
async def database(connect: Connect) -> SqlStore:
    store = connect()
    await store.prepare()
    return store
