"""How callers talk, whatever the company sells: greetings, answers, dates, names, addresses.

Pure text from templates, for the recogniser's language model. Each `{slot}` of a template takes the next values of
its class, so every value is seen in some of its contexts; the trigram's back-off does the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SMALL_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
ORDINALS = (
    *_SMALL_ORDINALS,
    *("tenth", "eleventh", "twelfth", "thirteenth", "fourteenth"),
    *("fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth"),
    *(f"twenty {ordinal}" for ordinal in _SMALL_ORDINALS),
    "thirtieth",
    "thirty first",
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
NATO = (
    *(
        "alpha",
        "bravo",
        "charlie",
        "delta",
        "echo",
        "foxtrot",
        "golf",
        "hotel",
        "india",
        "juliet",
        "kilo",
        "lima",
        "mike",
    ),
    *("november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor", "whiskey", "x-ray"),
    *("yankee", "zulu"),
)
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
TOP_LEVEL = (
    *("com", "example", "net", "org", "co", "io", "test", "edu", "gov", "app", "dev", "biz", "info", "us", "uk", "ca"),
    "de",
)
_TOP_LEVEL_WEIGHTS = {"com": 8, "example": 4, "net": 3, "org": 3}


@dataclass(frozen=True, slots=True)
class Topic:
    """Templates, and how many sentences each of those with slots gives."""

    name: str
    each: int
    templates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallerData:
    """What is too long for code; comes with the package as text files."""

    first: tuple[str, ...]
    """First names."""
    last: tuple[str, ...]
    domain: tuple[str, ...]
    """Words that companies' names are made of."""
    classes: Mapping[str, tuple[str, ...]]
    topics: tuple[Topic, ...]
    grammars: Mapping[str, str]
    """By expectation: the rules of a grammar, less the word lists that domain/grammars.py adds."""


def parse_topics(text: str) -> tuple[Topic, ...]:
    """`[name each]` begins a topic, then one template a line; `#` begins a comment."""
    topics: list[Topic] = []
    for line in text.splitlines():
        if head := re.fullmatch(r"\[(\w+) (\d+)\]", line):
            topics.append(Topic(head[1], int(head[2]), ()))
        elif line and not line.startswith("#"):
            last = topics.pop()
            topics.append(Topic(last.name, last.each, (*last.templates, line)))
    return tuple(topics)


def parse_classes(text: str) -> dict[str, tuple[str, ...]]:
    """`name: value | value`, continued on indented lines; `#` begins a comment."""
    joined = re.sub(r"\n\s+", " ", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    rows = (line.partition(":") for line in joined.splitlines() if line)
    return {name: tuple(value.strip() for value in values.split("|")) for name, _, values in rows}


def numbers_to_99() -> list[str]:
    return [*ONES, *TEENS, *(tens if not one else f"{tens} {one}" for tens in TENS for one in ("", *ONES))]


def _amounts() -> list[str]:
    hundreds = [f"{number} hundred" for number in ONES]
    odd = ["a hundred", "a couple of hundred", "a hundred and fifty", "a hundred and twenty", "two hundred and fifty"]
    thousands = ["a thousand", "two thousand", "five thousand", "ten thousand"]
    vague = ["a dozen", "a few", "a few dozen", "a handful", "several", "one or two", "two or three", "five or six"]
    return [*numbers_to_99(), *hundreds, *odd, *thousands, *vague, "ten or fifteen"]


def _times() -> list[str]:
    hours = [*ONES, "ten", "eleven", "twelve"]
    minutes = ["fifteen", "thirty", "forty five", "ten", "twenty", "forty", "fifty", "oh five"]
    morning, afternoon = hours[7:11], hours[:6]
    return [
        *(f"{h} o'clock" for h in hours),
        *(f"half past {h}" for h in hours),
        *(f"quarter past {h}" for h in hours),
        *(f"a quarter to {h}" for h in hours),
        *(f"{h} thirty" for h in hours),
        *(f"{h} {m}" for h, m in zip(hours * 2, minutes * 3, strict=True)),
        *(f"{h}{rest}" for h in morning for rest in (" a m", " in the morning", " thirty a m")),
        *(f"{h}{rest}" for h in afternoon for rest in (" p m", " in the afternoon", " thirty p m")),
        *hours,
        "noon",
        "midday",
    ]


def _classes(data: CallerData) -> dict[str, Sequence[str]]:
    return {
        **data.classes,
        "first": data.first,
        "last": data.last,
        "dom": data.domain,
        "dom2": [*data.domain[7:], *data.domain[:7]],
        "tld": [tld for tld in TOP_LEVEL for _ in range(_TOP_LEVEL_WEIGHTS.get(tld, 1))],
        "n": numbers_to_99(),
        "amount": _amounts(),
        "digit": ["zero", "oh", *ONES],
        "weekday": [*WEEKDAYS[:5] * 3, *WEEKDAYS],
        "month": MONTHS,
        "ordinal": ORDINALS,
        "time": _times(),
        "part": ["morning", "afternoon", "evening", "lunchtime"],
        "nato": NATO,
        "letter": LETTERS,
    }


_SLOT = re.compile(r"\{(\w+)\}")


def caller_sentences(data: CallerData, times: Mapping[str, int] | None = None) -> list[str]:
    """The sentences, the same for the same data: some thousands, lower case, no punctuation.

    `times`: topic -> factor on its number of sentences (0 leaves it out); 1 for those not named.
    """
    supply = {name: _supply(values) for name, values in _classes(data).items()}
    found: list[str] = []
    for topic in data.topics:
        factor = (times or {}).get(topic.name, 1)
        found += _expand(topic.templates, topic.each * factor, min(factor, 1), supply)
    return found


def _expand(templates: Iterable[str], each: int, each_plain: int, supply: Mapping[str, Iterator[str]]) -> Iterator[str]:
    for template in templates:
        for _ in range(each if "{" in template else each_plain):
            yield " ".join(_SLOT.sub(lambda m: next(supply[m[1]]), template).split())


def _supply(values: Sequence[str]) -> Iterator[str]:
    """The values over and over, in an order that does not keep neighbours together."""
    step = next(s for s in (37, 41, 43, 47) if len(values) % s)
    return cycle([values[i * step % len(values)] for i in range(len(values))])
