"""When a meeting may be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from holdfast_common.errors import SettingsError
from holdfast_common.profile import Calendar
from holdfast_tools.adapters.working_days import rules as rules_of
from holdfast_tools.domain.openings import CELL, Refusal, Rules, cells, local_starts, openings, refusal
from hypothesis import given, settings
from hypothesis import strategies as st

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
Make = Callable[..., Rules]


def local(rules: Rules, day: str, now: datetime = NOW) -> list[str]:
    start = datetime.fromisoformat(day).replace(tzinfo=rules.zone)
    found = openings(rules, now, start.astimezone(UTC), (start + timedelta(days=1)).astimezone(UTC))
    return [at.astimezone(rules.zone).strftime("%H:%M") for at in found]


def test_a_working_day_is_open_from_its_first_to_its_last_whole_meeting(make_rules: Make) -> None:
    starts = local(make_rules(), "2026-11-24")

    assert (starts[0], starts[-1], len(starts)) == ("09:00", "17:00", 17)


def test_notice_is_kept_on_the_same_day(make_rules: Make) -> None:
    assert local(make_rules(), "2026-11-23")[0] == "11:00"


@pytest.mark.parametrize("day", ["2026-11-26", "2026-11-28", "2026-11-29", "2026-11-20"])
def test_holidays_weekends_and_past_days_are_closed(make_rules: Make, day: str) -> None:
    assert local(make_rules(), day) == []


def test_the_horizon_is_counted_in_the_calendars_own_days(make_rules: Make) -> None:
    rules = make_rules()

    assert local(rules, "2026-12-07") != []
    assert local(rules, "2026-12-08") == []


def test_wall_time_stays_when_the_clocks_change(make_rules: Make) -> None:
    """New York leaves daylight saving on 2026-11-01: nine o'clock is 13:00 UTC before and 14:00 after."""
    now = datetime(2026, 10, 28, 12, 0, tzinfo=UTC)
    rules = make_rules()
    week = openings(rules, now, datetime(2026, 10, 30, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC))
    nines = [at for at in week if at.astimezone(NEW_YORK).time() == time(9)]

    assert [at.strftime("%dT%H:%M") for at in nines] == ["30T13:00", "02T14:00"]


def test_an_hour_that_the_clocks_skip_has_no_openings(make_rules: Make) -> None:
    rules = make_rules(opens=time(0), closes=time(6), weekdays=frozenset(range(7)))
    starts = local(rules, "2027-03-14", now=datetime(2027, 3, 10, tzinfo=UTC))

    assert "01:30" in starts
    assert not {"02:00", "02:30"} & set(starts)
    assert "03:00" in starts


def test_an_hour_that_comes_twice_is_offered_once(make_rules: Make) -> None:
    rules = make_rules(opens=time(0), closes=time(6), weekdays=frozenset(range(7)))
    starts = local(rules, "2026-11-01", now=datetime(2026, 10, 28, tzinfo=UTC))

    assert starts.count("01:00") == 1


@pytest.mark.parametrize(
    ("start", "why"),
    [
        ("2026-11-23T10:30", Refusal.NOTICE),
        ("2026-11-23T09:00", Refusal.PAST),
        ("2026-11-24T08:30", Refusal.HOURS),
        ("2026-11-24T17:30", Refusal.HOURS),
        ("2026-11-24T10:15", Refusal.NO_OPENING),
        ("2026-11-26T10:00", Refusal.CLOSED_DAY),
        ("2026-11-28T10:00", Refusal.CLOSED_DAY),
        ("2026-12-21T10:00", Refusal.HORIZON),
        ("2026-11-24T14:30", None),
    ],
)
def test_a_start_is_refused_for_a_named_reason(make_rules: Make, start: str, why: Refusal | None) -> None:
    at = datetime.fromisoformat(start).replace(tzinfo=NEW_YORK).astimezone(UTC)

    assert refusal(make_rules(), NOW, at, timedelta(minutes=30)) == why


def test_another_length_than_the_calendars_is_refused(make_rules: Make) -> None:
    at = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)

    assert refusal(make_rules(), NOW, at, timedelta(minutes=60)) == Refusal.NO_OPENING


ZONES = ["America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Europe/Berlin"]


@settings(deadline=None)
@given(
    st.integers(0, 60 * 24 * 400),
    st.integers(0, 60 * 24 * 20),
    st.sampled_from(ZONES),
)
def test_whatever_is_offered_may_be_booked(now_min: int, ahead_min: int, zone: str) -> None:
    """Openings and refusals come from one rule: no offer is refused when it is taken up at once."""
    rules = rules_of(Calendar(timezone=zone, holidays="US"))
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=now_min)
    start = now + timedelta(minutes=ahead_min)
    offered = list(openings(rules, now, start, start + timedelta(days=2)))

    assert offered == sorted(set(offered))
    assert all(refusal(rules, now, at, rules.duration) is None for at in offered)
    assert all(start <= at < start + timedelta(days=2) for at in offered)


def test_public_holidays_come_from_the_country_of_the_profile() -> None:
    rules = rules_of(Calendar(holidays="US"))

    assert local(rules, "2026-11-26") == []
    assert local(rules_of(Calendar(holidays="DE")), "2026-11-26") != []


def test_an_unknown_country_stops_the_start_with_its_name() -> None:
    with pytest.raises(SettingsError, match="XX"):
        rules_of(Calendar(holidays="XX"), free="never")


def test_a_list_of_free_starts_replaces_hours_and_days_off(make_rules: Make) -> None:
    rules = make_rules(only=local_starts("2026-11-28T20:00, 2026-11-24T14:00", NEW_YORK))

    assert local(rules, "2026-11-28") == ["20:00"]
    assert local(rules, "2026-11-24") == ["14:00"]
    assert refusal(rules, NOW, datetime(2026, 11, 24, 20, 0, tzinfo=UTC)) == Refusal.NO_OPENING


def test_an_empty_list_of_free_starts_is_a_calendar_without_openings(make_rules: Make) -> None:
    assert local(make_rules(only=local_starts("none", NEW_YORK)), "2026-11-24") == []


@given(st.integers(0, 10_000), st.integers(1, 500), st.integers(0, 10_000), st.integers(1, 500))
def test_meetings_share_a_cell_if_they_overlap(a: int, a_long: int, b: int, b_long: int) -> None:
    epoch = datetime(2026, 1, 1, tzinfo=UTC)
    first = cells(epoch + timedelta(minutes=a), timedelta(minutes=a_long))
    second = cells(epoch + timedelta(minutes=b), timedelta(minutes=b_long))
    overlap = a < b + b_long and b < a + a_long

    assert set(first) & set(second) if overlap else True
    assert len(first) * CELL >= timedelta(minutes=a_long)
