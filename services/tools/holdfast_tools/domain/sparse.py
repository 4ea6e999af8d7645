"""Two small retrieval models in numpy: TF-IDF cosine over many short rows, BM25 over few long ones.

scikit-learn would bring 164 MB of imports for the two products below.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Terms = Mapping[str, float]
"""Term -> weighted count."""


class CosineRows:
    """TF-IDF rows of unit length, stored by term (postings)."""

    def __init__(self, rows: Sequence[Terms]) -> None:
        frequency: dict[str, int] = {}
        for row in rows:
            for term in row:
                frequency[term] = frequency.get(term, 0) + 1
        self.size = len(rows)
        self._idf = {term: math.log((len(rows) + 1) / (count + 1)) + 1 for term, count in frequency.items()}
        postings: dict[str, tuple[list[int], list[float]]] = {term: ([], []) for term in frequency}
        for index, row in enumerate(rows):
            for term, weight in self._unit(row).items():
                numbers, weights = postings[term]
                numbers.append(index)
                weights.append(weight)
        self._postings = {
            term: (np.array(numbers, np.intp), np.array(weights, np.float32))
            for term, (numbers, weights) in postings.items()
        }

    def similarity(self, terms: Terms) -> Floats:
        """Cosine of these terms with every row, in [0, 1]."""
        found = np.zeros(self.size, np.float32)
        for term, weight in self._unit(terms).items():
            numbers, weights = self._postings[term]
            found[numbers] += weight * weights
        return found

    def _unit(self, terms: Terms) -> dict[str, float]:
        weighted = {
            term: (1 + math.log(count) if count >= 1 else count) * self._idf[term]
            for term, count in terms.items()
            if count > 0 and term in self._idf
        }
        norm = math.sqrt(sum(weight * weight for weight in weighted.values()))
        return {term: weight / norm for term, weight in weighted.items()} if norm else {}


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
