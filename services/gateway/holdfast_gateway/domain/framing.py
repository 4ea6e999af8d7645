"""Audio in 20 ms frames, whatever the lengths in which it came."""

from __future__ import annotations

FRAME_MS = 20


class FrameCutter:
    """Cuts a stream of s16le PCM into frames of 20 ms."""

    def __init__(self, rate_hz: int) -> None:
        self._size = rate_hz * FRAME_MS // 1000 * 2
        self._rest = b""

    def cut(self, pcm: bytes) -> list[bytes]:
        """The whole frames that are there now; the rest waits for more."""
        size = self._size
        if not self._rest and len(pcm) == size:  # the usual case
            return [pcm]
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % size
        self._rest = pcm[whole:]
        return [pcm[i : i + size] for i in range(0, whole, size)]

    def flush(self) -> bytes:
        """The last, shorter frame; empty when there is none."""
        rest, self._rest = self._rest, b""
        return rest
