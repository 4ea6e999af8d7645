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
    margin: float
    """Probability less that of the second."""
    score: float
    """Fused score."""
    unknown: float
    """Share of content words that no article has."""
    content_words: int

    def vector(self) -> tuple[float, ...]:
        return (self.over_none, self.nearer, self.coverage, self.score, self.unknown)


WEIGHTS = (3.27, 1.06, 1.07, 0.13, -2.74)
"""In the order of `Evidence.vector`."""
BIAS = -1.37
ANSWER_AT = 0.62
"""Least probability of being covered at which the article is read out."""
REFUSE_BELOW = 0.36
"""Under it the honest answer is that this is not known; between the two, ask back."""
LEAST_MARGIN = 0.0


def covered_probability(evidence: Evidence) -> float:
    """How likely it is that the knowledge answers this question at all."""
    logit = BIAS + sum(w * x for w, x in zip(WEIGHTS, evidence.vector(), strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def decide(evidence: Evidence) -> tuple[Sureness, float]:
    """The decision and the probability behind it."""
    probability = covered_probability(evidence)
    if (evidence.content_words == 0 and evidence.coverage == 0) or probability < REFUSE_BELOW:
        return Sureness.UNSURE, probability
    if probability >= ANSWER_AT:
        return Sureness.SURE, probability
    return Sureness.ASK_BACK, probability
