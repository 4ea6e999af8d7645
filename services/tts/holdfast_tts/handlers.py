"""One sentence in, audio with word timings out: from the cache, or from the voice thread.

    Speak -> Timing, Audio ..., Spoken

Audio goes out as fast as it is made (the gateway paces playout). With `from_word` nothing before
that word is sent, but it is made: positions and the sound of the rest stay what they were.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from holdfast_common import telemetry
from holdfast_common.contracts.stream import ErrorCode
from holdfast_common.contracts.tts import Speak, Spoken, Timing, WordTiming
from holdfast_common.contracts.wire import FORMAT_OF_RATE
from holdfast_common.errors import EngineUnavailable, StreamFailed
from holdfast_common.pcm import BYTES_PER_SAMPLE
from holdfast_common.stream.api import Session

from holdfast_tts.chain import Chain
from holdfast_tts.domain.cache import AudioCache, Key, Said
from holdfast_tts.domain.chunks import Cutter
from holdfast_tts.domain.timings import Span
from holdfast_tts.ports import Synthesiser
from holdfast_tts.renderer import Rendered, Sentence, Sound, Words
from holdfast_tts.voice_thread import VoiceThread

SLOWEST, FASTEST = 0.5, 2.0
"""Beyond these, engines are no longer understood."""


@dataclass(frozen=True, slots=True)
class Chunking:
    """Lengths of audio messages, ms."""

    first_ms: int = 20
    rest_ms: int = 100


class Speaker:
    """Serves tts streams."""

    def __init__(
        self, chain: Chain, voice: VoiceThread, cache: AudioCache, chunking: Chunking, *, speed: float = 1.0
    ) -> None:
        """`speed` is the profile's; a sentence's own is relative to it."""
        self._chain = chain
        self._voice = voice
        self._cache = cache
        self._chunking = chunking
        self._speed = speed

    async def handle(self, session: Session) -> None:
        """Say one sentence. Raises StreamFailed."""
        speak: Speak = session.first
        if speak.rate_hz not in FORMAT_OF_RATE:
            raise StreamFailed(ErrorCode.BAD_INPUT, f"tts: rate {speak.rate_hz} Hz (8000 or 16000 wanted)")
        clock = asyncio.get_running_loop().time
        opened = clock()
        engine = self._chain.current
        said = self._cache.get(self._key(speak, engine)) if engine else None
        telemetry.CACHE.add(1, {"cache": "tts", "hit": said is not None})
        reply = _Reply(session, speak, self._chunking)
        try:
            async with aclosing(_replay(said) if said else self._render(speak)) as rendered:
                async for item in rendered:
                    if await reply.give(item):
                        telemetry.FIRST_AUDIO_MS.record((clock() - opened) * 1000)
        except EngineUnavailable as error:
            raise StreamFailed(ErrorCode.ENGINE, str(error), retryable=True) from error
        now = self._chain.current
        await reply.end(engine=said.engine if said else now.name if now else "", cached=said is not None)

    async def _render(self, speak: Speak) -> AsyncGenerator[Rendered]:
        """From the engine; what has become whole is remembered."""
        used: list[Synthesiser] = []
        pcm = bytearray()
        words: list[Span] = []
        estimated = False

        def sentence_for(engine: Synthesiser) -> Sentence:
            used.append(engine)
            return Sentence(speak.text, engine.resolve(speak.voice, speak.language), speak.rate_hz, self._pace(speak))

        async with aclosing(self._voice.render(sentence_for)) as rendered:
            async for item in rendered:
                match item:
                    case Sound(chunk):
                        pcm += chunk
                    case Words(spans, guessed):
                        words += spans
                        estimated = estimated or guessed
                yield item
        self._cache.put(self._key(speak, used[-1]), Said(bytes(pcm), tuple(words), estimated, used[-1].name))

    def _pace(self, speak: Speak) -> float:
        return min(max(self._speed * speak.speed, SLOWEST), FASTEST)

    def _key(self, speak: Speak, engine: Synthesiser) -> Key:
        return Key(
            text=" ".join(speak.text.split()),
            voice=engine.resolve(speak.voice, speak.language),
            language=speak.language,
            rate_hz=speak.rate_hz,
            speed=self._pace(speak),
            engine=f"{engine.name} {engine.version}",
        )


async def _replay(said: Said) -> AsyncGenerator[Rendered]:
    yield Words(said.words, said.estimated)
    yield Sound(said.pcm)


class _Reply:
    """What goes out on one stream: from the wanted word on."""

    def __init__(self, session: Session, speak: Speak, chunking: Chunking) -> None:
        self._session = session
        self._speak = speak
        self._chunking = chunking
        self._cutter: Cutter | None = None
        """None until the wanted word's time is known; audio before that is not wanted."""
        self._samples = 0
        self._sent = False

    async def give(self, item: Rendered) -> bool:
        """Send what is wanted of it; True when that was the first audio."""
        if isinstance(item, Words):
            await self._give_words(item)
            return False
        first = not self._sent
        await self._send(self._cutter.push(item.pcm) if self._cutter else [])
        self._samples += len(item.pcm) // BYTES_PER_SAMPLE
        return first and self._sent

    async def _give_words(self, words: Words) -> None:
        wanted = [span for span in words.spans if span.word >= self._speak.from_word]
        if not wanted:
            return
        if self._cutter is None:
            start = max(wanted[0].start, self._samples) if self._speak.from_word else 0
            self._cutter = Cutter(
                self._speak.rate_hz,
                first_ms=self._chunking.first_ms,
                chunk_ms=self._chunking.rest_ms,
                skip=start - self._samples,
                position=start,
                fade=start > 0,
            )
        timings = [WordTiming(word=span.word, start=span.start, end=span.end) for span in wanted]
        await self._session.send(Timing(words=timings, estimated=words.estimated))

    async def _send(self, chunks: list[tuple[int, bytes]]) -> None:
        for position, pcm in chunks:
            await self._session.send_audio(pcm, rate_hz=self._speak.rate_hz, position=position)
            self._session.progress(position + len(pcm) // BYTES_PER_SAMPLE)
            self._sent = True
            # Publishing may never wait; other streams' and the beat's turn comes between chunks.
            await asyncio.sleep(0)

    async def end(self, *, engine: str, cached: bool) -> None:
        await self._send(self._cutter.flush() if self._cutter else [])
        await self._session.send(Spoken(samples=self._samples, engine=engine, cached=cached))
