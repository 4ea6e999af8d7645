"""One service outside failing in each way: how long the tools take to answer by the next route, in virtual time.

    .venv/bin/python bench/outside_faults.py [--out FILE]

Search: Unleash's stand-in with the built-in knowledge behind it. Calendar: Google's stand-in behind the
ledger; openings come from the ledger then, a booking is answered without a promise. The first call of each
kind is told, and the sixth, when the breaker keeps the service out of the way. Work of this machine's
processor counts nothing here; the caller hears a filler 1.2 s after their words, by the gateway's own clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from calendar_chaos import CALENDAR, CountedDatabase, Tokens
from holdfast_cli.stand_ins.calendar import CalendarStandIn
from holdfast_cli.stand_ins.faults import Fault
from holdfast_cli.stand_ins.unleash import UnleashStandIn
from holdfast_common.contracts.tools import BookingState, Hit, KnowledgeSearch
from holdfast_common.database import address
from holdfast_common.outside_http import http_client
from holdfast_common.resilience import Outside, Patience
from holdfast_common.secret_file import SecretSource
from holdfast_common.virtual_time import VirtualLoop
from holdfast_tools.adapters.fake import MemoryShared, ScriptedKnowledge
from holdfast_tools.adapters.google_calendar import GoogleCalendar
from holdfast_tools.adapters.two_step_ledger import TwoStepLedger
from holdfast_tools.adapters.unleash import UnleashSearch
from holdfast_tools.domain.wishes import Action, Wish, arguments
from holdfast_tools.outside_settings import OutsideSettings
from holdfast_tools.settling import OutsideLedger

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ERRORS_S, HANGS_S = 1.5, 3.5
"""Answer by the next route within: a service that answers with errors, one that does not answer."""
FAULTS = [f for f in Fault if f not in (Fault.NONE, Fault.SLOW, Fault.CUT)]
HANGING = (Fault.HANG, Fault.HANG_AFTER, Fault.LATE)


def patience(attempt_s: float) -> Patience:
    defaults = OutsideSettings.model_fields
    return Patience(
        attempts=2,
        attempt_s=attempt_s,
        fail_max=defaults["breaker_failures"].default,
        reset_s=defaults["breaker_reset_s"].default,
    )


async def timed(call: Any) -> tuple[float, Any]:
    began = asyncio.get_running_loop().time()
    result = await call
    return round(asyncio.get_running_loop().time() - began, 3), result


async def search(fault: Fault) -> dict[str, Any]:
    service, question = UnleashStandIn(), KnowledgeSearch(text="How long is the trial?")
    service.faults.always = fault
    built_in = ScriptedKnowledge({question.text: [Hit(article="a", title="t", answer="Two weeks.", score=1.0)]})
    client = http_client("http://unleash.invalid", transport=service.transport())
    attempt_s = OutsideSettings.model_fields["unleash_attempt_s"].default
    outside = Outside("unleash", patience(attempt_s))
    unleash = UnleashSearch(client, SecretSource("unleash-key"), outside, built_in, MemoryShared())
    told = [await timed(unleash.search(question)) for _ in range(6)]
    return {"first_s": told[0][0], "sixth_s": told[5][0], "answered": all(hits.hits for _, hits in told)}


async def calendar(fault: Fault, ledger: TwoStepLedger, n: int) -> tuple[dict[str, Any], dict[str, Any]]:
    service = CalendarStandIn()
    service.faults.always = fault
    client = http_client("http://calendar.invalid", transport=service.transport())
    attempt_s = OutsideSettings.model_fields["google_attempt_s"].default
    offers, books = [], []
    for kind in (offers, books):
        outside = Outside("google", patience(attempt_s))
        google = GoogleCalendar(client, Tokens(), outside, calendar=CALENDAR, zone="America/New_York", title="M")
        desk = OutsideLedger(ledger, google, lambda: NOW)
        for again in range(6):
            start = NOW + timedelta(days=1, hours=n, minutes=5 * again)
            wish = Wish(
                key=f"fault{n}x{again}",
                call="c",
                action=Action.BOOK,
                state=BookingState.PENDING,
                arguments=arguments(Action.BOOK, start.isoformat()),
                start=start,
                duration=timedelta(minutes=5),
                attendee_email="dana@northwind.example",
            )
            kind.append(await timed(desk.taken(range(100, 200)) if kind is offers else desk.book(wish)))
    safe = all(outcome.state in (BookingState.NONE, BookingState.PENDING) for _, outcome in books)
    return (
        {"first_s": offers[0][0], "sixth_s": offers[5][0], "answered": True},
        {"first_s": books[0][0], "sixth_s": books[5][0], "answered": safe},
    )


async def all_of_them(folder: Path) -> list[dict[str, Any]]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    database = CountedDatabase(address("", default_file=folder / "faults.db", schema="tools"))
    ledger = TwoStepLedger(database, "tenant", lambda: NOW)
    loop.hold_while(lambda: True)
    await ledger.prepare()
    loop.hold_while(lambda: database.working > 0)
    rows = []
    for n, fault in enumerate(FAULTS):
        openings, booking = await calendar(fault, ledger, n)
        for what, told in (("search", await search(fault)), ("openings", openings), ("booking", booking)):
            limit_s = HANGS_S if fault in HANGING else ERRORS_S
            within = told["first_s"] <= limit_s and told["answered"]
            rows.append({"what": what, "fault": fault.value, **told, "limit_s": limit_s, "within": within})
    loop.hold_while(lambda: True)
    await database.close()
    return rows


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--out", type=Path)
    options = asked.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        rows = runner.run(all_of_them(Path(folder)))
    told = {
        "what": "time to the answer by the next route with one service outside failing; virtual time",
        "command": "python " + " ".join(sys.argv),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "within": sum(row["within"] for row in rows),
        "of": len(rows),
        "rows": rows,
    }
    text = json.dumps(told, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", "utf-8")
    return 0 if told["within"] == told["of"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
