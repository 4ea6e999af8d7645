"""What was heard, to the word."""

from __future__ import annotations

import pytest
from holdfast_common.contracts.dialogue import Heard
from holdfast_common.contracts.tts import WordTiming
from holdfast_gateway.domain.playout import Playout

STEP = 1_600
"""Samples of one word."""


def laid_out(*sentences: int) -> Playout:
    """Sentences of so many words each, handed to the leg one behind the other."""
    playout, at = Playout(), 0
    for index, words in enumerate(sentences):
        playout.announce((0, index), words)
        playout.time_words((0, index), [WordTiming(word=w, start=w * STEP, end=(w + 1) * STEP) for w in range(words)])
        playout.lay((0, index), at, 0, words * STEP)
        playout.complete((0, index), words * STEP)
        at += words * STEP
    return playout


@pytest.mark.parametrize(
    ("position", "sentences", "words"),
    [
        (0, 0, 0),
        (STEP // 2 - 1, 0, 0),
        (STEP // 2, 0, 1),
        (STEP, 0, 1),
        (3 * STEP, 1, 0),
        (3 * STEP + STEP // 2, 1, 1),
        (4 * STEP + STEP // 2, 2, 0),
        (5 * STEP, 2, 0),
    ],
)
def test_a_word_is_heard_when_half_of_it_was_played(position, sentences, words):
    """Whole sentences, then the words of the next."""
    assert laid_out(3, 2).heard(0, position) == Heard(turn=0, sentences=sentences, words_of_next=words)


def test_after_a_cut_the_sentence_goes_on_at_the_word_that_was_cut():
    """And what was heard before the cut stays heard, whatever lies on the leg afterwards."""
    playout = laid_out(4)
    playout.cut(2 * STEP + 100)

    assert playout.restart((0, 0)) == 2 * STEP
    assert playout.heard(0, 2 * STEP + 100) == Heard(turn=0, sentences=0, words_of_next=2)

    playout.lay((0, 0), 2 * STEP + 100, 2 * STEP, 2 * STEP)
    assert playout.heard(0, 4 * STEP + 100) == Heard(turn=0, sentences=1)
    assert playout.whole(0, 4 * STEP + 100)


def test_a_sentence_that_never_sounded_starts_anew():
    playout = laid_out(2, 2)
    playout.cut(STEP)

    assert playout.restart((0, 1)) == 0
    assert not playout.sounded((0, 1), STEP)


def test_a_sentence_announced_but_never_spoken_was_not_heard():
    """A voice that failed leaves no timings."""
    playout = Playout()
    playout.announce((0, 0), 3)

    assert playout.heard(0, 10_000) == Heard(turn=0, sentences=0)
    assert not playout.whole(0, 10_000)


def test_a_promised_sentence_counts_as_heard():
    """Protected: it will be played to its end."""
    playout = laid_out(3, 2)
    playout.cut(STEP)
    playout.promise((0, 0))

    assert playout.heard(0, STEP) == Heard(turn=0, sentences=1)


def test_the_sentence_that_sounds_now_is_known():
    playout = laid_out(2, 2)

    assert playout.current(0) is None
    assert playout.current(1) == (0, 0)
    assert playout.current(2 * STEP + 1) == (0, 1)


def test_a_turn_that_said_nothing_has_nothing_heard():
    assert Playout().heard(3, 100) is None
