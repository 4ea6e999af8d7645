"""Where answers come from: the built-in knowledge, or Unleash's search with the built-in one behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from holdfast_common.bus import Bus
from holdfast_common.health import Finding
from holdfast_common.nats_bus import NatsBus
from holdfast_common.outside_http import http_client
from holdfast_common.resilience import Outside, Patience
from holdfast_common.secret_file import SecretSource

from holdfast_tools.outside_settings import OutsideSettings
from holdfast_tools.ports import Knowledge, Shared


@dataclass(frozen=True, slots=True)
class Search:
    """What bootstrap needs of the chosen search."""

    knowledge: Knowledge
    finding: Callable[[], Finding] | None = None

    def told(self) -> str:
        """For beats: what is asked before the built-in knowledge, and how it is."""
        return f"unleash: {self.finding().detail}; then " if self.finding else ""


@asynccontextmanager
async def open_search(
    settings: OutsideSettings, built_in: Knowledge, bus: Bus, outside_of: Callable[[str], str | None]
) -> AsyncIterator[Search]:
    """Unleash where its key is named; else what is built in. `outside_of`: why no article may answer a question."""
    key = SecretSource(settings.unleash_key.get_secret_value(), settings.unleash_key_file)
    if not key.is_set:
        yield Search(built_in)
        return
    from holdfast_tools.adapters.fake import MemoryShared  # noqa: PLC0415 - only where used
    from holdfast_tools.adapters.shared_store import NatsShared  # noqa: PLC0415
    from holdfast_tools.adapters.unleash import NAME, UnleashSearch  # noqa: PLC0415

    cache_s = settings.unleash_cache_s
    shared: Shared = NatsShared(bus.control, ttl_s=cache_s or 60.0) if isinstance(bus, NatsBus) else MemoryShared()
    patience = Patience(
        attempts=2,
        attempt_s=settings.unleash_attempt_s,
        fail_max=settings.breaker_failures,
        reset_s=settings.breaker_reset_s,
        at_once=32,
    )
    async with http_client(settings.unleash_url) as client:
        search = UnleashSearch(
            client,
            key,
            Outside(NAME, patience),
            built_in,
            shared,
            within_s=settings.unleash_within_s,
            per_minute=settings.unleash_per_minute,
            account=settings.unleash_account,
            assistant=settings.unleash_assistant,
            is_cached=cache_s > 0,
            outside_of=outside_of,
        )
        try:
            yield Search(search, search.outside.finding)
        finally:
            await search.close()
