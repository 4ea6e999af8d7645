# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Times of day as people say them: "half past two", "quarter to four", "nine a m", "two oh five", "noon".

`mark` replaces each by a token T0, T1 ...; a bare number becomes a time only where its neighbours say so, which
`times` decides. Without "a m" or "p m" an hour from 1 to 6 is in the afternoon and 7 to 11 in the morning, as in
business; a 7 or an 8 may be either, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import time

_AMPM = r"(?: ?(?P<ampm>[ap]) ?\.?m\b\.?)"
_PART = r"(?: (?:in the |on the |this |of the |at )?(?P<part>morning|afternoon|evening|night))"
_HOUR = r"(?P<hour>\d{1,2})"
_END = r"(?![\w:/%]|\.\d| ?(?:percent|dollars|bucks))"


@dataclass(frozen=True, slots=True)
class Clock:
    at: time
    sure: bool
    """Morning or afternoon was said, or only one of them makes sense."""


@dataclass(slots=True)
class Marked:
    text: str
    times: list[Clock] = field(default_factory=list)


Read = Callable[[re.Match[str], str | None], Clock | None]


def resolve(hour: int, minute: int, half: str | None) -> Clock | None:
    """`half`: 'a', 'p', a part of the day, or None for the business rule; None: no such time of day."""
    if not (0 <= hour <= 24 and 0 <= minute <= 59) or (hour == 24 and minute):
        return None
    if hour == 24 or (hour == 0 and half is None):
        return Clock(time(0, minute), True)
    if hour > 12:
        return Clock(time(hour, minute), True)
    if half in ("a", "morning"):
        return Clock(time(hour % 12 if hour != 12 or half == "a" else 12, minute), True)
    if half in ("p", "afternoon", "evening", "night", "midday"):
        if half == "night" and hour == 12:
            return Clock(time(0, minute), True)
        if half == "midday" and hour in (10, 11):
            return Clock(time(hour, minute), True)
        return Clock(time(hour % 12 + 12, minute), True)
    if hour == 12:
        return Clock(time(12, minute), True)
    return Clock(time(hour + 12 if hour <= 6 else hour, minute), hour not in (7, 8))


def _half(match: re.Match[str], part: str | None) -> str | None:
    groups = match.groupdict()
    return groups.get("ampm") or groups.get("part") or part


def _hm(match: re.Match[str], part: str | None) -> Clock | None:
    return resolve(int(match["hour"]), int(match["minute"]), _half(match, part))


def _h(match: re.Match[str], part: str | None) -> Clock | None:
    return resolve(int(match["hour"]), 0, _half(match, part))


def _hundred(match: re.Match[str], part: str | None) -> Clock | None:
    number = int(next(text for name, text in match.groupdict().items() if name.startswith("hour") and text))
    return resolve(number // 100, number % 100, _half(match, part))


_MINUTES = {"quarter": 15, "a quarter": 15, "half": 30}


def _past(match: re.Match[str], part: str | None) -> Clock | None:
    minute = _MINUTES.get(match["minute"]) or int(match["minute"])
    hour = int(match["hour"])
    if match["way"] in ("past", "after", "gone"):
        return resolve(hour, minute, _half(match, part))
    # to, till, of, before: an hour less; the half of the day belongs to the hour that was named
    whole = resolve(hour, 0, _half(match, part))
    if whole is None or not 0 < minute < 60:
        return None
    total = (whole.at.hour * 60 - minute) % 1440
    return Clock(time(total // 60, total % 60), whole.sure)


def _half_past(match: re.Match[str], part: str | None) -> Clock | None:
    return resolve(int(match["hour"]), 30, _half(match, part))


def _noon(_m: re.Match[str], _p: str | None) -> Clock:
    return Clock(time(12), True)


def _midnight(_m: re.Match[str], _p: str | None) -> Clock:
    return Clock(time(0), True)


_TAIL = rf"(?: ?o'?clock)?(?:{_AMPM}|{_PART})?"
_RULES = [
    (re.compile(rf"(?<![\w:./-]){pattern}{_END}"), read)
    for pattern, read in [
        (rf"{_HOUR}:(?P<minute>\d\d)(?::\d\d)?(?:{_AMPM}|{_PART})?", _hm),
        (rf"{_HOUR}[.h](?P<minute>[0-5]\d){_AMPM}", _hm),
        (rf"{_HOUR}h(?P<minute>[0-5]\d)", _hm),
        (rf"half(?: past)? {_HOUR}{_TAIL}(?! (?:hours?|days?|weeks?|minutes?|dozen|people))", _half_past),
        (rf"(?:a )?(?P<minute>quarter) (?P<way>past|after|gone|to|till|of|before|til|until) {_HOUR}{_TAIL}", _past),
        (rf"(?P<minute>5|10|20|25|\d{{1,2}}(?= minutes)) ?(?:minutes? )?(?P<way>past|after|gone) {_HOUR}{_TAIL}", _past),
        (rf"(?<!from )(?<!between )(?P<minute>5|10|20|25|\d{{1,2}}(?= minutes)) ?(?:minutes? )?(?P<way>to|till|of|before|til) {_HOUR}{_TAIL}", _past),
        (rf"{_HOUR} (?:oh|o|0) ?(?P<minute>[1-9])(?:{_AMPM}|{_PART})?", _hm),
        (rf"{_HOUR} (?P<minute>0[0-9])(?:{_AMPM}|{_PART})?", _hm),
        (rf"{_HOUR}[ -](?P<minute>[1-5]\d)(?: ?o'?clock)?(?:{_AMPM}|{_PART})?(?! (?:people|users|of us|documents|contracts|proposals|a month|per month|reps|seats|days))", _hm),
        (r"(?:oh )?(?P<hour>\d{3,4}) hours|oh (?P<hour2>[1-9]00)|(?<=at )(?P<hour3>(?:1\d|2[0-3])00)", _hundred),
        (rf"(?P<hour>\d{{3,4}}){_AMPM}", _hundred),
        (rf"{_HOUR}(?: ?o'?clock)(?: sharp)?(?:{_AMPM}|{_PART})?", _h),
        (rf"{_HOUR}{_AMPM}", _h),
        (rf"{_HOUR}{_PART}", _h),
        (r"(?:12 |high )?(?:noon|mid ?day)", _noon),
        (r"(?:12 )?midnight", _midnight),
    ]
]  # fmt: skip


def mark(text: str, part: str | None) -> Marked:
    """Find the times of day in `text` (number words already digits); `part` of the day settles a.m. or p.m."""
    marked = Marked(text)
    for pattern, read in _RULES:
        marked.text = pattern.sub(_token(marked, part, read), marked.text)
    return marked


def _token(marked: Marked, part: str | None, read: Read) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        found = read(match, part)
        if found is None:
            return match[0]
        marked.times.append(found)
        return f"{match.groupdict().get('lead') or ' '}T{len(marked.times) - 1} "

    return replace
