"""Sound as numbers: mu-law of the telephone network, floats for arithmetic, levels.

Everywhere in Holdfast audio is mono signed 16-bit little-endian PCM in `bytes`; the telephone's
mu-law exists only at its socket. The tables are those of ITU-T G.711 (bias 33 on 14-bit
magnitudes, 8 segments of 16 steps), looked up with numpy; where the interpreter still brings
`audioop` (before 3.13, or by the package audioop-lts) that does the same in C, ten times as fast.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    try:
        import audioop
    except ImportError:
        audioop = None  # type: ignore[assignment]

Samples = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float32]

BYTES_PER_SAMPLE = 2
FULL_SCALE = 32_768
SILENCE_DBFS = -120.0
"""What `rms_dbfs` says of digital silence, and of nothing: finite, so that it can be averaged and written."""

ULAW_SILENCE = 0xFF
"""The mu-law byte of sample 0."""

_PCM = np.dtype("<i2")
_CLIP_14 = 8_159
_BIAS_14 = 0x21


def _encode_table() -> npt.NDArray[np.uint8]:
    """The mu-law byte of each 16-bit pattern, read as unsigned."""
    linear = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 2
    mask = np.where(linear < 0, 0x7F, 0xFF)
    magnitude = np.minimum(np.abs(linear), _CLIP_14) + _BIAS_14
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    code = np.where(segment > 7, 0x7F, (segment << 4) | ((magnitude >> (segment + 1)) & 0x0F))
    return (code ^ mask).astype(np.uint8)


def _decode_table() -> npt.NDArray[np.int16]:
    """The sample of each mu-law byte."""
    inverted = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((inverted & 0x0F) << 3) + 0x84) << ((inverted & 0x70) >> 4)) - 0x84
    return np.where(inverted & 0x80, -magnitude, magnitude).astype(np.int16)


_ENCODE = _encode_table()
_DECODE = _decode_table().astype(_PCM)


def samples_of(pcm: bytes | bytearray | memoryview | npt.NDArray[Any]) -> Samples:
    """The samples of PCM without copying; raises ValueError for half a sample or another dtype."""
    if isinstance(pcm, np.ndarray):
        if pcm.dtype != np.int16:
            raise ValueError(f"PCM of dtype {pcm.dtype} (int16 wanted)")
        return pcm
    if len(pcm) % BYTES_PER_SAMPLE:
        raise ValueError(f"PCM of {len(pcm)} bytes (16-bit samples need an even number)")
    return np.frombuffer(pcm, dtype=_PCM)


def ulaw_encode(pcm: bytes | npt.NDArray[np.int16]) -> bytes:
    """G.711 mu-law of s16le PCM: one byte a sample, same rate."""
    if audioop is not None:
        return audioop.lin2ulaw(samples_of(pcm).tobytes(), BYTES_PER_SAMPLE)
    return _ENCODE.take(samples_of(pcm).view(np.uint16)).tobytes()


def ulaw_decode(ulaw: bytes) -> bytes:
    """s16le PCM of G.711 mu-law: two bytes for each byte, same rate."""
    if audioop is not None:
        return audioop.ulaw2lin(ulaw, BYTES_PER_SAMPLE)
    return _DECODE.take(np.frombuffer(ulaw, dtype=np.uint8)).tobytes()


def to_float(pcm: bytes | npt.NDArray[np.int16]) -> Floats:
    """Samples as float32 in [-1, 1)."""
    return samples_of(pcm).astype(np.float32) / np.float32(FULL_SCALE)


def from_float(signal: npt.NDArray[Any]) -> bytes:
    """s16le PCM of floats: rounded to the nearest step, clipped (never wrapped) outside [-1, 1)."""
    scaled = np.rint(np.asarray(signal, dtype=np.float64) * FULL_SCALE)
    return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(_PCM).tobytes()


def rms_dbfs(pcm: bytes | npt.NDArray[Any]) -> float:
    """Root mean square level in dB relative to full scale (a full-scale square wave is 0 dBFS).

    Takes s16 PCM or floats in [-1, 1]; at least `SILENCE_DBFS`.
    """
    is_float = isinstance(pcm, np.ndarray) and np.issubdtype(pcm.dtype, np.floating)
    signal = np.asarray(pcm if is_float else to_float(pcm), dtype=np.float64)  # type: ignore[arg-type]
    if signal.size == 0:
        return SILENCE_DBFS
    power = float(np.mean(np.square(signal)))
    return max(SILENCE_DBFS, 10 * float(np.log10(power))) if power > 0 else SILENCE_DBFS


def silence(samples: int) -> bytes:
    """That many samples of nothing."""
    return bytes(samples * BYTES_PER_SAMPLE)
