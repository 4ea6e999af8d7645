"""Builds what a decoder process loads: trigram, trimmed dictionary, grammars; cached by content.

One folder for each content: `<state_dir>/asr/<hash>/`. It is written beside and renamed, so a reader never
sees half of it, and several replicas may build at once. Building takes about a second, loading 15 ms
(measured: the full dictionary and a text model would take 1.3-3 s and 47 MB for each decoder).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import msgspec
import pocketsphinx
import structlog
from holdfast_common.errors import EngineUnavailable
from holdfast_common.made_folder import made_once
from holdfast_common.profile import Article, Profile
from pocketsphinx.lm import ArpaBoLM

from holdfast_asr.domain.caller_language import CallerData
from holdfast_asr.domain.corpus import MODELS, Corpus, build_corpus
from holdfast_asr.domain.grammars import complete, words_in
from holdfast_asr.domain.lexicon import Lexicon, parse_dictionary, trim

log = structlog.get_logger()

FACTS = "facts.json"
DICTIONARY = "domain.dict"
FORM = "5"
"""Raise when the way of building changes: older caches are then left alone."""
DISCOUNT_MASS = 0.4


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A built model on disk."""

    folder: Path
    words: int
    missing: tuple[str, ...]
    """Words of the corpus that have no pronunciation and so cannot be recognised."""


class _Facts(msgspec.Struct, frozen=True):
    words: int
    missing: list[str]


def general_dictionary() -> Path:
    """cmudict as the recogniser's package brings it (134,860 lines)."""
    return Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))


def build_lexicon(profile: Profile, corpora: Iterable[Corpus], data: CallerData) -> Lexicon:
    """The dictionary for the corpora and the grammars' words; says what it lacks."""
    known = parse_dictionary(general_dictionary().read_text("utf-8").splitlines())
    wanted = {*data.first, *data.last, *data.domain}
    wanted.update(*(corpus.vocabulary for corpus in corpora))
    wanted.update(*(words_in(text) for text in complete(data.grammars).values()))
    return trim(known, profile.speech.pronunciations, wanted)


def prepare_model(profile: Profile, articles: Sequence[Article], data: CallerData, cache: Path) -> ModelFiles:
    """The model for this profile: from the cache, or built now. Raises EngineUnavailable."""
    corpora = {name: build_corpus(profile, articles, data, name) for name in MODELS}
    grammars = complete(data.grammars)
    digest = hashlib.blake2b(digest_size=12)
    parts = [FORM, version("pocketsphinx"), *grammars.values(), *data.first, *data.last, *data.domain]
    for part in (*parts, *(sentence for corpus in corpora.values() for sentence in corpus.sentences)):
        digest.update(part.encode() + b"\n")
    digest.update(msgspec.json.encode(profile.speech.pronunciations, order="sorted"))
    folder = cache / digest.hexdigest()
    try:

        def build(making: Path) -> None:
            _build(making, corpora, build_lexicon(profile, corpora.values(), data), grammars)

        made_once(folder, FACTS, build)
        facts = msgspec.json.decode((folder / FACTS).read_bytes(), type=_Facts)
    except (OSError, RuntimeError, msgspec.MsgspecError) as error:
        raise EngineUnavailable(f"pocketsphinx: language model in {folder}: {error}") from error
    return ModelFiles(folder, facts.words, tuple(facts.missing))


def _build(folder: Path, corpora: Mapping[str, Corpus], lexicon: Lexicon, grammars: Mapping[str, str]) -> None:
    for name, corpus in corpora.items():
        _write_trigram(corpus, lexicon, folder / f"{name}.lm.bin")
    (folder / DICTIONARY).write_text("\n".join(lexicon.lines()) + "\n", "utf-8")
    for name, text in grammars.items():
        if lost := words_in(text) - set(lexicon.entries):
            log.warning("grammar_left_out", grammar=name, words_without_pronunciation=len(lost))
        else:
            (folder / f"{name}.gram").write_text(text, "utf-8")
    (folder / FACTS).write_bytes(msgspec.json.encode(_Facts(len(lexicon.entries), list(lexicon.missing))))
    log.info("language_model_built", words=len(lexicon.entries))


def _write_trigram(corpus: Corpus, lexicon: Lexicon, path: Path) -> None:
    lines = (" ".join(word for word in sentence.split() if word in lexicon) for sentence in corpus.sentences)
    arpa = ArpaBoLM(text="\n".join(f"<s> {line} </s>" for line in lines if line), discount_mass=DISCOUNT_MASS)
    arpa.compute()  # without it an empty model is written, and no error
    text_form = path.with_suffix(".arpa")
    arpa.write_file(str(text_form))
    model = pocketsphinx.NGramModel(pocketsphinx.Config(loglevel="FATAL"), pocketsphinx.LogMath(), str(text_form))
    model.write(str(path), pocketsphinx.NGramModel.str_to_type("bin"))
    text_form.unlink()
