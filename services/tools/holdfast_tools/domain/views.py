"""Looking at one question in several ways: scores per article, and of not being covered.

`WordViews` needs nothing but the text: BM25 over whole articles; the similarity to all of an article's entries
(log-sum-exp, a soft maximum) in words and character n-grams; and a kernel ridge classifier with one class an
article and one for "not covered". `MeaningViews` has vectors of an embedding model instead of n-grams: BM25, the
soft maximum of the cosines, and a logistic regression on the vectors. (Fitted together, the n-grams get no weight.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from holdfast_tools.domain.classifier import Classifier
from holdfast_tools.domain.sparse import CosineRows, Flags, Floats, Ints
from holdfast_tools.domain.text import character_grams, spoken_words
from holdfast_tools.domain.ways import Ways
from holdfast_tools.domain.words import Question, Words, counted

BODY_RELIABILITY = 0.5
"""A body sentence as a training example of a classifier, against a question."""
RIDGE = 2.0
"""Regularisation of the kernel ridge; 0.3 to 3 tried on held-out phrasings."""
MOST_RIDGE_ENTRIES = 4000
"""Over this many entries the kernel would not be solved in seconds: the view is left out."""
MOST_EXACT = 20_000
"""Rows up to which every cosine is exact: 30 MB, 4 ms."""
COARSE_DIMENSIONS = 64
EXACT_ARTICLES = 200
WORD_SHARPNESS, MEANING_SHARPNESS = 10.0, 12.0
"""Of the log-sum-exp over an article's entries."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the views say of one question."""

    rows: Floats
    """(views, articles); BM25 first, the classifier last."""
    none: float
    """Classifier's score of the class "not covered"."""
    best: float
    """Largest similarity to any entry of an article."""
    best_not_covered: float

    def mixed(self, other: Seen, share: float) -> Seen:
        """The follow-up's article scores; whether it is covered is asked of the text alone and of both."""
        own = 1 - share
        return Seen(
            rows=own * self.rows + share * other.rows,
            none=own * self.none + share * other.none,
            best=self.best,
            best_not_covered=self.best_not_covered,
        )


class Views(Protocol):
    def look(self, question: Question, vector: Floats | None) -> Seen: ...


@dataclass(frozen=True, slots=True)
class Layout:
    """Which entry belongs to which article: entries stand in the order of their articles."""

    starts: Ints
    """First entry of each article."""
    article_of: Ints
    is_asked: Flags
    entries: int

    @classmethod
    def of(cls, articles: list[Ways]) -> Layout:
        asked = [[is_asked for is_asked, _ in article.entries()] for article in articles]
        lengths = [len(flags) for flags in asked]
        return cls(
            starts=np.cumsum([0, *lengths])[:-1],
            article_of=np.repeat(np.arange(len(articles)), lengths),
            is_asked=np.array([flag for flags in asked for flag in flags], bool),
            entries=sum(lengths),
        )

    def reliability(self, size: int) -> Floats:
        """Of each training example, the questions not covered after the entries."""
        reliability = np.ones(size, np.float32)
        reliability[: self.entries][~self.is_asked] = BODY_RELIABILITY
        return reliability

    def soft_maximum(self, similarity: Floats, sharpness: float) -> Floats:
        top = similarity.max()
        sums = np.add.reduceat(np.exp(sharpness * (similarity - top)), self.starts)
        return np.log(np.maximum(sums, 1e-30)) / sharpness + top


class WordViews:
    """Building takes about 0.6 s for 60 articles with 900 questions on one core, a look about 1 ms."""

    def __init__(self, articles: list[Ways], not_covered: list[str], words: Words) -> None:
        self._words = words
        self._layout = Layout.of(articles)
        texts = [text for article in articles for _, text in article.entries()] + not_covered
        written = [spoken_words(text, words.sounds.words) for text in texts]
        self._terms = CosineRows(map(counted, written))
        self._grams = CosineRows(_counts(w) for w in written)
        self._ridge = self._solve(len(texts), len(articles)) if len(texts) <= MOST_RIDGE_ENTRIES else None

    def look(self, question: Question, vector: Floats | None = None) -> Seen:
        similarity = self._terms.similarity(question.terms) + self._grams.similarity(_counts(question.words))
        answers, rest = similarity[: self._layout.entries], similarity[self._layout.entries :]
        soft = self._layout.soft_maximum(answers, WORD_SHARPNESS)
        best, best_rest = float(answers.max()), float(rest.max()) if len(rest) else 0.0
        if self._ridge is None:  # the closest entries stand in for the classifier
            ridge, none = np.maximum.reduceat(answers, self._layout.starts) / 2, best_rest / 2
        else:
            classes = similarity @ self._ridge
            ridge, none = classes[:-1], float(classes[-1])
        return Seen(np.stack([self._words.bm25(question), soft, ridge]), none, best, best_rest)

    def _solve(self, size: int, articles: int) -> Floats:
        """Weights (entries x classes) of the kernel ridge; the last class is "not covered"."""
        kernel = np.zeros((size, size), np.float32)
        self._terms.add_gram_matrix(kernel)
        self._grams.add_gram_matrix(kernel)
        classes = np.zeros((size, articles + 1), np.float32)
        classes[np.arange(self._layout.entries), self._layout.article_of] = 1
        classes[self._layout.entries :, -1] = 1
        kernel[np.diag_indices(size)] += RIDGE / self._layout.reliability(size)
        return np.linalg.solve(kernel, classes)


class MeaningViews:
    """`vectors`: float32 rows of unit length, of `texts_to_embed` in its order.

    Over `most_exact` rows the product with all of them would take most of the time of a search. There it is taken in
    the COARSE_DIMENSIONS principal directions, and exactly only for the articles that are best by that.
    """

    def __init__(self, articles: list[Ways], vectors: Floats, words: Words, *, most_exact: int = MOST_EXACT) -> None:
        self._words = words
        self._layout = Layout.of(articles)
        self._vectors = np.ascontiguousarray(vectors, np.float32)
        self._coarse = Coarse.of(self._vectors) if len(vectors) > most_exact else None
        labels = np.full(len(vectors), len(articles))
        labels[: self._layout.entries] = self._layout.article_of
        self._classifier = Classifier.fit(
            self._vectors, labels, self._layout.reliability(len(vectors)), len(articles) + 1
        )

    def look(self, question: Question, vector: Floats | None) -> Seen:
        if vector is None:
            raise ValueError("a search by meaning needs the question's vector")
        vector = vector.astype(np.float32)
        similarity = self._similarity(vector)
        answers, rest = similarity[: self._layout.entries], similarity[self._layout.entries :]
        scores = self._classifier.scores(vector)
        return Seen(
            np.stack([self._words.bm25(question), self._layout.soft_maximum(answers, MEANING_SHARPNESS), scores[:-1]]),
            none=float(scores[-1]),
            best=float(answers.max()),
            best_not_covered=float(rest.max()) if len(rest) else 0.0,
        )

    def _similarity(self, vector: Floats) -> Floats:
        """Cosine with every row; of articles far from the vector an approximation where there are many rows."""
        if self._coarse is None:
            return self._vectors @ vector
        similarity = self._coarse.similarity(vector)
        starts, entries = self._layout.starts, self._layout.entries
        closest = np.maximum.reduceat(similarity[:entries], starts)
        best = np.argpartition(-closest, min(EXACT_ARTICLES, len(closest)) - 1)[:EXACT_ARTICLES]
        ends = np.append(starts[1:], entries)
        rows = np.concatenate(
            [*(np.arange(int(starts[at]), int(ends[at])) for at in best), np.arange(entries, len(similarity))]
        )
        similarity[rows] = self._vectors[rows] @ vector
        return similarity


@dataclass(frozen=True, slots=True)
class Coarse:
    """Rows in their principal directions (of the second moment, so that products stay products)."""

    rows: Floats
    directions: Floats
    """(dimension, COARSE_DIMENSIONS)"""

    @classmethod
    def of(cls, vectors: Floats) -> Coarse:
        _, directions = np.linalg.eigh((vectors.T @ vectors).astype(np.float64))
        kept = np.ascontiguousarray(directions[:, -COARSE_DIMENSIONS:], np.float32)
        return cls(vectors @ kept, kept)

    def similarity(self, vector: Floats) -> Floats:
        return self.rows @ (vector @ self.directions)


def _counts(words: list[str]) -> dict[str, float]:
    counts: dict[str, float] = {}
    for gram in character_grams(words):
        counts[gram] = counts.get(gram, 0.0) + 1
    return counts
