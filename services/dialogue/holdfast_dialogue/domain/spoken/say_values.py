# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Values in words: dates, times, zones, numbers, links.

No digits, no symbols, no hyphens inside numbers ("twenty fourth"): every engine reads plain words alike, and a
caption shows the same words as are heard. Numbers by num2words. What is said here, `times.wish` and
`numbers.quantity` understand.
"""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

from num2words import num2words

_WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]  # fmt: skip


def number(n: int | float) -> str:
    """150 -> 'one hundred and fifty'."""
    return num2words(n).replace("-", " ").replace(",", "")


def ordinal(n: int) -> str:
    """24 -> 'twenty fourth'."""
    return num2words(n, to="ordinal").replace("-", " ").replace(",", "")


def year(n: int) -> str:
    """2026 -> 'twenty twenty six'."""
    return num2words(n, to="year").replace("-", " ").replace(",", "")


def date(d: dt.date, today: dt.date) -> str:
    """'tomorrow, Tuesday, November twenty fourth'; the year only where it is not within the next eleven months."""
    said = f"{_WEEKDAYS[d.weekday()]}, {MONTHS[d.month - 1]} {ordinal(d.day)}"
    if not 0 <= (d - today).days <= 334:
        said += f", {year(d.year)}"
    near = {0: "today", 1: "tomorrow"}.get((d - today).days)
    return f"{near}, {said}" if near else said


def short_date(d: dt.date, today: dt.date) -> str:
    """'tomorrow', 'Wednesday', 'Tuesday, December first': enough where the day was said in full before."""
    away = (d - today).days
    if away in (0, 1):
        return "today" if away == 0 else "tomorrow"
    name = _WEEKDAYS[d.weekday()]
    return name if 1 < away < 7 else f"{name}, {MONTHS[d.month - 1]} {ordinal(d.day)}"


def time(t: dt.time, part: bool = True) -> str:
    """14:30 -> 'two thirty in the afternoon'; `part=False`: 'two thirty', 'two o'clock'."""
    if (t.hour, t.minute) == (12, 0):
        return "twelve noon"
    if (t.hour, t.minute) == (0, 0):
        return "midnight"
    hour = number(t.hour % 12 or 12)
    minute = "" if t.minute == 0 else f" oh {number(t.minute)}" if t.minute < 10 else f" {number(t.minute)}"
    if not part:
        return f"{hour}{minute}" if minute else f"{hour} o'clock"
    half = "in the morning" if t.hour < 12 else "in the afternoon" if t.hour < 18 else "in the evening"
    if t.hour >= 22 or t.hour < 4:
        half = "at night" if t.hour >= 22 else "in the morning"
    return f"{hour}{minute} {half}"


_ZONE_NAMES = {
    "America/New_York": "New York time", "America/Chicago": "Central time", "America/Denver": "Denver time", "America/Los_Angeles": "Pacific time", "America/Phoenix": "Arizona time",
    "America/Anchorage": "Alaska time", "Pacific/Honolulu": "Hawaii time", "UTC": "universal time", "Etc/UTC": "universal time", "Europe/London": "London time", "Asia/Kolkata": "India time",
}  # fmt: skip


def zone(iana: str) -> str:
    """'America/New_York' -> 'New York time', 'Europe/Berlin' -> 'Berlin time'."""
    offset = re.fullmatch(r"Etc/GMT([+-])(\d+)", iana)
    if offset:
        return f"universal time {'minus' if offset[1] == '+' else 'plus'} {number(int(offset[2]))}"
    return _ZONE_NAMES.get(iana) or f"{iana.rsplit('/', 1)[-1].replace('_', ' ').replace('-', ' ')} time"


def opening(
    start_utc: dt.datetime, zone: ZoneInfo, today: dt.date, *, full: bool = True, with_zone: bool = False
) -> str:
    """'tomorrow, Tuesday, November twenty fourth, at two thirty in the afternoon'; `today` is the caller's date."""
    local = start_utc.astimezone(zone)
    day = date(local.date(), today) if full else short_date(local.date(), today)
    said = f"{day}{',' if full or ',' in day else ''} at {time(local.time())}"
    return f"{said}, {_zone_name(zone)}" if with_zone else said


def _zone_name(info: ZoneInfo) -> str:
    return zone(info.key)


def openings(starts_utc: list[dt.datetime], zone: ZoneInfo, today: dt.date) -> str:
    """Several times in one sentence, each day named once: 'tomorrow at two thirty ..., at three ..., or Wednesday at nine ...'."""
    said: list[str] = []
    last: dt.date | None = None
    for start in starts_utc:
        local = start.astimezone(zone)
        if local.date() == last:
            said.append(f"at {time(local.time())}")
        else:
            said.append(opening(start, zone, today, full=False))
        last = local.date()
    if len(said) < 2:
        return said[0] if said else ""
    return f"{', '.join(said[:-1])}, or {said[-1]}"


def url(link: str) -> str:
    """'https://support.example.com/en' -> 'support dot example dot com slash en'."""
    bare = re.sub(r"^[a-z]+://", "", link.strip().rstrip("/.,")).removeprefix("www.")
    bare = re.sub(r"[?#].*$", "", bare)
    words = {
        ".": " dot ",
        "/": " slash ",
        "-": " dash ",
        "_": " underscore ",
        ":": " colon ",
        "=": " equals ",
        "&": " and ",
        "~": " tilde ",
        "%": " percent ",
    }
    said = "".join(words.get(c, c) for c in bare)
    said = re.sub(r"\d", lambda m: f" {number(int(m[0]))} ", said)
    return re.sub(r"\s+", " ", said).strip()


link = url
