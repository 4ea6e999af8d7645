# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Time zones as people name them: "eastern", "e s t", "I am in Denver", "we're based in Berlin".

Places come from three sources: the cities in the names of the IANA zones, the countries of tzdata's own tables that
keep one time all over, and the short lists below for what these do not have (US states, large cities that are no
zone's name, the zones' nicknames). A state or country counts as one zone where at least nine in ten of its people
live in it (Texas, Florida); others (Australia, Tennessee) give None, and the caller is asked for a city.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from holdfast_dialogue.domain.spoken.text import plain

_EASTERN, _CENTRAL, _MOUNTAIN, _PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
_ARIZONA, _ALASKA, _HAWAII = "America/Phoenix", "America/Anchorage", "Pacific/Honolulu"

# Names that mean a zone wherever they stand.
_ZONE_WORDS = {
    "eastern": _EASTERN, "east coast": _EASTERN, "est": _EASTERN, "edt": _EASTERN, "e s t": _EASTERN, "e d t": _EASTERN,
    "new york": _EASTERN, "n y c": _EASTERN, "nyc": _EASTERN, "big apple": _EASTERN, "e t": _EASTERN,
    "pacific": _PACIFIC, "west coast": _PACIFIC, "pst": _PACIFIC, "pdt": _PACIFIC, "p s t": _PACIFIC, "p d t": _PACIFIC,
    "bay area": _PACIFIC, "silicon valley": _PACIFIC, "p t": _PACIFIC,
    "c s t": _CENTRAL, "c d t": _CENTRAL, "cst": _CENTRAL, "cdt": _CENTRAL, "midwest": _CENTRAL,
    "m s t": _MOUNTAIN, "m d t": _MOUNTAIN, "mst": _MOUNTAIN, "mdt": _MOUNTAIN,
    "u t c": "UTC", "utc": "UTC", "g m t": "UTC", "gmt": "UTC", "zulu time": "UTC", "universal time": "UTC", "greenwich": "UTC",
    "central european": "Europe/Paris", "middle european": "Europe/Paris", "cet": "Europe/Paris", "c e t": "Europe/Paris", "cest": "Europe/Paris", "c e s t": "Europe/Paris",
    "eastern european": "Europe/Athens", "british": "Europe/London", "bst": "Europe/London", "b s t": "Europe/London", "u k time": "Europe/London", "uk time": "Europe/London",
    "indian standard": "Asia/Kolkata", "india": "Asia/Kolkata", "japan": "Asia/Tokyo", "hawaiian": _HAWAII, "hawaii": _HAWAII, "alaskan": _ALASKA, "alaska": _ALASKA,
    "arizona": _ARIZONA, "newfoundland": "America/St_Johns", "australian eastern": "Australia/Sydney", "singapore": "Asia/Singapore", "hong kong": "Asia/Hong_Kong",
}  # fmt: skip
# Everyday words: only with "time" after them, after a clock time, or alone.
_SHY_WORDS = {"central": _CENTRAL, "mountain": _MOUNTAIN, "atlantic": "America/Halifax", "et": _EASTERN, "ct": _CENTRAL, "pt": _PACIFIC, "mt": _MOUNTAIN, "east": _EASTERN, "the east": _EASTERN, "the rockies": _MOUNTAIN, "ist": "Asia/Kolkata", "london": "Europe/London"}  # fmt: skip

_STATES = {
    _EASTERN: "connecticut delaware florida georgia maine maryland massachusetts michigan|new hampshire|new jersey|new york state|upstate new york|north carolina|ohio pennsylvania|rhode island|south carolina|vermont virginia|west virginia|new england|long island",
    _CENTRAL: "alabama arkansas illinois iowa kansas louisiana minnesota mississippi missouri nebraska oklahoma texas wisconsin",
    _MOUNTAIN: "colorado montana|new mexico|utah wyoming",
    _PACIFIC: "california nevada oregon washington|washington state|southern california|northern california|so cal",
    "America/Toronto": "ontario quebec", "America/Vancouver": "british columbia", "America/Edmonton": "alberta", "America/Winnipeg": "manitoba", "America/Regina": "saskatchewan", "America/Halifax": "nova scotia|new brunswick",
    "Europe/London": "england scotland wales|northern ireland|great britain|britain|the u k|u k|uk|united kingdom|the uk", "Europe/Dublin": "ireland",
    "Europe/Amsterdam": "holland|the netherlands", "Europe/Prague": "czech republic|czechia", "Asia/Seoul": "south korea|korea", "Europe/Istanbul": "turkey", "Asia/Dubai": "emirates|the emirates|united arab emirates|u a e|uae",
    "Europe/Madrid": "spain|mainland spain", "Europe/Lisbon": "portugal", "Europe/Berlin": "germany bavaria", "Asia/Shanghai": "china", "Africa/Johannesburg": "south africa", "Asia/Ho_Chi_Minh": "vietnam", "Asia/Taipei": "taiwan", "Pacific/Auckland": "new zealand", "America/Argentina/Buenos_Aires": "argentina",
    "Australia/Sydney": "new south wales", "Australia/Melbourne": "victoria", "Australia/Brisbane": "queensland", "Australia/Perth": "western australia", "Australia/Adelaide": "south australia", "Australia/Hobart": "tasmania",
}  # fmt: skip
_CITIES = {
    _EASTERN: "atlanta baltimore boston brooklyn buffalo charlotte charleston cincinnati cleveland columbus|fort lauderdale|grand rapids|hartford jacksonville manhattan miami newark orlando philadelphia philly pittsburgh providence raleigh durham richmond rochester savannah syracuse tampa|washington dc|washington d c|d c|dc|the bronx|queens|virginia beach|west palm beach|st petersburg|saint petersburg florida|ann arbor|knoxville albany stamford|new haven|portland maine|greensboro akron toledo dayton lexington|burlington vermont",
    _CENTRAL: "austin|baton rouge|birmingham alabama|dallas|des moines|el paso texas|fort worth|houston huntsville|kansas city|little rock|madison memphis milwaukee minneapolis mobile nashville|new orleans|oklahoma city|omaha|san antonio|st louis|saint louis|st paul|saint paul|tulsa wichita|green bay|jackson mississippi|twin cities|baton rouge|lubbock|corpus christi",
    _MOUNTAIN: "albuquerque aspen boulder|colorado springs|fort collins|salt lake city|salt lake|santa fe|el paso|provo billings cheyenne bozeman",
    _PACIFIC: "bakersfield berkeley fresno|las vegas|vegas|l a|la|long beach|oakland pasadena|palo alto|portland reno sacramento|san diego|san francisco|san jose|santa barbara|santa monica|seattle spokane tacoma anaheim irvine|orange county|san fran|sf|s f|mountain view|eugene",
    _ARIZONA: "tucson scottsdale mesa tempe flagstaff",
    "America/Toronto": "ottawa mississauga hamilton montreal|quebec city", "America/Edmonton": "calgary",
    "Europe/London": "bristol cambridge cardiff edinburgh glasgow leeds leicester liverpool manchester newcastle nottingham oxford sheffield birmingham southampton brighton", "Europe/Dublin": "cork galway",
    "Europe/Berlin": "cologne dresden dusseldorf frankfurt hamburg hannover leipzig munich nuremberg stuttgart bremen", "Europe/Paris": "lyon marseille nice toulouse bordeaux lille strasbourg", "Europe/Madrid": "barcelona bilbao malaga seville valencia", "Europe/Rome": "bologna florence milan naples turin venice", "Europe/Zurich": "basel bern geneva lausanne", "Europe/Amsterdam": "rotterdam utrecht eindhoven|the hague", "Europe/Brussels": "antwerp ghent bruges", "Europe/Vienna": "salzburg graz innsbruck linz", "Europe/Warsaw": "krakow gdansk wroclaw poznan", "Europe/Lisbon": "porto", "Europe/Stockholm": "gothenburg malmo", "Europe/Moscow": "saint petersburg russia", "Europe/Kyiv": "kiev lviv odessa",
    "Asia/Kolkata": "bangalore bengaluru bombay chennai delhi hyderabad mumbai pune|new delhi|ahmedabad", "Asia/Tokyo": "osaka kyoto yokohama nagoya", "Asia/Shanghai": "beijing guangzhou shenzhen hangzhou chengdu", "Asia/Jerusalem": "tel aviv|haifa", "Asia/Dubai": "abu dhabi|sharjah", "Asia/Riyadh": "jeddah", "Asia/Karachi": "lahore islamabad", "Asia/Ho_Chi_Minh": "hanoi saigon", "Asia/Seoul": "busan", "Asia/Manila": "cebu|quezon city",
    "Australia/Sydney": "canberra newcastle australia|wollongong", "Australia/Brisbane": "gold coast|cairns", "Pacific/Auckland": "wellington christchurch", "Africa/Johannesburg": "cape town|durban pretoria", "Africa/Lagos": "abuja", "America/Sao_Paulo": "rio|rio de janeiro|brasilia|porto alegre|curitiba", "America/Mexico_City": "guadalajara", "America/Bogota": "medellin cali",
}  # fmt: skip
# Zone names that are everyday words or first names: never taken from a sentence.
_NOT_A_PLACE = {
    "act",
    "center",
    "central",
    "christmas",
    "easter",
    "east",
    "eucla",
    "factory",
    "general",
    "knox",
    "lhi",
    "male",
    "mahe",
    "mountain",
    "midway",
    "nome",
    "north",
    "norfolk",
    "oral",
    "pacific",
    "palmer",
    "reunion",
    "resolute",
    "south",
    "stanley",
    "troll",
    "wake",
    "west",
    "yap",
    "eastern",
    "davis",
    "casey",
    "vostok",
    "atka",
    "adak",
    "currie",
    "marengo",
    "petersburg",
    "singapore",
    "samoa",
}
_MANY_ZONES = {
    "australia",
    "canada",
    "brazil",
    "mexico",
    "russia",
    "indonesia",
    "united states",
    "usa",
    "america",
    "kazakhstan",
    "chile",
    "ecuador",
}

_CUE_BEFORE = r"(?:in|from|near|outside|around|based in|based out of|out of|over in|here in|located in|live in|for|on|to|of)(?: (?:the|downtown|sunny|rainy|good old|old|greater))?"
_AFTER_CLOCK = r"(?:\d|oclock|o'clock|am|pm|a m|p m|noon|midday|thirty|fifteen|forty five|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|morning|afternoon|evening)"
_TIME_AFTER = r"(?: (?:standard|daylight|savings?|local|summer))*(?: times?(?: zone)?| timezone| tz)\b"
_ALONE = re.compile(
    r"^(?:(?:well|so|yeah|yes|yep|oh|and|okay|ok|sure|it's|it is|it would be|that's|that would be|that'd be|i'm|i am|we're|we are|i think|i guess|just|in|on|the|"
    r"from|uh|my|our|time|zone|timezone|is|calling|we|i|do|use|go|by|here|at|based|located|live|out|of|over|us|to|please|make|let's|say|currently|right|now|still|actually|sorry|no) )*"
)
_TAIL = re.compile(
    r"(?: (?:please|time|time zone|timezone|zone|thanks|thank you|i think|i guess|here|now|these days|at the moment|right now|standard|daylight|if that matters|so|u s|us|usa))*$"
)


@dataclass(frozen=True, slots=True)
class Found:
    zone: str
    start: int
    end: int


@cache
def _places() -> dict[str, str]:
    """Every single place -> IANA zone; later sources win."""
    places: dict[str, str] = {}
    base = resources.files("tzdata") / "zoneinfo"
    countries: dict[str, list[str]] = {}
    for line in (base / "zone1970.tab").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            codes, _, zone, *_ = line.split("\t")
            for code in codes.split(","):
                countries.setdefault(code, []).append(zone)
    for line in (base / "zone.tab").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            zone = line.split("\t")[2]
            city = zone.rsplit("/", 1)[-1].replace("_", " ").replace("-", " ").lower()
            if city not in _NOT_A_PLACE:
                places[city] = zone
    for line in (base / "iso3166.tab").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            code, name = line.split("\t")
            zone = _only(countries.get(code, []))
            if zone:
                places.setdefault(name.lower(), zone)
    for table in (_STATES, _CITIES):
        for zone, names in table.items():
            for chunk in names.split("|"):
                # chunks without a bar are lists of one-word names; "new york state" stands between bars
                for name in [chunk] if _is_phrase(chunk) else chunk.split():
                    places[name] = zone
    for name in _MANY_ZONES:
        places.pop(name, None)
    return places


_PHRASE_STARTS = ("new ", "north ", "south ", "west ", "rhode ", "upstate", "long ", "so ", "british ", "nova ", "northern", "southern", "great ", "the ", "u ", "united ", "czech ", "western ", "mainland ", "fort ", "grand ", "washington ", "d c", "virginia ", "st ", "saint ", "ann ", "portland m", "burlington v", "baton", "birmingham a", "des ", "el ", "kansas c", "little ", "oklahoma c", "san ", "green ", "jackson m", "twin ", "corpus", "colorado s", "salt ", "santa ", "las ", "l a", "palo ", "orange ", "s f", "mountain v", "quebec c", "tel ", "abu ", "quezon", "gold ", "cape ", "rio d", "porto a", "hong")  # fmt: skip


def _is_phrase(chunk: str) -> bool:
    return chunk.startswith(_PHRASE_STARTS)


def _only(zones: list[str]) -> str | None:
    """The first zone where all keep the same time in winter and in summer of a fixed year; else None."""
    if not zones:
        return None
    moments = [datetime(2026, month, 1, 12) for month in (1, 7)]
    offsets = {tuple(ZoneInfo(zone).utcoffset(moment) for moment in moments) for zone in zones}
    return zones[0] if len(offsets) == 1 else None


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    places = sorted(_places(), key=len, reverse=True)
    words = sorted(_ZONE_WORDS, key=len, reverse=True)
    shy = sorted({*_SHY_WORDS}, key=len, reverse=True)
    anywhere = re.compile(
        rf"(?<![\w'])(?:the )?({'|'.join(map(re.escape, words))})(?: time)?{_TIME_AFTER.replace(chr(92) + 'b', '')}?(?![\w'])"
    )
    named = "|".join(map(re.escape, [*places, *shy]))
    cued = re.compile(
        rf"(?<![\w'])(?:(?P<before>{_CUE_BEFORE}) (?P<a>{'|'.join(map(re.escape, places))})(?P<at>{_TIME_AFTER})?(?! (?:interiors|group|labs|street))(?![\w'])"
        rf"|(?P<b>{named}){_TIME_AFTER}|(?<={'x' * 0})(?:(?<=\d )|(?<=clock )|(?<=am )|(?<=pm )|(?<=a m )|(?<=p m )|(?<=noon )|(?<=midday )|(?<=thirty )|(?<=fifteen )|(?<=five )|(?<=one )|(?<=two )|(?<=three )|(?<=four )|(?<=six )|(?<=seven )|(?<=eight )|(?<=nine )|(?<=ten )|(?<=eleven )|(?<=twelve )|(?<=afternoon )|(?<=morning ))(?P<c>{named})(?![\w']))"
    )
    alone = re.compile(rf"(?:the )?({named})")
    return anywhere, cued, alone


def find(said: str) -> Found | None:
    """The last zone named in a plain text, with its place; a whole utterance may be just a place."""
    anywhere, cued, alone = _patterns()
    hits: list[Found] = [
        Found(_ZONE_WORDS[m[1]], m.start(), m.end()) for m in anywhere.finditer(said) if not _denied(said, m.start())
    ]
    for match in cued.finditer(said):
        name = match["a"] or match["b"] or match["c"]
        if name in _MANY_ZONES or _denied(said, match.start()):
            continue
        hits.append(Found(_places().get(name) or _SHY_WORDS[name], match.start(), match.end()))
    if hits:
        return max(hits, key=lambda h: (h.end, h.end - h.start))
    bare = _ALONE.sub("", said + " ").strip()
    lead = len(said) - len(bare)
    whole = alone.fullmatch(_TAIL.sub("", bare))
    if whole and whole[1]:
        return Found(_places().get(whole[1]) or _SHY_WORDS[whole[1]], max(lead, 0), len(said))
    return None


def _denied(said: str, start: int) -> bool:
    """'not eastern', "i'm not in denver"."""
    return bool(re.search(r"\b(?:not|isn't|no longer|used to be)(?: in| on| at)?(?: the)? ?$", said[:start]))


def zone(text: str) -> str | None:
    """The IANA zone that a text names, or None. Of several the last counts ("new york no wait denver time")."""
    found = find(plain(text))
    return found.zone if found else None


_patterns()  # 0.1 s, once: no caller should wait for it
