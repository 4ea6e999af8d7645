"""Fit the constants of the built-in knowledge search on a profile's own text, and print them.

    .venv/bin/python bench/knowledge_fit.py [profiles/trial_success]

Questions and phrasings are dealt into folds; each fold is asked of an index built without it, and so
are the questions that are not covered. No evaluation question is looked at. What it prints goes into
`domain/knowledge.py` (FUSION) and `domain/sureness.py` (WEIGHTS, BIAS).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from holdfast_common.profile import load_articles
from holdfast_tools.adapters.knowledge_folder import load_not_covered, ways
from holdfast_tools.domain.knowledge import KnowledgeIndex

FOLDS = 6
VIEWS = ("bm25", "soft", "ridge")


def held_out(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(views of covered questions, their article, evidence of covered, evidence of not covered)."""
    articles = [ways(article) for article in load_articles(folder)]
    missing = load_not_covered(folder)
    views, right, evidence, evidence_missing = [], [], [], []
    for fold in range(FOLDS):
        kept = [replace(a, asked=tuple(q for n, q in enumerate(a.asked) if n % FOLDS != fold)) for a in articles]
        # Fillings of one template stand side by side: pairs stay in one fold.
        index = KnowledgeIndex(kept, [q for n, q in enumerate(missing) if n // 2 % FOLDS != fold])
        for number, article in enumerate(articles):
            for question in article.asked[fold::FOLDS]:
                seen = index._look(index._asked(question))
                views.append([getattr(seen, name) for name in VIEWS])
                right.append(number)
                evidence.append(index.search(question).evidence.vector())
        evidence_missing += [index.search(q).evidence.vector() for n, q in enumerate(missing) if n // 2 % FOLDS == fold]
    return np.array(views), np.array(right), np.array(evidence), np.array(evidence_missing)


def conditional_logit(views: np.ndarray, right: np.ndarray, penalty: float = 1e-3) -> np.ndarray:
    """Weights of the views that make the right article the most likely."""
    scale = views.std((0, 2))
    x = (views / scale[None, :, None]).transpose(0, 2, 1)
    weights = np.full(len(VIEWS), 0.3)
    rows = np.arange(len(right))
    for _ in range(2000):
        score = x @ weights
        p = np.exp(score - score.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        weights += 0.15 * ((x[rows, right] - (p[:, :, None] * x).sum(1)).mean(0) - penalty * weights)
    score = x @ weights
    print(f"held out: top-1 {(score.argmax(1) == right).mean():.3f}")
    return weights / scale


def logistic(covered: np.ndarray, missing: np.ndarray, penalty: float = 10.0) -> tuple[np.ndarray, float]:
    """Weights and bias of P(covered), both sides weighing the same."""
    x = np.r_[covered, missing]
    mean, scale = x.mean(0), x.std(0) + 1e-9
    z = np.c_[(x - mean) / scale, np.ones(len(x))]
    y = np.r_[np.ones(len(covered)), np.zeros(len(missing))]
    share = np.r_[np.full(len(covered), 0.5 / len(covered)), np.full(len(missing), 0.5 / len(missing))] * len(y)
    ridge = np.diag([penalty] * x.shape[1] + [0])
    w = np.zeros(z.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-z @ w))
        w -= np.linalg.solve((z * (share * p * (1 - p))[:, None]).T @ z + ridge, z.T @ (share * (p - y)) + ridge @ w)
    p = 1 / (1 + np.exp(-z @ w))
    auc = (p[: len(covered), None] > p[None, len(covered) :]).mean()
    print(f"held out: AUROC covered / not {auc:.3f}; standardised weights {np.round(w[:-1], 2)}")
    for share_refused in (0.05, 0.1, 0.15, 0.2, 0.25):
        at = np.quantile(p[: len(covered)], share_refused)
        print(
            f"  covered below {at:.2f}: {share_refused:.0%}, not covered below: {(p[len(covered) :] < at).mean():.0%}"
        )
    return w[:-1] / scale, float(w[-1] - (w[:-1] * mean / scale).sum())


if __name__ == "__main__":
    views, right, covered, missing = held_out(Path(sys.argv[1] if len(sys.argv) > 1 else "profiles/trial_success"))
    fusion = conditional_logit(views, right)
    print("FUSION =", {name: round(float(w), 2) for name, w in zip(VIEWS, fusion, strict=True)})
    weights, bias = logistic(covered, missing)
    print("WEIGHTS =", tuple(round(float(w), 2) for w in weights))
    print("BIAS =", round(bias, 2))
