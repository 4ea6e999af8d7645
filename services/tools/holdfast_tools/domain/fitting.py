"""Weights for a knowledge from its own text: no labelled question is needed.

Its questions and phrasings are dealt into folds; each fold is asked of an index built without it, and so are the
questions that are not covered. How much each view counts is the conditional logit that makes the right article the
most likely; how sure to be, a logistic model of covered against not covered. Deterministic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from holdfast_tools.domain.knowledge import KnowledgeIndex, softmax
from holdfast_tools.domain.sparse import Flags, Floats, Ints
from holdfast_tools.domain.sureness import Evidence
from holdfast_tools.domain.views import Seen
from holdfast_tools.domain.ways import Ways, as_embedded
from holdfast_tools.domain.weights import BY_MEANING, BY_WORDS, Weights
from holdfast_tools.domain.words import Question

FOLDS = 5
FEWEST_QUESTIONS, FEWEST_NOT_COVERED = 60, 40
"""With less text than this the shipped weights are the better guess."""
MOST_ARTICLES = 300
"""Above it fitting would take minutes; the shipped weights are used."""
REFUSED_SHARE = 0.07
"""Share of the held-out covered questions that falls under `refuse_below`. They are harder than callers': their own
wording is what is held out, so that fewer of callers' fall there."""
WRONGLY_ANSWERED_SHARE = 0.1
"""Share of the held-out questions that are not covered which `answer_at` lets through."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One question, as seen by an index that has not got it."""

    index: KnowledgeIndex
    question: Question
    seen: Seen
    article: int | None
    """The right one; None: not covered."""
    asked: str

    def evidence(self, fusion: Floats) -> Evidence:
        """What speaks for the article that these weights put first."""
        fused = fusion @ self.seen.rows
        first = int(fused.argmax())
        return self.index.evidence(self.question, self.seen, first, float(fused[first]), float(softmax(fused)[first]))


def fit(articles: Sequence[Ways], not_covered: Sequence[str], vector_of: dict[str, Floats] | None = None) -> Weights:
    """Weights of this knowledge. `vector_of`: vectors by text (`as_embedded`), for a search by meaning."""
    shipped = BY_WORDS if vector_of is None else BY_MEANING
    missing = list(dict.fromkeys(not_covered))
    asked = sum(len(article.asked) for article in articles)
    if asked < FEWEST_QUESTIONS or not 1 < len(articles) <= MOST_ARTICLES:
        return shipped
    held_out = list(held_out_questions(articles, missing, vector_of))
    covered = [h for h in held_out if h.article is not None]
    fusion = conditional_logit(np.stack([h.seen.rows for h in covered]), np.array([h.article for h in covered]))
    if len(missing) < FEWEST_NOT_COVERED:
        return Weights(
            tuple(map(float, fusion)), shipped.evidence, shipped.bias, shipped.refuse_below, shipped.answer_at
        )
    evidence = [h.evidence(fusion) for h in held_out]
    seen = np.stack([e.vector() for e in evidence])
    is_covered = np.array([h.article is not None for h in held_out])
    weights, bias = logistic(seen, is_covered)
    probability = 1 / (1 + np.exp(-(seen @ weights + bias)))
    refuse_below = float(np.quantile(probability[is_covered], REFUSED_SHARE))
    is_clear = np.array([e.probability >= shipped.even_odds for e in evidence])
    answer_at = float(np.quantile(np.where(is_clear, probability, 0)[~is_covered], 1 - WRONGLY_ANSWERED_SHARE))
    return Weights(
        fusion=tuple(map(float, fusion)),
        evidence=tuple(map(float, weights)),
        bias=bias,
        refuse_below=refuse_below,
        answer_at=max(refuse_below, answer_at),
        even_odds=shipped.even_odds,
    )


def held_out_questions(
    articles: Sequence[Ways], missing: list[str], vector_of: dict[str, Floats] | None
) -> Iterator[HeldOut]:
    """Every question of the articles, and every one not covered, asked of an index that has not got it."""
    for fold in range(FOLDS):
        kept = [replace(a, asked=tuple(q for n, q in enumerate(a.asked) if n % FOLDS != fold)) for a in articles]
        # Fillings of one template stand side by side: pairs stay in one fold.
        known = [q for n, q in enumerate(missing) if n // 2 % FOLDS != fold]
        vectors = None
        if vector_of is not None:
            texts = [text for article in kept for _, text in article.entries()] + known
            vectors = np.stack([vector_of[as_embedded(text)] for text in texts])
        index = KnowledgeIndex(kept, known, vectors=vectors)
        asked = [(q, at) for at, a in enumerate(articles) for q in a.asked[fold::FOLDS]]
        asked += [(q, None) for n, q in enumerate(missing) if n // 2 % FOLDS == fold]
        for text, right in asked:
            (question,) = index.questions(text)
            seen = index.views.look(question, None if vector_of is None else vector_of[as_embedded(text)])
            yield HeldOut(index, question, seen, right, text)


def conditional_logit(views: Floats, right: Ints, penalty: float = 1e-3) -> Floats:
    """Weights of the views (questions, views, articles) that make the right article the most likely.

    None is negative: a view that would have to be subtracted tells nothing new, and is left out.
    """
    scale = views.std((0, 2)) + 1e-9
    x = (views / scale[None, :, None]).astype(np.float64)
    chosen = x[np.arange(len(right)), :, right]
    kept = np.ones(x.shape[1], bool)
    while True:
        weights = np.zeros(x.shape[1])
        weights[kept] = _newton(x[:, kept], chosen[:, kept], penalty)
        if (weights >= 0).all():
            return weights / scale
        kept &= weights > 0


def _newton(x: Floats, chosen: Floats, penalty: float) -> Floats:
    weights = np.full(x.shape[1], 0.3)
    for _ in range(30):
        score = np.einsum("v,nva->na", weights, x)
        odds = np.exp(score - score.max(1, keepdims=True))
        odds /= odds.sum(1, keepdims=True)
        mean = np.einsum("na,nva->nv", odds, x)
        slope = (chosen - mean).mean(0) - penalty * weights
        spread = np.einsum("na,nva,nwa->vw", odds, x, x) / len(x) - mean.T @ mean / len(x)
        step = np.linalg.solve(spread + penalty * np.eye(len(weights)), slope)
        weights = weights + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-6:
            break
    return weights


def logistic(evidence: Floats, covered: Flags, penalty: float = 10.0) -> tuple[Floats, float]:
    """Weights and bias of P(covered), both sides weighing the same. `covered`: bool for each row."""
    mean, scale = evidence.mean(0), evidence.std(0) + 1e-9
    z = np.c_[(evidence - mean) / scale, np.ones(len(evidence))]
    wanted = covered.astype(np.float64)
    share = np.where(covered, 0.5 / max(1, covered.sum()), 0.5 / max(1, (~covered).sum())) * len(covered)
    ridge = np.diag([penalty] * evidence.shape[1] + [0.0])
    weights = np.zeros(z.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-z @ weights))
        curvature = (z * (share * p * (1 - p))[:, None]).T @ z + ridge
        weights = weights - np.linalg.solve(curvature, z.T @ (share * (p - wanted)) + ridge @ weights)
    return weights[:-1] / scale, float(weights[-1] - (weights[:-1] * mean / scale).sum())
