"""Where the tools service is wired; every collaborator is an argument of `Tools`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import structlog
from holdfast_common.database import Database, address
from holdfast_common.health import Finding, Health, State
from holdfast_common.profile import Profile, load_profile
from holdfast_common.runtime import Runtime, Wiring
from holdfast_common.settings import CommonSettings
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from holdfast_tools.adapters.invitations import InvitationFolder, SentByCalendar
from holdfast_tools.adapters.kept_vectors import KeptVectors
from holdfast_tools.adapters.knowledge_folder import KnowledgeFolder
from holdfast_tools.adapters.working_days import rules
from holdfast_tools.calendars import Booking, open_booking
from holdfast_tools.embedders import embedders, open_endpoint
from holdfast_tools.handlers import Tools
from holdfast_tools.learning import learn_aside
from holdfast_tools.outside_settings import OutsideSettings
from holdfast_tools.ports import Clock, LedgerUnavailable
from holdfast_tools.searches import Search, open_search
from holdfast_tools.settings import ToolsSettings

log = structlog.get_logger()

FIRST_LEARNING_AFTER_S = 20.0
"""A machine that starts everything for the first time has enough to do; until then the search goes by words."""


def clock(frozen: str) -> Clock:
    """The real clock, or one that stands still at an ISO time."""
    if not frozen:
        return lambda: datetime.now(UTC)
    at = datetime.fromisoformat(frozen).astimezone(UTC)
    return lambda: at


def open_database(common: CommonSettings, settings: ToolsSettings) -> Database:
    """The ledger's database that the settings mean; nothing is connected yet. Raises SettingsError."""
    common.state_dir.mkdir(parents=True, exist_ok=True)
    return Database(
        address(
            settings.database_url.get_secret_value(),
            default_file=common.state_dir / "tools.db",
            schema=settings.database_schema,
            password_file=settings.database_password_file,
            setting="HOLDFAST_TOOLS_DATABASE_URL",
        ),
        name="holdfast-tools",
        pool=settings.database_pool,
    )


def invitation_folder(
    common: CommonSettings, settings: ToolsSettings, profile: Profile, now: Clock
) -> InvitationFolder:
    """Where the built-in calendar leaves its invitations."""
    return InvitationFolder(
        common.state_dir / "invitations",
        zone=profile.calendar.timezone,
        organiser=settings.organiser_email,
        organiser_name=settings.organiser_name or profile.company,
        title=f"{profile.company} meeting",
        now=now,
    )


@asynccontextmanager
async def wire(runtime: Runtime, settings: ToolsSettings, outside: OutsideSettings) -> AsyncIterator[Wiring]:
    """Read profile and knowledge, open the ledger, serve."""
    common = runtime.common
    profile = load_profile(common.profile)
    calendar = rules(profile.calendar, settings.free)
    now = clock(settings.now)
    knowledge = await asyncio.to_thread(KnowledgeFolder, common.profile, learn_aside)
    database = open_database(common, settings)
    endpoint = open_endpoint(settings) if settings.knowledge_meaning else None
    async with (
        AsyncExitStack() as stack,
        open_booking(outside, database, profile, now) as booking,
        open_search(outside, knowledge, runtime.bus, knowledge.outside_of) as search,
    ):
        if endpoint is not None:
            stack.push_async_callback(endpoint.close)
            runtime.health.register("embeddings", endpoint.outside.finding)
        tools = Tools(
            knowledge=search.knowledge,
            ledger=booking.ledger,
            invitations=SentByCalendar() if booking.invites else invitation_folder(common, settings, profile, now),
            rules=calendar,
            now=now,
        )

        async def prepare() -> None:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(LedgerUnavailable),
                wait=wait_random_exponential(multiplier=0.2, max=5),
                before_sleep=_tell,
            ):
                with attempt:
                    await booking.base.prepare()
            await tools.write_missing_invitations()

        async def learn_meaning() -> None:
            kept = KeptVectors(common.state_dir / "knowledge")
            if kept.is_empty:
                await asyncio.sleep(FIRST_LEARNING_AFTER_S)
            found = embedders(common, endpoint)
            await knowledge.learn(found, kept)
            if endpoint is not None:
                await knowledge.keep_learning(found, kept)

        register_health(runtime.health, knowledge, search, booking)
        yield Wiring(
            handler=tools,
            capacity=lambda: settings.capacity,
            info=lambda: {
                "knowledge": f"{search.told()}built-in, {knowledge.size} articles, {knowledge.how}",
                "calendar": booking.told(),
            },
            tasks=(
                prepare,
                *([learn_meaning] if settings.knowledge_meaning else []),
                *([knowledge.watch] if settings.watch_knowledge else []),
                *booking.keep,
            ),
            drain=tools.drained,
        )
        await tools.drained()


def register_health(health: Health, knowledge: KnowledgeFolder, search: Search, booking: Booking) -> None:
    health.register("knowledge", lambda: _knowledge_finding(knowledge))
    if search.finding is not None:
        health.register("search", search.finding)
    health.register("ledger", booking.base.finding)
    if booking.finding is not None:
        health.register("calendar", booking.finding)


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("ledger_waiting", attempt=state.attempt_number, error=str(error))


def _knowledge_finding(knowledge: KnowledgeFolder) -> Finding:
    if knowledge.problems:
        return Finding(State.DEGRADED, f"older articles in use: {'; '.join(knowledge.problems)}")
    well = knowledge.by_meaning or not knowledge.wants_meaning or knowledge.learning
    return Finding(State.OK if well else State.DEGRADED, f"{knowledge.size} articles, {knowledge.meaning}")
