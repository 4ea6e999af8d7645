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
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from itertools import chain
from zoneinfo import ZoneInfo, available_timezones

from holdfast_dialogue.domain.spoken import places
from holdfast_dialogue.domain.spoken.numbers import words_to_digits
from holdfast_dialogue.domain.spoken.text import plain

_THERE = r"(?:based in|based out of|over in|here in|located in|living in|in|from|near|outside|around|out of)(?: (?:the|downtown|sunny|rainy|old|greater))?"
_BEING = (
    r"(?:(?:i'm|i am|we're|we are|this is|it's|it is|my name is|me|us|we|i)(?: (?!can\b|do\b|does\b|is\b|how\b|what\b|keep\b|have\b|has\b|need\b|want\b|store\b|send\b)[\w']+){0,6}"
    r"|(?:calling|based|located|living|live|sitting|work|working|office|offices|team|here|over|out|moved|now|right|company|business|firm|agency|shop|headquartered|people|operate|right now)(?: is| are|'s)?)"
)
"""What says, right before "in denver", that the caller is there, and not a thing that is asked about."""
_TIME_AFTER = r"(?: (?:standard|daylight|savings?|local|summer))*(?: times?(?: zone)?| timezone| tz)\b"
_CLOCK_WORDS = (
    "clock|am|pm|a m|p m|noon|midday|fifteen|twenty|thirty|forty|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
    "morning|afternoon|evening"
)
_LEAD = re.compile(
    r"^(?:(?:well|so|yeah|yes|yep|oh|and|okay|ok|sure|it's|it|is|would|be|that's|that|that'd|i'm|am|i|we're|we|are|think|guess|just|in|on|the|same|as|yours|"
    r"from|uh|my|our|time|zone|timezone|calling|do|use|go|by|here|at|based|located|live|out|of|over|us|to|please|make|let's|say|currently|right|now|still|actually|sorry|no) )*"
)
_BARE_LEAD = r"(?:(?:well|so|yeah|yes|oh|and|okay|ok|sure|um|uh|just|no|actually|hi|hello|hey) )*"
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
    anywhere, cued, alone = _patterns()
    hits = [
        Found(_zone_of(match), match.start(), match.end())
        for match in chain(anywhere.finditer(said), cued.finditer(said))
        if not _DENIED.search(said[: match.start()])
    ]
    if hits:
        return max(hits, key=lambda hit: (hit.end, hit.end - hit.start))
    bare = _LEAD.sub("", said + " ").strip()
    whole = alone.fullmatch(_TAIL.sub("", bare))
    return Found(_zone_of(whole), len(said) - len(bare), len(said)) if whole else None


def _zone_of(match: re.Match[str]) -> str:
    groups = match.groupdict()
    name = next(groups[key] for key in ("word", "there", "timed", "clocked", "last", "name") if groups.get(key))
    state = groups.get("state")
    known = _names()[name]
    # "paris texas": the state tells which Paris; "el paso texas" and "oslo norway" keep the city's own time
    return _names()[state] if state in _listed(places.STATES) and not known.startswith("America/") else known


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


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Zone words anywhere; places with a sign that they are meant; one name as the whole utterance."""
    words = _listed(places.ZONE_WORDS)
    shy = set(_listed(places.SHY_WORDS)) - {"london"}
    every = _either(_names())
    there = _either(set(_names()) - shy)
    regions = {*_listed(places.STATES), *_listed(places.COUNTRIES), *(name for name, _ in _of_tzdata())}
    state = rf"(?:,? (?:(?P<state>{_either(regions)})|{_either(places.MANY_ZONES)})\b)?"
    clock = "|".join(rf"(?<=\b{word} )" for word in _CLOCK_WORDS.split("|")) + r"|(?<=\d )"
    anywhere = re.compile(rf"(?<![\w'])(?:the )?(?P<word>{_either(words)})(?:{_TIME_AFTER})?(?![\w'])")
    cued = re.compile(
        rf"(?<![\w'])(?:(?:^{_BARE_LEAD}|{_BEING} ){_THERE} (?P<there>{there}){state}(?:{_TIME_AFTER})?(?! (?:interiors|group|labs|street))(?![\w'])"
        rf"|(?P<timed>{every}){_TIME_AFTER}|(?:{clock})(?P<clocked>{every})(?![\w']))"
    )
    ending = rf"\b(?:so|it's|that's|on|is|think|be|say|use) (?P<last>{_either(shy)})$"
    cued = re.compile(f"{cued.pattern}|{ending}")
    return anywhere, cued, re.compile(rf"(?:the )?(?P<name>{every}){state}")


def _listed(table: dict[str, str]) -> list[str]:
    return [name for names in table.values() for name in names.split("|")]


def _either(names: Iterable[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


_patterns()  # once, at import: no caller should wait the tenth of a second that it takes
