"""Text, dictionary and language: pure parts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml
from holdfast_asr.adapters.caller_data import load_caller_data
from holdfast_asr.domain.agreement import stable_words
from holdfast_asr.domain.caller_language import caller_sentences, parse_classes, parse_topics
from holdfast_asr.domain.corpus import MODELS, build_corpus
from holdfast_asr.domain.grammars import complete, words_in
from holdfast_asr.domain.lexicon import bad_pronunciations, parse_dictionary, trim
from holdfast_asr.domain.words import normalise
from holdfast_common.profile import load_articles, load_profile

ROOT = Path(__file__).parents[3]
PROFILE = ROOT / "profiles" / "trial_success"


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Does it work with 2FA?", "does it work with two fa"),
        ("1,500 documents on the 3rd", "one thousand five hundred documents on the third"),
        ("The client\u2019s e-mail", "the client's email"),
        ("twenty-one", "twenty one"),
        ("'quoted'", "quoted"),
        ("!?", ""),
    ],
)
def test_text_becomes_what_is_spoken(written: str, spoken: str) -> None:
    assert normalise(written) == spoken


def test_a_word_made_of_two_known_ones_is_said_like_them() -> None:
    """Names like these are in no dictionary; too short a part proves nothing."""
    known = parse_dictionary(["north N AO R TH", "wind W AY N D", "wind(2) W IH N D", "is IH Z", "sue S UW"])

    lexicon = trim(known, {}, ["northwind", "issue"])

    assert lexicon.entries == {"northwind": ["N AO R TH W AY N D", "N AO R TH W IH N D"]}
    assert lexicon.missing == ("issue",)


def test_words_without_a_pronunciation_are_listed_and_not_dropped_in_silence() -> None:
    known = parse_dictionary(["dot D AA T", "a AH", "a(2) EY"])

    lexicon = trim(known, {"hubspot": "HH AH B S P AA T"}, ["dot", "a", "hubspot", "zapier"])

    assert lexicon.missing == ("zapier",)
    assert lexicon.lines() == ["a AH", "a(2) EY", "dot D AA T", "hubspot HH AH B S P AA T"]


def test_the_profiles_own_pronunciation_comes_first_and_the_general_one_stays() -> None:
    lexicon = trim({"scim": ["S IH M"]}, {"scim": ["S K IH M"]}, ["scim"])

    assert lexicon.entries["scim"] == ["S K IH M", "S IH M"]


def test_a_pronunciation_with_unknown_phones_is_a_problem() -> None:
    problems = bad_pronunciations({"okta": "AA K T AH", "zoho": ["Z OW HO"], "empty": ""})

    assert len(problems) == 2
    assert "HO" in problems[0]


def test_templates_give_every_slot_and_the_same_sentences_each_time() -> None:
    data = load_caller_data()

    sentences = caller_sentences(data)

    assert sentences == caller_sentences(data)
    assert not [s for s in sentences if "{" in s or not re.fullmatch(r"[a-z' -]+", s)]
    heard = set(" ".join(sentences).split())
    assert set(data.first) <= heard
    assert set(data.domain) <= heard


def test_topics_and_classes_are_read_from_plain_text() -> None:
    topics = parse_topics("# no\n[hello 2]\nhi {who}\nhey\n")
    classes = parse_classes("# no\nwho: you | all of\n  you\n")

    assert [(t.name, t.each, t.templates) for t in topics] == [("hello", 2, ("hi {who}", "hey"))]
    assert classes == {"who": ("you", "all of you")}


def test_every_word_of_a_grammar_can_be_pronounced_by_the_general_dictionary() -> None:
    pytest.importorskip("pocketsphinx")
    from holdfast_asr.adapters.pocketsphinx_model import general_dictionary

    known = parse_dictionary(general_dictionary().read_text("utf-8").splitlines())

    for name, text in complete(load_caller_data().grammars).items():
        assert not words_in(text) - set(known), name


def test_the_language_model_knows_none_of_the_sentences_it_is_measured_with() -> None:
    """Otherwise the measured word errors would say nothing."""
    lines = [row.split("\t") for row in (ROOT / "bench" / "asr_sentences.txt").read_text("utf-8").splitlines()]
    measured = {row[2] for row in lines if len(row) == 3 and len(row[2].split()) > 4}
    profile, articles = load_profile(PROFILE), load_articles(PROFILE)

    known = {s for name in MODELS for s in build_corpus(profile, articles, load_caller_data(), name).sentences}

    assert not measured & known


def test_words_are_stable_as_far_as_two_guesses_agree() -> None:
    assert stable_words([], ["how"]) == 0
    assert stable_words(["how", "lung"], ["how", "long", "is"]) == 1
    assert stable_words(["how", "long"], ["how", "long", "is"]) == 2


def test_the_language_model_has_none_of_the_demos_lines() -> None:
    """Not even inside another sentence. Answers of one to three words ("yes please", "google drive") are anybody's."""
    spoken = yaml.safe_load((ROOT / "demo" / "lines.yaml").read_text("utf-8")).values()
    lines = [f" {line} " for line in map(normalise, spoken) if len(line.split()) > 3]
    profile, articles = load_profile(PROFILE), load_articles(PROFILE)

    known = {f" {s} " for name in MODELS for s in build_corpus(profile, articles, load_caller_data(), name).sentences}

    assert lines
    assert not [line for line in lines if any(line in sentence for sentence in known)]


@pytest.mark.parametrize("size", [4, 5])
def test_the_templates_know_the_measured_scenarios_no_better_than_others(size: int) -> None:
    """The calls of the corpus are measured by voice, our own are not: lines taken apart into templates would show.

    The share of their word sequences that the templates contain is that of everyday English (5 % of four words, 2 %
    of five). Templates made from the lines, though none was whole, had 17 and 9 % of the corpus, 9 and 4 % of ours.
    """
    known = _sequences(caller_sentences(load_caller_data()), size)
    measured = _sequences(_scenario_lines("corpus"), size)
    control = _sequences(_scenario_lines("own"), size)

    expected = len(control & known) / len(control)

    assert min(len(measured), len(control)) > 500
    assert len(measured & known) / len(measured) <= 1.25 * expected
    assert expected <= {4: 0.075, 5: 0.035}[size]


def _scenario_lines(folder: str) -> list[str]:
    files = sorted((ROOT / "tests" / "scenarios" / folder).glob("*.yaml"))
    callers = [yaml.safe_load(file.read_text("utf-8"))["caller"] for file in files]
    return [normalise(str(line.get("say", ""))) for caller in callers for line in caller["lines"]]


def _sequences(sentences: Iterable[str], size: int) -> set[tuple[str, ...]]:
    """Every run of so many words."""
    lines = [sentence.split() for sentence in sentences]
    return {tuple(line[at : at + size]) for line in lines for at in range(len(line) - size + 1)}
