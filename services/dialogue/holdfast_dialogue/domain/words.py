"""Caller's words made comparable: lower case, plain apostrophes, no punctuation that only writing has.

Recognisers give lower case without punctuation and with errors; typed lines have both. Words that
carry an intent are mended when they are nearly right ("meetting", "shedule").
"""

from __future__ import annotations

import re
from functools import lru_cache

from rapidfuzz import fuzz, process

CARRIERS = (
    "appointment", "assistant", "automated", "calendar", "cancel", "goodbye", "instructions", "integration",
    "integrations", "meeting", "meetings", "operator", "previous", "proposals", "representative", "reschedule",
    "robot", "schedule", "specialist", "supervisor", "documents", "contracts", "template", "templates",
)  # fmt: skip
"""Words worth mending: long enough that a near miss is no other word."""

_PUNCTUATION = re.compile(r"(?<!\d)[.,!?;:]+(?=\s|$)|(?<=\d)[.,!?;]+(?=\s|$)|[\"()]|(?<=\s)-(?=\s)")
_QUOTES, _GAPS = dict.fromkeys("\u2018\u2019", "'"), dict.fromkeys("\u201c\u201d\u2026\u2013\u2014", " ")
_TYPOGRAPHY = str.maketrans(_QUOTES | _GAPS)
_FILLERS = re.compile(
    r"^(?:(?:um+|uh+|er+|ah+|oh|so|well|okay|ok|right|and|but|(?:hey|hi|hello|hiya)(?: there)?|yeah|like|please|sorry"
    r"|great|cool|fine|thanks|thank you|alright|wait)\b\s*)+"
)


def normalise(text: str) -> str:
    """Lower case, one space between words; `dana@x.example`, `2:30` and `i'm` stay whole."""
    plain = text.lower().translate(_TYPOGRAPHY)
    words = _PUNCTUATION.sub(" ", plain).split()
    return " ".join(_mend(word) for word in words)


@lru_cache(maxsize=4096)
def _mend(word: str) -> str:
    if len(word) < 5 or word in CARRIERS or "@" in word:
        return word
    best = process.extractOne(word, CARRIERS, scorer=fuzz.ratio, score_cutoff=88)
    return best[0] if best and abs(len(best[0]) - len(word)) <= 1 and best[0] + "s" != word else word


def without_fillers(text: str) -> str:
    """The text without what people say before they say something."""
    return _FILLERS.sub("", text).strip()


def similar(a: str, b: str) -> float:
    """0..1: how much of the shorter phrase's words is in the other, order set aside."""
    return fuzz.token_set_ratio(a, b) / 100
