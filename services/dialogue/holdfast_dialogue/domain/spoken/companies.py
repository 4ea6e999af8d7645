# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Which company a caller speaks for: "tom becker from larkfield interiors", "at northwind we ..."."""

from __future__ import annotations

import re

from holdfast_dialogue.domain.spoken import zones
from holdfast_dialogue.domain.spoken.common_words import EVERYDAY
from holdfast_dialogue.domain.spoken.letters import is_number_word
from holdfast_dialogue.domain.spoken.text import plain, word_set

_NAME = r"(?!(?:the|a|an|my|our|your|this|it)\b)[a-z][a-z'-]+"
_OF_THEM = r"(?:from|with|at|over at|calling from|representing)"
_COMPANY = re.compile(
    r"(?:"
    rf"\b(?:i'm|i am|we're|we are|calling|here|speaking) (?P<joined>{_OF_THEM}|out of)|\b(?:this is|it's|i'm|i am|my name is|name's) (?:{_NAME} ){{1,3}}(?P<told>{_OF_THEM})"
    rf"|^(?:(?:hi|hello|hey|hiya|good morning|good afternoon|yes|yeah|so) )*(?P<first>{_NAME}) (?P<last>{_NAME}) {_OF_THEM}|^from"
    r"|\b(?:i|we) work (?:for|at)|\b(?:company|business|firm|agency|organi[sz]ation|shop|company's|business's) (?:name )?(?:is called|is named|is|called)|\b(?:we're|we are|it's|is) called|\bcalled|\bon behalf of|\bname of (?:the|our|my) (?:company|business|firm) is"
    r"|\b(?P<weak>at)"
    r")\s+(?P<rest>[a-z0-9][\w' &-]*)"
)
_COMPANY_END = word_set(
    """
    and we we're we've we'd i i'm i'd i've it's it is there there's the my our so in on here calling who which
    that has have to do use using uses was with about for a an at by can could would please thanks thank where
    that's because but or if just right now based out over looking trying
    """
)
_NO_COMPANY = word_set(
    """
    the a an my our your this that here home work day first last next least most all once noon three two one four
    five six seven eight nine ten eleven twelve scratch us you them it time about what where now then today
    tomorrow monday tuesday wednesday thursday friday christmas january february march april may june july august
    september october november december lunch half quarter night any some something someone people
    word excel google outlook gmail microsoft another other
    different around under sales marketing hr legal finance accounting support beginning end start everything
    anything there and so is was we i both either example
    """
)


_WE = re.compile(r"(?:we|we're|we've|we'd|i|i'm|and we|our|they)\b")
"""After a bare "at", only this makes it a company: "at northwind we ..."."""


def company(text: str) -> str | None:
    """The company in 'from larkfield interiors', 'at northwind we ...', 'our company is called ...'."""
    for match in _COMPANY.finditer(plain(text)):
        told = match["rest"].split()
        words = _company_words(told)
        after = " ".join(told[len(words) :])
        if not words or (match["weak"] and not _WE.match(after)) or after.startswith("dot "):
            continue
        if match["first"] and {match["first"], match["last"]} & EVERYDAY:
            continue
        place = " ".join(words)
        if not zones.zone(f"i'm in {place}") and not zones.zone(place):
            return " ".join(word if word in ("and", "of") else word.capitalize() for word in words)
    return None


def _company_words(told: list[str]) -> list[str]:
    words: list[str] = []
    for word in told[:4]:
        if word in _COMPANY_END or (is_number_word(word) and words) or (not words and word in _NO_COMPANY | EVERYDAY):
            break
        words.append(word)
    return [] if words and (is_number_word(words[0]) or "@" in words[0]) else words
