# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Time zones as people name them: "eastern", "e s t", "I am in Denver", "we're based in Berlin".

Places come from three sources: the cities in the names of the IANA zones and the countries that keep one time all
over, both from tzdata's own tables, and the lists in `places` for what these do not have (US states, large cities
that are no zone's name, nicknames). What has several zones (Australia, Tennessee) gives None: ask for a city.

A place counts only where the sentence speaks of being there ("in denver", "denver time", "three denver") or is
nothing but the place: Austin and Sydney are people too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from itertools import chain
from zoneinfo import ZoneInfo, available_timezones

from holdfast_dialogue.domain.spoken import places
from holdfast_dialogue.domain.spoken.numbers import words_to_digits
from holdfast_dialogue.domain.spoken.text import plain

_BARE_LEAD = r"(?:(?:well|so|yeah|yes|oh|and|okay|ok|sure|um|uh|just|no|actually|hi|hello|hey) )*"
_BEING = (
    r"\b(?:(?:i'm|i am|we're|we are|this is|it's|it is|my name is|me|us|we|i)(?: (?!can\b|do\b|does\b|is\b|how\b|what\b|keep\b|have\b|has\b|need\b|want\b|store\b|send\b)[\w']+){0,6}"
    r"|(?:calling|based|located|living|live|sitting|work|working|office|offices|team|here|over|out|moved|now|right|company|business|firm|agency|shop|headquartered|people|operate|right now)(?: is| are|'s)?)"
)
_THERE = r"(?:based in|based out of|over in|here in|located in|living in|in|from|near|outside|around|out of)(?: (?:the|downtown|sunny|rainy|old|greater))?"
_THERE_BEFORE = re.compile(rf"(?:^{_BARE_LEAD}|{_BEING} ){_THERE} $")
"""What says, right before "denver", that the caller is there, and not a thing that is asked about."""
_CLOCK_BEFORE = re.compile(
    r"(?:\d|\b(?:clock|am|pm|a m|p m|noon|midday|fifteen|twenty|thirty|forty|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|morning|afternoon|evening)) $"
)
_SO_BEFORE = re.compile(r"\b(?:so|it's|that's|on|is|think|be|say|use) $")
_TIME_AFTER = re.compile(r"(?: (?:standard|daylight|savings?|local|summer))*(?: times?(?: zone)?| timezone| tz)\b")
_NAME_AFTER = re.compile(r" (?:interiors|group|labs|street)\b")
_LEAD = re.compile(
    r"^(?:(?:well|so|yeah|yes|yep|oh|and|okay|ok|sure|it's|it|is|would|be|that's|that|that'd|i'm|am|i|we're|we|are|think|guess|just|in|on|the|same|as|yours|"
    r"from|uh|my|our|time|zone|timezone|calling|do|use|go|by|here|at|based|located|live|out|of|over|us|to|please|make|let's|say|currently|right|now|still|actually|sorry|no) )*"
)
_TAIL = re.compile(
    r"(?: (?:please|time|zone|timezone|thanks|thank|you|i|think|guess|here|now|these|days|at|the|moment|right|standard|daylight|so|u|s|us|usa|over))*$"
)
_DENIED = re.compile(r"\b(?:not|isn't|no longer|used to be|moved from)(?: in| on| at)?(?: the)? ?$")


_OFFSET = re.compile(r"\b(?:u t c|utc|g m t|gmt) ?(?P<sign>plus|minus|\+|-) ?(?P<hours>[1-9]\d?)\b")


@dataclass(frozen=True, slots=True)
class Found:
    zone: str
    start: int
    end: int


def zone(text: str) -> str | None:
    """The IANA zone that a text names, or None. Of several the last counts ("new york no wait denver time")."""
    written = [name for name in re.findall(r"[A-Za-z]+(?:/[A-Za-z_-]+)+", text) if name in available_timezones()]
    if written:
        return written[-1]
    offset = _OFFSET.search(words_to_digits(plain(text)))
    if offset and int(offset["hours"]) <= 12:
        # the IANA names count the other way round: Etc/GMT-1 is an hour ahead
        return f"Etc/GMT{'-' if offset['sign'] in ('plus', '+') else '+'}{int(offset['hours'])}"
    found = find(plain(text))
    return found.zone if found else None


def find(said: str) -> Found | None:
    """The last zone named in a plain text, with its place in it."""
    words = list(re.finditer(r"[\w']+", said))
    hits: list[Found] = []
    i = 0
    while i < len(words):
        name, used = _name_at(words, i)
        hit = _meant(said, name, words[i].start(), words[i + used - 1].end()) if name else None
        if hit:
            hits.append(hit)
        i += used if hit else 1
    return hits[-1] if hits else _alone(said)


def _name_at(words: list[re.Match[str]], i: int) -> tuple[str, int]:
    """The longest known name that begins with word `i`, and how many words it has."""
    for used in range(min(4, len(words) - i), 0, -1):
        name = " ".join(word[0] for word in words[i : i + used])
        if name in _names():
            return name, used
    return "", 1


def _meant(said: str, name: str, start: int, end: int) -> Found | None:
    """The zone, where the words around the name say that the caller's time is meant."""
    before, after = said[:start], said[end:]
    if _DENIED.search(before):
        return None
    timed = _TIME_AFTER.match(after)
    if name in _always() or timed or _CLOCK_BEFORE.search(before):
        return Found(_names()[name], start, end + (timed.end() if timed else 0))
    if name in _shy():
        last = not after and _SO_BEFORE.search(before)
        return Found(_names()[name], start, end) if last else None
    if not _THERE_BEFORE.search(before) or _NAME_AFTER.match(after):
        return None
    zone, used = _in_region(name, after)
    return Found(zone, start, end + used)


def _in_region(name: str, after: str) -> tuple[str, int]:
    """'paris texas': the state tells which Paris; "el paso texas" and "oslo norway" keep the city's own time."""
    known, words = _names()[name], after.split()[:2]
    for used in (2, 1):
        region = " ".join(words[:used])
        if len(words) >= used and (region in _regions() or region in places.MANY_ZONES):
            elsewhere = region in _states() and not known.startswith("America/")
            return _names()[region] if elsewhere else known, len(region) + 1
    return known, 0


def _alone(said: str) -> Found | None:
    """An utterance that is nothing but a place."""
    bare = _LEAD.sub("", said + " ").strip()
    place = _TAIL.sub("", bare).removeprefix("the ")
    words = list(re.finditer(r"[\w']+", place))
    name, used = _name_at(words, 0) if words else ("", 0)
    if not name:
        return None
    zone, more = _in_region(name, place[words[used - 1].end() :])
    return Found(zone, len(said) - len(bare), len(said)) if words[used - 1].end() + more == len(place) else None


@cache
def _always() -> frozenset[str]:
    return frozenset(_listed(places.ZONE_WORDS))


@cache
def _shy() -> frozenset[str]:
    return frozenset(_listed(places.SHY_WORDS)) - {"london"}


@cache
def _states() -> frozenset[str]:
    return frozenset(_listed(places.STATES))


@cache
def _regions() -> frozenset[str]:
    return _states() | frozenset(_listed(places.COUNTRIES)) | frozenset(name for name, _ in _of_tzdata())


@cache
def _names() -> dict[str, str]:
    """Every name -> IANA zone; what is later in the chain wins."""
    listed = (places.SHY_WORDS, places.STATES, places.COUNTRIES, places.CITIES, places.ZONE_WORDS)
    pairs = ((name, zone) for table in listed for zone, names in table.items() for name in names.split("|"))
    return dict(chain(_of_tzdata(), pairs))


@cache
def _of_tzdata() -> tuple[tuple[str, str], ...]:
    """Cities named in zones, and countries whose zones all keep the same time."""
    base = resources.files("tzdata") / "zoneinfo"
    found: list[tuple[str, str]] = []
    zones_of: dict[str, list[str]] = {}
    for codes, _, name, *_ in _rows((base / "zone1970.tab").read_text("utf-8")):
        for code in codes.split(","):
            zones_of.setdefault(code, []).append(name)
    for code, country in _rows((base / "iso3166.tab").read_text("utf-8")):
        only = _same_time(zones_of.get(code, []))
        if only and country.lower() not in places.MANY_ZONES:
            found.append((country.lower(), only))
    for _, _, name, *_ in _rows((base / "zone.tab").read_text("utf-8")):
        city = re.sub(r"[_-]", " ", name.rsplit("/", 1)[-1]).lower()
        if city not in places.NOT_A_PLACE:
            found.append((city, name))
    return tuple(found)


def _rows(table: str) -> list[list[str]]:
    return [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]


def _same_time(zones: list[str]) -> str | None:
    """The first zone if all keep the same time in the winter and the summer of 2026; else None."""
    moments = [datetime(2026, month, 1, 12) for month in (1, 7)]
    if len(zones) > 1 and len({tuple(ZoneInfo(name).utcoffset(at) for at in moments) for name in zones}) > 1:
        return None
    return zones[0] if zones else None


def _listed(table: dict[str, str]) -> list[str]:
    return [name for names in table.values() for name in names.split("|")]


_names()  # once, at import: no caller should wait for the tables to be read
_regions()
