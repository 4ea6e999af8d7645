"""Text to words: never another number of words, nothing that an engine chokes on, long sentences by clauses."""

import pytest
from holdfast_tts.domain.words import LONGEST_WORD, parts, speakable


@pytest.mark.parametrize(
    "text",
    [
        "Hello there, my friend.",
        "a \x00 b \x1b[31m c",
        "zero\u200bwidth \u202eleft \ufeff",
        "  spaces \t and\nlines  ",
        "emoji 🙂 and 漢字",
    ],
)
def test_cleaning_keeps_the_number_of_words(text: str):
    """`from_word` counts text.split(), on both sides."""
    assert len(speakable(text)) == len(text.split())


def test_control_and_format_characters_go():
    assert speakable("he\x07llo wor\u200bld \u202e") == ("hello", "world", "")


def test_a_word_without_end_is_cut():
    assert speakable("a" * 2_000) == ("a" * LONGEST_WORD,)


def test_a_short_sentence_is_one_run():
    words = speakable("Yes, that works, thank you.")

    assert parts(words, 140) == [range(5)]


def test_a_long_sentence_is_cut_after_its_clauses():
    words = speakable("You can invite them from the settings, choose a role for each, and they get an e-mail.")

    runs = parts(words, 45)

    assert [" ".join(words[i] for i in run) for run in runs] == [
        "You can invite them from the settings,",
        "choose a role for each,",
        "and they get an e-mail.",
    ]


def test_a_long_sentence_without_clauses_is_cut_anywhere_at_twice_the_length():
    words = tuple(["word"] * 60)

    runs = parts(words, 40)

    assert [i for run in runs for i in run] == list(range(60))
    assert all(len(" ".join(words[i] for i in run)) <= 80 for run in runs)


def test_closing_quotes_do_not_hide_a_clause_end():
    words = speakable('He said "wait for it," and then he waited for it himself.')

    assert parts(words, 30)[0] == range(5)


def test_one_endless_word_still_ends():
    assert parts(("x" * 60, "y" * 60), 20) == [range(1), range(1, 2)]


def test_no_words_no_runs():
    assert parts((), 140) == []
