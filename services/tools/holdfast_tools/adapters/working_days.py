"""A profile's calendar rules as the domain's, with public holidays by the `holidays` package."""

from __future__ import annotations

from collections.abc import Container
from datetime import date, timedelta

import holidays
from holdfast_common.errors import SettingsError
from holdfast_common.profile import Calendar

from holdfast_tools.domain.openings import Rules, local_starts

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class DaysOff:
    """Public holidays (computed for each year when it is first asked for) and further closed days."""

    def __init__(self, public: Container[date], closed: Container[date]) -> None:
        self._public = public
        self._closed = closed

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and (day in self._closed or day in self._public)


def rules(calendar: Calendar, free: str = "") -> Rules:
    """Raises SettingsError where the country or a given opening is none."""
    problems: list[str] = []
    public: Container[date] = ()
    if calendar.holidays:
        country, _, region = calendar.holidays.partition("-")
        try:
            public = holidays.country_holidays(country, subdiv=region or None)
        except NotImplementedError as error:
            problems.append(f"profile: calendar.holidays: {error}")
    try:
        only = local_starts(free, calendar.zone)
    except ValueError as error:
        problems.append(f"HOLDFAST_TOOLS_FREE: {error}")
        only = None
    if problems:
        raise SettingsError(problems)
    hours = calendar.working_hours
    return Rules(
        zone=calendar.zone,
        duration=timedelta(minutes=calendar.duration_min),
        step=timedelta(minutes=calendar.step_min),
        notice=timedelta(minutes=calendar.min_notice_min),
        horizon_days=calendar.horizon_days,
        weekdays=frozenset(_WEEKDAYS.index(day) for day in hours.days),
        opens=hours.start,
        closes=hours.end,
        days_off=DaysOff(public, frozenset(calendar.closed)),
        only=only,
    )
