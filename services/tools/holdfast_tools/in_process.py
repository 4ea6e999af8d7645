"""The service inside another process, for evaluations in text: the real handlers, rules, ledger and search.

`holdfast eval` finds this module by its name, as `holdfast up` finds a service's process. Outages are
turned on and off by name while it serves.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from holdfast_common.contracts.stream import ErrorCode
from holdfast_common.contracts.tools import BookingsOfCall, BookingState, CalendarBook, KnowledgeSearch
from holdfast_common.database import Database, address
from holdfast_common.errors import StreamFailed
from holdfast_common.profile import Profile
from holdfast_common.stream.api import Handler, Session

from holdfast_tools.adapters.fake import CollectedInvitations
from holdfast_tools.adapters.kept_vectors import KeptVectors
from holdfast_tools.adapters.knowledge_folder import KnowledgeFolder
from holdfast_tools.adapters.ledger import SqlLedger
from holdfast_tools.adapters.minilm import MiniLm
from holdfast_tools.adapters.working_days import rules
from holdfast_tools.domain.wishes import Action, Wish, arguments, instant
from holdfast_tools.handlers import Tools

KNOWLEDGE, CALENDAR = "knowledge", "calendar"
"""What may be down."""


@asynccontextmanager
async def ledger_in(folder: Path) -> AsyncIterator[Database]:
    """One SQLite ledger for many calendars, with its tables."""
    database = Database(address("", default_file=folder / "tools.db", schema="tools"), name="evaluation")
    ledger = SqlLedger(database, "none", datetime.now)
    await ledger.prepare()
    try:
        yield database
    finally:
        await ledger.close()


def serve(
    profile: Profile,
    folder: Path,
    database: Database,
    *,
    calendar: str,
    now: datetime,
    free: list[str],
    down: set[str],
    rivals: dict[str, int],
) -> Handler:
    """The handler of one calendar under a frozen clock.

    `free`: the only openings, wall times of the calendar's zone. `down`: `knowledge`, `calendar`, read at
    every call but `calendar.of_call`, which is always answered. `rivals`: opening (UTC instant) -> how many
    bookings somebody else is a moment faster.
    """
    ledger = SqlLedger(database, calendar, lambda: now)
    tools = Tools(
        knowledge=_knowledge(folder),
        ledger=ledger,
        invitations=CollectedInvitations(),
        rules=rules(profile.calendar, ",".join(free) or "none"),
        now=lambda: now,
    )

    async def handle(session: Session) -> None:
        call = session.first
        what = KNOWLEDGE if isinstance(call, KnowledgeSearch) else CALENDAR
        # What a call has booked is asked by who judges it, never by the dialogue.
        if what in down and not isinstance(call, BookingsOfCall):
            raise StreamFailed(ErrorCode.UNAVAILABLE, f"{what}: cannot be reached")
        if isinstance(call, CalendarBook) and rivals.get(call.start, 0) > 0:
            rivals[call.start] -= 1
            await ledger.book(_rival(call, rivals[call.start], calendar))
        await tools(session)

    return handle


async def learn(folder: Path, state: Path) -> None:
    """Search by meaning from now on, as the service does once it has learnt; `state` keeps what was learnt.

    Without it, or where the model cannot be had, the search goes by words.
    """
    knowledge = _knowledge(folder)
    if not knowledge.by_meaning:
        await knowledge.learn([lambda: MiniLm(state)], KeptVectors(state))


@cache
def _knowledge(folder: Path) -> KnowledgeFolder:
    """The index is the same for every call of a run."""
    return KnowledgeFolder(folder)


def _rival(call: CalendarBook, n: int, calendar: str) -> Wish:
    """Somebody else's wish for the same time."""
    return Wish(
        key=f"rival{n}{calendar}{call.start}",
        call="another-call",
        action=Action.BOOK,
        state=BookingState.PENDING,
        arguments=arguments(Action.BOOK, call.start, "rival"),
        start=instant(call.start),
        duration=timedelta(minutes=call.duration_min),
        attendee_email="somebody@else.example",
    )
