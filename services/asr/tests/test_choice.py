"""Which decode is believed, and how much."""

from __future__ import annotations

import pytest
from holdfast_asr.domain.choice import (
    Candidate,
    Kind,
    beyond,
    calibrated,
    choose,
    confidence,
    favour,
    needs_generic,
    needs_plain,
)


def candidate(kind: Kind, text: str, *, posterior: float = 0.9, path: float = 0.0) -> Candidate:
    return Candidate(kind, tuple(text.split()), posterior, path, tuple(text.replace(" ", "")))


def test_a_grammar_that_heard_about_the_same_wins() -> None:
    free = candidate(Kind.DOMAIN, "could we meet on thursday yet quarter past vat", posterior=0.6)
    grammar = candidate(Kind.GRAMMAR, "could we meet on thursday at quarter past ten", path=12.0)

    assert choose([free, grammar]) is grammar
    assert confidence(grammar, free) > 0.8


@pytest.mark.parametrize(
    ("said", "forced", "lead"),
    [
        ("how long do i get to try it", "only two or eight of us right now", -20.0),
        ("what happens to my documents when the trial is over", "one hundred nine documents right now", 20.0),
        ("my email is olivia at silver lake dot net", "fine i would please", 19.0),
    ],
)
def test_an_answer_outside_the_grammar_is_not_forced_into_it(said: str, forced: str, lead: float) -> None:
    """Scores as measured: the grammar often leads with rubbish."""
    free = candidate(Kind.DOMAIN, said, posterior=0.6)

    assert choose([free, candidate(Kind.GRAMMAR, forced, path=lead)]) is free


def test_a_short_yes_or_no_is_left_to_the_grammar() -> None:
    free = candidate(Kind.DOMAIN, "gov", posterior=0.1)

    assert choose([free, no := candidate(Kind.GRAMMAR, "no", path=3.0)]) is no


def test_a_sure_free_decode_is_not_overruled_by_a_grammar_that_only_resembles_it() -> None:
    free = candidate(Kind.DOMAIN, "yes that's right", posterior=1.0)

    assert choose([free, candidate(Kind.GRAMMAR, "yes this friday", path=-3.5)]) is free


def test_general_english_is_believed_only_where_it_fits_better() -> None:
    free = candidate(Kind.DOMAIN, "ask edward", posterior=0.5)
    better = candidate(Kind.GENERIC, "ask not what", posterior=0.8)
    no_better = candidate(Kind.GENERIC, "ask not what", posterior=0.55)

    assert choose([free, better]) is better
    assert choose([free, no_better]) is free


def test_general_english_is_asked_only_when_nobody_is_sure() -> None:
    unsure = candidate(Kind.DOMAIN, "ask edward", posterior=0.5)

    assert needs_generic([unsure])
    assert not needs_generic([unsure, candidate(Kind.PLAIN, "yes", posterior=0.9)])


def test_the_surer_of_the_two_ways_to_hear_a_telephone_wins() -> None:
    mapped = candidate(Kind.DOMAIN, "yes", posterior=0.6)
    plain = candidate(Kind.PLAIN, "yes please", posterior=0.8)

    assert choose([mapped, plain]) is plain
    assert choose([mapped, candidate(Kind.PLAIN, "yes please", posterior=0.5)]) is mapped


def test_nothing_heard_has_no_confidence() -> None:
    nothing = candidate(Kind.DOMAIN, "", posterior=0.0)

    assert confidence(choose([nothing]), nothing) == 0.0
    assert not needs_generic([nothing])


def test_confidence_stays_a_probability() -> None:
    free = candidate(Kind.DOMAIN, "yes", posterior=1.0)
    for other in (candidate(Kind.GRAMMAR, "yes"), candidate(Kind.GENERIC, "yes", path=1.0), free):
        assert 0 < confidence(other, free) <= 1


def test_hints_choose_among_nearly_equal_paths() -> None:
    """A known caller's own name beats a name that sounds like it; paths of another length are left alone."""
    heard = ("david", "dot", "miller", "at", "north", "wind")
    paths = [("david", "dot", "miller", "at", "north", "with"), ("dana", "dot", "miller", "at", "north", "wind")]

    assert favour(heard, paths, frozenset({"dana", "miller"})) == paths[1]
    assert favour(heard, [("dana", "miller")], frozenset({"dana", "miller"})) == heard
    assert favour(heard, paths, frozenset({"priya"})) == heard


def test_a_posterior_at_which_most_words_are_wrong_is_not_acted_on() -> None:
    values = [calibrated(p / 100) for p in range(101)]

    assert values == sorted(values)
    assert calibrated(0.5) < 0.5 < calibrated(0.65)
    assert (values[0], values[-1]) == (0.0, 1.0)


def test_a_sure_decode_is_not_made_twice() -> None:
    assert not needs_plain(candidate(Kind.DOMAIN, "yes", posterior=0.9))
    assert needs_plain(candidate(Kind.DOMAIN, "yes", posterior=0.6))
    assert not needs_plain(candidate(Kind.GRAMMAR, "yes", posterior=0.6))


def timed(kind: Kind, text: str, spans: list[tuple[int, int]], *, path: float = 0.0) -> Candidate:
    words = tuple(text.split())
    return Candidate(
        kind, words, 0.6, path, tuple(text.replace(" ", "")), tuple(spans), tuple(len(word) for word in words)
    )


def test_what_is_said_behind_a_grammars_answer_is_kept() -> None:
    """A grammar takes it for silence; as measured in "forty a month sports"."""
    free = timed(Kind.DOMAIN, "forty a month sports", [(41, 90), (91, 96), (97, 133), (134, 223)])
    grammar = timed(Kind.GRAMMAR, "forty a month", [(43, 90), (91, 96), (97, 134)], path=4.0)

    assert choose([free, grammar]) is grammar
    assert beyond(grammar, free) == 1


def test_a_breath_behind_a_grammars_answer_is_not_a_word() -> None:
    free = timed(Kind.DOMAIN, "forty a month the", [(41, 90), (91, 96), (97, 133), (134, 150)])
    grammar = timed(Kind.GRAMMAR, "forty a month", [(43, 90), (91, 96), (97, 134)])

    assert beyond(grammar, free) == 0


def test_rubbish_that_ends_early_is_not_believed_for_what_follows_it() -> None:
    """Only what both decodes cover tells whether they heard the same."""
    later = [(222, 289), (290, 314), (315, 342)]
    heard = [(51, 69), (70, 116), (117, 119), (120, 142), (143, 167)]
    free = timed(Kind.DOMAIN, "no my email is example dot net", [(46, 59), (60, 93), (94, 153), (154, 166), *later])
    grammar = timed(Kind.GRAMMAR, "um fine i am please", heard, path=4.0)

    assert choose([free, grammar]) is free
