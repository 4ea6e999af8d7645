"""For tests of speaking: a whole service without a bus, and what came out of it. Ships with the product."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from holdfast_common.contracts.tts import Speak, Spoken, Timing, WordTiming
from holdfast_common.contracts.wire import Audio
from holdfast_common.pcm import samples_of
from holdfast_common.testing import FakeSession

from holdfast_tts.chain import Chain
from holdfast_tts.domain.cache import AudioCache
from holdfast_tts.handlers import Chunking, Speaker
from holdfast_tts.ports import Synthesiser
from holdfast_tts.renderer import Renderer, Shape
from holdfast_tts.voice_thread import VoiceThread


@dataclass
class Heard:
    """One stream's results."""

    results: list[Any]

    @property
    def audio(self) -> list[Audio]:
        return [r for r in self.results if isinstance(r, Audio)]

    @property
    def words(self) -> list[WordTiming]:
        return [w for r in self.results if isinstance(r, Timing) for w in r.words]

    @property
    def estimated(self) -> bool:
        return any(r.estimated for r in self.results if isinstance(r, Timing))

    @property
    def spoken(self) -> Spoken:
        assert isinstance(self.results[-1], Spoken)
        return self.results[-1]

    @property
    def pcm(self) -> bytes:
        return b"".join(a.pcm for a in self.audio)

    @property
    def samples(self) -> np.ndarray:
        return samples_of(self.pcm)


class Studio:
    """A speaker with its parts at hand."""

    def __init__(self, engines: Sequence[Synthesiser], shape: Shape, cache_bytes: int, chunking: Chunking) -> None:
        self.chain = Chain([e.name for e in engines], {e.name: (lambda e=e: e) for e in engines})
        self.voice = VoiceThread(self.chain, Renderer(shape))
        self.cache = AudioCache(cache_bytes)
        self.speaker = Speaker(self.chain, self.voice, self.cache, chunking)

    async def say(self, text: str, *, rate_hz: int = 8_000, **other: Any) -> Heard:
        session = FakeSession(Speak(text=text, rate_hz=rate_hz, **other))
        await self.speaker.handle(session)
        return Heard(session.results)


@asynccontextmanager
async def studio(
    *engines: Synthesiser,
    shape: Shape | None = None,
    cache_bytes: int = 10_000_000,
    chunking: Chunking | None = None,
    warm: bool = True,
) -> AsyncIterator[Studio]:
    made = Studio(engines, shape or Shape(), cache_bytes, chunking or Chunking())
    try:
        if warm:
            await made.voice.warm()
        yield made
    finally:
        made.voice.close()


def timings_hold(heard: Heard, text: str) -> bool:
    """One time per word, ascending, within the audio, each told before the audio that it describes."""
    words = heard.words
    if [w.word for w in words] != list(range(len(text.split()))):
        return False
    if any(a.end > b.start for a, b in pairwise(words)):
        return False
    if any(not 0 <= w.start <= w.end <= heard.spoken.samples for w in words):
        return False
    sent = 0
    for result in heard.results:
        if isinstance(result, Audio):
            sent = result.position + result.samples
        elif isinstance(result, Timing) and any(w.start < sent - 1 for w in result.words if w.end > w.start):
            return False
    return True
