"""Where the records service is wired."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import structlog
from holdfast_common.database import Database, address
from holdfast_common.runtime import Runtime, Wiring
from holdfast_common.settings import CommonSettings

from holdfast_records.adapters.store import PATIENCE, SqlStore
from holdfast_records.handlers import Recorder
from holdfast_records.settings import RecordsSettings

log = structlog.get_logger()

GATHER_S = 2.0
"""Nobody waits for the records so short a time; a pair of transactions is some 200 changes between two threads, and
a call's rows are derived anew each time."""


def open_database(common: CommonSettings, settings: RecordsSettings) -> Database:
    """The records' database that the settings mean; nothing is connected yet. Raises SettingsError."""
    common.state_dir.mkdir(parents=True, exist_ok=True)
    return Database(
        address(
            settings.database_url.get_secret_value(),
            default_file=common.state_dir / "records.db",
            schema=settings.database_schema,
            password_file=settings.database_password_file,
            setting="HOLDFAST_RECORDS_DATABASE_URL",
        ),
        name="holdfast-records",
        patience=PATIENCE,
        pool=settings.database_pool,
    )


@asynccontextmanager
async def wire(runtime: Runtime, settings: RecordsSettings) -> AsyncIterator[Wiring]:
    """Open the database, follow the log."""
    database = open_database(runtime.common, settings)
    store = SqlStore(database)
    try:
        recorder = Recorder(
            runtime.log,
            store,
            lambda: datetime.now(UTC),
            max_age=timedelta(days=settings.max_age_days),
            gather_s=GATHER_S,
        )

        async def expire() -> None:
            while True:
                await recorder.expire()
                await asyncio.sleep(settings.expire_every_s)
                await recorder.look_again()

        async def derive() -> None:
            if settings.rebuild:
                log.info("tables_rebuilt", calls=await recorder.rebuild())
            await recorder.derive()

        runtime.health.register("database", store.finding)
        yield Wiring(
            info=lambda: {
                "database": database.backend,
                "entries": str(recorder.stored),
                "lag_s": f"{recorder.lag_s:.1f}",
            },
            tasks=(recorder.follow, derive, expire),
        )
    finally:
        await store.close()
