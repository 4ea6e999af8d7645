# ruff: noqa: E501 - a grammar's patterns and word lists read better unbroken
"""Bring spoken and typed text to one form: lower case, straight quotes, no sentence punctuation, no fillers.

Everything else in this package starts from `plain`; `after_correction` knows how people take back what they said.
"""

from __future__ import annotations

import re

_QUOTES = str.maketrans(
    {
        "\u2019": "'",
        "\u2018": "'",
        "\u02bc": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": " ",
        "\u00a0": " ",
    }
)
_FILLERS = re.compile(r"(?<![\w'])(?:u+m+|u+h+|e+r+m*|a+h+|h+m+|mm+|uhm|ehm)(?![\w'-])")
# Sentence punctuation, but not what stands inside 2:30, 1,200, a.b or dana@x.example.
_GROUPING = re.compile(r"(?<=\d),(?=\d{3}\b)")
_PUNCTUATION = re.compile(r"[!?;\"()\[\]{}]|,|:(?!\d)|(?<!\d):|(?<!\d\.\d)(?<!\d\.\d\d)\.(?!\w)|(?<!\w)\.")
_SPACES = re.compile(r"\s+")

# "four of us no wait make that fifteen": what follows counts.
CORRECTION = re.compile(
    r"\b(?:no (?:wait|sorry|say|make (?:that|it)|i mean|hang on|hold on|rather)|wait(?: a (?:minute|second))? no|sorry (?:i mean|no|make (?:that|it))|"
    r"sorry|i mean|i meant|actually(?: no)?|scratch that|correction|make (?:that|it)|or rather|no no|no actually|no it's|no it is|wait)\b"
)


def plain(text: str) -> str:
    """Lower case, straight quotes, without fillers and sentence punctuation, single spaces."""
    text = text.translate(_QUOTES).lower()
    text = _GROUPING.sub("", text)
    text = re.sub(r"\b([ap])\.\s?m\b\.?", r"\1m", text)
    text = _PUNCTUATION.sub(" ", text)
    text = _FILLERS.sub(" ", text)
    return _SPACES.sub(" ", text).strip()


def segments(text: str) -> list[str]:
    """The parts of a plain text between its self-corrections, in order; never empty strings."""
    return [part for part in (p.strip() for p in CORRECTION.split(text)) if part]


def word_set(words: str) -> frozenset[str]:
    """The words of a list that is written as running text."""
    return frozenset(words.split())
