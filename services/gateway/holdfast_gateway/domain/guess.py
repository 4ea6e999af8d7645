"""When it pays to think before the caller's turn is over, and when what was thought may be used.

Pure. A *guess* is a turn opened in a young pause, on the recogniser's hypothesis.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WORTH_MS = 40
"""With less of the silence left than this, the turn is over before a reply could be there."""
HOPEFUL_MS = 1_000
"""Who is given longer than this (half an address, a trailing "and") is expected to go on."""
SURE = 0.5
"""The recogniser's line: under it, words are better not acted on."""
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Guessed:
    """Words as the recogniser has them."""

    text: str
    confidence: float
    language: str


def pays(left_ms: int) -> bool:
    """Whether to open a turn now, with so much silence left until the caller's is over."""
    return WORTH_MS <= left_ms <= HOPEFUL_MS


def holds(guess: Guessed, final: Guessed) -> bool:
    """Whether the final words are those the turn was opened with, and as sure or unsure."""
    return (
        _words(guess.text) == _words(final.text)
        and (guess.confidence >= SURE) == (final.confidence >= SURE)
        and guess.language == final.language
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
