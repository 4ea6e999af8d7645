"""From a sentence's text to words that an engine can say, and to parts that it says in one go.

A sentence's words are `text.split()`, here and everywhere: word timings and `from_word` count
them. So cleaning works inside words and never changes their number; a word of which nothing is
left is kept as an empty one and gets no time. The dialogue has already turned numbers and symbols
into words; this is a guard, not a normaliser.
"""

from __future__ import annotations

import unicodedata

LONGEST_WORD = 60
"""Characters of one word that are spoken; flite and espeak spell the rest of such a word for minutes."""

_CLAUSE_ENDS = (",", ";", ":", ".", "!", "?", "\N{EM DASH}", "\N{EN DASH}")
_CLOSING = "\"')]}\N{RIGHT DOUBLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"


def speakable(text: str) -> tuple[str, ...]:
    """The words of the text without control, format, private and unassigned characters; some may be empty."""
    return tuple(_clean(word) for word in text.split())


def _clean(word: str) -> str:
    kept = "".join(c for c in word if unicodedata.category(c)[0] != "C")
    return unicodedata.normalize("NFC", kept)[:LONGEST_WORD]


def ends_clause(word: str) -> bool:
    """Does a speaker pause after this word?"""
    return word.rstrip(_CLOSING).endswith(_CLAUSE_ENDS)


def parts(words: tuple[str, ...], most_chars: int, first_chars: int | None = None) -> list[range]:
    """Cut a sentence into runs of words: at clause ends where it is longer than `most_chars`.

    An engine's first sound comes after it has planned the whole run, and nobody else is served
    meanwhile, so long sentences are said clause by clause; the first run may be kept shorter still.
    A run without a clause end is cut between any two words at twice the length.
    """
    runs: list[range] = []
    begin = 0
    while begin < len(words):
        soft = most_chars if begin or first_chars is None else min(first_chars, most_chars)
        end = _end_of_part(words, begin, soft, 2 * most_chars)
        runs.append(range(begin, end))
        begin = end
    return runs


def _end_of_part(words: tuple[str, ...], begin: int, soft_chars: int, hard_chars: int) -> int:
    length = 0
    clause_end = begin
    for index in range(begin, len(words)):
        length += len(words[index]) + 1
        if length > soft_chars and clause_end > begin:
            return clause_end
        if length > hard_chars and index > begin:
            return index
        if ends_clause(words[index]):
            clause_end = index + 1
    return len(words)
