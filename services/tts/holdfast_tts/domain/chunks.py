"""Audio in messages: a short first one that leaves at once, longer ones after it; joined without a click."""

from __future__ import annotations

import numpy as np
from holdfast_common.pcm import BYTES_PER_SAMPLE, from_float, to_float

FADE_MS = 10
LONGEST = 4
"""Chunks grow to this many times their length as audio gets ahead: every message costs three processes a wake-up."""


class Cutter:
    """Cuts PCM into chunks of given lengths and knows the position of each.

    A chunk is as long as half of what was sent before it, at least `chunk_ms` and at most four times
    that: an engine that makes sound in two thirds of its time never lets the ear wait for one.
    `skip` samples of what is pushed are left out first; the sample after them has `position`. With
    `fade` the first 10 ms are faded in: the opener joins them to other audio, or to silence.
    """

    def __init__(
        self, rate_hz: int, *, first_ms: int, chunk_ms: int, skip: int = 0, position: int = 0, fade: bool = False
    ) -> None:
        self._next = rate_hz * first_ms // 1000 * BYTES_PER_SAMPLE
        self._chunk = rate_hz * chunk_ms // 1000 * BYTES_PER_SAMPLE
        self._sent = 0
        self._fade = rate_hz * FADE_MS // 1000 if fade else 0
        self._drop = skip * BYTES_PER_SAMPLE
        self._held = bytearray()
        self.position = position
        """Sample index of the next chunk's first sample."""

    def push(self, pcm: bytes) -> list[tuple[int, bytes]]:
        """Take PCM, give (position, chunk) for every chunk that is full."""
        dropped = min(self._drop, len(pcm))
        self._drop -= dropped
        self._held += pcm[dropped:]
        chunks: list[tuple[int, bytes]] = []
        while self._held and len(self._held) >= self._next:
            chunks.append(self._take(self._next))
            half = self._sent // 2 // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE
            self._next = min(max(self._chunk, half), LONGEST * self._chunk)
        return chunks

    def flush(self) -> list[tuple[int, bytes]]:
        """The last chunk, shorter than the others."""
        return [self._take(len(self._held))] if self._held else []

    def _take(self, length: int) -> tuple[int, bytes]:
        position, pcm = self.position, bytes(self._held[:length])
        del self._held[:length]
        self._sent += length
        self.position += len(pcm) // BYTES_PER_SAMPLE
        if self._fade:
            pcm, self._fade = _fade_in(pcm, self._fade), 0
        return position, pcm


def _fade_in(pcm: bytes, samples: int) -> bytes:
    signal = to_float(pcm)
    length = min(samples, len(signal))
    signal[:length] *= np.linspace(0.0, 1.0, length, endpoint=False, dtype=np.float32)
    return from_float(signal)
