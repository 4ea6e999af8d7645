"""espeak-ng (GPL-3.0-or-later) by ctypes, from the espeakng-loader wheel: robotic, quick, always there.

One synthesiser per process with global state: used on the voice thread only. It tells the start of
most words in samples; a run is so quick (milliseconds) that it is collected whole, so that the
words' times go out before the audio.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from bisect import bisect_right
from ctypes import CFUNCTYPE, POINTER, Structure, c_char, c_char_p, c_int, c_short, c_size_t, c_uint, c_void_p

import numpy as np
from holdfast_common.errors import EngineUnavailable
from holdfast_common.pcm import Samples

from holdfast_tts.domain.timings import Span
from holdfast_tts.ports import Emit, Piece, Run

NORMAL_WPM = 165
"""Words a minute at speed 1.0; espeak's own 175 is hurried on the phone."""
BUFFER_MS = 60

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_RATE = 1
_LIST_END, _WORD, _CLAUSE_END = 0, 1, 5
"""Types of events."""
_VARIANTS = frozenset(f"{sex}{n}" for sex, most in (("m", 8), ("f", 5)) for n in range(1, most + 1))


class _Event(Structure):
    _fields_ = (
        ("type", c_int),
        ("unique_identifier", c_uint),
        ("text_position", c_int),
        ("length", c_int),
        ("audio_position", c_int),
        ("sample", c_int),
        ("user_data", c_void_p),
        ("id", c_char * 8),
    )


class _VoiceEntry(Structure):
    """The beginning of espeak_VOICE; always behind a pointer, so the rest need not be told."""

    _fields_ = (("name", c_char_p), ("languages", c_char_p), ("identifier", c_char_p))


_ONE_AT_A_TIME = threading.Lock()
"""espeak has global state. Normally free: there is one voice thread."""
_OnSamples = CFUNCTYPE(c_int, POINTER(c_short), c_int, POINTER(_Event))


class Espeak:
    """All of espeak's voices and languages; `default` for English."""

    name = "espeak"
    whole_runs = False

    def __init__(self, *, default: str = "en-us") -> None:
        with _ONE_AT_A_TIME:
            self._lib, self._rate, self._names = _start()
        self._default = default if self._has(default) else "en-us"
        self.version = f"{self._lib.espeak_Info(None).decode()} {self._default} {NORMAL_WPM}"

    def resolve(self, voice: str, language: str) -> str:
        if voice and self._has(voice):
            return voice
        if language.lower().startswith("en") or not self._has(language):
            return self._default
        return language

    def rate_hz(self, voice: str) -> int:
        return self._rate

    def speak(self, run: Run, emit: Emit) -> None:
        heard = _Listener(emit)
        text = " ".join(run.words).encode()
        with _ONE_AT_A_TIME:
            if self._lib.espeak_SetVoiceByName(run.voice.encode()):
                raise EngineUnavailable(f"espeak: voice {run.voice!r} does not load")
            self._lib.espeak_SetParameter(_RATE, round(NORMAL_WPM * run.speed), 0)
            self._lib.espeak_SetSynthCallback(heard.callback)
            code = self._lib.espeak_Synth(text, len(text) + 1, 0, 0, 0, _CHARS_UTF8, None, None)
            self._lib.espeak_SetSynthCallback(None)
            del heard.callback  # it holds the listener, which holds the whole way out
        if code:
            raise EngineUnavailable(f"espeak: synthesis failed with code {code}")
        if heard.wanted and heard.pieces:
            samples = np.concatenate(heard.pieces)
            emit(Piece(samples, _spans(run.words, heard.starts, heard.ends, len(samples))))

    def _has(self, voice: str) -> bool:
        """A language, or a voice by name; `+f3` and the like choose a variant of it."""
        base, _, variant = voice.partition("+")
        return base.lower() in self._names and (not variant or variant in _VARIANTS)


class _Listener:
    """The call back of one run: collects its samples and the places of its words."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self.wanted = True
        self.pieces: list[Samples] = []
        self.starts: list[tuple[int, int]] = []
        """(character, sample) of each word that was told."""
        self.ends: list[int] = []
        """Samples at which a clause ended."""
        self.callback = _OnSamples(self._on_samples)

    def _on_samples(self, wave: ctypes._Pointer[c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
        if wave and count > 0:
            self.pieces.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while events[index].type != _LIST_END:
            event = events[index]
            if event.type == _WORD:
                self.starts.append((event.text_position - 1, event.sample))
            elif event.type == _CLAUSE_END:
                self.ends.append(event.sample)
            index += 1
        # An empty piece asks: does anybody still want it?
        self.wanted = self._emit(Piece(np.zeros(0, dtype=np.int16)))
        return 0 if self.wanted else 1


@functools.cache
def _start() -> tuple[ctypes.CDLL, int, frozenset[str]]:
    """Start espeak once in this process: its library, sample rate, and the lower-case names of voices and languages."""
    try:
        import espeakng_loader  # noqa: PLC0415 - optional: only where it is used

        lib = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path()
    except (ImportError, OSError) as error:
        raise EngineUnavailable(f"espeak: {error}; `pip install espeakng-loader` brings it") from error
    lib.espeak_Synth.argtypes = (c_char_p, c_size_t, c_uint, c_int, c_uint, c_uint, POINTER(c_uint), c_void_p)
    lib.espeak_SetVoiceByName.argtypes = (c_char_p,)
    lib.espeak_Info.restype = c_char_p
    lib.espeak_ListVoices.restype = POINTER(POINTER(_VoiceEntry))
    rate_hz = lib.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, BUFFER_MS, str(data).encode(), _DONT_EXIT)
    if rate_hz <= 0:
        raise EngineUnavailable(f"espeak: cannot start with the data in {data}")
    names: set[str] = set()
    voices = lib.espeak_ListVoices(None)
    index = 0
    while voices[index]:
        voice = voices[index].contents
        # `languages` begins with one byte of priority.
        names |= {voice.name.decode().lower(), voice.languages[1:].decode().lower()}
        index += 1
    return lib, rate_hz, frozenset(names)


def _spans(words: tuple[str, ...], starts: list[tuple[int, int]], ends: list[int], total: int) -> tuple[Span, ...]:
    """Word times from (character, sample) starts: a word lasts until the next start or clause end."""
    offsets: list[int] = []
    position = 0
    for word in words:
        offsets.append(position)
        position += len(word) + 1
    borders = sorted({sample for _, sample in starts} | set(ends) | {total})
    spans: list[Span] = []
    for character, sample in starts:
        after = bisect_right(borders, sample)
        end = borders[after] if after < len(borders) else total
        spans.append(Span(max(0, bisect_right(offsets, character) - 1), sample, end))
    return tuple(spans)
