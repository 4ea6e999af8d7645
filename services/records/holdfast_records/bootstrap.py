"""Where the records service is wired."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import structlog
from holdfast_common.runtime import Runtime, Wiring

from holdfast_records.adapters.store import SqlStore, store_engine
from holdfast_records.handlers import Recorder
from holdfast_records.settings import RecordsSettings

log = structlog.get_logger()


@asynccontextmanager
async def wire(runtime: Runtime, settings: RecordsSettings) -> AsyncIterator[Wiring]:
    """Open the database, follow the log."""
    state_dir = runtime.common.state_dir
    state_dir.mkdir(parents=True, exist_ok=True)
    url = settings.database_url or f"sqlite+aiosqlite:///{(state_dir / 'records.db').absolute()}"
    engine = store_engine(url)
    store = SqlStore(engine)
    try:
        recorder = Recorder(
            runtime.log, store, lambda: datetime.now(UTC), max_age=timedelta(days=settings.max_age_days)
        )

        async def expire() -> None:
            while True:
                await recorder.expire()
                await asyncio.sleep(settings.expire_every_s)

        async def derive() -> None:
            if settings.rebuild:
                log.info("tables_rebuilt", calls=await recorder.rebuild())
            await recorder.derive()

        runtime.health.register("database", store.finding)
        yield Wiring(
            info=lambda: {
                "database": engine.url.get_backend_name(),
                "entries": str(recorder.stored),
                "lag_s": f"{recorder.lag_s:.1f}",
            },
            tasks=(recorder.follow, derive, expire),
        )
    finally:
        await store.close()
