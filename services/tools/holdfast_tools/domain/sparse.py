"""Two small retrieval models in numpy: TF-IDF cosine over many short rows, BM25 over few long ones.

scikit-learn would bring 164 MB of imports for the two products below.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Terms = Mapping[str, float]
"""Term -> weighted count."""


class CosineRows:
    """TF-IDF rows of unit length, stored by term: 8 bytes for each term of each row."""

    def __init__(self, rows: Iterable[Terms]) -> None:
        postings: dict[str, tuple[array[int], array[float]]] = {}
        self.size = 0
        for row in rows:
            for term, count in row.items():
                numbers, weights = postings.setdefault(term, (array("i"), array("f")))
                numbers.append(self.size)
                weights.append(_damped(count))
            self.size += 1
        self._columns = {term: column for column, term in enumerate(postings)}
        lengths = np.array([len(numbers) for numbers, _ in postings.values()], np.int64)
        self._starts = np.concatenate(([0], np.cumsum(lengths))).tolist()
        self._rows = np.concatenate([np.array(numbers, np.int32) for numbers, _ in postings.values()])
        idf = np.log((self.size + 1) / (lengths + 1)) + 1
        self._idf: list[float] = idf.tolist()
        weights = np.concatenate([np.array(weights, np.float32) for _, weights in postings.values()])
        weights *= np.repeat(idf, lengths).astype(np.float32)
        norms = np.sqrt(np.bincount(self._rows, weights * weights, minlength=self.size))
        self._weights = (weights / norms[self._rows]).astype(np.float32)

    def similarity(self, terms: Terms) -> Floats:
        """Cosine of these terms with every row, in [0, 1]; terms that no row has count for nothing."""
        found = np.zeros(self.size, np.float32)
        norm = 0.0
        for term, count in terms.items():
            column = self._columns.get(term)
            if column is None:
                continue
            weight = _damped(count) * self._idf[column]
            norm += weight * weight
            rows, weights = self._postings(column)
            found[rows] += np.float32(weight) * weights
        return found / np.float32(math.sqrt(norm)) if norm else found

    def add_gram_matrix(self, to: Floats) -> None:
        """Add the cosine of every row with every row, in place."""
        for column in range(len(self._columns)):
            rows, weights = self._postings(column)
            to[rows[:, None], rows] += weights[:, None] * weights

    def _postings(self, column: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        part = slice(self._starts[column], self._starts[column + 1])
        return self._rows[part], self._weights[part]


def _damped(count: float) -> float:
    return 1 + math.log(count) if count >= 1 else count


class Bm25:
    """Okapi BM25 over whole articles (Robertson & Zaragoza 2009), dense: they are few."""

    def __init__(self, documents: Sequence[Terms], k1: float = 1.6, b: float = 0.25) -> None:
        self._column: dict[str, int] = {}
        for document in documents:
            for term in document:
                self._column.setdefault(term, len(self._column))
        counts = np.zeros((len(documents), len(self._column)), np.float32)
        for row, document in enumerate(documents):
            for term, count in document.items():
                counts[row, self._column[term]] = count
        holding = (counts > 0).sum(0)
        idf = np.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5)).astype(np.float32)
        length = counts.sum(1, keepdims=True)
        saturation = k1 * (1 - b + b * length / max(float(length.mean()), 1e-9))
        self._idf = idf
        self._weights: Floats = idf * counts * (k1 + 1) / (counts + saturation)
        self.unknown_idf = math.log(1 + (len(documents) + 0.5) / 0.5)
        """Of a term that no document has."""

    def __contains__(self, term: object) -> bool:
        return term in self._column

    def idf(self, term: str) -> float:
        column = self._column.get(term)
        return self.unknown_idf if column is None else float(self._idf[column])

    def scores(self, terms: Terms) -> Floats:
        known = [(self._column[term], weight) for term, weight in terms.items() if term in self._column]
        if not known:
            return np.zeros(len(self._weights), np.float32)
        columns, weights = zip(*known, strict=True)
        return self._weights[:, list(columns)] @ np.array(weights, np.float32)
