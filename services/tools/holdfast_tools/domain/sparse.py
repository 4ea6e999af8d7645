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
Ints = NDArray[np.integer[Any]]
Flags = NDArray[np.bool_]
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
    """Okapi BM25 over whole articles (Robertson & Zaragoza 2009), stored by term."""

    def __init__(self, documents: Sequence[Terms], k1: float = 1.6, b: float = 0.25) -> None:
        self._size = len(documents)
        lengths = np.array([sum(document.values()) for document in documents])
        saturation = k1 * (1 - b + b * lengths / max(float(lengths.mean()), 1e-9))
        holding: dict[str, tuple[array[int], array[float]]] = {}
        for row, document in enumerate(documents):
            for term, count in document.items():
                rows, counts = holding.setdefault(term, (array("i"), array("d")))
                rows.append(row)
                counts.append(count)
        self._idf: dict[str, float] = {}
        self._postings: dict[str, tuple[NDArray[np.int32], Floats]] = {}
        for term, (numbers, found) in holding.items():
            rows, counts = np.array(numbers, np.int32), np.array(found)
            idf = math.log(1 + (self._size - len(rows) + 0.5) / (len(rows) + 0.5))
            self._idf[term] = idf
            self._postings[term] = rows, (idf * counts * (k1 + 1) / (counts + saturation[rows])).astype(np.float32)
        self.unknown_idf = math.log(1 + (self._size + 0.5) / 0.5)
        """Of a term that no document has."""

    def __contains__(self, term: object) -> bool:
        return term in self._idf

    def idf(self, term: str) -> float:
        return self._idf.get(term, self.unknown_idf)

    def scores(self, terms: Terms) -> Floats:
        """Of every document, in order."""
        found = np.zeros(self._size, np.float32)
        for term, weight in terms.items():
            if term in self._postings:
                rows, weights = self._postings[term]
                found[rows] += np.float32(weight) * weights
        return found
