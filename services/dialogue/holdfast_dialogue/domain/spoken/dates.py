# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Days as people name them: "next tuesday", "the day after tomorrow", "monday week", "november twenty fourth".

`mark` replaces each day in a sentence by a token (D0, D1 ...) and each span of days by R0 ..., so that the words
around them can be read by `relations`. Weeks run from Monday to Sunday. "next tuesday" is the Tuesday of the week
after this one; plain or "this tuesday" is the first Tuesday after today. Arithmetic by dateutil.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from dateutil.easter import easter
from dateutil.relativedelta import TH, relativedelta

DAY = r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tues?|weds?|thurs?|thu|fri|sat|sun)(?:'?s)?"
MONTH = r"(?:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

RECENT_DAYS = 60
"""A date without a year that is at most this long ago is a slip, not a day of next year."""


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
    today: date
    about: date | None
    """The day last talked about."""
    days: list[Day] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)


Read = Callable[[dict[str, str], Marked], Day | Span | None]
"""From a rule's named groups (digits behind a name are dropped: `day2` is `day`) to what they mean."""


def mark(text: str, today: date, about: date | None) -> Marked:
    """Find the days in `text`, whose number words are digits already."""
    marked = Marked(text, today, about)
    for pattern, read in _RULES:
        marked.text = pattern.sub(_token(marked, read), marked.text)
    return marked


_SHARED = [
    (re.compile(rf"\bnext ({DAY}) (or|and) (?:on )?({DAY})\b"), r"next \1 \2 next \3"),
    (re.compile(rf"\b(\d{{1,2}}(?:st|nd|rd|th)) (and|to|or|through|until|till) (?:the )?(\d{{1,2}}(?:st|nd|rd|th)) (?:of )?({MONTH})\b"), r"\1 \4 \2 \3 \4"),
    (re.compile(rf"\b({MONTH}) (?:the )?(\d{{1,2}}(?:st|nd|rd|th)) (and|to|or|through|until|till) (?:the )?(\d{{1,2}}(?:st|nd|rd|th))\b"), r"\1 \2 \3 \1 \4"),
]  # fmt: skip


def completed(text: str) -> str:
    """'the 1st or 3rd of december', "next monday or tuesday": both get what they share."""
    for pattern, to in _SHARED:
        text = pattern.sub(to, text)
    return text


def _token(marked: Marked, read: Read) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        groups = {name.rstrip("0123456789"): found for name, found in match.groupdict().items() if found is not None}
        found = read(groups, marked)
        if isinstance(found, Day):
            marked.days.append(found)
            return f" D{len(marked.days) - 1} "
        if isinstance(found, Span):
            marked.spans.append(found)
            return f" R{len(marked.spans) - 1} "
        return match[0]

    return replace


def coming(today: date, weekday: int) -> date:
    """The first such day after today."""
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def _monday(day: date, weeks: int = 0) -> date:
    return day + timedelta(days=7 * weeks - day.weekday())


def _weekday(name: str) -> int:
    return _DAYS.index(name[:3])


def _month(name: str) -> int:
    return _MONTHS.index(name[:3]) + 1


def _shift(start: date, count: int, unit: str) -> date:
    """`count` days, weeks, months or working days on."""
    if unit.startswith(("business", "working", "week day", "weekday")):
        day = start
        while count:
            day += timedelta(days=1)
            count -= day.weekday() < 5
        return day
    if "month" in unit:
        return start + relativedelta(months=count)
    return start + timedelta(days=count * (7 if "week" in unit else 1))


_COUNTS = {"a couple": 2, "a couple of": 2, "couple": 2, "couple of": 2, "a few": 3, "few": 3, "a": 1, "an": 1}


def _count(text: str) -> int:
    return int(text) if text.isdigit() else _COUNTS[text]


def _date(groups: dict[str, str], marked: Marked) -> Day:
    """Month and day, perhaps with year and weekday: the next such date."""
    month, day = groups["month"], int(groups["day"])
    return _calendar(marked.today, int(month) if month.isdigit() else _month(month), day, groups)


def _slashes(groups: dict[str, str], marked: Marked) -> Day:
    """Written the American way; the other way round where only that is a date."""
    first, second = int(groups["first"]), int(groups["second"])
    month, day = (second, first) if first > 12 >= second else (first, second)
    return _calendar(marked.today, month, day, groups)


def _calendar(today: date, month: int, day: int, groups: dict[str, str]) -> Day:
    year = int(groups["year"].replace(" ", "")) if "year" in groups else None
    if year is not None and year < 100:
        year += 2000
    years = [year] if year else range(today.year, today.year + (9 if (month, day) == (2, 29) else 2))
    for candidate in years:
        try:
            on = date(candidate, month, day)
        except ValueError:
            continue
        if year is None and (today - on).days > RECENT_DAYS:
            continue
        if "weekday" in groups and on.weekday() != _weekday(groups["weekday"]):
            return Day(on, "weekday_mismatch")
        return Day(on, "past" if on < today else None)
    return Day(None, "no_such_date")


def _day_of_month(groups: dict[str, str], marked: Marked) -> Day:
    """'the twenty fourth': the next one from today on; with a weekday: the next that falls on it, within 3 months."""
    day = int(groups["day"])
    if not 1 <= day <= 31:
        return Day(None, "no_such_date")
    first = marked.today.replace(day=1)
    # day=31 gives the last of a shorter month: such months have no 31st
    ahead = [first + relativedelta(months=months, day=day) for months in range(13)]
    fits = [on for on in ahead if on.day == day and on >= marked.today]
    if "weekday" in groups:
        same = [on for on in fits[:3] if on.weekday() == _weekday(groups["weekday"])]
        return Day(same[0]) if same else Day(fits[0], "weekday_mismatch")
    return Day(fits[0])


def _on(days: int) -> Read:
    return lambda _groups, marked: Day(marked.today + timedelta(days=days))


def _beside(days: int) -> Read:
    """'the day after': counted from the day named before in the sentence, else from the one last talked about."""

    def read(_groups: dict[str, str], marked: Marked) -> Day | None:
        base = (marked.days[-1].on if marked.days else None) or marked.about
        return Day(base + timedelta(days=days)) if base else None

    return read


def _next_to(groups: dict[str, str], marked: Marked) -> Day | None:
    """'the day before thanksgiving'."""
    on = marked.days[int(groups["token"])].on
    return Day(on + timedelta(days=1 if groups["way"] == "after" else -1)) if on else None


def _in_units(groups: dict[str, str], marked: Marked) -> Day:
    """'in two weeks', "two weeks from tuesday", "a week on monday", "monday week"."""
    base = _anchor(groups.get("anchor", "today"), marked.today)
    return Day(_shift(base, _count(groups.get("count", "1")), groups.get("unit", "week")))


def _anchor(text: str, today: date) -> date:
    if text in ("now", "today"):
        return today
    if text == "tomorrow":
        return today + timedelta(days=1)
    return coming(today, _weekday(text.rsplit(maxsplit=1)[-1]))


def _of_week(weeks: int) -> Read:
    """A weekday of this week (0), the next (1) or the one after (2)."""

    def read(groups: dict[str, str], marked: Marked) -> Day:
        ahead = _count(groups["count"]) if "count" in groups else weeks
        on = _monday(marked.today, ahead) + timedelta(days=_weekday(groups["weekday"]))
        return Day(on, "past" if on < marked.today else None)

    return read


def _next_such(groups: dict[str, str], marked: Marked) -> Day:
    return Day(coming(marked.today, _weekday(groups["weekday"])))


def _following(groups: dict[str, str], marked: Marked) -> Day:
    return Day(coming(marked.about or marked.today, _weekday(groups["weekday"])))


_FEASTS: dict[str, Callable[[int], date]] = {
    "christmas eve": lambda year: date(year, 12, 24),
    "christmas": lambda year: date(year, 12, 25),
    "boxing day": lambda year: date(year, 12, 26),
    "new year's eve": lambda year: date(year, 12, 31),
    "new year's": lambda year: date(year, 1, 1),
    "thanksgiving": lambda year: date(year, 11, 1) + relativedelta(weekday=TH(4)),
    "black friday": lambda year: date(year, 11, 1) + relativedelta(weekday=TH(4)) + timedelta(days=1),
    "easter": easter,
    "good friday": lambda year: easter(year) - timedelta(days=2),
}


def _feast(groups: dict[str, str], marked: Marked) -> Day:
    on = _FEASTS[groups["feast"]]
    return Day(next(day for year in (marked.today.year, marked.today.year + 1) if (day := on(year)) >= marked.today))


def _span(first: date, last: date, today: date) -> Span:
    return Span(max(first, today), max(last, today))


def _weeks(weeks: int) -> Read:
    return lambda _groups, marked: _span(
        _monday(marked.today, weeks), _monday(marked.today, weeks) + timedelta(days=6), marked.today
    )


_THIRDS = {"early": 0, "beginning": 0, "start": 0, "first": 0, "earlier": 0, "mid": 1, "middle": 1}
"""Words for a third of a week or month; all others mean the last."""


def _third(part: str) -> int:
    return _THIRDS.get(part.removeprefix("the ").split()[0], 2)


def _part_of_week(groups: dict[str, str], marked: Marked) -> Span:
    week = groups["week"]
    weeks = 2 if "after" in week else 1 if "next" in week or "following" in week else 0
    first, last = [(0, 1), (1, 3), (3, 4)][_third(groups["part"])]
    start = _monday(marked.today, weeks)
    return _span(start + timedelta(days=first), start + timedelta(days=last), marked.today)


def _in_month(groups: dict[str, str], marked: Marked) -> Span:
    name, today = groups["month"], marked.today
    if name.endswith("month"):
        first = today.replace(day=1) + relativedelta(months="next" in name or "following" in name)
    else:
        first = date(today.year, _month(name), 1)
        if first + relativedelta(months=1) <= today:
            first += relativedelta(years=1)
    if "part" not in groups:
        return _span(first, first + relativedelta(day=31), today)
    low, high = [(1, 10), (11, 20), (21, 31)][_third(groups["part"])]
    return _span(first + relativedelta(day=low), first + relativedelta(day=high), today)


def _new_year(_groups: dict[str, str], marked: Marked) -> Span:
    year = marked.today.year + (marked.today.month > 1)
    return _span(date(year, 1, 2), date(year, 1, 31), marked.today)


def _weekend(groups: dict[str, str], marked: Marked) -> Span:
    saturday = _monday(marked.today, "next" in groups) + timedelta(days=5)
    return _span(saturday, saturday + timedelta(days=1), marked.today)


def _next_days(groups: dict[str, str], marked: Marked) -> Span:
    return Span(marked.today, marked.today + timedelta(days=_count(groups.get("count", "a few"))))


def _week_of(groups: dict[str, str], marked: Marked) -> Span | None:
    on = marked.days[int(groups["token"])].on
    return Span(_monday(on), _monday(on) + timedelta(days=6)) if on else None


def _rule(pattern: str, read: Read) -> tuple[re.Pattern[str], Read]:
    return re.compile(rf"(?<![\w'/.-])(?:{pattern})(?![\w'/])"), read


_ST = r"(?:st|nd|rd|th)"
_N = r"(?P<day>\d{1,2})"
_WEEKDAY = rf"(?P<weekday>{DAY})"
_WEEKDAY2 = rf"(?P<weekday2>{DAY})"
_UNIT = r"(?P<unit>(?:business |working |week ?)?(?:days?|weeks?|months?))"
_COUNT = r"(?P<count>\d{1,2}|a couple(?: of)?|couple(?: of)?|a few|an?)"
_ANCHOR = rf"(?P<anchor>now|today|tomorrow|(?:this |next |on )?{DAY})"
_PART = r"(?P<part>(?:the )?(?:early|earlier|late|later|mid|middle|end|beginning|start|back end|latter part|first half|second half))"
_NO_NOUN = r"(?=\s*$| +(?:[DRT]\d|at|in the|around|about|after|before|by|between|from|till|until|any|some|please|works?|is|would|should|could|if|or|and|but|then|for|thanks|thank|instead|maybe|okay|ok|so|half|quarter|noon|mid|late|early|morning|afternoon|evening|first|1st|P|E|N|Z|\d|my|i|we|that|you|do|does|suits|sounds|looks)\b)"
"""Behind "the fourth": no thing that is being counted ("the fourth document")."""

_RULES: list[tuple[re.Pattern[str], Read]] = [
    _rule(r"(?P<year>20\d\d)-(?P<month>\d{1,2})-(?P<day>\d{1,2})", _date),
    _rule(r"(?P<first>\d{1,2})/(?P<second>\d{1,2})(?:/(?P<year>\d{4}|\d\d))?", _slashes),
    _rule(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4}|\d\d)?", _date),
    _rule(rf"(?:(?:on |the )?{_WEEKDAY} )?(?:the )?{_N}{_ST}?(?: day)?(?: of)? (?P<month>{MONTH})(?: (?P<year>20 ?\d\d))?", _date),
    _rule(rf"(?:{_WEEKDAY} )?(?:the )?(?P<month>{MONTH}) (?:the )?{_N}{_ST}?(?: (?P<year>20\d\d))?(?! ?:)", _date),
    _rule(rf"{_WEEKDAY} (?:the {_N}{_ST}?(?! ?:)|(?P<day2>\d{{1,2}}){_ST})", _day_of_month),
    _rule(rf"the {_N}{_ST}? (?:which is |that's |it's )?(?:a |on )?{_WEEKDAY}", _day_of_month),
    _rule(r"(?:the )?day after tomorrow|overmorrow", _on(2)),
    _rule(rf"{_COUNT} {_UNIT} (?:from|after|on) {_ANCHOR}", _in_units),
    _rule(r"(?P<count>\d|a) (?P<unit>weeks?) (?P<anchor>today|tomorrow)", _in_units),
    _rule(rf"{_ANCHOR} week|(?:the )?(?P<anchor2>{DAY}) after next", _in_units),
    _rule(rf"(?:the )?{_WEEKDAY} (?:of )?(?:the )?week after next|(?:the )?week after next (?:on )?{_WEEKDAY2}", _of_week(2)),
    _rule(rf"(?:the )?{_WEEKDAY} (?:of )?(?:the )?(?:next|following|coming) week|(?:the )?(?:next|following) week(?:'s)? (?:on )?(?:the )?{_WEEKDAY2}", _of_week(1)),
    _rule(rf"(?:the )?{_WEEKDAY} (?:of )?this week", _of_week(0)),
    _rule(rf"{_WEEKDAY} in {_COUNT} weeks?", _of_week(0)),
    _rule(rf"in (?:about )?{_COUNT} {_UNIT}(?:'s?)?(?: time| from now)?|(?P<count2>\d{{1,2}}|a couple(?: of)?|a few|a) (?P<unit2>(?:business |working )?(?:days?|weeks?|months?)) (?:from now|out|hence)", _in_units),
    _rule(r"in a fortnight(?:'s time)?|a fortnight from now", _on(14)),
    _rule(rf"next {_WEEKDAY}", _of_week(1)),
    _rule(rf"(?:the )?(?:following|subsequent) {_WEEKDAY}|(?:the )?{_WEEKDAY2} after(?: that|(?! ?\w))", _following),
    _rule(rf"(?P<feast>{'|'.join(_FEASTS)})(?: day)?", _feast),
    _rule(r"(?:the )?rest of (?:the|this) week|(?:later |some ?time |any ?time |any day |still )?this week|during the week", _weeks(0)),
    _rule(rf"{_PART} (?:of |in |on )?(?P<week>(?:the )?week after next|(?:the )?next week|this week|the week|the following week)", _part_of_week),
    _rule(r"(?:the )?week after next", _weeks(2)),
    _rule(r"(?:some ?time |any ?time |any day )?(?:the )?(?:next|following) week|the week after", _weeks(1)),
    _rule(r"(?:over |on |at )?(?:the|this|(?P<next>next)) weekend", _weekend),
    _rule(rf"{_PART}[ -](?:of |in )?(?P<month>this month|the month|next month|{MONTH})", _in_month),
    _rule(rf"(?:(?:some ?time |any ?time )?in |during )(?P<month>this month|next month|the following month|{MONTH})|(?P<month2>this month|next month)", _in_month),
    _rule(r"(?:(?:early )?in )?the new year", _new_year),
    _rule(r"(?:in |within |over )?the next (?P<count>few|couple(?: of)?|\d) days|in the coming days", _next_days),
    _rule(rf"(?:this coming |this |coming |the coming )?{_WEEKDAY}", _next_such),
    _rule(r"tomorrow(?:'s)?|tmrw", _on(1)),
    _rule(r"today(?:'s)?|this(?= (?:morning|afternoon|evening|lunch))", _on(0)),
    _rule(r"(?:on |for |the |that |at )*same day|that day|later that day", _beside(0)),
    _rule(r"(?:the )?(?:next|following) day|the day after(?: that)?(?! *D)|a day later", _beside(1)),
    _rule(r"the day before(?: that)?(?! *D)|a day earlier", _beside(-1)),
    _rule(r"the day (?P<way>before|after) +D(?P<token>\d+)", _next_to),
    _rule(rf"(?:the |on )(?:the )?{_N}(?:th|(?<=[23]1)st|(?<=[23]2)nd|(?<=23)rd){_NO_NOUN}", _day_of_month),
    _rule(rf"on the (?P<day>\d){_ST}{_NO_NOUN}", _day_of_month),
    _rule(rf"(?P<day>1[0-9]|2[0-9]|3[01]|[4-9]){_ST}{_NO_NOUN}", _day_of_month),
    _rule(r"(?:the )?week of (?:the )? *D(?P<token>\d+) ?", _week_of),
]  # fmt: skip
