"""flite (CMU, BSD-like licence) by ctypes: clear on the phone, needs the system library libflite.

Everything is taken from flite's C API as of 2.0 to 2.2: a voice's `streaming_info` feature has the
synthesiser call back with each stretch of samples (so first audio comes before the sentence is
done, and returning STOP ends it), and at the first call the utterance already knows the end of
every sound, hence every word's time. The noise in its excitation comes from `rand()`, seeded
before each run: two replicas make the same audio, so one can go on where another broke off.
flite answers a wrong feature type with exit(), so only features of known types are read.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
import unicodedata
from collections.abc import Callable, Iterator
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_float, c_int, c_short, c_void_p
from pathlib import Path

import numpy as np
from holdfast_common.errors import EngineUnavailable
from holdfast_common.pcm import Samples

from holdfast_tts.domain.timings import Span
from holdfast_tts.ports import Emit, Piece, Run

VOICES = ("rms", "slt", "awb", "kal16", "kal")
FIRST_PIECE = 400
LATER_PIECES = 1_600
"""Samples between calls back: 25 ms until something is heard, then 100 ms."""

_CONTINUE, _STOP = 0, -1
_WHERE = ("/usr/lib", "/usr/local/lib", "/opt/homebrew/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu")
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


class _Wave(Structure):
    _fields_ = (
        ("type", c_char_p),
        ("sample_rate", c_int),
        ("num_samples", c_int),
        ("num_channels", c_int),
        ("samples", POINTER(c_short)),
    )


class _Streaming(Structure):
    pass


_OnSamples = CFUNCTYPE(c_int, POINTER(_Wave), c_int, c_int, c_int, POINTER(_Streaming))
_Streaming._fields_ = (
    ("min_buffsize", c_int),
    ("on_samples", _OnSamples),
    ("utterance", c_void_p),
    ("item", c_void_p),
    ("userdata", c_void_p),
)


class _Voice(Structure):
    _fields_ = (("name", c_char_p), ("features", c_void_p))


_SIGNATURES: dict[str, tuple[object, tuple[object, ...]]] = {
    "flite_init": (c_int, ()),
    "flite_synth_text": (c_void_p, (c_char_p, c_void_p)),
    "flite_feat_set": (None, (c_void_p, c_char_p, c_void_p)),
    "flite_feat_set_float": (None, (c_void_p, c_char_p, c_float)),
    "flite_get_param_int": (c_int, (c_void_p, c_char_p, c_int)),
    "new_audio_streaming_info": (POINTER(_Streaming), ()),
    "audio_streaming_info_val": (c_void_p, (POINTER(_Streaming),)),
    "delete_utterance": (None, (c_void_p,)),
    "utt_relation": (c_void_p, (c_void_p, c_char_p)),
    "relation_head": (c_void_p, (c_void_p,)),
    "item_next": (c_void_p, (c_void_p,)),
    "item_daughter": (c_void_p, (c_void_p,)),
    "ffeature_string": (c_char_p, (c_void_p, c_char_p)),
    "ffeature_float": (c_float, (c_void_p, c_char_p)),
}
_WORD_START = b"R:SylStructure.daughter1.daughter1.R:Segment.p.end"
_WORD_END = b"R:SylStructure.daughtern.daughtern.R:Segment.end"


class Flite:
    """The voices whose libraries are there; `default` (or the first one found) for every other wish."""

    name = "flite"

    def __init__(self, *, default: str = "rms", folder: Path | None = None) -> None:
        self._folder = folder
        self._lib = self._open("libflite")
        # The languages' symbols must be global before a voice is loaded: voices look theirs up there.
        self._keep = [self._open("libflite_cmulex"), self._open("libflite_usenglish")]
        for function, (result, arguments) in _SIGNATURES.items():
            try:
                entry = getattr(self._lib, function)
            except AttributeError as error:
                raise EngineUnavailable(f"flite: library without {function} (version 2.0 or newer wanted)") from error
            entry.restype, entry.argtypes = result, arguments
        self._lib.flite_init()
        self._seed: Callable[[int], None] = getattr(ctypes.CDLL(None), "srand", lambda _: None)
        self._voices: dict[str, int] = {}
        self._rates: dict[str, int] = {}
        for voice in VOICES:
            self._load(voice)
        self._default = next((voice for voice in (default, *VOICES) if voice in self._voices), "")
        if not self._default:
            raise EngineUnavailable(f"flite: no voice of {', '.join(VOICES)} found, `make system` installs them")
        self.version = self._lib._name

    def speaks(self, language: str) -> bool:
        return language.lower().startswith("en")

    def resolve(self, voice: str, language: str) -> str:
        return voice if voice in self._voices else self._default

    def rate_hz(self, voice: str) -> int:
        return self._rates[voice]

    def speak(self, run: Run, emit: Emit) -> None:
        texts = [_plain(word) for word in run.words]
        told = [index for index, text in enumerate(texts) if text]
        if not told:
            return
        voice = self._voices[run.voice]
        features = ctypes.cast(voice, POINTER(_Voice)).contents.features
        heard = _Listener(self._word_times, told, self._rates[run.voice], emit)
        streaming = self._lib.new_audio_streaming_info()
        streaming.contents.on_samples = heard.callback
        streaming.contents.min_buffsize = FIRST_PIECE
        # The voice owns it from here: setting the feature again frees the one before.
        self._lib.flite_feat_set(features, b"streaming_info", self._lib.audio_streaming_info_val(streaming))
        self._lib.flite_feat_set_float(features, b"duration_stretch", 1.0 / run.speed)
        self._seed(1)
        utterance = self._lib.flite_synth_text(" ".join(texts[i] for i in told).encode("ascii"), voice)
        if not utterance:
            raise EngineUnavailable(f"flite: voice {run.voice} gave nothing")
        self._lib.delete_utterance(utterance)
        if heard.error is not None:
            raise heard.error

    def _word_times(self, utterance: int) -> Iterator[tuple[int, float, float]]:
        """(word counted by white space, start s, end s) of every sounding word of the utterance."""
        lib = self._lib
        token = lib.relation_head(lib.utt_relation(utterance, b"Token"))
        index = -1
        while token:
            # A token without white space before it is the rest of the one before ("rock-'n'-roll").
            if index < 0 or lib.ffeature_string(token, b"whitespace"):
                index += 1
            word = lib.item_daughter(token)
            while word:
                end = lib.ffeature_float(word, _WORD_END)
                if end > 0:
                    yield index, lib.ffeature_float(word, _WORD_START), end
                word = lib.item_next(word)
            token = lib.item_next(token)

    def _load(self, voice: str) -> None:
        """Register the voice if its library is there: some milliseconds, its data stays on disk until used."""
        try:
            library = self._open(f"libflite_cmu_us_{voice}")
        except EngineUnavailable:
            return
        register = getattr(library, f"register_cmu_us_{voice}")
        register.restype, register.argtypes = c_void_p, (c_char_p,)
        handle = register(None)
        if not handle:
            return
        self._keep.append(library)
        self._voices[voice] = handle
        features = ctypes.cast(handle, POINTER(_Voice)).contents.features
        self._rates[voice] = self._lib.flite_get_param_int(features, b"sample_rate", 16_000)

    def _open(self, library: str) -> ctypes.CDLL:
        suffix = ".1.dylib" if sys.platform == "darwin" else ".so.1"
        file = library + suffix
        folders = [*([self._folder] if self._folder else []), *map(Path, _WHERE)]
        paths = [str(folder / file) for folder in folders if (folder / file).exists()]
        found = ctypes.util.find_library(library.removeprefix("lib"))
        for candidate in [*paths[: bool(self._folder)], file, *([found] if found else []), *paths]:
            try:
                return ctypes.CDLL(candidate, mode=ctypes.RTLD_GLOBAL)
            except OSError:
                continue
        raise EngineUnavailable(f"flite: {file} not found, `make system` installs it")


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
        self.callback = _OnSamples(self._on_samples)

    def _on_samples(
        self,
        wave: ctypes._Pointer[_Wave],
        start: int,
        size: int,
        _last: int,
        streaming: ctypes._Pointer[_Streaming],
    ) -> int:
        """What raises here would be printed and forgotten by ctypes, so it is kept."""
        try:
            words = self._words(streaming.contents.utterance) if start == 0 else None
            if size <= 0 and words is None:
                return _CONTINUE
            everything: Samples = np.ctypeslib.as_array(wave.contents.samples, (start + size,))
            wanted = self._emit(Piece(everything[start:], words))
            if start > 0:
                streaming.contents.min_buffsize = LATER_PIECES
        except BaseException as error:  # noqa: BLE001 - raised again by speak()
            self.error = error
            return _STOP
        return _CONTINUE if wanted else _STOP

    def _words(self, utterance: int) -> tuple[Span, ...]:
        return tuple(
            Span(self._told[index], round(start * self._rate), round(end * self._rate))
            for index, start, end in self._times(utterance)
            if index < len(self._told)
        )


def _plain(word: str) -> str:
    """flite reads ASCII: accents are taken off, quotes straightened, everything else left out."""
    decomposed = unicodedata.normalize("NFKD", word.translate(_ASCII))
    return "".join(c for c in decomposed if " " < c <= "~")
