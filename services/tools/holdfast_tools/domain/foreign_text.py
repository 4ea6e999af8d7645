"""Answers of a search that knows nothing of speaking: brought into spoken form, and judged by their words.

The search gives an order and no score, so how sure an answer is comes from the share of the question's
own words that it holds.
"""

from __future__ import annotations

import re

from bs4 import BeautifulSoup
from holdfast_common.contracts.tools import Sureness
from markdown_it import MarkdownIt

MOST_WORDS = 60
"""About twenty seconds of speech."""
SURE, ASK_BACK = 0.6, 0.3
ELLIPTIC_WORDS = 2
"""A follow-up of so many words of its own at most leans on what was said before."""
_BLOCKS = ["p", "li", "br", "div", "tr", "h1", "h2", "h3", "h4", "h5", "h6"]
_SILENT = ["script", "style", "code", "pre", "img", "table"]
_LINK = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\S+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_WORD = re.compile(r"[a-z0-9']+")
_COMMON = frozenset(
    _WORD.findall(
        "a an and are at be can could did do does for from get has have how i if in is it me my of on or our please "
        "so tell that the there this to us want was we what when where which who why will with would you your about"
    )
)
_MARKDOWN = MarkdownIt()


def spoken(text: str) -> str:
    """Without markup, links and code, at most 60 words, ending with a sentence where one fits."""
    soup = BeautifulSoup(_MARKDOWN.render(text), "html.parser")
    for silent in soup.find_all(_SILENT):
        silent.decompose()
    for block in soup.find_all(_BLOCKS):
        block.append(". " if block.name in ("li", "h1", "h2", "h3", "h4", "h5", "h6") else " ")
    plain = " ".join(_LINK.sub("", soup.get_text()).split())
    plain = re.sub(r"\s+([.,;:!?])", r"\1", plain)
    plain = re.sub(r"([.!?:;,])(?:[.,;])+", r"\1", plain).strip()
    kept: list[str] = []
    for sentence in _SENTENCE_END.split(plain):
        if len(" ".join([*kept, sentence]).split()) > MOST_WORDS:
            break
        kept.append(sentence)
    if kept:
        return " ".join(kept)
    words = plain.split()[:MOST_WORDS]
    return " ".join(words).rstrip(".,;:") + ("." if words else "")


def sureness(question: str, title: str, answer: str) -> tuple[Sureness, float]:
    """How sure, and the share of the question's own words that title and answer hold (0 to 1)."""
    asked = {_stem(word) for word in _WORD.findall(question.lower()) if word not in _COMMON}
    if not asked:
        return Sureness.UNSURE, 0.0
    told = {_stem(word) for word in _WORD.findall(f"{title} {answer}".lower())}
    share = len(asked & told) / len(asked)
    found = Sureness.SURE if share >= SURE else Sureness.ASK_BACK if share >= ASK_BACK else Sureness.UNSURE
    return found, share


def says_enough(question: str) -> bool:
    """Whether a question has words enough of its own to be understood without what was said before it."""
    return len({_stem(word) for word in _WORD.findall(question.lower()) if word not in _COMMON}) > ELLIPTIC_WORDS


def _stem(word: str) -> str:
    """Enough for plurals and tenses."""
    for end in ("ing", "ies", "ed", "es", "s"):
        if word.endswith(end) and len(word) - len(end) >= 3:
            return word[: -len(end)]
    return word
