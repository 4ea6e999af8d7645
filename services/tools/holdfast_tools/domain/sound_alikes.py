"""Words that a recogniser may have meant: the same sound, or one word heard as two.

"zappier" is Zapier, "panda dock" PandaDoc, "sock two" SOC two. Candidates come from the knowledge's
own vocabulary and share the Metaphone code; their weight says how much of a match they are.
Lifts noisy questions by several points where synonyms do nothing reliable.
"""

from __future__ import annotations

from collections.abc import Iterable

import jellyfish
from rapidfuzz import fuzz

from holdfast_tools.domain.text import FUNCTION_STEMS, stem

UNKNOWN_WEIGHT = 0.8
"""A word that the knowledge does not have: the sound-alike is most likely what was said."""
KNOWN_WEIGHT = 0.3
"""A word that it has: the sound-alike is a second guess."""
JOINED_WEIGHT = 0.8
LEAST_RATIO = 60
"""Least spelling similarity of sound-alikes, percent: Metaphone alone equates "go" and "key"."""
LEAST_JOINED_RATIO = 75


class SoundAlikes:
    """The vocabulary by sound. Immutable."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(words)
        self._stems = frozenset(map(stem, self._words))
        by_code: dict[str, list[str]] = {}
        for word in sorted(self._words):
            if len(word) > 2 and stem(word) not in FUNCTION_STEMS:
                by_code.setdefault(_code(word), []).append(word)
        self._by_code = by_code

    @property
    def words(self) -> frozenset[str]:
        return self._words

    def mended(self, words: list[str]) -> list[str]:
        """The words, pairs with an unknown half put together where that makes a known word ("panda doc")."""
        mended: list[str] = []
        for word in words:
            before = mended[-1] if mended else ""
            if before and not (stem(before) in self._stems and stem(word) in self._stems):
                one = self._joined(before, word)
                if one:
                    mended[-1] = max(one, key=lambda other: one[other])
                    continue
            mended.append(word)
        return mended

    def of_word(self, word: str) -> dict[str, float]:
        """Stems that sound like this word, other than its own, with weights in (0, 1]."""
        own = stem(word)
        if len(word) < 3 or own in FUNCTION_STEMS:
            return {}
        weight = KNOWN_WEIGHT if own in self._stems else UNKNOWN_WEIGHT
        found: dict[str, float] = {}
        for other in self._by_code.get(_code(word), ()):
            ratio = fuzz.ratio(other, word)
            if ratio >= LEAST_RATIO and (term := stem(other)) != own:
                found[term] = max(found.get(term, 0.0), weight * ratio / 100)
        return found

    def of_pair(self, first: str, second: str) -> dict[str, float]:
        """Stems of one word that was heard as these two."""
        return {stem(other): JOINED_WEIGHT * ratio / 100 for other, ratio in self._joined(first, second).items()}

    def _joined(self, first: str, second: str) -> dict[str, float]:
        """Known words that these two make or sound like together, with their spelling similarity in percent."""
        joined = first + second
        if len(joined) < 5:
            return {}
        if joined in self._words:
            return {joined: 100.0}
        same_sound = self._by_code.get(_code(joined), ())
        return {other: ratio for other in same_sound if (ratio := fuzz.ratio(other, joined)) >= LEAST_JOINED_RATIO}


def _code(word: str) -> str:
    return jellyfish.metaphone(word.replace("'", ""))
