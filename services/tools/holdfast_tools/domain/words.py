"""The words of a whole knowledge: questions made comparable with it, BM25, and how much of a question it has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from holdfast_tools.domain.sound_alikes import SoundAlikes
from holdfast_tools.domain.sparse import Bm25, Floats
from holdfast_tools.domain.text import (
    FUNCTION_STEMS,
    LIGHT_STEMS,
    LIGHT_WEIGHT,
    query_weight,
    spoken_words,
    stem,
)
from holdfast_tools.domain.ways import Ways

BODY_WEIGHT = 0.5
"""A word of an article's body against one of its title, questions and phrasings (BM25)."""
SOUND_ALIKE_SHARE = 0.7
"""A word that the article has by its sound alone, against one that it has."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question in the forms that the views read."""

    words: list[str]
    """Without lead-in, fillers and stutter; what was misheard is mended."""
    terms: dict[str, float]
    """Stems with counts, sound-alikes too, unweighted by kind of word."""

    @property
    def text(self) -> str:
        """As it is given to an embedding model."""
        return " ".join(self.words)

    @property
    def content_words(self) -> int:
        return sum(stem(word) not in FUNCTION_STEMS and stem(word) not in LIGHT_STEMS for word in self.words)


class Words:
    """Immutable; made once for an index."""

    def __init__(self, articles: Sequence[Ways], not_covered: Iterable[str]) -> None:
        texts = [text for article in articles for _, text in article.entries()]
        self.sounds = SoundAlikes(word for text in (*texts, *not_covered) for word in spoken_words(text))
        self._bm25 = Bm25([self._whole(article) for article in articles])
        self._has = [frozenset(self._terms_of(article)) for article in articles]

    def question(self, text: str) -> Question:
        words = self.sounds.mended(spoken_words(text, self.sounds.words, question=True))
        terms = counted(words)
        for word in words:
            _add(terms, self.sounds.of_word(word))
        for first, second in pairwise(words):
            _add(terms, self.sounds.of_pair(first, second))
        return Question(words, terms)

    def bm25(self, question: Question) -> Floats:
        """Per article."""
        return self._bm25.scores({term: weight * query_weight(term) for term, weight in question.terms.items()})

    def coverage(self, words: Sequence[str], article: int) -> tuple[float, float]:
        """(share of the question's weight that the article has, share of content words that nobody has)."""
        total = covered = unknown = counted_words = 0.0
        for word in words:
            term = stem(word)
            if term in FUNCTION_STEMS:
                continue
            light = term in LIGHT_STEMS
            weight = self._bm25.idf(term) * (LIGHT_WEIGHT if light else 1)
            has = 1.0 if term in self._has[article] else 0.0
            if not has and any(other in self._has[article] for other in self.sounds.of_word(word)):
                has = SOUND_ALIKE_SHARE
            total += weight
            covered += weight * has
            counted_words += 1
            unknown += not light and not has and term not in self._bm25
        if not counted_words:
            return 0.0, 0.0
        return covered / total, unknown / counted_words

    def _whole(self, article: Ways) -> dict[str, float]:
        terms: dict[str, float] = {}
        for share, texts in ((1.0, (article.title, *article.asked)), (BODY_WEIGHT, article.body)):
            for text in texts:
                _add(terms, {t: share * n for t, n in counted(spoken_words(text, self.sounds.words)).items()})
        return terms

    def _terms_of(self, article: Ways) -> dict[str, float]:
        texts = (article.title, *article.asked, *article.body)
        return counted(word for text in texts for word in spoken_words(text, self.sounds.words))


def counted(words: Iterable[str]) -> dict[str, float]:
    """Stems with their counts; a function word counts a quarter."""
    terms: dict[str, float] = {}
    for word in words:
        term = stem(word)
        terms[term] = terms.get(term, 0.0) + (0.25 if term in FUNCTION_STEMS else 1.0)
    return terms


def _add(terms: dict[str, float], more: dict[str, float]) -> None:
    for term, weight in more.items():
        terms[term] = terms.get(term, 0.0) + weight
