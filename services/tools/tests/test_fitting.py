"""Weights and readings: what is told apart, what gets weight, which article a follow-up means."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from holdfast_common.contracts.tools import Sureness
from holdfast_tools.domain.classifier import Classifier
from holdfast_tools.domain.fitting import conditional_logit, fit, logistic
from holdfast_tools.domain.knowledge import KnowledgeIndex
from holdfast_tools.domain.sparse import Floats
from holdfast_tools.domain.views import MeaningViews, Seen
from holdfast_tools.domain.ways import Ways
from holdfast_tools.domain.weights import BY_WORDS
from holdfast_tools.domain.words import Question, Words


def test_a_classifier_tells_what_it_was_shown_apart() -> None:
    rows = np.eye(6, dtype=np.float32)
    classifier = Classifier.fit(rows, np.array([0, 0, 1, 1, 2, 2]), np.ones(6, np.float32), 3)

    assert [int(classifier.scores(row).argmax()) for row in rows] == [0, 0, 1, 1, 2, 2]
    assert np.exp(classifier.scores(rows[0])).sum() == pytest.approx(1, abs=1e-4)


def test_a_view_that_tells_nothing_gets_no_weight() -> None:
    draw = np.random.default_rng(1)
    right = draw.integers(0, 10, 400)
    good = draw.normal(size=(400, 10))
    good[np.arange(400), right] += 3
    weights = conditional_logit(np.stack([good, draw.normal(size=(400, 10)), -good], 1), right)

    assert weights[0] > 10 * weights[1]
    assert weights[2] == 0


def test_the_logistic_model_weighs_both_sides_alike() -> None:
    evidence = np.array([[1.0]] * 90 + [[-1.0]] * 10)
    weights, bias = logistic(evidence, np.array([True] * 90 + [False] * 10))

    assert weights[0] > 0
    assert abs(weights[0] + bias) == pytest.approx(abs(-weights[0] + bias), rel=0.2)


def test_fitting_is_deterministic_and_leaves_a_small_knowledge_to_the_shipped_weights() -> None:
    small = [Ways("a", "A", ("what is a",), ("a is a",)), Ways("b", "B", ("what is b",), ("b is b",))]

    assert fit(small, []) == BY_WORDS


class TwoReadings:
    """Views that see one thing in a question alone, and another in it after what was said."""

    def __init__(self, alone: list[float], after: list[float]) -> None:
        self._alone, self._after = alone, after

    def look(self, question: Question, vector: Floats | None) -> Seen:
        scores = self._after if "before" in question.words else self._alone
        return Seen(np.array([scores]), none=-9.0, best=1.0, best_not_covered=0.0)


@pytest.mark.parametrize(
    ("alone", "after", "article", "sureness"),
    [
        ([3, 0, 0], [0, 2.5, 0], "a", Sureness.ASK_BACK),  # clearly one, as clearly another
        ([3, 0, 0], [0, 7, 0], "b", Sureness.SURE),
        ([7, 0, 0], [0, 3, 0], "a", Sureness.SURE),
        ([1, 0.9, 0], [0, 3, 0], "b", Sureness.SURE),  # alone it says little
        ([3, 0, 0], [3, 0, 0], "a", Sureness.SURE),
    ],
)
def test_a_follow_up_that_reads_two_ways_is_asked_back_unless_one_is_surer(
    alone: list[float], after: list[float], article: str, sureness: Sureness
) -> None:
    index = KnowledgeIndex([Ways(name, name, (f"what is {name}",), ()) for name in ("a", "b", "c")])
    index.weights = msgspec.structs.replace(BY_WORDS, refuse_below=0.0, answer_at=0.0)
    index.views, index._fusion = TwoReadings(alone, after), np.array([1.0])

    found = index.search("and is that part of it", "this was said before")

    assert (found.articles[0], found.sureness) == (article, sureness)


def test_thousands_of_rows_are_searched_coarsely_first_with_the_same_winner() -> None:
    draw = np.random.default_rng(2)
    articles = [Ways(f"a{n}", f"name{n}", (f"what is {n}", f"how does {n} go"), ()) for n in range(400)]
    centres = np.repeat(draw.normal(size=(400, 96)), 3, axis=0)
    rows = (centres + 0.3 * draw.normal(size=centres.shape)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    words = Words(articles, [])
    exact, coarse = MeaningViews(articles, rows, words), MeaningViews(articles, rows, words, most_exact=0)
    question = words.question("what is it")

    for row in rows[::37]:
        first, second = exact.look(question, row), coarse.look(question, row)
        assert first.rows[1].argmax() == second.rows[1].argmax()
        assert first.best == pytest.approx(second.best, abs=1e-5)
