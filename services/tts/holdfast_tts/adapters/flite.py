"""flite (CMU, BSD-like licence) by ctypes: clear on the phone, needs the system library libflite.

A voice's `streaming_info` feature has the synthesiser call back with each stretch of samples, so
first audio comes before the sentence is done, and answering STOP ends it. At the first call the
utterance already knows the end of every sound, hence every word's time. The noise in its excitation
comes from `rand()`, seeded before each run: two replicas make the same audio, so one can go on
where another broke off. flite answers a feature read as the wrong type with exit(), so only
features of known types are read.
"""

from __future__ import annotations

import ctypes
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from holdfast_common.errors import EngineUnavailable
from holdfast_common.pcm import Samples

from holdfast_tts.adapters import flite_library as library
from holdfast_tts.domain.timings import Span
from holdfast_tts.ports import Emit, Piece, Run

VOICES = ("rms", "slt", "awb", "kal16", "kal")
FIRST_PIECE = 400
LATER_PIECES = 1_600
"""Samples between calls back: 25 ms at first, then 100 ms."""

_WORD_START = b"R:SylStructure.daughter1.daughter1.R:Segment.p.end"
_WORD_END = b"R:SylStructure.daughtern.daughtern.R:Segment.end"
_PUNCTUATION = "\"'`.,:;!?(){}[]"
_PAUSES = ",.:;!?"
_ASCII = str.maketrans(
    {
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT DOUBLE QUOTATION MARK}": '"',
        "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
        "\N{EM DASH}": ",",
        "\N{EN DASH}": ",",
        "\N{HORIZONTAL ELLIPSIS}": ".",
    }
)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A registered voice."""

    handle: int
    features: int
    rate_hz: int
    streaming: ctypes._Pointer[library.Streaming]


_VOICES_OF_PROCESS: dict[str, _Loaded] = {}
"""The C library has one of each voice per process, so has this module."""
_ONE_AT_A_TIME = threading.RLock()
"""Normally free: there is one voice thread. Two instances in one process (tests, benches) take turns."""


class Flite:
    """The voices whose libraries are there, each loaded when it is first used (10 MB, some ms)."""

    name = "flite"
    whole_runs = False

    def __init__(self, *, default: str = "rms", folder: Path | None = None) -> None:
        self._folder = folder
        self._lib = library.open_flite(folder)
        with _ONE_AT_A_TIME:
            self._lib.flite_init()
        self._seed: Callable[[int], None] = getattr(ctypes.CDLL(None), "srand", lambda _: None)
        there = library.voices_beside(self._lib, VOICES, folder)
        self.voices = tuple(voice for voice in VOICES if voice in there)
        """Those whose libraries are on this machine."""
        self._default = next((voice for voice in (default, *VOICES) if voice in there), "")
        if not self._default:
            raise EngineUnavailable(f"flite: no voice of {', '.join(VOICES)} found, `make system` installs them")
        self.version = "2"

    def resolve(self, voice: str, language: str) -> str:
        return voice if voice in self.voices else self._default

    def rate_hz(self, voice: str) -> int:
        return self._load(voice).rate_hz

    def speak(self, run: Run, emit: Emit) -> None:
        told = _tokens(run.words)
        if not told:
            return
        voice = self._load(run.voice)
        heard = _Listener(self._word_times, list(told), voice.rate_hz, emit)
        with _ONE_AT_A_TIME:
            try:
                self._synthesise(" ".join(told.values()), voice, heard, run.speed)
            finally:
                # The voice would hold the whole way out of the last sentence, and the listener itself.
                voice.streaming.contents.on_samples = _NOBODY
                del heard.callback
        if heard.error is not None:
            raise heard.error

    def _synthesise(self, text: str, voice: _Loaded, heard: _Listener, speed: float) -> None:
        voice.streaming.contents.on_samples = heard.callback
        voice.streaming.contents.min_buffsize = FIRST_PIECE
        self._lib.flite_feat_set_float(voice.features, b"duration_stretch", 1.0 / speed)
        self._seed(1)
        utterance = self._lib.flite_synth_text(text.encode("ascii"), voice.handle)
        if not utterance:
            raise EngineUnavailable("flite: no utterance came of the text")
        self._lib.delete_utterance(utterance)

    def _word_times(self, utterance: int) -> Iterator[tuple[int, float, float]]:
        """(word counted by white space, start s, end s) of every sounding word of the utterance."""
        lib = self._lib
        token = lib.relation_head(lib.utt_relation(utterance, b"Token"))
        index = -1
        while token:
            # A token without white space before it is the rest of the one before.
            if index < 0 or lib.ffeature_string(token, b"whitespace"):
                index += 1
            word = lib.item_daughter(token)
            while word:
                end = lib.ffeature_float(word, _WORD_END)
                if end > 0:
                    yield index, lib.ffeature_float(word, _WORD_START), end
                word = lib.item_next(word)
            token = lib.item_next(token)

    def _load(self, name: str) -> _Loaded:
        with _ONE_AT_A_TIME:
            if name not in _VOICES_OF_PROCESS:
                _VOICES_OF_PROCESS[name] = self._register(name)
            return _VOICES_OF_PROCESS[name]

    def _register(self, name: str) -> _Loaded:
        handle = library.register(name, self._folder)
        features = library.features_of(handle)
        streaming = self._lib.new_audio_streaming_info()
        # Owned by the voice from here, and the voice lives as long as the process.
        self._lib.flite_feat_set(features, b"streaming_info", self._lib.audio_streaming_info_val(streaming))
        rate_hz = self._lib.flite_get_param_int(features, b"sample_rate", 16_000)
        return _Loaded(handle, features, rate_hz, streaming)


class _Listener:
    """The call back of one run: reads the word times once, then passes the samples on."""

    def __init__(
        self, times: Callable[[int], Iterator[tuple[int, float, float]]], told: list[int], rate_hz: int, emit: Emit
    ) -> None:
        self._times = times
        self._told = told
        self._rate = rate_hz
        self._emit = emit
        self.error: BaseException | None = None
        self.callback = library.OnSamples(self._on_samples)

    def _on_samples(
        self,
        wave: ctypes._Pointer[library.Wave],
        start: int,
        size: int,
        _last: int,
        streaming: ctypes._Pointer[library.Streaming],
    ) -> int:
        """What raises here would be printed and forgotten by ctypes, so it is kept."""
        try:
            words = self._words(streaming.contents.utterance) if start == 0 else None
            if size <= 0 and words is None:
                return library.CONTINUE
            everything: Samples = np.ctypeslib.as_array(wave.contents.samples, (start + size,))
            wanted = self._emit(Piece(everything[start:], words))
            if start > 0:
                streaming.contents.min_buffsize = LATER_PIECES
        except BaseException as error:  # noqa: BLE001 - raised again by speak()
            self.error = error
            return library.STOP
        return library.CONTINUE if wanted else library.STOP

    def _words(self, utterance: int) -> tuple[Span, ...]:
        return tuple(
            Span(self._told[index], round(start * self._rate), round(end * self._rate))
            for index, start, end in self._times(utterance)
            if index < len(self._told)
        )


@library.OnSamples
def _NOBODY(*_: object) -> int:  # noqa: N802 - stands where a call back stands
    return library.STOP


def _tokens(words: Sequence[str]) -> dict[int, str]:
    """What flite is told for which word: each one token of its own, whatever it holds.

    flite drops tokens of punctuation alone without a trace, so those become a comma at the word before.
    """
    told: dict[int, str] = {}
    for index, word in enumerate(words):
        text = _plain(word)
        if text.strip(_PUNCTUATION):
            told[index] = text
        elif told and set(text) & set(_PAUSES):
            before = next(reversed(told))
            if told[before][-1] not in _PAUSES:
                told[before] += ","
    return told


def _plain(word: str) -> str:
    """flite reads ASCII: accents are taken off, quotes straightened, everything else left out."""
    decomposed = unicodedata.normalize("NFKD", word.translate(_ASCII))
    return "".join(c for c in decomposed if " " < c <= "~")
