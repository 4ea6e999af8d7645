"""The decoders of one worker process: made when first needed, used by one utterance at a time, kept.

Settings were measured (bench/asr_words.py, figures in the README): `bestpath` gives word posteriors
for 0.001 RTF, `maxhmmpf` and `topn` halve the work without a measurable loss, `fwdflat` gains one to three
points for half as much work again and is left off.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pocketsphinx

from holdfast_asr.adapters.phone_front import Floats
from holdfast_asr.adapters.pocketsphinx_features import PRIOR_MEAN, Features
from holdfast_asr.adapters.pocketsphinx_model import DICTIONARY
from holdfast_asr.domain.choice import Candidate, Kind, favour

GENERIC = "generic"
ALTERNATIVES = 60
"""Paths that hints may choose from; further down they no longer sound like what was said."""
_CEPSTRA_AT_ONCE = 4
"""Five are still right; with ten in one call the binding (5.1.1) loses the utterance, with many it crashes."""


@dataclass(frozen=True, slots=True)
class Segment:
    word: str
    start_frame: int
    end_frame: int
    posterior: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """One decoder's result; frames of 10 ms."""

    candidate: Candidate
    segments: tuple[Segment, ...]


class Pass:
    """One decoder going once through one utterance."""

    def __init__(self, decoder: Any, name: str, kind: Kind) -> None:
        self.name = name
        self.decoder = decoder
        self.next_frame = 0
        """First frame that it has not seen."""
        self.kind = kind
        self._open = True
        decoder.set_cmn(PRIOR_MEAN)
        decoder.start_utt()

    def advance(self, features: Features, to_frame: int, mean: Floats) -> None:
        """Decode up to a frame, normalised by this cepstral mean."""
        frames = features.normalised(self.next_frame, to_frame, mean)
        for i in range(0, len(frames), _CEPSTRA_AT_ONCE):
            self.decoder.process_cep(frames[i : i + _CEPSTRA_AT_ONCE].tobytes(), False, False)
        self.next_frame = max(self.next_frame, to_frame)

    def advance_plain(self, pcm_16k: npt.NDArray[np.int16]) -> None:
        """Decode a whole utterance as it sounds, with the decoder's own features and its own mean."""
        self.decoder.process_raw(pcm_16k.tobytes(), False, True)

    def guess(self) -> str:
        hypothesis = self.decoder.hyp()
        return hypothesis.hypstr if hypothesis else ""

    def end(self, hints: frozenset[str] = frozenset()) -> Outcome:
        """The result; nothing more can be decoded in this pass. Hints choose among nearly equal paths."""
        self.close()
        hypothesis = self.decoder.hyp()
        found: list[Segment] = []
        for segment in self.decoder.seg() if hypothesis and hypothesis.hypstr else ():
            if segment.word[0] not in "<[(":  # sentence ends, silence, noises
                word = segment.word.partition("(")[0]
                found.append(Segment(word, segment.start_frame, segment.end_frame, min(1.0, float(segment.prob))))
        if not found or hypothesis.best_score <= 0:
            return Outcome(Candidate(self.kind, (), 0.0, -math.inf), ())
        posterior = 1.0 if self.kind is Kind.GRAMMAR else sum(s.posterior for s in found) / len(found)
        words = tuple(s.word for s in found)
        if hints and self.kind is not Kind.GRAMMAR:
            words = favour(words, self._alternatives(), hints)
            found = [replace(s, word=word) for s, word in zip(found, words, strict=True)]
        # The binding hands scores out of the logarithm's domain; we want them back in it.
        path = self.decoder.get_logmath().log(hypothesis.best_score) / max(1, self.decoder.n_frames())
        phones = [(self.decoder.lookup_word(word) or "").split() for word in words]
        candidate = Candidate(
            self.kind,
            words,
            posterior,
            path,
            tuple(phone for spoken in phones for phone in spoken),
            tuple((s.start_frame, s.end_frame) for s in found),
            tuple(map(len, phones)),
        )
        return Outcome(candidate, tuple(found))

    def _alternatives(self) -> list[tuple[str, ...]]:
        """The next best paths through the word lattice, best first."""
        paths = islice(self.decoder.nbest(), ALTERNATIVES)
        return [tuple(path.hypstr.split()) for path in paths if path is not None]

    def close(self) -> None:
        if self._open:
            self._open = False
            self.decoder.end_utt()


class Decoders:
    """Lends decoders: for a language model of the profile, a grammar, or general English."""

    def __init__(self, folder: Path, *, loading: Callable[[float], None] = lambda patience_s: None) -> None:
        """`loading` is told, with a patience in seconds, before something that takes longer than a slice of audio."""
        self._folder = folder
        self.loading = loading
        self._idle: dict[tuple[Kind, str], list[Any]] = defaultdict(list)

    def has(self, name: str) -> bool:
        return (self._folder / f"{name}.gram").exists() or (self._folder / f"{name}.lm.bin").exists()

    def has_idle(self, name: str, kind: Kind) -> bool:
        """One can be lent without making it."""
        return bool(self._idle[kind, name])

    def stock(self, name: str, kind: Kind) -> None:
        """Make one ahead of need, if none is there."""
        if not self._idle[kind, name]:
            self._idle[kind, name].append(self._make(name, kind))

    def lend(self, name: str, kind: Kind) -> Pass:
        idle = self._idle[kind, name]
        decoder = idle.pop() if idle else self._make(name, kind)
        return Pass(decoder, name, kind)

    def take_back(self, used: Pass) -> None:
        used.close()
        self._idle[used.kind, used.name].append(used.decoder)

    def _make(self, name: str, kind: Kind) -> Any:
        settings: dict[str, Any] = {
            "cmn": "live",
            "fwdflat": False,
            "maxhmmpf": 3000,
            "topn": 2,
            "wip": 0.2,
            "loglevel": "FATAL",
            "dict": str(self._folder / DICTIONARY),
            "bestpath": kind is not Kind.GRAMMAR,
        }
        match kind:
            case Kind.DOMAIN | Kind.PLAIN:
                settings["cmn"] = "live" if kind is Kind.DOMAIN else "batch"
                settings["lm"] = str(self._folder / f"{name}.lm.bin")
            case Kind.GRAMMAR:
                self.loading(5.0)
                settings["jsgf"] = str(self._folder / f"{name}.gram")
            case Kind.GENERIC:
                self.loading(15.0)
                settings["dict"] = pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")
                settings["lm"] = pocketsphinx.get_model_path("en-us/en-us.lm.bin")
        return pocketsphinx.Decoder(pocketsphinx.Config(**settings))
