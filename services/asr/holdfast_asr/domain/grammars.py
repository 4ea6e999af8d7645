"""What callers answer when something particular was asked: yes or no, code words, a number, a time.

JSGF texts, one for each expectation that has one. A grammar decodes beside the free decoder and wins only
where its path fits the sound nearly as well (domain/choice.py), so an answer outside of it is not forced into it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from holdfast_asr.domain.caller_language import (
    LETTERS,
    MONTHS,
    NATO,
    ONES,
    ORDINALS,
    TEENS,
    TENS,
    WEEKDAYS,
)

_WORD = re.compile(r"(?<![<\w'-])[a-z][a-z'-]*(?![>\w'-])")
_LISTS = {
    "one": ONES,
    "teen": TEENS,
    "ten": TENS,
    "weekday": WEEKDAYS,
    "month": MONTHS,
    "ordinal": ORDINALS,
    "nato": NATO,
    "letter": LETTERS,
}


def complete(rules: Mapping[str, str]) -> dict[str, str]:
    """name -> JSGF text: the rules with their header and the word lists that they use."""
    texts: dict[str, str] = {}
    for name, body in rules.items():
        lists = [f"<{rule}> = {' | '.join(words)};" for rule, words in _LISTS.items() if f"<{rule}>" in body]
        texts[name] = "\n".join([f"#JSGF V1.0;\ngrammar {name};", body.strip(), *lists]) + "\n"
    return texts


def words_in(text: str) -> set[str]:
    """Every word that a JSGF text can recognise."""
    body = text.partition("\n")[2].partition("\n")[2]
    return set(_WORD.findall(body.replace("public ", " ")))
