# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""What a sentence says about its days and times: after, before, between, or, not.

By now days are tokens D0, D1 ..., spans of days R0 ..., times T0 ... and parts of the day P (see `dates`, `clock`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time, timedelta

from holdfast_dialogue.domain.spoken import clock, dates

_NOT_DAY = re.compile(
    r"(?:\b(?:not|can't (?:do|make)|cannot (?:do|make)|can not (?:do|make)|except(?: for)?|anything but|any day but|but not|other than|apart from|never|don't want|not available|busy|away|out|no good)(?: on| for| at)?\s+(?:P\s+)?)D(\d+)"
    r"|D(\d+)(?:\s+P)?\s+(?:doesn't|does not|won't|isn't|is not|don't|can't|(?:is |are )?(?:no good|no|bad|out|off|full|tricky|difficult|hard|impossible|a holiday)\b)"
)
_NOT_TIME = re.compile(
    r"(?:\b(?:not|can't (?:do|make)|except|but not)(?: at)?\s+)T(\d+)|T(\d+)(?:\s+(?:doesn't|does not|won't|isn't|is not|is no|is too))"
)
_BETWEEN_DAYS = re.compile(r"\b(?:between |from )?D(\d+) (?:and|to|through|till|until|thru|-) D(\d+)\b")
_EITHER_DAY = re.compile(r"\bD(\d+)(?: P)?(?: T\d+)? or (?:maybe |even )?(?:on )?D(\d+)\b")
_AWAY_UNTIL = re.compile(r"\b(?:away|out|busy|gone|off|on (?:vacation|holiday|leave)|not (?:back|available|free|around)|unavailable|traveling|travelling) (?:until|till|til) D(\d+)\b")  # fmt: skip
_FROM_DAY = re.compile(
    r"\b(?:from|starting|as of|(?<!no )(?<!not )later than|not (?:before|until|till)|(?:any ?(?:time|day)|some ?time|some day) (?:from|after)) (?:on )?D(\d+)(?: (?:on|onwards?))?|\bD(\d+) (?:or (?:later|after)|onwards?|and (?:later|after|beyond))"
)
_AFTER_DAY = re.compile(r"\bafter D(\d+)\b|\b(?<!no )(?<!not )later than D(\d+)\b")
_BY_DAY = re.compile(r"\b(?:by|no later than|not later than|until|till) D(\d+)\b")
_BEFORE_DAY = re.compile(r"\b(?:before|earlier than|sooner than) D(\d+)\b")
_BETWEEN_TIMES = re.compile(r"\b(between |from )?T(\d+) (?:and|to|till|until|through|-) T(\d+)\b")
_EITHER_TIME = re.compile(r"\bT(\d+) or (?:maybe |even |at |around )?T(\d+)\b")
_FROM_TIME = re.compile(
    r"\b(?:(?<!not )after|(?<!no )(?<!not )later than|from|(?<!not )past|not (?:before|until|till)|no earlier than|starting(?: at)?|as of|any ?time (?:from|after|past)) T(\d+)\b|\bT(\d+) (?:or (?:later|after)|onwards?|and (?:later|after)|at the earliest)\b"
)
_UNTIL_TIME = re.compile(
    r"\b(?:(?<!not )before|by|(?<!no )(?<!not )earlier than|(?<!not )until|(?<!not )till|no later than|not (?:after|later than|past)|sooner than|up to) T(\d+)\b|\bT(\d+) (?:or (?:earlier|before|sooner)|at the latest)\b"
)


@dataclass(frozen=True, slots=True)
class Days:
    day: dates.Day | None = None
    span: tuple[date | None, date | None] | None = None
    excluded: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Times:
    at: time | None = None
    others: tuple[time, ...] = ()
    after: time | None = None
    before: time | None = None
    sure: bool = True
    """Morning or afternoon is certain."""


def days(text: str, marked: dates.Marked) -> Days:
    """The day, or the span of days, and the days that are ruled out."""
    away = _AWAY_UNTIL.search(text)
    if away:
        return Days(span=(marked.days[int(away[1])].on, None))
    out = {int(a or b) for a, b in _NOT_DAY.findall(text)}
    excluded = tuple(day.on for i in sorted(out) if (day := marked.days[i]).on)
    meant = [int(i) for i in re.findall(r"\bD(\d+)\b", text) if int(i) not in out]
    span = _span_between(text, marked, meant) or _open_span(text, marked, meant)
    named = _named_span(text, marked)
    if named and excluded and not span and not meant:
        excluded = tuple(_within(day, named) for day in excluded)
    if span:
        return Days(None, (span[0], span[1]), (*excluded, *span[2]))
    if meant:
        # the last one named counts: "not tuesday, wednesday"
        return Days(marked.days[meant[-1]], None, excluded)
    return Days(None, named, excluded)


def _within(day: date, span: tuple[date | None, date | None]) -> date:
    """'next week except tuesday': that week's Tuesday."""
    first, last = span
    ahead = day + timedelta(days=7)
    return ahead if first and day < first and (last is None or ahead <= last) else day


_Span = tuple[date | None, date | None, tuple[date, ...]]


def _span_between(text: str, marked: dates.Marked, meant: list[int]) -> _Span | None:
    """'between tuesday and thursday', "tuesday or thursday" (without the days in between)."""
    for pattern in (_BETWEEN_DAYS, _EITHER_DAY):
        match = pattern.search(text)
        if not match or not {int(match[1]), int(match[2])} <= set(meant):
            continue
        first, last = marked.days[int(match[1])].on, marked.days[int(match[2])].on
        if first is None or last is None:
            return None
        if pattern is _BETWEEN_DAYS:
            return first, last if last >= first else last + timedelta(days=7), ()
        first, last = min(first, last), max(first, last)
        return first, last, tuple(first + timedelta(days=i) for i in range(1, (last - first).days))
    return None


def _open_span(text: str, marked: dates.Marked, meant: list[int]) -> _Span | None:
    """'after wednesday', "thursday or later", "by friday", "before friday"."""

    def named(pattern: re.Pattern[str]) -> date | None:
        match = pattern.search(text)
        i = int(next(group for group in match.groups() if group)) if match else -1
        return marked.days[i].on if i in meant else None

    later = named(_AFTER_DAY)
    if later:
        return later + timedelta(days=1), None, ()
    start = named(_FROM_DAY)
    if start:
        return start, None, ()
    before = named(_BEFORE_DAY)
    if before:
        return None, before - timedelta(days=1), ()
    by = named(_BY_DAY)
    return (None, by, ()) if by else None


def _named_span(text: str, marked: dates.Marked) -> tuple[date | None, date | None] | None:
    """'next week'; "not this week" and "after the holidays" begin behind it."""
    found = re.findall(r"\bR(\d+)\b", text)
    if not found:
        return None
    span = marked.spans[int(found[-1])]
    if span.last and re.search(rf"\b(?:not|no good|can't do|except|isn't good|after)(?: in)? R{found[-1]}\b", text):
        return span.last + timedelta(days=1), None
    return span.first, span.last


def times(text: str, marked: clock.Marked) -> Times:
    """The time, further choices, or the earliest and the latest."""
    out = {int(a or b) for a, b in _NOT_TIME.findall(text)}
    meant = [marked.times[int(i)] for i in re.findall(r"\bT(\d+)\b", text) if int(i) not in out]
    between = _BETWEEN_TIMES.search(text)
    if between and (between[1] or " and " not in between[0]):
        low, high = marked.times[int(between[2])].at, marked.times[int(between[3])].at
        # "between two and eleven" cannot be 14 to 11
        return Times(after=low.replace(hour=low.hour - 12) if low > high and low.hour >= 12 else low, before=high)
    either = _EITHER_TIME.search(text)
    if either:
        first, second = marked.times[int(either[1])], marked.times[int(either[2])]
        return Times(first.at, (second.at,), sure=first.sure)
    low_match, high_match = _FROM_TIME.search(text), _UNTIL_TIME.search(text)
    if low_match or high_match:
        return Times(after=_at(low_match, marked), before=_at(high_match, marked))
    return Times(meant[-1].at, sure=meant[-1].sure) if meant else Times()


def _at(match: re.Match[str] | None, marked: clock.Marked) -> time | None:
    return marked.times[int(match[1] or match[2])].at if match else None
