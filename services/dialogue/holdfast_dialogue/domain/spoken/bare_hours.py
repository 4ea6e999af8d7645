# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""When a bare number is a time: "tomorrow at three", "three my time", "two or three", and "three" where one was asked.

Numbers are everywhere ("twelve of us", "at five locations"), so the words on both sides have to agree. Days, spans,
parts of the day and a zone are tokens by now (D0, R0, P, Z), times that were sure are T0 ...
"""

from __future__ import annotations

import re

from holdfast_dialogue.domain.spoken import clock

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
    re.compile(rf"(?P<lead>\b(?:at|around|by|after|before|until|till|past|than)\s+|\bD\d+\s+(?:at\s+|about\s+|around\s+)?|\bP\s+)(?P<hour>(?!1\b)\d{{1,2}})(?:\s*-?ish)?{_NO_UNIT}"),
    re.compile(rf"(?P<lead>\b(?:at|around|by|after|before|until|till|past|than|D\d+|P|about|from|between|say|roughly|approximately|like|make it|not|to|and|or|for|do|have)\s+)(?P<hour>\d{{1,2}})(?:\s*-?ish)?{_AFTER_HOUR}"),
    re.compile(r"(?P<lead>)(?<![\w:./$-])(?P<hour>\d{1,2})(?:\s*-?ish)?(?=\s+(?:on |for )?(?:D\d|P\b|Z\b)|\s+(?:my|your|our|local)(?: local)? time\b)"),
    re.compile(r"(?P<lead>)(?<![\w:./$-])(?P<hour>\d{1,2})(?:\s*-?ish)\b"),
    re.compile(r"(?P<lead>)(?<![\w:./$-])(?P<hour>\d{1,2})(?=\s+(?:to|till|until|or|-)\s+T\d)"),
]  # fmt: skip
_WHOLE_HOUR = re.compile(
    r"^(?:(?:so|then|okay|ok|yes|yeah|let's|let|us|say|make|it|do|the|maybe|at|around|about|how|i'd|i|we|would|like|prefer|can|could|take|go|for|with|what|no|well|please|just|um|actually|that|think|is|sure|alright|fine|perfect|great|of|course)\s+)*"
    r"(?P<lead>)(?P<hour>\d{1,2})(?:\s+(?:please|works?|is|would|be|fine|good|great|perfect|best|ok|okay|then|for|me|us|1|sharp|thanks|thank|you|suits|better|it|sounds|ideal|that|time|do|ish|or|so|if|possible|slot))*$"
)


def mark(marked: clock.Marked, part: str | None, *, lone: bool) -> str:
    """The text with its bare hours as tokens too; `lone`: a number that is all that was said is an hour."""
    text = _one_space(marked.text)

    def to_token(match: re.Match[str]) -> str:
        found = clock.resolve(int(match["hour"]), 0, part) if int(match["hour"]) else None
        if found is None:
            return match[0]
        marked.times.append(found)
        return f"{match['lead']}T{len(marked.times) - 1} "

    for pattern in _BARE:
        before = ""
        while before != text:  # "between two and four": one pass gives the next its neighbour
            before, text = text, _one_space(pattern.sub(to_token, text))
    whole = _WHOLE_HOUR.match(text) if lone and not marked.times else None
    if whole and to_token(whole) != whole[0]:
        text = f"{text[: whole.start('hour')]}T0{text[whole.end('hour') :]}"
    return text


def _one_space(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
