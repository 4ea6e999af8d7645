# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Days as people name them: "next tuesday", "the day after tomorrow", "monday week", "november twenty fourth".

`mark` replaces each day in a sentence by a token (D0, D1 ...) and each span of days by R0 ..., so that the sentence
around them can be read by `times`. Weeks run from Monday to Sunday. "next tuesday" is the Tuesday of the week after
this one; plain or "this tuesday" is the first Tuesday after today. Arithmetic by dateutil.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]  # fmt: skip
DAY = r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tues?|weds?|thurs?|thu|fri|sat|sun)(?:'?s)?"
MONTH = r"(?:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)"
_UNIT = r"(?:business |working |week )?(?:days?|weeks?|months?)"
_COUNT = r"(?:\d{1,2}|a couple(?: of)?|couple(?: of)?|a few|an?|one)"
_COUNTS = {"a couple": 2, "a couple of": 2, "couple": 2, "couple of": 2, "a few": 3, "a": 1, "an": 1, "one": 1}

RECENT_DAYS = 60
"""A day of the month named without a year that is at most this long ago is a slip, not a day of next year."""


@dataclass(frozen=True, slots=True)
class Day:
    on: date | None
    problem: str | None = None
    """`no_such_date`, `past`, `weekday_mismatch`."""


@dataclass(frozen=True, slots=True)
class Span:
    first: date | None
    last: date | None


@dataclass(slots=True)
class Marked:
    """A sentence whose days have become tokens D<i>, spans R<i>."""

    text: str
    days: list[Day] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)


def weekday_of(name: str) -> int:
    return next(i for i, day in enumerate(_DAYS) if day.startswith(name.removesuffix("'s")[:3]))


def month_of(name: str) -> int:
    return next(i for i, month in enumerate(_MONTHS, 1) if month.startswith(name[:3]))


def coming(today: date, weekday: int) -> date:
    """The first such day after today."""
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def working_days(start: date, count: int) -> date:
    day = start
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def mark(text: str, today: date, about: date | None) -> Marked:
    """Find the days in `text` (number words already digits); `about` is the day last talked about, if any."""
    marked = Marked(text)
    for pattern, read in _RULES:
        marked.text = pattern.sub(_token(marked, read, today, about), marked.text)
    return marked


Read = Callable[[re.Match[str], date, "date | None", Marked], Day | Span | None]


def _token(marked: Marked, read: Read, today: date, about: date | None) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        found = read(match, today, about, marked)
        if isinstance(found, Day):
            marked.days.append(found)
            return f" D{len(marked.days) - 1} "
        if isinstance(found, Span):
            marked.spans.append(found)
            return f" R{len(marked.spans) - 1} "
        return match[0]

    return replace


def _calendar(today: date, month: int, day: int, year: int | None, weekday: str | None) -> Day:
    try:
        on = date(year or today.year, month, day)
        if year is None and (today - on).days > RECENT_DAYS:
            on = date(today.year + 1, month, day)
    except ValueError:
        # 29 February without a year means the next one there is
        if (month, day) == (2, 29) and year is None:
            on = next(
                date(y, 2, 29)
                for y in range(today.year + 1, today.year + 9)
                if (y % 4 == 0 and y % 100) or y % 400 == 0
            )
        else:
            return Day(None, "no_such_date")
    if weekday and on.weekday() != weekday_of(weekday):
        return Day(on, "weekday_mismatch")
    return Day(on, "past" if on < today else None)


def _day_of_month(today: date, day: int, weekday: str | None) -> Day:
    """'the twenty fourth': the next one from today on; with a weekday: the next that falls on it, within 3 months."""
    if not 1 <= day <= 31:
        return Day(None, "no_such_date")
    fits: list[date] = []
    for ahead in range(13):
        first = today.replace(day=1) + relativedelta(months=ahead)
        try:
            on = first.replace(day=day)
        except ValueError:
            continue
        if on >= today:
            fits.append(on)
    if weekday:
        same = [on for on in fits[:3] if on.weekday() == weekday_of(weekday)]
        return Day(same[0]) if same else Day(fits[0], "weekday_mismatch")
    return Day(fits[0])


def _year(text: str | None) -> int | None:
    if not text:
        return None
    year = int(text.replace(" ", ""))
    return year + 2000 if year < 100 else year


def _iso(m: re.Match[str], today: date, _a: date | None, _m: Marked) -> Day:
    return _calendar(today, int(m["m"]), int(m["d"]), int(m["y"]), None)


def _slashes(m: re.Match[str], today: date, _a: date | None, _m: Marked) -> Day | None:
    first, second = int(m[1]), int(m[2])
    # Written the American way; the other way round where only that is a date.
    month, day = (second, first) if first > 12 >= second else (first, second)
    return _calendar(today, month, day, _year(m[3]), None)


def _dots(m: re.Match[str], today: date, _a: date | None, _m: Marked) -> Day:
    return _calendar(today, int(m[2]), int(m[1]), _year(m[3]), None)


def _month_day(m: re.Match[str], today: date, _a: date | None, _m: Marked) -> Day | None:
    return _calendar(today, month_of(m["month"]), int(m["day"]), _year(m["year"]), m["weekday"])


def _weekday_dom(m: re.Match[str], today: date, _a: date | None, _m: Marked) -> Day:
    return _day_of_month(today, int(m["day"]), m["weekday"])


def _dom(m: re.Match[str], today: date, _a: date | None, _m: Marked) -> Day:
    return _day_of_month(today, int(m["day"]), None)


def _count(text: str) -> int:
    return int(text) if text.isdigit() else _COUNTS[text]


def _shift(start: date, count: int, unit: str) -> date:
    if unit.startswith(("business", "working", "week day")):
        return working_days(start, count)
    if "month" in unit:
        return start + relativedelta(months=count)
    return start + timedelta(days=count * (7 if "week" in unit else 1))


def _in_units(m: re.Match[str], today: date, _a: date | None, _m: Marked) -> Day:
    return Day(_shift(today, _count(m["count"]), m["unit"]))


def _units_from(m: re.Match[str], today: date, about: date | None, marked: Marked) -> Day | None:
    base = _anchor(m["anchor"], today)
    return Day(_shift(base, _count(m["count"]), m["unit"]))


def _anchor(text: str, today: date) -> date:
    if text in ("now", "today", "this"):
        return today
    if text == "tomorrow":
        return today + timedelta(days=1)
    return coming(today, weekday_of(text.removeprefix("next ").removeprefix("this ").removeprefix("on ")))


def _week_on(m: re.Match[str], today: date, _a: date | None, _m: Marked) -> Day:
    """'monday week', 'tomorrow week', 'a week on monday', 'monday after next'."""
    return Day(_anchor(m["anchor"], today) + timedelta(days=7))


def _this_week_day(m: re.Match[str], today: date, _a: date | None, _m: Marked) -> Day:
    on = monday(today) + timedelta(days=weekday_of(m["weekday"]))
    return Day(on, "past" if on < today else None)


def _next_week_day(m: re.Match[str], today: date, _a: date | None, _m: Marked) -> Day:
    weeks = 2 if "after" in m[0] else 1
    return Day(monday(today) + timedelta(days=7 * weeks + weekday_of(m["weekday"])))


def _in_weeks_day(m: re.Match[str], today: date, _a: date | None, _m: Marked) -> Day:
    return Day(monday(today) + timedelta(days=7 * _count(m["count"]) + weekday_of(m["weekday"])))


def _weekday(m: re.Match[str], today: date, _a: date | None, _m: Marked) -> Day:
    return Day(coming(today, weekday_of(m["weekday"])))


def _following(m: re.Match[str], today: date, about: date | None, _m: Marked) -> Day:
    return Day(coming(about or today, weekday_of(m["weekday"])))


def _fixed(days: int) -> Read:
    return lambda _match, today, _about, _marked: Day(today + timedelta(days=days))


def _about(days: int) -> Read:
    return lambda _match, _today, about, _marked: Day(about + timedelta(days=days)) if about else None


def _weeks(ahead: int) -> Read:
    def read(_m: re.Match[str], today: date, _a: date | None, _k: Marked) -> Span:
        start = monday(today) + timedelta(days=7 * ahead)
        return Span(max(start, today), start + timedelta(days=6))

    return read


def _part_of_week(m: re.Match[str], today: date, _a: date | None, _m: Marked) -> Span:
    start = monday(today) + timedelta(days=7 * _week_number(m["week"]))
    first, last = {"e": (0, 1), "m": (1, 3), "l": (3, 4)}[_third(m["part"])]
    return Span(max(start + timedelta(days=first), today), max(start + timedelta(days=last), today))


def _week_number(text: str) -> int:
    return 2 if "after" in text else 1 if "next" in text or "following" in text else 0


def _third(part: str) -> str:
    if re.match(r"early|beginning|start|first|earlier", part):
        return "e"
    return "m" if re.match(r"mid", part) else "l"


def _month_span(m: re.Match[str], today: date, _a: date | None, _m: Marked) -> Span | None:
    name = m["month"]
    if name in ("this month", "the month"):
        first = today.replace(day=1)
    elif name in ("next month", "the following month"):
        first = today.replace(day=1) + relativedelta(months=1)
    else:
        first = date(today.year, month_of(name), 1)
        if first + relativedelta(months=1) <= today:
            first = first.replace(year=today.year + 1)
    last = first + relativedelta(months=1, days=-1)
    part = m["part"]
    if part:
        third = _third(part)
        low, high = {"e": (1, 10), "m": (11, 20), "l": (21, 31)}[third]
        first, last = first.replace(day=low), min(first.replace(day=1) + timedelta(days=high - 1), last)
    return Span(max(first, today), max(last, today))


def _weekend(m: re.Match[str], today: date, _a: date | None, _m: Marked) -> Span:
    saturday = monday(today) + timedelta(days=5 + (7 if "next" in m[0] else 0))
    return Span(max(saturday, today), saturday + timedelta(days=1))


def _week_of(m: re.Match[str], _today: date, _a: date | None, marked: Marked) -> Span | None:
    on = marked.days[int(m[1])].on
    return Span(monday(on), monday(on) + timedelta(days=6)) if on else None


def _few_days(_m: re.Match[str], today: date, _a: date | None, _k: Marked) -> Span:
    return Span(today, today + timedelta(days=3))


def _rule(pattern: str, read: Read) -> tuple[re.Pattern[str], Read]:
    return re.compile(rf"(?<![\w'/.-])(?:{pattern})(?![\w'/])"), read


_N = r"(?P<day>\d{1,2})"
_ANCHOR = rf"(?P<anchor>today|tomorrow|(?:this |next |on )?{DAY})"
_BEFORE_DAY = r"(?:the )?"
_PART = r"(?P<part>(?:the )?(?:early|earlier|late|later|mid|middle|end|beginning|start|back end|latter part|first half|second half))"
_RULES: list[tuple[re.Pattern[str], Read]] = [
    _rule(r"(?P<y>20\d\d)-(?P<m>\d{1,2})-(?P<d>\d{1,2})", _iso),
    _rule(r"(\d{1,2})/(\d{1,2})(?:/(\d{4}|\d\d))?", _slashes),
    _rule(r"(\d{1,2})\.(\d{1,2})\.(\d{4}|\d\d)?", _dots),
    _rule(rf"(?:(?:(?:on |the )?(?P<weekday>{DAY}) )?(?:the )?{_N}(?:st|nd|rd|th)?(?: day)?(?: of)? (?P<month>{MONTH})(?: (?P<year>20 ?\d\d))?)", _month_day),
    _rule(rf"(?:(?P<weekday>{DAY}) )?(?:the )?(?P<month>{MONTH}) (?:the )?{_N}(?:st|nd|rd|th)?(?: (?P<year>20\d\d))?(?! ?:)", _month_day),
    _rule(rf"(?P<weekday>{DAY}) (?:the {_N}(?:st|nd|rd|th)?)(?! ?:)", _weekday_dom),
    _rule(rf"(?P<weekday>{DAY}) {_N}(?:st|nd|rd|th)", _weekday_dom),
    _rule(rf"the {_N}(?:st|nd|rd|th)? (?:which is |that's |it's )?(?:a |on )?(?P<weekday>{DAY})", _weekday_dom),
    _rule(r"the day after tomorrow|day after tomorrow|overmorrow", _fixed(2)),
    _rule(rf"(?P<count>{_COUNT}) (?P<unit>{_UNIT}) (?:from|after|on) {_ANCHOR.replace('today|', 'now|today|')}", _units_from),
    _rule(rf"{_ANCHOR} week", _week_on),
    _rule(rf"(?:the )?{_ANCHOR} after next", _week_on),
    _rule(rf"(?:the )?{_ANCHOR.replace('|(?:this |next |on )?', '|')} (?:of )?(?:the )?week after next|week after next (?:on )?(?P<weekday>{DAY})".replace("(?P<anchor>", "(?:"), lambda m, t, a, k: _next_week_day_any(m, t)),
    _rule(rf"(?:the )?(?P<weekday>{DAY}) (?:of )?(?:the )?(?:next|following|coming) week|(?:the )?(?:next|following) week(?:'s)? (?:on )?(?:the )?(?P<weekday2>{DAY})", lambda m, t, a, k: _next_week_day_any(m, t)),
    _rule(rf"(?:the )?(?P<weekday>{DAY}) (?:of )?this week", _this_week_day),
    _rule(rf"(?P<weekday>{DAY}) in (?P<count>{_COUNT}) weeks?", _in_weeks_day),
    _rule(rf"in (?:about )?(?P<count>{_COUNT}) (?P<unit>{_UNIT})(?:'s?)?(?: time| from now)?|(?P<count2>{_COUNT}) (?P<unit2>{_UNIT}) (?:from now|out|hence)", lambda m, t, a, k: _in_any(m, t)),
    _rule(r"in a fortnight|a fortnight from now|in a fortnight's time", _fixed(14)),
    _rule(rf"next (?P<weekday>{DAY})", _next_week_day),
    _rule(rf"(?:the )?(?:following|subsequent) (?P<weekday>{DAY})|(?:the )?(?P<weekday2>{DAY}) (?:after that|after(?! ?\w))", lambda m, t, a, k: _following_any(m, t, a)),
    _rule(r"(?:the )?rest of (?:the|this) week|(?:later |some ?time |any ?time |any day |still )?this week|during the week", _weeks(0)),
    _rule(rf"{_PART} (?:of |in |on )?(?P<week>(?:the )?week after next|(?:the )?next week|this week|the week|the following week)", _part_of_week),
    _rule(r"(?:the )?week after next|in a couple weeks", _weeks(2)),
    _rule(r"(?:some ?time |any ?time |any day )?(?:the )?(?:next|following) week|the week after", _weeks(1)),
    _rule(r"(?:over |on |at )?(?:the|this|next) weekend", _weekend),
    _rule(rf"(?:{_PART}[ -](?:of |in )?)(?P<month>this month|the month|next month|{MONTH})", _month_span),
    _rule(rf"(?P<part>(?!))?(?:(?:some ?time |any ?time )?in |during )(?P<month>this month|next month|the following month|{MONTH})|(?P<month2>this month|next month)", lambda m, t, a, k: _month_any(m, t)),
    _rule(r"(?:in |within )?the next (?:few|couple of|couple|2|3) days|in the coming days", _few_days),
    _rule(rf"(?:this coming |this |coming |the coming )?(?P<weekday>{DAY})", _weekday),
    _rule(r"tomorrow|tmrw|tomorrow's", _fixed(1)),
    _rule(r"today|today's|this(?= (?:morning|afternoon|evening|lunch))", _fixed(0)),
    _rule(r"(?:on |for |the |that |at )*same day|that day|later that day", _about(0)),
    _rule(r"(?:the )?(?:next|following) day|the day after(?: that)?|a day later", _about(1)),
    _rule(r"the day before(?: that)?|a day earlier", _about(-1)),
    _rule(rf"(?:the |on )(?:the )?{_N}(?:th|(?<=[23]1)st|(?<=[23]2)nd|(?<=23)rd)", _dom),
    _rule(r"on the (?P<day>\d)(?:st|nd|rd)", _dom),
    _rule(r"(?P<day>1[0-9]|2[0-9]|3[01]|[4-9])(?:th|st|nd|rd)", _dom),
    _rule(r"(?:the )?week of (?:the )? ?D(\d+) ?", _week_of),
]  # fmt: skip


def _next_week_day_any(m: re.Match[str], today: date) -> Day | None:
    groups = m.groupdict()
    name = groups.get("weekday") or groups.get("weekday2")
    if name is None:
        hit = re.search(DAY, m[0])
        name = hit[0] if hit else None
    if name is None:
        return None
    weeks = 2 if "after next" in m[0] else 1
    return Day(monday(today) + timedelta(days=7 * weeks + weekday_of(name)))


def _in_any(m: re.Match[str], today: date) -> Day:
    return Day(_shift(today, _count(m["count"] or m["count2"]), m["unit"] or m["unit2"]))


def _following_any(m: re.Match[str], today: date, about: date | None) -> Day:
    return Day(coming(about or today, weekday_of(m["weekday"] or m["weekday2"])))


def _month_any(m: re.Match[str], today: date) -> Span | None:
    name = m["month"] or m["month2"]
    first = today.replace(day=1) + relativedelta(months=1 if "next" in name or "following" in name else 0)
    if name not in ("this month", "next month", "the following month"):
        first = date(today.year, month_of(name), 1)
        if first + relativedelta(months=1) <= today:
            first = first.replace(year=today.year + 1)
    return Span(max(first, today), first + relativedelta(months=1, days=-1))
