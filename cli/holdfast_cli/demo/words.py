"""How much of what the caller said was understood: word error rate over texts brought to one form."""

from __future__ import annotations

import re
from collections.abc import Sequence

import jiwer
from num2words import num2words

_NUMBER = re.compile(r"\d+")
_NOT_A_WORD = re.compile(r"[^a-z' ]+")


def plain(text: str) -> str:
    """Lower case, numbers as words, no punctuation: "25 people!" is "twenty five people"."""
    spelled = _NUMBER.sub(lambda m: f" {num2words(int(m.group()))} ", text.casefold())
    return " ".join(_NOT_A_WORD.sub(" ", spelled.replace("@", " at ")).split())


def word_error_rate(said: Sequence[str], heard: Sequence[str]) -> float:
    """Errors per word said, over all lines together; 0 for nothing said."""
    pairs = [(plain(a), plain(b)) for a, b in zip(said, heard, strict=True)]
    pairs = [pair for pair in pairs if pair[0]]
    if not pairs:
        return 0.0
    return float(jiwer.wer([reference for reference, _ in pairs], [hypothesis for _, hypothesis in pairs]))
