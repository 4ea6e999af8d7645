# ruff: noqa: RUF001, RUF002 - the phonetic alphabet looks like other letters
"""Which word a phoneme is of, however espeak-ng joins and splits words."""

import pytest
from holdfast_tts.domain.phonemes import Timed, is_sounding, word_spans
from holdfast_tts.domain.timings import Span


def heard(text: str, *, before: int = 0) -> list[Timed]:
    """Every symbol 10 samples long."""
    return [Timed("", before), *(Timed(symbol, 10) for symbol in text)]


def test_words_lie_between_the_gaps():
    spans = word_spans(heard("jˈɛs, nˈoʊ.", before=100), ["jˈɛs", "nˈoʊ"])

    assert spans == (Span(0, 100, 140), Span(1, 160, 200))


def test_two_words_said_as_one_are_told_apart():
    """espeak-ng writes "of the" as ʌvðə."""
    spans = word_spans(heard("wˈʌn ʌvðə bˈɑːks"), ["wˈʌn", "ʌv", "ðə", "bˈɑːks"])

    assert spans == (Span(0, 0, 40), Span(1, 50, 70), Span(2, 70, 90), Span(3, 100, 160))


def test_a_number_said_as_many_words_is_one_word():
    spans = word_spans(heard("ɪn tˈuː θˈaʊzənd mˈeɪ"), ["ɪn", "tˈuː θˈaʊzənd", "mˈeɪ"])

    assert spans == (Span(0, 0, 20), Span(1, 30, 160), Span(2, 170, 210))


def test_a_word_that_sounds_otherwise_in_its_sentence_is_still_found():
    """Alone "the" may be ðˈiː and "a" ˈeɪ; in a sentence they are ðə and ɐ."""
    spans = word_spans(heard("ðə kˈæt ɪz ɐ bˈɜːd"), ["ðˈiː", "kˈæt", "ˈɪz", "ˈeɪ", "bˈɜːd"])

    assert [s.word for s in spans] == [0, 1, 2, 3, 4]
    assert [s.start for s in spans] == [0, 30, 80, 110, 130]


def test_a_word_of_which_nothing_is_heard_is_left_out():
    assert word_spans(heard("jˈɛs nˈoʊ"), ["jˈɛs", "", "nˈoʊ"]) == (Span(0, 0, 40), Span(2, 50, 90))
    assert word_spans(heard("..."), ["..."]) == ()
    assert word_spans([], ["a"]) == ()


@pytest.mark.parametrize("symbol", ["ˈ", "ː", "ɚ", "ɔ̃", "˞", "aɪ"])
def test_marks_of_stress_length_and_colour_belong_to_their_words(symbol: str):
    assert is_sounding(symbol)


@pytest.mark.parametrize("symbol", ["", " ", ",", "?", "^", "$", "_"])
def test_punctuation_and_edges_belong_to_nobody(symbol: str):
    assert not is_sounding(symbol)
