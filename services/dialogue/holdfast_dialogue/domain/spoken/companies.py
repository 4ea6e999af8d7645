# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Which company a caller speaks for: "tom becker from larkfield interiors", "at northwind we ..."."""

from __future__ import annotations

import re

from holdfast_dialogue.domain.spoken import zones
from holdfast_dialogue.domain.spoken.letters import is_number_word
from holdfast_dialogue.domain.spoken.text import plain, word_set

_COMPANY = re.compile(
    r"\b(?:(?:i'm|i am|this is [\w' -]{2,30}?|we're|we are|calling|here|[a-z]+) (?:from|with|at|calling from|over at|out of|representing)|from|(?:i|we) work (?:for|at)|(?:company|business|firm|agency|our name|company name|organization|organisation|shop) (?:is called|is|called|name is|named)|called|on behalf of|we're called|the name of the company is|work for|"
    r"at)\s+(?P<rest>[a-z0-9][\w' &-]*)"
)
_COMPANY_END = word_set(
    """
    and we we're we've we'd i i'm i'd i've it's it is there there's the my our so in on here calling who which
    that has have to do use using uses was with about for a an at by can could would please thanks thank where
    because but or if just right now based out over looking trying
    """
)
_NO_COMPANY = word_set(
    """
    the a an my our your this that here home work day first last next least most all once noon three two one four
    five six seven eight nine ten eleven twelve scratch us you them it time about what where now then today
    tomorrow monday tuesday wednesday thursday friday christmas january february march april may june july august
    september october november december lunch half quarter night any some something someone people hubspot
    salesforce pipedrive dynamics pandadoc panda word excel google docusign outlook gmail microsoft another other
    different around under sales marketing hr legal finance accounting support beginning end start everything
    anything there and so is was we i both either example
    """
)


def company(text: str) -> str | None:
    """The company in 'from larkfield interiors', 'at northwind we ...', 'our company is called ...'."""
    said = plain(text)
    found: str | None = None
    for match in _COMPANY.finditer(said):
        words: list[str] = []
        rest = match["rest"].split()
        if rest[:2] == ["a", "company"] and "called" in rest[:4]:
            rest = rest[rest.index("called") + 1 :]
        if rest and rest[0] == "the" and len(rest) > 2:
            continue
        for word in rest:
            if (
                word in _COMPANY_END
                or (not words and word in _NO_COMPANY)
                or len(words) == 4
                or (is_number_word(word) and words)
            ):
                break
            words.append(word)
        if not words or is_number_word(words[0]) or "@" in words[0] or "dot" in rest[: len(words) + 2]:
            continue
        place = " ".join(words)
        if zones.zone(f"in {place}") or zones.zone(place):
            continue
        weak = match[0].split(" ")[0] == "at"
        # "at northwind we ...": the bare "at" needs a "we" behind it to be a company
        if weak and not re.match(r"(?:we|we're|we've|we'd|i|i'm|and we|our|they)\b", " ".join(rest[len(words) :])):
            continue
        found = " ".join(w if w in ("and", "of") else w.capitalize() for w in words)
        break
    return found
