"""When a meeting may be: working hours, notice, horizon, days off, daylight saving. No clock: `now` comes in.

Rules are in the calendar's own wall time; instants are aware datetimes in UTC. A wall time that a
clock change skips is no opening; one that happens twice is taken at its first occurrence.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

CELL = timedelta(minutes=5)
"""Grid of the ledger: two meetings are apart exactly when they share no cell."""


class Refusal(StrEnum):
    """Why a start cannot be booked, whoever else has it."""

    PAST = "past"
    NOTICE = "notice"
    """Too soon."""
    HORIZON = "horizon"
    """Too far ahead."""
    CLOSED_DAY = "closed_day"
    """No working day: weekend, public holiday, day off."""
    HOURS = "hours"
    """Outside working hours."""
    NO_OPENING = "no_opening"
    """Not on the grid of openings, or not of their length."""
    EMAIL = "email"
    """Not an address that can be written to."""
    ARGUMENTS = "different_arguments"
    """The key stands for another wish already."""
    NOT_BOOKED = "not_booked"
    """There is no such booking to change or cancel."""


@dataclass(frozen=True, slots=True)
class Rules:
    """One calendar's rules."""

    zone: ZoneInfo
    duration: timedelta
    step: timedelta
    notice: timedelta
    horizon_days: int
    weekdays: Collection[int]
    """Monday is 0."""
    opens: time
    closes: time
    """A meeting ends by then."""
    days_off: Container[date]
    only: frozenset[datetime] | None = None
    """Where set: the only starts there are, in UTC, instead of weekdays, hours and days off."""


def openings(rules: Rules, now: datetime, start: datetime, end: datetime) -> Iterator[datetime]:
    """Starts in [start, end) by the rules alone, in UTC, in time order."""
    if rules.only is not None:
        yield from (at for at in sorted(rules.only) if start <= at < end and refusal(rules, now, at) is None)
        return
    first = max(start, now + rules.notice).astimezone(rules.zone).date()
    last = min(end.astimezone(rules.zone).date(), _today(rules, now) + timedelta(days=rules.horizon_days))
    day = first
    while day <= last:
        for wall in _grid(rules, day):
            at = wall.astimezone(UTC)
            if start <= at < end and refusal(rules, now, at) is None:
                yield at
        day += timedelta(days=1)


def refusal(rules: Rules, now: datetime, start: datetime, duration: timedelta | None = None) -> Refusal | None:
    """Why this start is no opening, or None. `duration` is checked where it is given."""
    if start < now:
        return Refusal.PAST
    if start < now + rules.notice:
        return Refusal.NOTICE
    if duration is not None and duration != rules.duration:
        return Refusal.NO_OPENING
    if rules.only is not None:
        return None if start in rules.only else Refusal.NO_OPENING
    wall = start.astimezone(rules.zone)
    if wall.date() > _today(rules, now) + timedelta(days=rules.horizon_days):
        return Refusal.HORIZON
    if wall.weekday() not in rules.weekdays or wall.date() in rules.days_off:
        return Refusal.CLOSED_DAY
    end = (start + rules.duration).astimezone(rules.zone)
    if wall.time() < rules.opens or end.date() != wall.date() or end.time() > rules.closes:
        return Refusal.HOURS
    return None if wall in _grid(rules, wall.date()) else Refusal.NO_OPENING


def cells(start: datetime, duration: timedelta) -> range:
    """Numbers of the 5-minute cells since 1970 that a meeting covers, touched ones included."""
    first = int(start.timestamp() // CELL.total_seconds())
    last = -int(-(start + duration).timestamp() // CELL.total_seconds())
    return range(first, last)


def local_starts(text: str, zone: ZoneInfo) -> frozenset[datetime] | None:
    """`2026-11-24T14:00,2026-11-25T11:30` in the zone's wall time as instants; empty text: None.

    `none` is the list without any opening. Raises ValueError naming what is not a time.
    """
    if not text.strip():
        return None
    if text.strip() == "none":
        return frozenset()
    return frozenset(
        datetime.fromisoformat(part.strip()).replace(tzinfo=zone).astimezone(UTC)
        for part in text.split(",")
        if part.strip()
    )


def _today(rules: Rules, now: datetime) -> date:
    return now.astimezone(rules.zone).date()


def _grid(rules: Rules, day: date) -> Iterator[datetime]:
    """Wall times of a day at multiples of the step from midnight that exist."""
    wall = datetime.combine(day, time(0), rules.zone)
    midnight_after = wall + timedelta(days=1)  # wall-clock arithmetic: same zone
    while wall < midnight_after:
        if wall.time() >= rules.opens and _exists(wall):
            yield wall
        wall += rules.step


def _exists(wall: datetime) -> bool:
    """False where the clocks jump over this wall time."""
    return wall.astimezone(UTC).astimezone(wall.tzinfo).replace(tzinfo=None) == wall.replace(tzinfo=None)
