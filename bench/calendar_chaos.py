"""Bookings in a calendar outside under random faults: double bookings, false confirmations, lost ones.

    .venv/bin/python bench/calendar_chaos.py [--schedules 1000] [--seed 1] [--out FILE]

Two replicas of the tools service over one ledger (SQLite) and one stand-in of Google Calendar, in one
process and in virtual time. Callers want the same few times, say yes twice, move and cancel; requests
fail before or after their effect, hang, come late, are cut; replicas crash before and after every step
of ledger and calendar. At the end the faults stop, what is open is settled, and calendar, ledger and
what each caller was told are held against each other.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from holdfast_cli.stand_ins.calendar import CalendarStandIn, Event
from holdfast_cli.stand_ins.faults import Fault, Faults
from holdfast_common.contracts.tools import BookingState
from holdfast_common.database import Database, address
from holdfast_common.outside_http import http_client
from holdfast_common.resilience import Outside, Patience
from holdfast_common.virtual_time import VirtualLoop
from holdfast_tools.adapters.google_calendar import GoogleCalendar
from holdfast_tools.adapters.two_step_ledger import TwoStepLedger
from holdfast_tools.domain.wishes import Action, Wish, arguments
from holdfast_tools.settling import OutsideLedger

START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
CALENDAR = "meetings@holdfast.example"
FAULTS = [f for f in Fault if f not in (Fault.NONE, Fault.CUT, Fault.QUOTA)]
KNOWN = (BookingState.BOOKED, BookingState.CANCELLED, BookingState.TAKEN, BookingState.REFUSED, BookingState.NONE)


class Crashed(Exception):
    """The replica is dead at this point: nothing after it happens."""


class CountedDatabase(Database):
    """Tells whether its thread is at work, so that virtual time waits for it."""

    working = 0

    @asynccontextmanager
    async def transaction(self, *, reads: bool = False) -> AsyncIterator[Any]:
        self.working += 1
        try:
            async with super().transaction(reads=reads) as connection:
                yield connection
        finally:
            self.working -= 1


class Crashing:
    """Before and after each awaited method of the inner object, the replica may crash."""

    def __init__(self, inner: Any, crashes: Callable[[], bool]) -> None:
        self._inner = inner
        self._crashes = crashes

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._inner, name)
        if not asyncio.iscoroutinefunction(inner) and name not in ("begin", "mark_sent", "release", "settle", "find"):
            return inner

        async def step(*args: Any, **kwargs: Any) -> Any:
            if self._crashes():
                raise Crashed
            result = await inner(*args, **kwargs)
            if self._crashes():
                raise Crashed
            return result

        return step


class Tokens:
    async def token(self) -> str:
        return "stand-in"

    def forget(self) -> None: ...


class RandomFaults(Faults):
    """Each request meets a fault with this chance."""

    def __init__(self, dice: random.Random, chance: float) -> None:
        super().__init__()
        self.dice, self.chance = dice, chance

    def next(self) -> Fault:
        self.delay_s = self.dice.choice([0.2, 0.9, 4.0, 15.0])
        return self.dice.choice(FAULTS) if self.dice.random() < self.chance else Fault.NONE


@dataclass
class Caller:
    """What one caller was told last."""

    name: str
    meeting: str = ""
    start: datetime | None = None
    """Of a meeting that was confirmed and stands, as far as they know."""
    unsure: bool = False
    """The last thing that they asked for has no known outcome: either is right."""


@dataclass
class Findings:
    schedules: int = 0
    confirmed: int = 0
    double: int = 0
    false_confirmations: int = 0
    lost: int = 0
    orphans: int = 0
    """Events that the ledger knows nothing of, or calls not booked."""
    unsettled: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    crashes: int = 0
    seeds: list[int] = field(default_factory=list)
    """Schedules with anything wrong."""


class Schedule:
    """One random story."""

    def __init__(self, seed: int, database: CountedDatabase, findings: Findings) -> None:
        self.dice = random.Random(seed)
        self.seed = seed
        self.findings = findings
        self.crash_chance = self.dice.choice([0.0, 0.02, 0.1])
        self.stand_in = CalendarStandIn(faults=RandomFaults(self.dice, self.dice.choice([0.1, 0.35, 0.6])))
        self.loop = asyncio.get_running_loop()
        began = self.loop.time()
        now = lambda: START + timedelta(seconds=self.loop.time() - began)  # noqa: E731
        self.base = TwoStepLedger(database, f"tenant{seed}", now)
        client = http_client("http://calendar.invalid", transport=self.stand_in.transport())
        self.replicas = []
        for _ in range(2):
            patience = Patience(attempts=2, attempt_s=0.8, fail_max=4, reset_s=2.0)
            outside = Outside("google", patience, draw=self.dice.random)
            calendar = GoogleCalendar(
                client, Tokens(), outside, calendar=CALENDAR, zone="America/New_York", title="Meeting"
            )
            ledger: Any = Crashing(self.base, self._crashes)
            self.replicas.append(OutsideLedger(ledger, Crashing(calendar, self._crashes), now))  # type: ignore[arg-type]
        self.slots = [START + timedelta(hours=20 + n / 2) for n in range(self.dice.randint(2, 5))]
        self.proposals = 0
        self.wrong = 0

    async def play(self) -> None:
        for slot in self.slots:
            if self.dice.random() < 0.15:  # somebody in the office has it
                times = {"start": {"dateTime": slot.isoformat()}, "end": {"dateTime": (slot + HALF_HOUR).isoformat()}}
                self.stand_in.events[f"office{len(self.stand_in.events)}"] = Event({"status": "confirmed", **times})
        callers = [Caller(f"call-{self.seed}-{n}") for n in range(self.dice.randint(2, 4))]
        async with asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(self._call(caller))
        self.crash_chance = 0.0
        self.stand_in.faults.chance = 0.0  # type: ignore[attr-defined]
        await self.stand_in.faults.settled()
        await asyncio.sleep(30)
        for _ in range(4):
            await self.replicas[0].settle_old()
        await self._judge(callers)

    async def _call(self, caller: Caller) -> None:
        await asyncio.sleep(self.dice.random() * 3)
        for _ in range(self.dice.randint(1, 3)):
            wish = self._wish(caller, Action.BOOK, self.dice.choice(self.slots))
            outcome = await self._until_known(lambda tools, w=wish: tools.book(w), wish.key)
            if outcome is None:
                caller.unsure = True
                return  # hung up without knowing
            if outcome.state == BookingState.BOOKED:
                self._confirmed(caller, outcome)
                break
        while caller.meeting and self.dice.random() < 0.5:
            await self._change_of_mind(caller)
            if caller.unsure:
                return

    async def _change_of_mind(self, caller: Caller) -> None:
        booking = caller.meeting
        if self.dice.random() < 0.4:
            wish = self._wish(caller, Action.CANCEL, None, booking)
            outcome = await self._until_known(lambda tools: tools.cancel(wish, booking), wish.key)
            if outcome and outcome.state == BookingState.CANCELLED:
                caller.meeting, caller.start = "", None
        else:
            wish = self._wish(caller, Action.CHANGE, self.dice.choice(self.slots), booking)
            outcome = await self._until_known(lambda tools: tools.change(wish, booking), wish.key)
            if outcome and outcome.state == BookingState.BOOKED:
                self._confirmed(caller, outcome)
        caller.unsure = outcome is None

    async def _until_known(self, act: Callable[[OutsideLedger], Awaitable[Wish]], key: str) -> Wish | None:
        """As the dialogue does it: ask, and where the outcome is not known, ask by the key in the next turns."""
        outcome = await self._ask(act)
        for _ in range(self.dice.randint(0, 3)):
            if outcome is not None and outcome.state in KNOWN:
                break
            await asyncio.sleep(self.dice.choice([0.0, 2.0, 8.0]))
            if self.dice.random() < 0.3:
                outcome = await self._ask(act)  # yes, said again
            else:
                outcome = await self._ask(lambda tools: tools.find(key))
        known = outcome is not None and outcome.state in KNOWN
        self.findings.outcomes[outcome.state.value if outcome and known else "unknown"] += 1
        return outcome if known else None

    async def _ask(self, act: Callable[[OutsideLedger], Awaitable[Wish | None]]) -> Wish | None:
        """Of one replica, or of both at once; the caller hears the first answer that comes."""
        replicas = self.dice.sample(self.replicas, k=2 if self.dice.random() < 0.25 else 1)
        outcomes = await asyncio.gather(*(act(tools) for tools in replicas), return_exceptions=True)
        self.findings.crashes += sum(isinstance(o, Crashed) for o in outcomes)
        if strange := [o for o in outcomes if isinstance(o, Exception) and not isinstance(o, Crashed)]:
            raise strange[0]
        return next((o for o in outcomes if isinstance(o, Wish)), None)

    def _confirmed(self, caller: Caller, outcome: Wish) -> None:
        """It is said now, so it must be true now."""
        self.findings.confirmed += 1
        caller.meeting, caller.start = outcome.key, outcome.start
        event = self.stand_in.events.get(outcome.meeting)
        if event is None or not event.takes_time or event.span[0] != outcome.start:
            self._is_wrong("false_confirmations")

    async def _judge(self, callers: list[Caller]) -> None:
        spans = sorted(event.span for event in self.stand_in.live)
        if any(after[0] < before[1] for before, after in itertools.pairwise(spans)):
            self._is_wrong("double")
        standing: set[str] = set()
        for caller in callers:
            rows = await self.base.of_call(caller.name)
            booked = [row for row in rows if row.state == BookingState.BOOKED]
            if any(row.state == BookingState.PENDING for row in rows):
                self._is_wrong("unsettled")
            live = {row.meeting for row in rows if row.meeting and self._is_live(row.meeting)}
            if len(live) > 1 and not caller.unsure:
                self._is_wrong("double")
            standing |= {row.meeting for row in booked}
            if any(not self._is_live(row.meeting, row.start) for row in booked):
                self._is_wrong("lost")
            if caller.meeting and not caller.unsure:
                row = next((row for row in booked if row.key == caller.meeting), None)
                if row is None or row.start != caller.start or not self._is_live(row.meeting, caller.start):
                    self._is_wrong("lost")
        ours = {key for key, event in self.stand_in.events.items() if event.takes_time and not key.startswith("office")}
        if ours - standing:
            self._is_wrong("orphans")
        self.findings.schedules += 1
        self.findings.requests += self.stand_in.requests

    def _is_live(self, meeting: str, start: datetime | None = None) -> bool:
        event = self.stand_in.events.get(meeting)
        return event is not None and event.takes_time and (start is None or event.span[0] == start)

    def _is_wrong(self, what: str) -> None:
        setattr(self.findings, what, getattr(self.findings, what) + 1)
        self.findings.seeds.append(self.seed)

    def _crashes(self) -> bool:
        return self.dice.random() < self.crash_chance

    def _wish(self, caller: Caller, action: Action, start: datetime | None, booking: str = "") -> Wish:
        self.proposals += 1
        email = f"{caller.name}@northwind.example"
        decisive = [start.isoformat() if start else "", booking, email if action == Action.BOOK else ""]
        return Wish(
            key=f"s{self.seed}p{self.proposals}".replace("-", "m") + "0000",
            call=caller.name,
            action=action,
            state=BookingState.PENDING,
            arguments=arguments(action, *decisive),
            start=start,
            duration=HALF_HOUR,
            attendee_email=email if action == Action.BOOK else "",
        )


def run(seeds: list[int], folder: Path) -> Findings:
    """Play these schedules, one after another, over one database file."""
    findings = Findings()

    async def all_of_them() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        where = address("", default_file=folder / "chaos.db", schema="tools")
        database = CountedDatabase(where)
        loop.hold_while(lambda: True)
        try:
            await TwoStepLedger(database, "any", lambda: START).prepare()
            loop.hold_while(lambda: database.working > 0)
            for seed in seeds:
                await Schedule(seed, database, findings).play()
        finally:
            loop.hold_while(lambda: True)
            await database.close()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(all_of_them())
    return findings


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--schedules", type=int, default=1000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--out", type=Path)
    options = asked.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    began, cpu = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        findings = run(list(range(options.seed, options.seed + options.schedules)), Path(folder))
    told = {
        "what": "bookings in Google Calendar's stand-in under random faults, crashes and repeats; virtual time",
        "command": "python " + " ".join(sys.argv),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **{name: getattr(findings, name) for name in findings.__dataclass_fields__},
        "wall_s": round(time.monotonic() - began, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
    }
    text = json.dumps(told, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", "utf-8")
    return 1 if findings.seeds else 0


if __name__ == "__main__":
    raise SystemExit(main())
