"""Answer, ask back, or admit not knowing: a calibrated decision over a few pieces of evidence.

A logistic model, fitted on the profile's own text alone (`fitting`): questions and phrasings held out against the
questions that are not covered, held out too. Having a previous turn is no evidence, on purpose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from holdfast_common.contracts.tools import Sureness

from holdfast_tools.domain.weights import BY_WORDS, Weights


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the best article."""

    over_none: float
    """Classifier's score of the best article less that of "not covered"."""
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


def covered_probability(evidence: Evidence, weights: Weights = BY_WORDS) -> float:
    """How likely it is that the knowledge answers this question at all."""
    logit = weights.bias + sum(w * x for w, x in zip(weights.evidence, evidence.vector(), strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def decide(evidence: Evidence, weights: Weights = BY_WORDS) -> tuple[Sureness, float]:
    """The decision, and the probability that the question is covered."""
    covered = covered_probability(evidence, weights)
    says_nothing = evidence.coverage == 0 and evidence.unknown == 0 and evidence.probability < weights.even_odds / 2
    if says_nothing or covered < weights.refuse_below:
        return Sureness.UNSURE, covered
    if covered >= weights.answer_at and evidence.probability >= weights.even_odds:
        return Sureness.SURE, covered
    return Sureness.ASK_BACK, covered
