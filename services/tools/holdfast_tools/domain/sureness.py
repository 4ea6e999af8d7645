"""Answer, ask back, or admit not knowing: a calibrated decision over a few pieces of evidence.

A logistic model whose weights were fitted on the profile's own text alone, questions and phrasings
held out against the questions that are not covered, held out too (bench/knowledge_fit.py). They are
constants because the evidence is scaled: shares and probabilities, not counts of one profile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from holdfast_common.contracts.tools import Sureness


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the best article. Having a previous turn is none of it, on purpose."""

    over_none: float
    """Ridge score of the best article less that of "not covered"."""
    nearer: float
    """Similarity to the closest entry less that to the closest question that is not covered."""
    coverage: float
    """Share of the question's words, by rarity, that the article has."""
    probability: float
    """Of the best article among all of them."""
    score: float
    """Fused score."""
    unknown: float
    """Share of content words that no article has."""

    def vector(self) -> tuple[float, ...]:
        return (self.over_none, self.nearer, self.coverage, self.score, self.unknown)


WEIGHTS = (3.27, 1.06, 1.07, 0.13, -2.74)
"""In the order of `Evidence.vector`."""
BIAS = -1.37
REFUSE_BELOW = 0.36
"""Under this probability of being covered the honest answer is that it is not known. Of the held-out
questions about 7 % fall below it (they are harder than callers': their own wording is what is held out)."""
ANSWER_AT = 0.55
"""From this probability on the best article is read out; between the two, ask back."""
EVEN_ODDS = 0.5
"""Least probability of the best article among all: under it, ask which one is meant."""


def covered_probability(evidence: Evidence) -> float:
    """How likely it is that the knowledge answers this question at all."""
    logit = BIAS + sum(w * x for w, x in zip(WEIGHTS, evidence.vector(), strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def decide(evidence: Evidence) -> tuple[Sureness, float]:
    """The decision, and the probability that the question is covered."""
    covered = covered_probability(evidence)
    says_nothing = evidence.coverage == 0 and evidence.unknown == 0 and evidence.probability < EVEN_ODDS / 2
    if says_nothing or covered < REFUSE_BELOW:
        return Sureness.UNSURE, covered
    if covered >= ANSWER_AT and evidence.probability >= EVEN_ODDS:
        return Sureness.SURE, covered
    return Sureness.ASK_BACK, covered
