# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Which of the offered times is meant ("the second one", "the later one"), or that any early one will do.

Works on texts whose number words are digits already ("the 2nd 1 please"), as `times` makes them.
"""

from __future__ import annotations

import re

from holdfast_dialogue.domain.spoken import dates

_DAY_AFTER = (
    r"(?:in|on|tomorrow|today|next|(?:mon|tues|wednes|thurs|fri|satur|sun)day|please|works?|if|is|or|for|would|that)\b"
)
FIRST_THING = re.compile(rf"\b1st thing(?= {_DAY_AFTER}|$)")
EARLIEST = re.compile(
    r"\b(?:as soon as (?:possible|you can|you have|we can)|asap|a s a p|right away|right now|immediately|straight away|(?:^|(?<=^how about ))now|(?:first|1st) (?:chance|opportunity)|earliest (?:possible|convenience)"
    r"|(?:the )?(?:soonest|earliest|(?:next|1st)(?: 1)? available|(?:next|1st) (?:opening|free)|next slot)(?: (?:time|slot|1|opening|possible|available|you have|you've got|there is))*"
    r"|(?:the )?sooner the better|(?:whichever|whatever)(?:'s| is|'ve| you've got| you have)? (?:1st|soonest|sooner|earlier|earliest)|whenever you (?:can|have))\b"
)
_LATER = r"(?:any(?:thing|time)? (?:a bit |a little )?{0}|(?:a bit|a little|something|some ?time|much|is there (?:any ?thing|something)|have you (?:any ?thing|something|got anything)) {0}|{0}(?: than that| on| if possible)?$|{0} than that)"
LATER = re.compile(rf"\b{_LATER.format('later')}\b")
SOONER = re.compile(rf"\b{_LATER.format('(?:sooner|earlier)')}\b")
ANY = re.compile(
    r"^(?:\w+ )*?(?:either(?: 1| of (?:those|them|the two|the 2))?|any of (?:those|them|these)|whichever|any(?: 1)? (?:is fine|works|will do)|(?:it )?doesn't matter|"
    r"don't (?:mind|care)|whatever(?: works)?|whenever|any ?time|you (?:pick|choose|decide))\b"
)

_NTH = r"(?P<nth>1st|2nd|3rd|4th|last|former|latter|earlier|later|earliest|latest|sooner|middle|other)"
_NOUN = r"(?:1(?:'s)?|one's|item(?:'s)?|option|slot|time|choice|opening|appointment|offer|suggestion|of (?:those|them|the (?:two|2|three|3))|on the list)"
_PICKS = [
    re.compile(rf"\b(?:the|your|that|with|do|take|make it|pick|choose|yes|yeah) (?:very )?{_NTH}(?: {_NOUN})*(?!\w)"),
    re.compile(rf"^(?:(?!{dates.MONTH}|{dates.DAY}|\d)\w+ )?(?!later|earlier|sooner|other){_NTH}(?: (?:{_NOUN}|please|works|thanks|is (?:fine|good|better|best)))*$"),
    re.compile(rf"\b(?!later|earlier|other|last){_NTH} (?:1(?:'s)?|one's|item|option|slot|choice)(?!\w)"),
    re.compile(r"\b(?:number|option|slot|choice|time|no) (?P<number>[1-4])\b"),
]  # fmt: skip
_PLACE = {"1st": 1, "former": 1, "earlier": 1, "earliest": 1, "sooner": 1, "2nd": 2, "middle": 2, "other": 2, "3rd": 3, "4th": 4, "last": -1, "latter": -1, "later": -1, "latest": -1}  # fmt: skip
_DATED_AFTER = re.compile(rf"(?:of )?(?:{dates.MONTH}|thing|week)\b")
_DATED_BEFORE = re.compile(rf"(?:{dates.DAY}|{dates.MONTH}|\bon)(?: the)?\s*$")
_COMPARED = re.compile(r"(?:than|in|on|this|today|that)\b")


def pick(text: str) -> tuple[int | None, str]:
    """The place in the offered list (-1: the last), and the text without it; "1st of december" is no pick."""
    for pattern in _PICKS:
        for match in pattern.finditer(text):
            groups = match.groupdict()
            before, after = text[: match.start()], text[match.end() :].strip()
            if groups.get("number"):
                return int(groups["number"]), f"{before} N {after}"
            nth = groups["nth"]
            dated = _DATED_AFTER.match(after) or (nth[0].isdigit() and _DATED_BEFORE.search(before))
            if not dated and not (nth in ("later", "earlier") and _COMPARED.match(after)):
                return _PLACE[nth], f"{before} N {after}"
    return None, text
