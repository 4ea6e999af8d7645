"""Which article answers a question, and how sure that is. Lexical only; no model, no I/O, no clock.

Three views of the same question are added up: BM25 over whole articles; the similarity to all of an
article's entries (log-sum-exp, a soft maximum); and a kernel ridge classifier with one class an
article and one for "not covered", solved once when the index is built. What makes it sure: `sureness`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from holdfast_tools.domain.sound_alikes import SoundAlikes
from holdfast_tools.domain.sparse import Bm25, CosineRows, Floats
from holdfast_tools.domain.sureness import Evidence
from holdfast_tools.domain.text import (
    FUNCTION_STEMS,
    LIGHT_STEMS,
    LIGHT_WEIGHT,
    character_grams,
    query_weight,
    sentences,
    spoken_words,
    stem,
)

BODY_WEIGHT = 0.5
"""A word of an article's body against one of its title, questions and phrasings (BM25)."""
BODY_RELIABILITY = 0.5
"""A body sentence as a training example of the ridge, against a question."""
RIDGE = 2.0
"""Regularisation of the kernel ridge; 0.3 to 3 tried on held-out phrasings."""
SHARPNESS = 10.0
"""Of the log-sum-exp over an article's entries."""
FUSION = {"bm25": 0.69, "soft": 2.47, "ridge": 3.31}
"""Conditional logit of the right article among all, fitted on held-out questions and phrasings of the
profile's own text (bench/knowledge_fit.py); no evaluation question was used."""
FOLLOW_UP_SHARE = 0.3
"""Share of (previous + text) in the score of a question that has a previous turn; 0.5 costs whole
questions six points."""
ELLIPTIC_SHARE = 0.5
"""The same where the question says little by itself ("and where does it pull it from")."""
ELLIPTIC_WORDS = 2
"""Content words up to which a question counts as saying little."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The texts that stand for one article."""

    article: str
    title: str
    asked: tuple[str, ...]
    """Its questions and further phrasings."""
    body: tuple[str, ...]
    """Its paragraphs."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Articles by score, best first."""

    articles: tuple[str, ...]
    probabilities: tuple[float, ...]
    """Softmax of the fused scores over all articles."""
    evidence: Evidence
    """About the first one."""


@dataclass(frozen=True, slots=True)
class _Question:
    """One question in the forms that the models read."""

    words: list[str]
    terms: dict[str, float]
    """With sound-alikes, unweighted by kind of word."""
    grams: dict[str, float]

    @property
    def content_words(self) -> int:
        return sum(stem(word) not in FUNCTION_STEMS and stem(word) not in LIGHT_STEMS for word in self.words)


@dataclass(frozen=True, slots=True)
class _Views:
    """Scores of one question: per article, and of not being covered."""

    bm25: Floats
    soft: Floats
    ridge: Floats
    none: float
    """Ridge score of the class "not covered"."""
    best: float
    """Largest similarity to any entry of an article."""
    best_not_covered: float

    def fused(self) -> Floats:
        return FUSION["bm25"] * self.bm25 + FUSION["soft"] * self.soft + FUSION["ridge"] * self.ridge

    def mixed(self, other: _Views, share: float) -> _Views:
        """The follow-up's article scores; whether it is covered is asked of the text alone and of both."""
        own = 1 - share
        return _Views(
            bm25=own * self.bm25 + share * other.bm25,
            soft=own * self.soft + share * other.soft,
            ridge=own * self.ridge + share * other.ridge,
            none=own * self.none + share * other.none,
            best=self.best,
            best_not_covered=self.best_not_covered,
        )


class KnowledgeIndex:
    """The knowledge of one profile, ready to be searched. Immutable; build a new one to change it.

    Building takes about 0.6 s for 60 articles with 900 questions on one core, a search about 2 ms.
    """

    def __init__(self, articles: Sequence[Ways], not_covered: Iterable[str] = ()) -> None:
        if not articles:
            raise ValueError("no articles to build an index of")
        self._ids = tuple(article.article for article in articles)
        missing = tuple(dict.fromkeys(not_covered))
        entries = [entry for article in articles for entry in _entries(article)]
        texts = [text for _, text in entries] + list(missing)
        self._sounds = SoundAlikes(word for text in texts for word in spoken_words(text))
        self._starts = np.cumsum([0, *(len(_entries(article)) for article in articles)])[:-1]
        self._answers = len(entries)
        self._is_asked = np.array([asked for asked, _ in entries])
        written = [spoken_words(text, self._sounds.words) for text in texts]
        self._words = CosineRows(map(_terms, written))
        self._grams = CosineRows(_counts(character_grams(words)) for words in written)
        self._bm25 = Bm25([self._whole(article) for article in articles])
        self._has = [frozenset(_terms(_all_words(article, self._sounds.words))) for article in articles]
        self._ridge = self._solve_ridge(len(texts))

    def search(self, text: str, previous: str = "") -> Ranking:
        """Rank all articles for a question; `previous` is what the agent said last."""
        question = self._asked(text)
        views = self._look(question)
        if previous.strip():
            share = ELLIPTIC_SHARE if question.content_words <= ELLIPTIC_WORDS else FOLLOW_UP_SHARE
            views = views.mixed(self._look(self._asked(f"{previous} {text}")), share)
        fused = views.fused()
        order = np.argsort(-fused, kind="stable")
        odds = np.exp(fused - fused.max())
        probabilities = odds / odds.sum()
        return Ranking(
            articles=tuple(self._ids[at] for at in order),
            probabilities=tuple(float(probabilities[at]) for at in order),
            evidence=self._evidence(question, views, fused, order, probabilities),
        )

    def _look(self, question: _Question) -> _Views:
        similarity = self._words.similarity(question.terms) + self._grams.similarity(question.grams)
        answers = similarity[: self._answers]
        weighted = {term: weight * query_weight(term) for term, weight in question.terms.items()}
        ridge = similarity @ self._ridge
        sums = np.add.reduceat(np.exp(SHARPNESS * answers), self._starts)
        rest = similarity[self._answers :]
        return _Views(
            bm25=self._bm25.scores(weighted),
            soft=np.log(sums) / SHARPNESS,
            ridge=ridge[:-1],
            none=float(ridge[-1]),
            best=float(answers.max()),
            best_not_covered=float(rest.max()) if len(rest) else 0.0,
        )

    def _evidence(
        self, question: _Question, views: _Views, fused: Floats, order: NDArray[np.intp], probabilities: Floats
    ) -> Evidence:
        first = int(order[0])
        covered, unknown = self._coverage(question.words, first)
        return Evidence(
            over_none=float(views.ridge.max()) - views.none,
            nearer=views.best - views.best_not_covered,
            coverage=covered,
            probability=float(probabilities[first]),
            score=float(fused[first]),
            unknown=unknown,
        )

    def _coverage(self, words: list[str], article: int) -> tuple[float, float]:
        """(share of the question's weight that the article has, share of content words that nobody has)."""
        total = covered = unknown = counted = 0.0
        for word in words:
            term = stem(word)
            if term in FUNCTION_STEMS:
                continue
            light = term in LIGHT_STEMS
            weight = self._bm25.idf(term) * (LIGHT_WEIGHT if light else 1)
            has = 1.0 if term in self._has[article] else 0.0
            if not has and any(other in self._has[article] for other in self._sounds.of_word(word)):
                has = 0.7
            total += weight
            covered += weight * has
            counted += 1
            unknown += not light and not has and term not in self._bm25
        if not counted:
            return 0.0, 0.0
        return covered / total, unknown / counted

    def _asked(self, text: str) -> _Question:
        words = self._sounds.mended(spoken_words(text, self._sounds.words, question=True))
        terms = _terms(words)
        for word in words:
            _add(terms, self._sounds.of_word(word))
        for first, second in pairwise(words):
            _add(terms, self._sounds.of_pair(first, second))
        return _Question(words, terms, _counts(character_grams(words)))

    def _whole(self, article: Ways) -> dict[str, float]:
        terms: dict[str, float] = {}
        for share, texts in ((1.0, (article.title, *article.asked)), (BODY_WEIGHT, article.body)):
            for text in texts:
                _add(terms, {t: share * n for t, n in _terms(spoken_words(text, self._sounds.words)).items()})
        return terms

    def _solve_ridge(self, size: int) -> Floats:
        """Weights (entries x classes) of the kernel ridge; the last class is "not covered"."""
        kernel = np.zeros((size, size), np.float32)
        self._words.add_gram_matrix(kernel)
        self._grams.add_gram_matrix(kernel)
        reliability = np.ones(size, np.float32)
        reliability[: self._answers][~self._is_asked] = BODY_RELIABILITY
        classes = np.zeros((size, len(self._ids) + 1), np.float32)
        article_of = np.searchsorted(self._starts, np.arange(self._answers), side="right") - 1
        classes[np.arange(self._answers), article_of] = 1
        classes[self._answers :, -1] = 1
        kernel[np.diag_indices(size)] += RIDGE / reliability
        return np.linalg.solve(kernel, classes)


def _entries(article: Ways) -> list[tuple[bool, str]]:
    """(is a question or title, text): every unit that a question may be close to.

    The title stands before each body sentence: a sentence alone often does not name its subject.
    """
    asked = [(True, text) for text in (article.title, *article.asked)]
    return asked + [(False, f"{article.title} {part}") for text in article.body for part in sentences(text)]


def _all_words(article: Ways, known: frozenset[str]) -> list[str]:
    return [word for text in (article.title, *article.asked, *article.body) for word in spoken_words(text, known)]


def _terms(words: Iterable[str]) -> dict[str, float]:
    terms: dict[str, float] = {}
    for word in words:
        term = stem(word)
        terms[term] = terms.get(term, 0.0) + (0.25 if term in FUNCTION_STEMS else 1.0)
    return terms


def _counts(items: Iterable[str]) -> dict[str, float]:
    counts: dict[str, float] = {}
    for item in items:
        counts[item] = counts.get(item, 0.0) + 1
    return counts


def _add(terms: dict[str, float], more: dict[str, float]) -> None:
    for term, weight in more.items():
        terms[term] = terms.get(term, 0.0) + weight
