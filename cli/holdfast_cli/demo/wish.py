"""What the demo's caller wishes for, computed on the day. Pure.

"Next Tuesday" is that day of the following Monday-to-Sunday week, by the calendar of the specialist.
A public holiday moves the wish to the Wednesday after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays
from holdfast_common.contracts.dialogue import Proposal

ZONE = ZoneInfo("America/New_York")
AT = time(14, 30)
EMAIL = "dana.miller@northwind.example"
DAYS = {"tuesday": 1, "wednesday": 2}
"""Weekdays there are recordings for, Monday is 0."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A meeting as the caller wants it."""

    day: str
    """`tuesday` or `wednesday`."""
    start_utc: str
    """`2026-11-24T19:30:00Z`"""
    email: str = EMAIL

    def verdict(self, proposal: Proposal) -> str:
        """What the caller thinks of a booking that is read back."""
        if proposal.attendee_email != self.email:
            return "wrong_email"
        return "right" if proposal.start == self.start_utc else "wrong_start"


def wish(now: datetime) -> Wish:
    """The wish of a caller who rings at `now` (aware); ValueError when all days with a recording are holidays."""
    today = now.astimezone(ZONE).date()
    monday = today + timedelta(days=7 - today.weekday())
    closed = holidays.country_holidays("US", years=[monday.year, monday.year + 1])
    for name, offset in DAYS.items():
        day = monday + timedelta(days=offset)
        if day not in closed:
            start = datetime.combine(day, AT, ZONE).astimezone(UTC)
            return Wish(name, start.strftime("%Y-%m-%dT%H:%M:%SZ"))
    raise ValueError(f"no working day among {', '.join(DAYS)} of the week of {monday}")
