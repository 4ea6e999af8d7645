"""Sentences that were said before, as audio: the least recently used go when memory is full."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from holdfast_tts.domain.timings import Span


class Key(NamedTuple):
    """Everything that changes the sound. `engine` holds its version, so that an update is heard."""

    text: str
    voice: str
    language: str
    rate_hz: int
    speed: float
    engine: str


@dataclass(frozen=True, slots=True)
class Said:
    """One whole sentence."""

    pcm: bytes
    words: tuple[Span, ...]
    """In samples of the audio's rate from its beginning."""
    estimated: bool
    engine: str

    @property
    def size(self) -> int:
        """Bytes of memory, nearly: the audio, and what a span costs in Python."""
        return len(self.pcm) + 200 * len(self.words) + 500


class AudioCache:
    """Bounded by bytes; holds nothing of a caller but what the agent says."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._entries: OrderedDict[Key, Said] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Said | None:
        said = self._entries.get(key)
        if said is not None:
            self._entries.move_to_end(key)
        return said

    def put(self, key: Key, said: Said) -> None:
        """Remember; a sentence larger than a quarter of the bound is not worth the others' places."""
        if said.size * 4 > self._most:
            return
        if (old := self._entries.pop(key, None)) is not None:
            self.bytes -= old.size
        self._entries[key] = said
        self.bytes += said.size
        while self.bytes > self._most:
            _, oldest = self._entries.popitem(last=False)
            self.bytes -= oldest.size
