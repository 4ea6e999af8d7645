# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""When: the day, the time and the zone in what a caller says, or which of the offered times is meant.

    text -> number words to digits (text2num) -> zone out -> days to tokens (dates) -> times to tokens (clock)
         -> the sentence around the tokens: after, before, between, not, or, the second one

Libraries were tried on sixty phrasings of callers, as heard by a recogniser (no punctuation, numbers in words): of
every ten, dateparser got 3 right, parsedatetime 4, Microsoft's recognizers-text 6 at 18 ms a call and with packages
that no longer install together. What they are made for is written dates; here text2num and dateutil do the
arithmetic, and the grammar of speech is ours. A call takes under a millisecond.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from holdfast_dialogue.domain.spoken import clock, dates, zones
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
    """Ask back: `am_pm`, `no_such_date`, `weekday_mismatch`, `past`."""
    range_days: tuple[date | None, date | None] | None = None
    """First and last day that would do; None: open on that side."""
    zone: str | None = None
    """IANA zone named in the same breath."""
    other_times: tuple[time, ...] = ()
    """"two or three": the second choice."""
    excluded: tuple[date, ...] = ()
    """"not friday"."""
    same_day: bool = False
    """"same day", and the caller of this function did not say which day that is."""
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
        if day in self.excluded or (self.date and day != self.date):
            return False
        if self.range_days:
            first, last = self.range_days
            if (first and day < first) or (last and day > last):
                return False
        if self.time:
            return at == self.time or at in self.other_times
        if self.part and not (self.after or self.before):
            low, high = _PARTS[self.part]
            if not low <= at <= high:
                return False
        return not ((self.after and at < self.after) or (self.before and at > self.before))


_PART_WORDS = re.compile(
    r"(?P<early>\b(?:early|earlier)(?: in the| on in the)? )?(?P<late>\b(?:late|later)(?: in the| on in the)? )?(?P<mid>\bmid[ -]?)?"
    r"\b(?P<part>mornings?|afternoons?|evenings?|tonight|lunch ?time|lunch|noonish|mid ?day(?=ish))\b"
)
_EARLIEST = re.compile(
    r"\b(?:as soon as (?:possible|you can|you have|we can)|asap|a s a p|(?:the )?(?:soonest|earliest|next available|first available|first opening|next opening|first free|first 1 available|next free|first slot|next slot)(?: (?:time|slot|1|opening|possible|available|you have|you've got|there is))*"
    r"|right away|first (?:thing|chance|opportunity)|1st thing|1st (?:available|opening|slot|chance|free)(?: (?:slot|time|1|opening))?|(?:the )?sooner the better|whatever(?:'s| is) (?:soonest|earliest|first)|whenever you (?:can|have)|earliest (?:possible|convenience)"
    r"|(?:whichever|whatever)(?:'s| is)? (?:first|soonest|sooner|earlier|earliest))\b"
)
_END_OF_DAY = re.compile(
    r"\b(?:at |by |toward |towards )?(?:the )?(?:end of (?:the )?(?:business )?day|close of business|c o b|eod|e o d|last thing)\b"
)
_LATER = re.compile(
    r"\b(?:any(?:thing|time)? (?:a bit |a little )?later|(?:a bit|a little|something|some ?time|much|is there (?:any ?thing|something)|have you (?:any ?thing|something|got anything)) later|later(?: than that| on| if possible)?$|later than that)\b"
)
_SOONER = re.compile(
    r"\b(?:any(?:thing|time)? (?:a bit |a little )?(?:sooner|earlier)|(?:a bit|a little|something|some ?time|much) (?:sooner|earlier)|(?:sooner|earlier)(?: than that| if possible)?$|(?:sooner|earlier) than that)\b"
)
_PICK_WORD = r"(?P<nth>1st|2nd|3rd|4th|last|former|latter|earlier|later|earliest|latest|sooner|middle|other)"
_PICKS = [
    re.compile(rf"\b(?:the|your|that|with|do|take|make it|pick|choose|yes|yeah) (?:very )?{_PICK_WORD}(?: (?:1|item|option|slot|time|choice|of those|of them|of the (?:two|2|three|3)|opening|appointment|offer|suggestion|on the list))*\b"),
    re.compile(rf"^(?:(?!{dates.MONTH}|{dates.DAY}|\d)\w+ )?(?!later|earlier|sooner|other){_PICK_WORD}(?: (?:1|item|option|slot|time|choice|please|works|thanks|is (?:fine|good|better|best)))*$"),
    re.compile(r"\b(?:number|option|slot|choice|time|no) (?P<number>[1-4])\b"),
]  # fmt: skip
_PICK_VALUES = {"1st": 1, "former": 1, "earlier": 1, "earliest": 1, "sooner": 1, "2nd": 2, "middle": 2, "other": 2, "3rd": 3, "4th": 4, "last": -1, "latter": -1, "later": -1, "latest": -1}  # fmt: skip
_ANY = re.compile(
    r"^(?:\w+ )*?(?:either(?: 1| of (?:those|them|the two|the 2))?|any of (?:those|them|these)|whichever|any(?: 1)? (?:is fine|works|will do)|(?:it )?doesn't matter|don't (?:mind|care)|whatever(?: works)?|whenever|any ?time|you (?:pick|choose|decide))\b"
)

# What may follow a bare number that is a time ("tomorrow at three eastern").
_AFTER_HOUR = (
    r"(?=\s*$|\s+(?:[DTRZP]\d*\b|on|please|works?|would|is|was|my|if|then|ish|sharp|that|same|so|in|but|because|thanks|thank|okay|ok|fine|good|great|"
    r"should|could|can|i|we|for me|it's|and my|and i|and we|works|or|to|till|until|and|suits|sounds|exactly|ideally|preferably|maybe|also|with|they|there|instead|does|will|i'd|i'm|you|do|now|time|local|your)\b)"
)
# ... and what may not, where "at" or a day before it has already said so ("at five locations").
_NO_UNIT = (
    r"(?![\w:/%$-])(?!\s+(?:of (?:us|our|them)|(?:other |new |more |different )?(?:people|staff|users?|a (?:day|week|month|year|piece|time)|per|percent|\d|hundred|thousand|dozen)\b|point \d"
    r"|(?!works\b|thanks\b|is\b|does\b|suits\b|sounds\b|was\b|yes\b|this\b|perhaps\b|seems\b|us\b|as\b|looks\b|always\b)\w+s\b))"
)
_BARE = [
    re.compile(r"(?P<lead>)(?<![\w:./$-])(?P<hour>\d{1,2})(?=\s+(?:(?:or|and) (?:later|after|earlier|before|sooner)|onwards?|at the (?:earliest|latest))\b)"),
    re.compile(rf"(?P<lead>\b(?:at|around|by|after|before|until|till|past|than)\s+|\bD\d+\s+(?:at\s+|about\s+|around\s+)?|\bP\s+)(?P<hour>\d{{1,2}})(?:\s*-?ish)?{_NO_UNIT}"),
    re.compile(rf"(?P<lead>\b(?:about|from|between|say|roughly|approximately|like|make it|not|to|and|or|for|do|have)\s+)(?P<hour>\d{{1,2}})(?:\s*-?ish)?{_AFTER_HOUR}"),
    re.compile(r"(?P<lead>)(?<![\w:./$-])(?P<hour>\d{1,2})(?:\s*-?ish)?(?=\s+(?:on |for )?(?:D\d|P\b|Z\b)|\s+(?:my|your|our|local)(?: local)? time\b)"),
    re.compile(r"(?P<lead>)(?<![\w:./$-])(?P<hour>\d{1,2})(?:\s*-?ish)\b"),
    re.compile(r"(?P<lead>)(?<![\w:./$-])(?P<hour>\d{1,2})(?=\s+(?:to|till|until|or|-)\s+T\d)"),
]  # fmt: skip
_WHOLE_HOUR = re.compile(
    r"^(?:(?:so|then|okay|ok|yes|yeah|let's|let|us|say|make|it|do|the|maybe|at|around|about|how|i'd|i|we|would|like|prefer|can|could|take|go|for|with|what|no|well|please|just|um|actually|that|think|is|sure|alright|fine|perfect|great|of|course)\s+)*"
    r"(?P<hour>\d{1,2})(?:\s+(?:please|works?|is|would|be|fine|good|great|perfect|best|ok|okay|then|for|me|us|1|sharp|thanks|thank|you|suits|better|it|sounds|ideal|that|time|do|ish|or|so|if|possible|slot))*$"
)
_NOT_DAY = re.compile(
    r"(?:\b(?:not|can't (?:do|make)|cannot (?:do|make)|can not (?:do|make)|except(?: for)?|anything but|any day but|but not|other than|apart from|never|don't want|not available|busy|away|out|no good)(?: on| for| at)?\s+(?:P\s+)?)D(\d+)|D(\d+)(?:\s+P)?(?:\s+(?:doesn't|does not|won't|isn't|is not|is no|is bad|is out|is full|don't|can't|is tricky|is difficult|is hard|is impossible|is a holiday))"
)
_NOT_TIME = re.compile(
    r"(?:\b(?:not|can't (?:do|make)|except|but not)(?: at)?\s+)T(\d+)|T(\d+)(?:\s+(?:doesn't|does not|won't|isn't|is not|is no|is too))"
)


def wish(
    text: str, *, now: datetime, zone: ZoneInfo, about: date | None = None, expected: bool = True
) -> TimeWish | None:
    """What `text` says about when; None where it says nothing.

    `now` is aware; `zone` the caller's. `about`: the day last talked about, for "same day" and "the day after".
    `expected`: the agent has asked for a time, so that a lone "three" or "the first" is one.
    """
    said = plain(text)
    found = zones.find(said)
    named: str | None = None
    if found:
        named = found.zone
        said = f"{said[: found.start].rstrip()} Z {said[found.end :].lstrip()}".strip()
    local = ZoneInfo(named) if named else zone
    here = now.astimezone(local)
    whole: TimeWish | None = None
    for part in segments(_no_then(said)) or [said]:
        part_wish = _read(part, here, whole.date if whole and whole.date else about, expected)
        whole = part_wish if whole is None else _merge(whole, part_wish)
    if whole is None or whole.empty:
        return (
            TimeWish(zone=named)
            if named and found and not whole
            else (replace(whole, zone=named) if named and whole else None)
        )
    return replace(whole, zone=named)


def _no_then(said: str) -> str:
    """'tuesday no wednesday': a lone no between two times takes the first back."""
    return re.sub(
        r"(?<=\w) no (?=(?:the |at |on |next |this )?(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|tomorrow|today|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|half|quarter|noon|\d))",
        " no wait ",
        said,
    )


def _merge(old: TimeWish, new: TimeWish) -> TimeWish:
    """What was said later replaces what it speaks of; the rest stands."""
    if new.empty:
        return old
    merged = new
    if not (new.date or new.range_days or new.ambiguous == "no_such_date"):
        merged = replace(
            merged,
            date=old.date,
            range_days=old.range_days,
            ambiguous=new.ambiguous or (old.ambiguous if old.ambiguous != "am_pm" else None),
        )
    if not (new.time or new.after or new.before or new.part or new.pick or new.earliest):
        merged = replace(
            merged,
            time=old.time,
            after=old.after,
            before=old.before,
            part=old.part,
            pick=old.pick,
            earliest=old.earliest,
            other_times=old.other_times,
        )
    return replace(merged, excluded=tuple(dict.fromkeys((*old.excluded, *new.excluded))))


def _read(said: str, here: datetime, about: date | None, expected: bool) -> TimeWish:
    today = here.date()
    same_day = about is None and bool(re.search(r"\b(?:same|that) day\b", said))
    text = _digits(said)
    earliest = bool(_EARLIEST.search(text))
    first_thing = bool(re.search(r"\b(?:1st|first) thing\b", text))
    text = _EARLIEST.sub(" E ", text)
    end_of_day = bool(_END_OF_DAY.search(text))
    text = _END_OF_DAY.sub(" P ", text)
    pick, text = _pick(text, expected)
    days = dates.mark(text, today, about)
    text = days.text
    part, after, before, text = _part(text)
    if first_thing:
        part = part or "morning"
    if end_of_day:
        part, after = "afternoon", time(16)
    marked = clock.mark(text, part)
    text = _bare_hours(marked, part, expected, alone=not days.days and not days.spans and part is None and pick is None)
    day, span, excluded = _days(text, days)
    at, others, low, high, sure = _times(text, marked)
    problem = day.problem if day else None
    if day and day.on == today and problem is None and at and at < here.time() and not low:
        problem = "past"
    if day and day.on == today and problem is None and part == "morning" and here.hour >= 12 and not at:
        problem = "past"
    free = pick is None and not (day or span or at or low or high or part)
    hour_wish = _in_hours(said, here)
    if hour_wish:
        return hour_wish
    return TimeWish(
        date=day.on if day else None,
        time=at,
        part=part,  # type: ignore[arg-type] # only the keys of _PARTS
        earliest=earliest or (free and expected and bool(_ANY.search(_digits(said)))),
        after=low or (after if not at else None),
        before=high or (before if not at else None),
        pick=pick if not (at and pick and pick > 2 and day) else None,
        ambiguous=problem or ("am_pm" if at and not sure else None),
        range_days=span,
        other_times=others,
        excluded=excluded,
        same_day=same_day,
        later=pick is None and not (at or low or span) and bool(_LATER.search(text)),
        sooner=pick is None and not (at or high or span) and bool(_SOONER.search(text)),
    )


_TIME_WORD = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow|morning|afternoon|evening|o'clock|noon|oh|fifteen|thirty|forty|five|ten|twenty|two|three|four|six|seven|eight|nine|eleven|twelve|one|first|second|third|last|next|later|earlier|other|p m|a m|pm|am)"
# "the tuesday one", "the two thirty one": a pronoun, not one o'clock.
_PRONOUN = re.compile(
    rf"\b((?:the|that|this|which)(?: {_TIME_WORD}){{0,4}}) one\b(?! (?:o'clock|oclock|thirty|fifteen|forty|twenty|pm|am|p m|a m|in the))"
)


def _digits(said: str) -> str:
    text = re.sub(r"\b(?:just )?(?:a|one|1|this) second\b|\bseconds\b", " ", said)
    text = re.sub(r"\bo' ?clock\b|\bo clock\b|\boclock\b", "o'clock", text)
    text = _PRONOUN.sub(r"\1 item", text)
    text = re.sub(r"\btonight\b", "today evening", text)
    text = re.sub(r"\b(?:after|following) lunch(?: ?time)?\b", "after 1 o'clock", text)
    text = re.sub(r"\bbefore lunch(?: ?time)?\b", "before noon", text)
    text = words_to_digits(text)
    text = re.sub(r"(?<=\d) ?([ap]) m\b", r" \1m", text)
    text = re.sub(r"(?<=o'clock) ([ap]) m\b", r" \1m", text)
    # "twenty oh five" is no time, "two oh five" is; text2num leaves the oh
    text = re.sub(r"(?<=\d) (?:oh|o) (?=\d\b)", " oh ", text)
    return re.sub(r"\b(\d{1,2}) ?ish\b", r"\1 ish", text)


def _pick(text: str, expected: bool) -> tuple[int | None, str]:
    """Which offered time is meant, and the text without it; '1st of december' and '1st thing' are no picks."""
    if not expected:
        return None, text
    for pattern in _PICKS:
        for match in pattern.finditer(text):
            groups = match.groupdict()
            after = text[match.end() :].strip()
            if groups.get("number"):
                return int(groups["number"]), text[: match.start()] + " N " + text[match.end() :]
            nth = groups["nth"]
            before = text[: match.start()]
            dated = re.match(
                r"(?:of )?(?:january|february|march|april|may|june|july|august|september|october|november|december|thing|week)\b",
                after,
            )
            weekday = re.search(
                r"(?:day|january|february|march|april|may|june|july|august|september|october|november|december|\bon)\s*$",
                before,
            )
            if (
                dated
                or (weekday and nth[0].isdigit())
                or (nth in ("later", "earlier") and re.match(r"(?:than|in|on|this|today|that)\b", after))
            ):
                continue
            return _PICK_VALUES[nth], before + " N " + text[match.end() :]
    return None, text


def _part(text: str) -> tuple[str | None, time | None, time | None, str]:
    match = _PART_WORDS.search(text)
    if not match:
        return None, None, None, text
    word = match["part"]
    part = (
        "morning"
        if word.startswith("morning")
        else "afternoon"
        if word.startswith("afternoon")
        else "evening"
        if word[0] in "et"
        else "midday"
    )
    early, late = bool(match["early"]), bool(match["late"])
    after = before = None
    if part == "morning" and (early or late or match["mid"]):
        after, before = (time(10, 30), None) if late else (None, time(10)) if early else (time(10), time(11))
    if part == "afternoon" and (early or late or match["mid"]):
        after, before = (time(15), None) if late else (time(12), time(14)) if early else (time(14), time(16))
    # the clock rules want to see "in the morning" behind a number
    if re.search(r"(?:\d|o'clock)(?: (?:in|on) the| at| this| of the)?\s*$", text[: match.start()]) and not (
        early or late
    ):
        return part, after, before, text
    return part, after, before, text[: match.start()] + " P " + text[match.end() :]


def _bare_hours(marked: clock.Marked, part: str | None, expected: bool, *, alone: bool) -> str:
    text = re.sub(r"\s+", " ", marked.text).strip()

    def to_token(match: re.Match[str]) -> str:
        found = clock.resolve(int(match["hour"]), 0, part)
        if found is None or int(match["hour"]) == 0:
            return match[0]
        marked.times.append(found)
        return f"{match['lead']}T{len(marked.times) - 1} "

    for pattern in _BARE:
        for _ in range(3):  # "between two and four": each pass may give the next its neighbour
            changed = re.sub(r"\s+", " ", pattern.sub(to_token, text)).strip()
            if changed == text:
                break
            text = changed
    if expected and alone and not marked.times:
        match = _WHOLE_HOUR.match(text)
        if match:
            found = clock.resolve(int(match["hour"]), 0, part)
            if found and int(match["hour"]):
                marked.times.append(found)
                text = text[: match.start("hour")] + f"T{len(marked.times) - 1}" + text[match.end("hour") :]
    return text


def _days(
    text: str, days: dates.Marked
) -> tuple[dates.Day | None, tuple[date | None, date | None] | None, tuple[date, ...]]:
    """The day, or the span of days, and the days that are ruled out."""
    out = {int(a or b) for a, b in _NOT_DAY.findall(text)}
    excluded = tuple(day.on for i in out if (day := days.days[i]).on)
    order = [int(i) for i in re.findall(r"\bD(\d+)\b", text) if int(i) not in out]
    spans = [int(i) for i in re.findall(r"\bR(\d+)\b", text)]

    def on(i: str) -> date | None:
        return days.days[int(i)].on

    between = re.search(r"\b(?:between |from )?D(\d+) (?:and|to|through|till|until|thru|-) D(\d+)\b", text)
    if between and int(between[1]) in order and int(between[2]) in order:
        first, last = on(between[1]), on(between[2])
        if first and last and last < first:
            last += timedelta(days=7)
        return None, (first, last), excluded
    either = re.search(r"\bD(\d+)(?: P)?(?: T\d+)? or (?:maybe |even )?(?:on )?D(\d+)\b", text)
    if either and int(either[1]) in order and int(either[2]) in order:
        first, last = on(either[1]), on(either[2])
        if first and last:
            first, last = min(first, last), max(first, last)
            gaps = tuple(first + timedelta(days=i) for i in range(1, (last - first).days))
            return None, (first, last), (*excluded, *gaps)
    for pattern, which in (
        (
            r"\b(?:any ?(?:time|day)|later than|some ?time|not (?:before|until|till)|from|starting|as of) (?:after |on )?(?P<d>D(\d+))(?: (?:on|onwards?|or later|and later|or after))?",
            0,
        ),
        (r"\bafter (?P<d>D(\d+))", 1),
        (r"\b(?:on or )?(?P<d>D(\d+)) (?:or (?:later|after)|onwards?|and (?:later|after|beyond))", 0),
    ):
        match = re.search(pattern, text)
        if (
            match
            and int(match[2]) in order
            and not (which == 0 and re.match(r"(?:any ?time|some ?time) (?:on )?D", match[0]))
        ):
            day = on(match[2])
            shift = 1 if which or " after " in match[0] or match[0].startswith("later") else 0
            return None, (day + timedelta(days=shift) if day else None, None), excluded
    match = re.search(
        r"\b(?:(before|earlier than|sooner than)|by|no later than|until|till|at the latest) D(\d+)\b", text
    )
    if match and int(match[2]) in order:
        day = on(match[2])
        return None, (None, day - timedelta(days=1) if day and match[1] else day), excluded
    if order:
        # the last one named counts: "not tuesday, wednesday", "monday ... the thirtieth"
        return days.days[order[-1]], None, excluded
    if spans:
        span = days.spans[spans[-1]]
        if re.search(rf"\b(?:not|no good|can't do|except|isn't good)(?: in)? R{spans[-1]}\b", text):
            return None, (span.last + timedelta(days=1) if span.last else None, None), excluded
        if re.search(rf"\bafter R{spans[-1]}\b", text):
            return None, (span.last + timedelta(days=1) if span.last else None, None), excluded
        return None, (span.first, span.last), excluded
    return None, None, excluded


def _times(text: str, marked: clock.Marked) -> tuple[time | None, tuple[time, ...], time | None, time | None, bool]:
    """The time, further choices, the earliest and the latest, and whether morning or afternoon is sure."""
    out = {int(a or b) for a, b in _NOT_TIME.findall(text)}
    order = [int(i) for i in re.findall(r"\bT(\d+)\b", text) if int(i) not in out]

    def at(i: str | int) -> clock.Clock:
        return marked.times[int(i)]

    between = re.search(r"\b(between |from )?T(\d+) (?:and|to|till|until|through|-) T(\d+)\b", text)
    if between and (between[1] or " and " not in between[0]):
        low, high = at(between[2]).at, at(between[3]).at
        if low > high and low.hour - 12 >= 0 and low.hour >= 12:
            low = low.replace(hour=low.hour - 12)
        return None, (), low, high, True
    either = re.search(r"\bT(\d+) or (?:maybe |even |at |around )?T(\d+)\b", text)
    if either:
        return at(either[1]).at, (at(either[2]).at,), None, None, at(either[1]).sure
    low = high = None
    for pattern, is_low in (
        (
            r"\b(?:(?<!not )after|(?<!no )(?<!not )later than|from|(?<!not )past|not (?:before|until|till)|no earlier than|starting(?: at)?|as of|any ?time (?:from|after|past)) T(\d+)\b|\bT(\d+) (?:or (?:later|after)|onwards?|and (?:later|after)|at the earliest)\b",
            True,
        ),
        (
            r"\b(?:(?<!not )before|by|(?<!no )(?<!not )earlier than|(?<!not )until|(?<!not )till|no later than|not (?:after|later than|past)|sooner than|up to) T(\d+)\b|\bT(\d+) (?:or (?:earlier|before|sooner)|at the latest)\b",
            False,
        ),
    ):
        match = re.search(pattern, text)
        if match:
            found = at(match[1] or match[2])
            if is_low:
                low = found.at
            else:
                high = found.at
    if low or high:
        return None, (), low, high, True
    if order:
        found = at(order[-1])
        return found.at, (), None, None, found.sure
    return None, (), None, None, True


_IN_HOURS = re.compile(
    r"\bin (?:about |around )?(?P<n>an?|one|two|three|four|five|six|half an|a couple of|a few|\d{1,2})(?P<half> and a half)? (?P<unit>hours?|minutes?)(?! (?:call|long|meeting))\b(?:'s time)?(?P<h2> and a half)?"
)


def _in_hours(said: str, here: datetime) -> TimeWish | None:
    match = _IN_HOURS.search(words_to_digits(said))
    if not match:
        return None
    count = {"a": 1.0, "an": 1.0, "half an": 0.5, "a couple of": 2.0, "a few": 3.0}.get(match["n"]) or float(match["n"])
    if match["half"] or match["h2"]:
        count += 0.5
    minutes = count * (60 if match["unit"].startswith("hour") else 1)
    then = here + timedelta(minutes=minutes)
    return TimeWish(date=then.date(), time=then.time().replace(second=0, microsecond=0))
