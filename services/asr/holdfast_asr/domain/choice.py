"""Which of several decodes of one utterance to believe, and how much.

Pure numbers in, a choice out. Path scores are the decoder's own logarithms per frame of 10 ms; posteriors
are means over the words in the word lattice.

A grammar always finds *something* in its language, and its path score alone does not tell rubbish from
answers (measured: out of grammar it leads by up to 35 a frame). What tells them apart is whether the free
decode, with its other mistakes, heard about the same sounds: answers share 45-100 % of their phones with
it, rubbish 10-45 %. (bench/asr_words.py, voices kal16 and espeak, checked on others.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from rapidfuzz.distance import Levenshtein


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
    path_score: float
    """Log of the best path's score per frame; comparable between grammars and the domain decode."""
    phones: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    """First and last frame of each word, where they are known."""
    phone_counts: tuple[int, ...] = ()
    """How many of the phones belong to each word."""


SAME_SOUNDS = 0.62
"""Share of phones from which on a grammar's answer is what the free decode heard, too."""
LIKE_SOUNDS = 0.42
"""From here on it may be, where the free decode is unsure and the grammar's path leads by far."""
UNSURE = 0.72
MIN_LEAD = 2.0
FAR_LEAD = 9.0
SHORT_WORDS = 2
"""A yes or no of so many words is over too soon for a free decode to catch."""
SHORT_LEAD = 1.5
SHORT_UNSURE = 0.8
LEAST_BEYOND_FRAMES = 25
"""Speech of so many frames behind a grammar's last word was not the grammar's to hear."""
OVERLAP_FRAMES = 10
GENERIC_BELOW = 0.7
"""Posterior of the domain decode under which the generic model is asked as well (measured: in-domain
correct 0.82-1.0, in-domain wrong 0.55-0.90, out of domain 0.34-0.67)."""


GENERIC_LEAD = 0.1
"""A larger vocabulary is surer of less: the generic model must lead by this much."""


PLAIN_BELOW = 0.8
"""A domain decode as sure as this is not asked again in the plain audio: it would double the time at a pause."""


def needs_plain(chosen: Candidate) -> bool:
    """Whether the telephone's audio as it is should be decoded, too."""
    return chosen.kind is Kind.DOMAIN and chosen.posterior < PLAIN_BELOW


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
    if grammar and fits(grammar, domain):
        return grammar
    plain = by_kind.get(Kind.PLAIN)
    surer = plain if plain and plain.words and plain.posterior > domain.posterior else domain
    generic = by_kind.get(Kind.GENERIC)
    doubtful = surer.posterior < GENERIC_BELOW
    if generic and generic.words and doubtful and generic.posterior > surer.posterior + GENERIC_LEAD:
        return generic
    return surer


def fits(grammar: Candidate, domain: Candidate) -> bool:
    """Whether the grammar's words are what was said, and not merely the nearest that it has."""
    if not grammar.words:
        return False
    lead = grammar.path_score - domain.path_score
    if len(grammar.words) <= SHORT_WORDS and len(domain.words) <= SHORT_WORDS and domain.posterior < SHORT_UNSURE:
        return lead >= SHORT_LEAD
    likeness = alike(grammar, _covered(grammar, domain))
    if likeness >= SAME_SOUNDS:
        return lead >= MIN_LEAD
    return likeness >= LIKE_SOUNDS and lead >= FAR_LEAD and domain.posterior < UNSURE


def beyond(grammar: Candidate, domain: Candidate) -> int:
    """How many of the free decode's last words lie behind what the grammar heard.

    A grammar takes speech after its last word for silence: of "forty a month sports" it keeps the number only.
    """
    if not (grammar.spans and domain.spans):
        return 0
    end = grammar.spans[-1][1] - OVERLAP_FRAMES
    behind = [span for span in domain.spans if span[0] > end]
    return len(behind) if behind and behind[-1][1] - behind[0][0] >= LEAST_BEYOND_FRAMES else 0


def _covered(grammar: Candidate, domain: Candidate) -> Candidate:
    """The free decode as far as the grammar reaches."""
    more = beyond(grammar, domain)
    if not more or more == len(domain.words):
        return domain
    phones = domain.phones[: sum(domain.phone_counts[:-more])]
    return replace(domain, words=domain.words[:-more], phones=phones)


def alike(one: Candidate, other: Candidate) -> float:
    """How far two decodes heard the same sounds, in [0, 1]."""
    return Levenshtein.normalized_similarity(one.phones or one.words, other.phones or other.words)


def confidence(chosen: Candidate, domain: Candidate) -> float:
    """How far to trust the choice, in [0, 1]; under 0.5 the words are better not acted on."""
    if not chosen.words:
        return 0.0
    if chosen.kind is Kind.GENERIC:
        return round(min(0.6, chosen.posterior), 3)
    if chosen.kind is Kind.GRAMMAR:
        return round(0.7 + 0.25 * alike(chosen, _covered(chosen, domain)), 3)
    return round(calibrated(chosen.posterior), 3)


_CALIBRATION = ((0.0, 0.0), (0.4, 0.3), (0.56, 0.5), (0.7, 0.62), (0.8, 0.8), (0.9, 0.92), (1.0, 1.0))
"""Mean word posterior -> chance that at most a quarter of the words is wrong, rounded up in the middle: knowledge is
found with more. Measured on 305 utterances of four voices: 0.5-0.6: 0.14, 0.6-0.7: 0.27, 0.7-0.8: 0.56, 0.8-0.9: 0.8,
above: 0.94. With the mean of an utterance's beginning posteriors are a little lower for the same words: of 291
sentences of three voices as many are believed from 0.56 on as before from 0.58 (25.6, 26.2 % of their words wrong)."""


def calibrated(posterior: float) -> float:
    """The chance that the words can be acted on, from their mean posterior."""
    for (low, at_low), (high, at_high) in pairwise(_CALIBRATION):
        if posterior <= high:
            return at_low + (at_high - at_low) * max(0.0, posterior - low) / (high - low)
    return 1.0


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
