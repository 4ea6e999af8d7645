"""The pronouncing dictionary: read, trimmed to the words wanted, and what it lacks.

A recogniser silently drops words that its dictionary does not know, so `missing` is told at start,
in beats and by the profile check: each of them needs a line under `speech.pronunciations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Pronunciations = dict[str, list[str]]
"""word -> its pronunciations, each phones of cmudict separated by blanks ("D AA T")."""

PHONES = frozenset(
    {"AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY", "JH", "K"}
    | {"L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH"}
)


def parse_dictionary(lines: Iterable[str]) -> Pronunciations:
    """Read cmudict's form: `word PH PH`, further ones as `word(2) PH PH`."""
    found: Pronunciations = {}
    for line in lines:
        word, _, phones = line.strip().partition(" ")
        if word:
            found.setdefault(word.partition("(")[0] or word, []).append(phones.strip())
    return found


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words that can be recognised, and those that cannot."""

    entries: Pronunciations
    missing: tuple[str, ...]

    def __contains__(self, word: str) -> bool:
        return word in self.entries

    def lines(self) -> list[str]:
        """In the dictionary's own form, sorted."""
        return [
            f"{word}{f'({i + 1})' if i else ''} {phones}"
            for word in sorted(self.entries)
            for i, phones in enumerate(self.entries[word])
        ]


def trim(known: Pronunciations, own: Mapping[str, str | list[str]], words: Iterable[str]) -> Lexicon:
    """The dictionary for `words`: the profile's own pronunciations first, then the general ones."""
    entries: Pronunciations = {}
    missing: list[str] = []
    for word in sorted(set(words)):
        mine = own.get(word, [])
        ways = [*([mine] if isinstance(mine, str) else mine), *known.get(word, ())] or compound(word, known)
        if ways:
            entries[word] = list(dict.fromkeys(ways))
        else:
            missing.append(word)
    return Lexicon(entries, tuple(missing))


SHORTEST_PART = 3
MOST_WAYS = 4


def compound(word: str, known: Pronunciations) -> list[str]:
    """How a word is said that is two known words written as one: northwind, webhook, dropdown.

    Company and product names are made that way; the most even split is taken.
    """
    middle = len(word) / 2
    for cut in sorted(range(SHORTEST_PART, len(word) - SHORTEST_PART + 1), key=lambda i: abs(i - middle)):
        first, second = known.get(word[:cut]), known.get(word[cut:])
        if first and second:
            return [f"{a} {b}" for a in first for b in second][:MOST_WAYS]
    return []


def bad_pronunciations(own: Mapping[str, str | list[str]]) -> list[str]:
    """Problems in a profile's pronunciations, for people: phones that do not exist."""
    return [
        f"speech.pronunciations.{word}: {way!r} has {' '.join(unknown) or 'no phones'}"
        for word, ways in own.items()
        for way in ([ways] if isinstance(ways, str) else ways)
        if (unknown := [phone for phone in way.split() if phone not in PHONES]) or not way.strip()
    ]
