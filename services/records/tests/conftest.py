from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from holdfast_common.database import Database, address
from holdfast_records.adapters.store import PATIENCE, SqlStore

Connect = Callable[..., SqlStore]


@pytest.fixture
async def connect_to() -> AsyncIterator[Connect]:
    """Stores over any address, closed at the end; their tables are not made yet."""
    made: list[SqlStore] = []

    def connect_to(url: str) -> SqlStore:
        made.append(SqlStore(Database(address(url, default_file=Path(), schema="records"), patience=PATIENCE)))
        return made[-1]

    yield connect_to
    for store in made:
        await store.close()


@pytest.fixture
def connect(database_url: str, connect_to: Connect) -> Connect:
    """Replicas' stores over the test's database."""
    return partial(connect_to, database_url)


@pytest.fixture
async def database(connect: Connect) -> SqlStore:
    store = connect()
    await store.prepare()
    return store
