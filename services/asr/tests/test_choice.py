"""Which decode is believed, and how much."""

from __future__ import annotations

from holdfast_asr.domain.choice import Candidate, Kind, choose, confidence, favour, needs_generic


def candidate(kind: Kind, text: str, *, posterior: float = 0.9, score: float = -100.0) -> Candidate:
    return Candidate(kind, tuple(text.split()), posterior, score)


def test_a_grammar_that_fits_the_sound_nearly_as_well_wins() -> None:
    free = candidate(Kind.DOMAIN, "could we meet on thursday yet quarter past vat")
    grammar = candidate(Kind.GRAMMAR, "could we meet on thursday at quarter past five", score=-100.1)

    assert choose([free, grammar]) is grammar


def test_an_answer_outside_the_grammar_is_not_forced_into_it() -> None:
    free = candidate(Kind.DOMAIN, "how long is the trial")
    grammar = candidate(Kind.GRAMMAR, "only two of us", score=-1_000.0)

    assert choose([free, grammar]) is free


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
    for other in (candidate(Kind.GRAMMAR, "yes"), candidate(Kind.GENERIC, "yes", score=-1.0), free):
        assert 0 < confidence(other, free) <= 1


def test_hints_choose_among_nearly_equal_paths() -> None:
    """A known caller's own name beats a name that sounds like it; paths of another length are left alone."""
    heard = ("david", "dot", "miller", "at", "north", "wind")
    paths = [("david", "dot", "miller", "at", "north", "with"), ("dana", "dot", "miller", "at", "north", "wind")]

    assert favour(heard, paths, frozenset({"dana", "miller"})) == paths[1]
    assert favour(heard, [("dana", "miller")], frozenset({"dana", "miller"})) == heard
    assert favour(heard, paths, frozenset({"priya"})) == heard
