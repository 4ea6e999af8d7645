"""Which of several decodes of one utterance to believe, and how much.

Pure numbers in, a choice out. Scores are natural logarithms of the decoder's path score per frame of
10 ms; confidences are the mean posterior of the words in the word lattice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    DOMAIN = "domain"
    """The profile's language model over cepstra mapped from the telephone's band (or wideband audio)."""
    PLAIN = "plain"
    """The same language model over the telephone's audio as it is: better for some high voices."""
    GRAMMAR = "grammar"
    GENERIC = "generic"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One decode's outcome."""

    kind: Kind
    words: tuple[str, ...]
    posterior: float
    """Mean word posterior in [0, 1]; grammars have none and are given 1."""
    score_per_frame: float
    """Log of the acoustic score per frame; comparable between decodes of the same features."""


GRAMMAR_MARGIN = 0.35
"""A grammar's path may score this much less a frame than the free decode and is still believed: out of
grammar it falls behind by more. Measured by bench/asr_words.py --margins (see README)."""
GENERIC_BELOW = 0.7
"""Posterior of the domain decode under which the generic model is asked as well (measured: in-domain
correct 0.82-1.0, in-domain wrong 0.55-0.90, out of domain 0.34-0.67)."""


GENERIC_LEAD = 0.1
"""A larger vocabulary is surer of less: the generic model must lead by this much."""


def needs_generic(candidates: Sequence[Candidate]) -> bool:
    """Nobody is sure, and somebody heard words."""
    heard = [c for c in candidates if c.words]
    return bool(heard) and all(c.posterior < GENERIC_BELOW for c in heard)


def choose(candidates: Sequence[Candidate]) -> Candidate:
    """The decode to believe. `candidates` holds the domain decode, and whichever others were made.

    A grammar that keeps up acoustically wins. Between the two decodes with the profile's language
    model the surer one wins (measured on 8 kHz synthetic callers of three voices: 23 / 7 / 8 % word
    errors, against 29 / 7 / 7 and 21 / 12 / 10 for either alone). The generic model is believed only
    where its whole path, language model included, beats the domain's.
    """
    by_kind = {candidate.kind: candidate for candidate in candidates}
    domain = by_kind[Kind.DOMAIN]
    grammar = by_kind.get(Kind.GRAMMAR)
    if grammar and grammar.words and grammar.score_per_frame >= domain.score_per_frame - GRAMMAR_MARGIN:
        return grammar
    plain = by_kind.get(Kind.PLAIN)
    surer = plain if plain and plain.words and plain.posterior > domain.posterior else domain
    generic = by_kind.get(Kind.GENERIC)
    doubtful = surer.posterior < GENERIC_BELOW
    if generic and generic.words and doubtful and generic.posterior > surer.posterior + GENERIC_LEAD:
        return generic
    return surer


def confidence(chosen: Candidate, domain: Candidate) -> float:
    """How far to trust the choice, in [0, 1]; under 0.5 the words are better not acted on."""
    if not chosen.words:
        return 0.0
    if chosen.kind is Kind.GENERIC:
        return round(min(0.6, chosen.posterior), 3)
    if chosen.kind is Kind.GRAMMAR:
        behind = max(0.0, domain.score_per_frame - chosen.score_per_frame)
        agrees = 0.95 if chosen.words == domain.words else 0.9
        return round(agrees - 0.4 * min(1.0, behind / GRAMMAR_MARGIN), 3)
    return round(min(1.0, max(0.0, calibrated(chosen.posterior, len(chosen.words)))), 3)


def calibrated(posterior: float, words: int) -> float:
    """The chance that the words can be acted on, from their mean posterior."""
    del words
    return posterior


def favour(words: tuple[str, ...], alternatives: Sequence[tuple[str, ...]], hints: frozenset[str]) -> tuple[str, ...]:
    """The best path, or the first of the next best ones that holds more of the hinted words.

    Only paths of the same length count: they differ in single words, whose times stay. People give
    addresses made of their own name: "david dot miller" from a caller known as Dana Miller is Dana.
    """

    def held(path: tuple[str, ...]) -> int:
        return len(hints.intersection(path))

    best = words
    for path in alternatives:
        if len(path) == len(words) and held(path) > held(best):
            best = path
    return best
