"""From the times of phonemes to the times of words.

espeak-ng says "of the" as one and "2026" as five words, so the phoneme string of a sentence does not
tell which word a phoneme is of. Each word said alone tells what it should sound like; aligning the
two strings tells where it does.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from holdfast_tts.domain.timings import Span


class Timed(NamedTuple):
    """One phoneme of the audio, or what stands between two (a space, a comma, silence), and its length in samples."""

    phoneme: str
    samples: int


GAP = " "
_RHOTIC = "\N{MODIFIER LETTER RHOTIC HOOK}"


def word_spans(heard: Sequence[Timed], words: Sequence[Sequence[str]]) -> tuple[Span, ...]:
    """Each sounding word's time, in samples from the first phoneme's beginning.

    `words` holds the phonemes of each word said alone. Words of which nothing was heard are left out.
    """
    told, owners = _joined(words)
    symbols, places = _sounding(heard)
    ends: list[int] = []
    for timed in heard:
        ends.append((ends[-1] if ends else 0) + timed.samples)
    spans: dict[int, Span] = {}
    for symbol, word in _owned(symbols, told, owners):
        place = places[symbol]
        start = ends[place - 1] if place else 0
        known = spans.get(word)
        spans[word] = Span(word, known.start if known else start, ends[place])
    return tuple(spans[word] for word in sorted(spans))


def _owned(symbols: list[str], told: list[str], owners: list[int]) -> list[tuple[int, int]]:
    """(index of a sounding symbol, its word), in order."""
    owned: list[tuple[int, int]] = []
    for code in Levenshtein.opcodes(told, symbols):
        for offset in range(code.dest_end - code.dest_start):
            index = code.dest_start + offset
            if symbols[index] == GAP or not owners:
                continue
            if code.tag == "insert":
                # Between two words that were told it belongs to the one that it is joined to.
                joined = index > 0 and symbols[index - 1] != GAP and code.src_start > 0
                source = code.src_start - 1 if joined else code.src_start
            else:
                source = code.src_start + offset
            owned.append((index, owners[min(source, len(owners) - 1)]))
    return owned


def _joined(words: Sequence[Sequence[str]]) -> tuple[list[str], list[int]]:
    """The words' phonemes with one gap between words, and the word of each; a gap is the word's before it."""
    told: list[str] = []
    owners: list[int] = []
    for index, word in enumerate(words):
        sounding = [p for p in word if is_sounding(p)]
        if not sounding:
            continue
        if told:
            told.append(GAP)
            owners.append(owners[-1])
        told += sounding
        owners += [index] * len(sounding)
    return told, owners


def _sounding(heard: Sequence[Timed]) -> tuple[list[str], list[int]]:
    """The sounding phonemes with one gap wherever something else stands between them, and each one's place."""
    symbols: list[str] = []
    places: list[int] = []
    for place, timed in enumerate(heard):
        sounding = is_sounding(timed.phoneme)
        if not sounding and (not symbols or symbols[-1] == GAP):
            continue
        symbols.append(timed.phoneme if sounding else GAP)
        places.append(place)
    return symbols, places


def is_sounding(phoneme: str) -> bool:
    """Letters of the phonetic alphabet with their marks (stress and length are letters to Unicode), tone numbers."""
    return bool(phoneme) and all(unicodedata.category(c)[0] in "LMN" or c == _RHOTIC for c in phoneme)
