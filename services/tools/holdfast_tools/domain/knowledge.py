"""Which article answers a question, and how sure that is. No model, no I/O, no clock.

Several views of the same question (`views`) are added up, with weights fitted on the knowledge's own text
(`fitting`); what makes it sure is told by `sureness`. With vectors of an embedding model the search goes by
meaning, without them by words alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from holdfast_common.contracts.tools import Sureness

from holdfast_tools.domain.sparse import Floats
from holdfast_tools.domain.sureness import Evidence, decide
from holdfast_tools.domain.views import MeaningViews, Seen, Views, WordViews
from holdfast_tools.domain.ways import Ways
from holdfast_tools.domain.weights import BY_MEANING, BY_WORDS, Weights
from holdfast_tools.domain.words import Question, Words

__all__ = ["KnowledgeIndex", "Ranking", "Ways"]

FOLLOW_UP_SHARE = 0.3
"""Share of (previous + text) in the score of a question that has a previous turn; 0.5 costs whole
questions six points."""
ELLIPTIC_SHARE = 0.5
"""The same where the question says little by itself ("and where does it pull it from")."""
ELLIPTIC_WORDS = 2
"""Content words up to which a question counts as saying little."""
SURER = 3.0
"""Times the odds of the other reading from which on a follow-up's surer reading is taken; anything between 1.5 and 5
gave the same outcomes."""

MOST_RANKED = 100


@dataclass(frozen=True, slots=True)
class Ranking:
    """Articles by score, best first; at most MOST_RANKED."""

    articles: tuple[str, ...]
    probabilities: tuple[float, ...]
    """Softmax of the fused scores over all articles."""
    evidence: Evidence
    """About the first one."""
    sureness: Sureness
    covered: float
    """Probability that the knowledge answers the question at all."""


class KnowledgeIndex:
    """The knowledge of one profile, ready to be searched. Immutable; build a new one to change it."""

    def __init__(
        self,
        articles: Sequence[Ways],
        not_covered: Iterable[str] = (),
        *,
        vectors: Floats | None = None,
        weights: Weights | None = None,
    ) -> None:
        """`vectors`: of `texts_to_embed(articles, not_covered)`, float32 rows of unit length; none: by words."""
        if not articles:
            raise ValueError("no articles to build an index of")
        self.ids = tuple(article.article for article in articles)
        missing = list(dict.fromkeys(not_covered))
        self.words = Words(articles, missing)
        self.by_meaning = vectors is not None
        self.views: Views = (
            WordViews(list(articles), missing, self.words)
            if vectors is None
            else MeaningViews(list(articles), vectors, self.words)
        )
        self.weights = weights or (BY_WORDS if vectors is None else BY_MEANING)
        self._fusion = np.array(self.weights.fusion)

    def questions(self, text: str, previous: str = "") -> tuple[Question, ...]:
        """The question, and the question with what the agent said last where there is that."""
        alone = self.words.question(text)
        return (alone, self.words.question(f"{previous} {text}")) if previous.strip() else (alone,)

    def search(self, text: str, previous: str = "") -> Ranking:
        """Rank by words alone; `previous` is what the agent said last."""
        return self.rank(self.questions(text, previous))

    def rank(self, questions: Sequence[Question], vectors: Floats | None = None) -> Ranking:
        """Rank all articles for `questions()`; `vectors`: of their texts, where the search goes by meaning."""
        question = questions[0]
        seen = [self.views.look(q, None if vectors is None else vectors[n]) for n, q in enumerate(questions)]
        views, torn = self._together(question, seen) if len(seen) > 1 else (seen[0], False)
        fused = self._fusion @ views.rows
        order = np.argsort(-fused, kind="stable")[:MOST_RANKED]
        probabilities = softmax(fused)
        evidence = self.evidence(question, views, int(order[0]), float(fused.max()), float(probabilities[order[0]]))
        sureness, covered = decide(evidence, self.weights)
        if sureness is Sureness.SURE and torn:
            sureness = Sureness.ASK_BACK
        return Ranking(
            articles=tuple(self.ids[at] for at in order),
            probabilities=tuple(float(probabilities[at]) for at in order),
            evidence=evidence,
            sureness=sureness,
            covered=covered,
        )

    def _together(self, question: Question, seen: Sequence[Seen]) -> tuple[Seen, bool]:
        """Both readings of a follow-up as one; and whether they clearly mean different articles, neither the surer."""
        readings = [softmax(self._fusion @ views.rows) for views in seen]
        articles = {int(reading.argmax()) for reading in readings}
        if len(articles) > 1 and all(reading.max() >= self.weights.even_odds for reading in readings):
            alone, after = (float(reading.max() / max(1 - reading.max(), 1e-9)) for reading in readings)
            if max(alone, after) >= SURER * min(alone, after):
                return seen[0].mixed(seen[1], float(after > alone)), False
            torn = True
        else:
            torn = False
        share = ELLIPTIC_SHARE if question.content_words <= ELLIPTIC_WORDS else FOLLOW_UP_SHARE
        return seen[0].mixed(seen[1], share), torn

    def evidence(self, question: Question, views: Seen, first: int, score: float, probability: float) -> Evidence:
        covered, unknown = self.words.coverage(question.words, first)
        return Evidence(
            over_none=float(views.rows[-1].max()) - views.none,
            nearer=views.best - views.best_not_covered,
            coverage=covered,
            probability=probability,
            score=score,
            unknown=unknown,
        )


def softmax(scores: Floats) -> Floats:
    """Probabilities out of fused scores."""
    odds = np.exp(scores - scores.max())
    return odds / odds.sum()
