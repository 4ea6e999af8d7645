"""Word times are complete, ascending and inside the audio, whatever an engine tells."""

import random
from itertools import pairwise

import pytest
from holdfast_tts.domain.timings import Span, complete, estimate


def holds(spans: list[Span], words: list[str], end: int) -> bool:
    ascending = all(a.end <= b.start for a, b in pairwise(spans))
    inside = all(0 <= s.start <= s.end <= end for s in spans)
    return [s.word for s in spans] == list(range(len(words))) and ascending and inside


def test_estimates_follow_the_letters():
    assert estimate(["a", "abcdefg"], 0, 120) == [Span(0, 0, 30), Span(1, 30, 120)]


def test_empty_words_take_no_time():
    assert estimate(["abc", "", "abc"], 0, 100) == [Span(0, 0, 50), Span(1, 50, 50), Span(2, 50, 100)]


def test_what_an_engine_told_is_kept():
    told = [Span(0, 10, 20), Span(1, 25, 40)]

    assert complete(told, ["one", "two"], 50) == told


def test_several_spans_of_one_word_are_joined():
    """A year is read as three words and written as one."""
    told = [Span(0, 0, 10), Span(1, 10, 20), Span(1, 22, 30), Span(1, 30, 40)]

    assert complete(told, ["in", "2026"], 40) == [Span(0, 0, 10), Span(1, 10, 40)]


def test_a_word_that_was_not_told_shares_the_time_of_the_one_before():
    """espeak says "of the" in one go."""
    assert complete([Span(0, 0, 100)], ["of", "to"], 100) == [Span(0, 0, 50), Span(1, 50, 100)]


def test_words_before_the_first_told_one_share_its_time():
    assert complete([Span(1, 0, 100)], ["of", "to"], 100) == [Span(0, 0, 50), Span(1, 50, 100)]


def test_nothing_told_is_an_estimate():
    assert complete([], ["of", "to"], 100) == estimate(["of", "to"], 0, 100)


@pytest.mark.parametrize("seed", range(50))
def test_nonsense_from_an_engine_still_gives_times_that_hold(seed: int):
    rnd = random.Random(seed)
    words = ["w" * rnd.randint(0, 8) for _ in range(rnd.randint(1, 12))]
    told = [
        Span(rnd.randint(-2, 14), rnd.randint(-50, 1_200), rnd.randint(-50, 1_200)) for _ in range(rnd.randint(0, 15))
    ]

    assert holds(complete(told, words, 1_000), words, 1_000)
