# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""When: the day, the time and the zone in what a caller says, or which of the offered times is meant.

    text -> zone out (zones) -> number words to digits (text2num) -> which offer (offers) -> days to tokens (dates)
         -> times to tokens (clock, bare_hours) -> the words around the tokens: after, before, or, not (relations)

Libraries were tried on thirty phrasings as a recogniser writes them (no punctuation, numbers in words): dateparser
got 8 right, parsedatetime 11, Microsoft's recognizers-text 18 at 18 ms a call, with an `emoji` release that other
packages no longer allow. They are made for written dates, and they answer "2 am or 2 pm" where a business means 2 pm.
Here text2num and dateutil do the arithmetic and the grammar of speech is ours; a call takes under a millisecond.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from holdfast_dialogue.domain.spoken import bare_hours, clock, dates, offers, relations, zones
from holdfast_dialogue.domain.spoken.numbers import words_to_digits
from holdfast_dialogue.domain.spoken.text import plain, segments
from holdfast_dialogue.domain.spoken.zones import zone

__all__ = ["TimeWish", "wish", "zone"]

Part = Literal["morning", "midday", "afternoon", "evening"]
_PARTS: dict[str, tuple[time, time]] = {
    "morning": (time(5), time(11, 59)),
    "midday": (time(11, 30), time(13, 30)),
    "afternoon": (time(12), time(17, 59)),
    "evening": (time(17), time(23, 59)),
}


@dataclass(frozen=True, slots=True)
class TimeWish:
    """What a caller said about when. All local to the zone that was given or named; everything may be missing."""

    date: date | None = None
    time: time | None = None
    part: Part | None = None
    earliest: bool = False
    """As soon as possible, the first there is, first thing."""
    after: time | None = None
    """At this time or later."""
    before: time | None = None
    """At this time or earlier."""
    pick: int | None = None
    """Which of the offered times: 1, 2, 3 ..., or -1 for the last or later one."""
    ambiguous: str | None = None
    """Ask back: `am_pm` (only for 7 and 8 o'clock), `no_such_date`, `weekday_mismatch`, `past`."""
    range_days: tuple[date | None, date | None] | None = None
    """First and last day that would do; None: open on that side."""
    zone: str | None = None
    """IANA zone named in the same breath."""
    other_times: tuple[time, ...] = ()
    """"two or three": the second choice."""
    excluded: tuple[date, ...] = ()
    """"not friday"."""
    same_day: bool = False
    """"same day" or "same time on friday" needs what was talked about, and the caller of `wish` did not tell the day."""
    later: bool = False
    """"anything later": after what was offered."""
    sooner: bool = False
    """"anything sooner": before what was offered."""

    @property
    def empty(self) -> bool:
        return self == TimeWish(zone=self.zone)

    def allows(self, start: datetime, zone: ZoneInfo) -> bool:
        """Whether an opening (aware) is within the wish; `pick`, `earliest`, `later` and `sooner` are not looked at."""
        local = start.astimezone(ZoneInfo(self.zone) if self.zone else zone)
        day, at = local.date(), local.time()
        first, last = self.range_days or (None, None)
        if day in self.excluded or (self.date and day != self.date) or (first and day < first) or (last and day > last):
            return False
        if self.time:
            return at == self.time or at in self.other_times
        if self.part and not (self.after or self.before):
            low, high = _PARTS[self.part]
            return low <= at <= high
        return not ((self.after and at < self.after) or (self.before and at > self.before))


def wish(
    text: str, *, now: datetime, zone: ZoneInfo, about: date | None = None, expected: bool = True
) -> TimeWish | None:
    """What `text` says about when; None where it says nothing.

    `now` is aware; `zone` the caller's. `about`: the day last talked about, for "same day" and "the day after".
    `expected`: the agent has asked for a time, so that a lone "three" or "the first" is one.
    """
    said = _WEEK_FIRST.sub(r"\1 next week or \2 next week", plain(text))
    found = zones.find(said)
    if found:
        said = f"{said[: found.start].rstrip()} Z {said[found.end :].lstrip()}".strip()
    here = now.astimezone(ZoneInfo(found.zone) if found else zone)
    whole = TimeWish()
    for part in segments(_TAKEN_BACK.sub(" no wait ", said)):
        whole = _merge(whole, _read(part, here, whole.date or about, expected=expected))
    if whole.empty and not found:
        return None
    return replace(whole, zone=found.zone) if found else whole


_WEEK_FIRST = re.compile(rf"\bnext week (?:on )?({dates.DAY}) or (?:on )?({dates.DAY})\b")
"""'next week thursday or friday': both days are meant of that week."""
_TAKEN_BACK = re.compile(
    rf"(?<=\w) no (?=(?:the |at |on |next |this )?(?:{dates.DAY}|tomorrow|today|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|half|quarter|noon|\d))"
)
"""'tuesday no wednesday': a lone no between two times takes the first back."""


def _merge(old: TimeWish, new: TimeWish) -> TimeWish:
    """What was said later replaces what it speaks of; the rest stands."""
    if new.empty:
        return old
    merged = replace(new, excluded=tuple(dict.fromkeys((*old.excluded, *new.excluded))))
    if not (new.date or new.range_days or new.ambiguous == "no_such_date"):
        kept = old.ambiguous if old.ambiguous != "am_pm" else None
        merged = replace(merged, date=old.date, range_days=old.range_days, ambiguous=new.ambiguous or kept)
    if not (new.time or new.after or new.before or new.part or new.pick or new.earliest):
        merged = replace(merged, time=old.time, after=old.after, before=old.before, part=old.part, pick=old.pick)
        merged = replace(merged, earliest=old.earliest, other_times=old.other_times)
    return merged


def _read(said: str, here: datetime, about: date | None, *, expected: bool) -> TimeWish:
    """One stretch of a sentence that takes nothing back; `here`: now where the caller is."""
    soon = _in_hours(said, here)
    if soon:
        return soon
    digits = dates.completed(_digits(said))
    earliest = bool(offers.EARLIEST.search(digits) or offers.FIRST_THING.search(digits))
    pick, text = (
        offers.pick(offers.FIRST_THING.sub(" E ", offers.EARLIEST.sub(" E ", digits))) if expected else (None, digits)
    )
    marked_days = dates.mark(text, here.date(), about)
    part, low, high, text = _part(marked_days.text)
    if offers.FIRST_THING.search(digits):
        part = part or "morning"
    marked_times = clock.mark(text, part)
    lone = expected and pick is None and part is None and not marked_days.days and not marked_days.spans
    text = bare_hours.mark(marked_times, part, lone=lone)
    days, times = relations.days(text, marked_days), relations.times(text, marked_times)
    free = not (pick or days.day or days.span or times.at or times.after or times.before or part or low or high)
    return TimeWish(
        date=days.day.on if days.day else None,
        time=times.at,
        part=part,
        earliest=earliest or (free and expected and bool(offers.ANY.search(digits))),
        after=times.after or (low if not times.at else None),
        before=times.before or (high if not times.at else None),
        pick=pick,
        ambiguous=_problem(days, times, part, here),
        range_days=days.span,
        other_times=times.others,
        excluded=days.excluded,
        same_day=about is None and bool(re.search(r"\b(?:same|that) day\b", said)),
        later=not (pick or times.at or times.after or days.span) and bool(offers.LATER.search(text)),
        sooner=not (pick or times.at or times.before or days.span) and bool(offers.SOONER.search(text)),
    )


def _problem(days: relations.Days, times: relations.Times, part: str | None, here: datetime) -> str | None:
    if days.day and days.day.problem:
        return days.day.problem
    if days.day and days.day.on == here.date():
        gone = times.at and times.at < here.time()
        over = not times.at and part == "morning" and here.hour >= 12
        if gone or over:
            return "past"
    return "am_pm" if times.at and not times.sure else None


_TIME_WORD = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow|morning|afternoon|evening|o'clock|noon|oh|fifteen|thirty|forty|five|ten|twenty|two|three|four|six|seven|eight|nine|eleven|twelve|one|first|second|third|last|next|later|earlier|other|p m|a m|pm|am)"
_PRONOUN = re.compile(
    rf"\b(?:(?P<bare>the|that|this|which)|(?P<words>(?:the|that|this|which)(?: {_TIME_WORD}){{1,4}})) one(?P<is>'s)?\b"
    r"(?! (?:o'clock|oclock|thirty|fifteen|forty|twenty|pm|am|p m|a m))(?(words)(?! in the))"
)
"""'the tuesday one', "the two thirty one": a pronoun, not one o'clock."""
_SPEECH = [
    (re.compile(r"\b(?:just )?(?:a|one|1|this) second\b|\bseconds\b"), " "),
    (re.compile(r"\bo' ?clock\b|\bo clock\b|\boclock\b"), "o'clock"),
    (re.compile(r"\btonight\b"), "today evening"),
    (re.compile(r"\b(?:after|following) lunch(?: ?time)?\b"), "after 1 o'clock"),
    (re.compile(r"\bbefore lunch(?: ?time)?\b"), "before noon"),
]
_DIGITS = [
    (re.compile(r"(?<=\d) ?([ap]) m\b|(?<=o'clock) ([ap]) m\b"), lambda m: f" {m[1] or m[2]}m"),
    (re.compile(r"(?<=\d) (?:oh|o) (?=\d\b)"), lambda _m: " oh "),
    (re.compile(r"\b(\d{1,2}) ?ish\b"), lambda m: f"{m[1]} ish"),
]


def _digits(said: str) -> str:
    """Number words as digits, and what only sounds like a time made harmless."""
    text = _PRONOUN.sub(lambda m: f"{m['bare'] or m['words']} item", said)
    for pattern, to in _SPEECH:
        text = pattern.sub(to, text)
    text = words_to_digits(text)
    for pattern, write in _DIGITS:
        text = pattern.sub(write, text)
    return text


_PART_WORDS = re.compile(
    r"(?P<not>\b(?:not|no|can't do|can't make|not good in|never)(?: in| on)?(?: the)? )?(?P<how>\b(?:early|earlier|late|later|mid)(?: in the| on in the)?[ -](?P<day> *D\d+ +)?)?"
    r"\b(?P<part>mornings?|afternoons?|evenings?|lunch ?time|lunch|noonish|mid ?day(?=ish))\b"
)
_END_OF_DAY = re.compile(
    r"\b(?:at |by |toward |towards )?(?:the )?(?:end of (?:the )?(?:business )?day|close of business|c o b|eod|e o d|last thing)\b"
)
_WITHIN: dict[tuple[str, str], tuple[time | None, time | None]] = {
    ("morning", "early"): (None, time(10)),
    ("morning", "mid"): (time(10), time(11)),
    ("morning", "late"): (time(10, 30), None),
    ("afternoon", "early"): (time(12), time(14)),
    ("afternoon", "mid"): (time(14), time(16)),
    ("afternoon", "late"): (time(15), None),
}
_INSTEAD: dict[str, tuple[time | None, time | None]] = {
    "morning": (time(12), None),
    "afternoon": (None, time(11, 59)),
    "evening": (None, time(17)),
    "midday": (None, None),
}


def _part(text: str) -> tuple[Part | None, time | None, time | None, str]:
    """The part of the day with its earliest and latest time, and the text with P in its place."""
    if _END_OF_DAY.search(text):
        return "afternoon", time(16), None, _END_OF_DAY.sub(" P ", text)
    match = _PART_WORDS.search(text)
    if not match:
        return None, None, None, text
    part: Part = {"m": "morning", "a": "afternoon", "e": "evening"}.get(match["part"][0], "midday")  # type: ignore[assignment]
    if match["part"].startswith("mid"):
        part = "midday"
    before, behind = text[: match.start()], text[match.end() :]
    if match["not"]:
        return None, *_INSTEAD[part], f"{before} {behind}"
    how = (match["how"] or "").strip(" -")[:5].rstrip()
    before += match["day"] or ""
    low, high = _WITHIN.get(
        (part, {"earli": "early", "later": "late"}.get(how, how).split()[0] if how else ""), (None, None)
    )
    # the clock rules want to see "in the morning" behind a number
    clocked = re.search(r"(?:\d|o'clock)(?: (?:in|on) the| at| this| of the)?\s*$", before)
    return part, low, high, text if clocked and not how else f"{before} P {behind}"


_IN_HOURS = re.compile(
    r"\bin (?:about |around )?(?P<n>an?|half an|a couple of|a few|\d{1,2})(?P<half> and a half)? (?P<unit>hours?|minutes?)(?! (?:call|long|meeting))\b(?:'s time)?(?P<later_half> and a half)?"
)
_FEW = {"a": 1.0, "an": 1.0, "half an": 0.5, "a couple of": 2.0, "a few": 3.0}


def _in_hours(said: str, here: datetime) -> TimeWish | None:
    """'in two hours': from then on, as soon as possible."""
    match = _IN_HOURS.search(words_to_digits(said))
    if not match:
        return None
    count = _FEW.get(match["n"]) or float(match["n"])
    count += 0.5 if match["half"] or match["later_half"] else 0
    then = here + timedelta(hours=count) if match["unit"].startswith("hour") else here + timedelta(minutes=count)
    return TimeWish(date=then.date(), after=then.time().replace(second=0, microsecond=0), earliest=True)
