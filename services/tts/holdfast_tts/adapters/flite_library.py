"""Finding and describing flite's C library: where it lies, its structures, the functions that are used.

Everything here is flite's public C API as of 2.0 to 2.2 (flite.h, cst_audio.h, cst_wave.h, cst_voice.h).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_float, c_int, c_short, c_void_p
from pathlib import Path

from holdfast_common.errors import EngineUnavailable

CONTINUE, STOP = 0, -1
"""What a call back answers."""

_SUFFIX = ".1.dylib" if sys.platform == "darwin" else ".so.1"
_WHERE = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/local/lib", "/opt/homebrew/lib")


class Wave(Structure):
    _fields_ = (
        ("type", c_char_p),
        ("sample_rate", c_int),
        ("num_samples", c_int),
        ("num_channels", c_int),
        ("samples", POINTER(c_short)),
    )


class Streaming(Structure):
    """cst_audio_streaming_info: who is called back, and with what."""


OnSamples = CFUNCTYPE(c_int, POINTER(Wave), c_int, c_int, c_int, POINTER(Streaming))
Streaming._fields_ = (
    ("min_buffsize", c_int),
    ("on_samples", OnSamples),
    ("utterance", c_void_p),
    ("item", c_void_p),
    ("userdata", c_void_p),
)


class Voice(Structure):
    """The beginning of cst_voice."""

    _fields_ = (("name", c_char_p), ("features", c_void_p))


class _DlInfo(Structure):
    _fields_ = (("file", c_char_p), ("base", c_void_p), ("symbol", c_char_p), ("address", c_void_p))


_SIGNATURES: dict[str, tuple[object, tuple[object, ...]]] = {
    "flite_init": (c_int, ()),
    "flite_synth_text": (c_void_p, (c_char_p, c_void_p)),
    "flite_feat_set": (None, (c_void_p, c_char_p, c_void_p)),
    "flite_feat_set_float": (None, (c_void_p, c_char_p, c_float)),
    "flite_get_param_int": (c_int, (c_void_p, c_char_p, c_int)),
    "new_audio_streaming_info": (POINTER(Streaming), ()),
    "audio_streaming_info_val": (c_void_p, (POINTER(Streaming),)),
    "delete_utterance": (None, (c_void_p,)),
    "utt_relation": (c_void_p, (c_void_p, c_char_p)),
    "relation_head": (c_void_p, (c_void_p,)),
    "item_next": (c_void_p, (c_void_p,)),
    "item_daughter": (c_void_p, (c_void_p,)),
    "ffeature_string": (c_char_p, (c_void_p, c_char_p)),
    "ffeature_float": (c_float, (c_void_p, c_char_p)),
}


def open_flite(folder: Path | None) -> ctypes.CDLL:
    """libflite with its English; raises EngineUnavailable saying what to install.

    Symbols are loaded for everybody: voices look the languages' up there.
    """
    library = _open("libflite", folder)
    for language in ("libflite_cmulex", "libflite_usenglish"):
        _open(language, folder)
    for function, (result, arguments) in _SIGNATURES.items():
        try:
            entry = getattr(library, function)
        except AttributeError as error:
            raise EngineUnavailable(f"flite: library without {function} (version 2.0 or newer wanted)") from error
        entry.restype, entry.argtypes = result, arguments
    return library


def voices_beside(library: ctypes.CDLL, names: tuple[str, ...], folder: Path | None) -> frozenset[str]:
    """Which voices' libraries lie in the folder that libflite was loaded from; opens none of them."""
    info = _DlInfo()
    address = ctypes.cast(library.flite_init, c_void_p)
    ctypes.CDLL(None).dladdr(address, ctypes.byref(info))
    places = [Path((info.file or b"").decode()).parent, *([folder] if folder else []), *map(Path, _WHERE)]
    return frozenset(n for n in names if any((place / f"libflite_cmu_us_{n}{_SUFFIX}").exists() for place in places))


def register(name: str, folder: Path | None) -> int:
    """Load a voice; the pointer to its cst_voice. Raises EngineUnavailable."""
    entry = getattr(_open(f"libflite_cmu_us_{name}", folder), f"register_cmu_us_{name}", None)
    if entry is None:
        raise EngineUnavailable(f"flite: the library of voice {name} holds another voice")
    entry.restype, entry.argtypes = c_void_p, (c_char_p,)
    voice = entry(None)
    if not voice:
        raise EngineUnavailable(f"flite: voice {name} does not load")
    return voice


def features_of(voice: int) -> int:
    """The voice's features: settings that every utterance starts from."""
    return ctypes.cast(voice, POINTER(Voice)).contents.features


def _open(library: str, folder: Path | None) -> ctypes.CDLL:
    """By the set folder, by the system's search path, in the usual places, and last by asking the compiler's
    tools (`find_library`: slow, it starts processes)."""
    file = library + _SUFFIX
    places = [str(Path(place) / file) for place in _WHERE]
    for candidate in (*([str(folder / file)] if folder else []), file, *places):
        try:
            return ctypes.CDLL(candidate, mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue
    if found := ctypes.util.find_library(library.removeprefix("lib")):
        try:
            return ctypes.CDLL(found, mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            raise EngineUnavailable(f"flite: {found} does not load: {error}") from error
    raise EngineUnavailable(f"flite: {file} not found, `make system` installs it")
