"""Which calendar meetings stand in: the built-in one (the ledger), or Google's with the ledger before it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from holdfast_common.database import Database
from holdfast_common.errors import SettingsError
from holdfast_common.health import Finding
from holdfast_common.outside_http import http_client
from holdfast_common.profile import Profile
from holdfast_common.resilience import Outside, Patience
from holdfast_common.secret_file import SecretSource

from holdfast_tools.adapters.ledger import SqlLedger
from holdfast_tools.outside_settings import OutsideSettings
from holdfast_tools.ports import Clock, Ledger


@dataclass(frozen=True, slots=True)
class Booking:
    """What bootstrap needs of the chosen calendar."""

    name: str
    base: SqlLedger
    """Prepares and closes the database."""
    ledger: Ledger
    """What the tools ask."""
    finding: Callable[[], Finding] | None = None
    keep: tuple[Callable[[], Awaitable[None]], ...] = ()
    """Work beside the calls."""

    def told(self) -> str:
        """For beats: what is in use, and how it is."""
        return f"{self.name}: {self.finding().detail}" if self.finding else self.name

    @property
    def invites(self) -> bool:
        """It sends invitations itself."""
        return self.finding is not None


@asynccontextmanager
async def open_booking(
    settings: OutsideSettings, database: Database, profile: Profile, now: Clock
) -> AsyncIterator[Booking]:
    """The ledger, closed at the end. Raises SettingsError where Google is wanted and its key is not named."""
    if settings.calendar == "built-in":
        ledger = SqlLedger(database, profile.id, now)
        try:
            yield Booking("built-in", ledger, ledger)
        finally:
            await ledger.close()
        return
    from holdfast_tools.adapters.google_calendar import NAME, GoogleCalendar  # noqa: PLC0415 - only where used
    from holdfast_tools.adapters.google_token import ServiceAccount  # noqa: PLC0415
    from holdfast_tools.adapters.two_step_ledger import TwoStepLedger  # noqa: PLC0415
    from holdfast_tools.settling import OutsideLedger  # noqa: PLC0415

    key = SecretSource(settings.google_key.get_secret_value(), settings.google_key_file)
    if not key.is_set:
        raise SettingsError(["HOLDFAST_TOOLS_CALENDAR=google needs HOLDFAST_TOOLS_GOOGLE_KEY_FILE (or _KEY)"])
    outside = Outside(
        NAME,
        Patience(
            attempts=2,
            attempt_s=settings.google_attempt_s,
            fail_max=settings.breaker_failures,
            reset_s=settings.breaker_reset_s,
            at_once=settings.google_at_once,
        ),
    )
    base = TwoStepLedger(database, profile.id, now)
    async with http_client(settings.google_url) as client:
        tokens = ServiceAccount(
            client, key, subject=settings.google_subject, epoch=time.time, token_uri=settings.google_token_uri
        )
        calendar = GoogleCalendar(
            client,
            tokens,
            outside,
            calendar=settings.google_calendar,
            zone=profile.calendar.timezone,
            title=f"{profile.company} meeting",
        )
        ledger = OutsideLedger(base, calendar, now, settle_s=settings.google_settle_s)
        try:
            yield Booking("google", base, ledger, outside.finding, (ledger.keep_settling,))
        finally:
            await base.close()
