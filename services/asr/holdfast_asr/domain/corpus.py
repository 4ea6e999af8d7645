"""The sentences of a company's language model: its knowledge, its own words, and how callers talk.

Pure text in, text out. Questions weigh more than answers (callers ask, they do not recite), so each is
in the text several times.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from holdfast_common.profile import Article, Profile

from holdfast_asr.domain.caller_language import CallerData, caller_sentences
from holdfast_asr.domain.words import normalise

QUESTION_WEIGHT = 4
ANSWER_WEIGHT = 1
OWN_SENTENCE_WEIGHT = 4
MODELS: dict[str, dict[str, int]] = {
    "domain": {},
    "details": {
        "details": 6,
        **dict.fromkeys(("greeting", "discovery", "booking", "frames", "strung", "private", "trouble"), 0),
    },
}
"""Language models by name, and by how much each topic of the caller language counts in them. `details`: addresses,
names, letters; measured on spoken addresses it makes a fifth fewer errors than `domain`, and a grammar of addresses
was no better at ten times the work."""
_SENTENCE_END = re.compile(r"(?<=[.?!;:])\s+")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Sentences in normal form, repeated by their weight."""

    sentences: tuple[str, ...]

    @property
    def vocabulary(self) -> frozenset[str]:
        return frozenset(word for sentence in self.sentences for word in sentence.split())


def build_corpus(profile: Profile, articles: Sequence[Article], data: CallerData, model: str = "domain") -> Corpus:
    """Everything that a caller of this company may be expected to say; `details`: only who they are."""
    weighted: list[tuple[Iterable[str], int]] = [(caller_sentences(data, MODELS[model]), 1)]
    if model == "details":
        return _normalised(weighted)
    for article in articles:
        weighted.append(((*article.questions, *article.phrasings, article.title), QUESTION_WEIGHT))
        weighted.append((_SENTENCE_END.split(article.answer), ANSWER_WEIGHT))
    own = (*profile.speech.sentences, *profile.speech.hints, profile.product, profile.company)
    weighted.append((own, OWN_SENTENCE_WEIGHT))
    weighted.append((profile.qualification.integrations_any_of, OWN_SENTENCE_WEIGHT))
    weighted.append((profile.qualification.needs_any_of, OWN_SENTENCE_WEIGHT))
    return _normalised(weighted)


def _normalised(weighted: Iterable[tuple[Iterable[str], int]]) -> Corpus:
    found: list[str] = []
    for sentences, weight in weighted:
        for sentence in sentences:
            if text := normalise(sentence):
                found += [text] * weight
    return Corpus(tuple(found))
