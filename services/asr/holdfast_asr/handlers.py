"""One stream, one utterance: Listen, Audio, Pause, EndOfUtterance in; Partial, Hypothesis, Final out.

Three things go on at once in a stream: inputs are read and fed, partials go out at their own pace
(the latest only: an older guess that was not sent yet is worth nothing), and a hypothesis asked
for by a pause is awaited while audio keeps coming.
"""

from __future__ import annotations

import asyncio
from typing import assert_never

import structlog
from holdfast_common import telemetry
from holdfast_common.contracts.asr import EndOfUtterance, Expectation, Final, Hypothesis, Listen, Partial, Pause, Word
from holdfast_common.contracts.stream import ErrorCode
from holdfast_common.contracts.wire import Audio
from holdfast_common.errors import EngineUnavailable, StreamFailed, all_of
from holdfast_common.stream.api import Session

from holdfast_asr.domain.agreement import stable_words
from holdfast_asr.ports import Finality, Hearing, NoFinality, Recogniser, Request, Utterance

log = structlog.get_logger()

JUDGED = frozenset({Expectation.OPEN, Expectation.YES_NO})
"""Answers in sentences; how long is waited after a name, a number or an address depends on something else."""
MAX_TEXT = 2_000
MAX_WORDS = 400


class Hearer:
    """Serves asr streams with one recogniser, and an opinion on how final words sound."""

    def __init__(
        self, recogniser: Recogniser, finality: Finality | None = None, *, partial_every_s: float = 0.2
    ) -> None:
        self._recogniser = recogniser
        self._finality = finality or NoFinality()
        self._partial_every_s = partial_every_s

    async def handle(self, session: Session) -> None:
        """Serve one stream. Raises StreamFailed when the engine cannot go on with it."""
        listen: Listen = session.first
        if listen.rate_hz not in (8_000, 16_000):
            raise StreamFailed(ErrorCode.BAD_INPUT, f"audio at {listen.rate_hz} Hz (8000 or 16000 wanted)")
        guesses = _Guesses(session)
        utterance = self._recogniser.begin(_request(listen), guesses)
        try:
            async with asyncio.TaskGroup() as group:
                speaker = group.create_task(guesses.speak(self._partial_every_s), name="partials")
                await self._follow(session, listen, utterance, group)
                speaker.cancel()
        except ExceptionGroup as errors:
            told = all_of(errors, (EngineUnavailable, StreamFailed))
            if not told:
                raise
            for error in told:
                if isinstance(error, StreamFailed):
                    raise error from None
            raise StreamFailed(ErrorCode.ENGINE, str(told[0])[:200], retryable=True) from told[0]
        finally:
            utterance.close()

    async def _follow(self, session: Session, listen: Listen, utterance: Utterance, group: asyncio.TaskGroup) -> None:
        if listen.audio:
            _feed(utterance, listen.audio)
        pausing: asyncio.Task[None] | None = None
        async for item in session:
            match item:
                case Audio():
                    if item.rate_hz != listen.rate_hz:
                        raise StreamFailed(ErrorCode.BAD_INPUT, f"audio at {item.rate_hz} Hz after {listen.rate_hz}")
                    _feed(utterance, item.pcm)
                case Pause():
                    if pausing is not None:
                        pausing.cancel()  # a newer pause: nobody waits for the older answer any more
                    pausing = group.create_task(self._answer_pause(session, listen, utterance, item), name="pause")
                case EndOfUtterance():
                    if pausing is not None:
                        pausing.cancel()
                    clock = asyncio.get_running_loop().time
                    ended = clock()
                    final = await utterance.hear(item.position, last=True)
                    telemetry.DECODE_MS.record((clock() - ended) * 1000)
                    await session.send(_final(final))
                    return
                case _:
                    assert_never(item)

    async def _answer_pause(self, session: Session, listen: Listen, utterance: Utterance, pause: Pause) -> None:
        hearing = await utterance.hear(pause.position)
        finality = await self._finality.of(hearing, listen.asked) if listen.expectation in JUDGED else None
        text = hearing.text[:MAX_TEXT]
        await session.send(Hypothesis(pause.position, text, hearing.confidence, finality))


class _Guesses:
    """The recogniser's guesses, sent at most every so often and only when they changed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._text = ""
        self._previous: list[str] = []
        self._news = asyncio.Event()

    def guessed(self, text: str) -> None:
        if text and text != self._text:
            self._text = text
            self._news.set()

    def decoded(self, samples: int) -> None:
        self._session.progress(samples)

    async def speak(self, every_s: float) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            words = self._text.split()
            stable, self._previous = stable_words(self._previous, words), words
            await self._session.send(Partial(text=self._text[:MAX_TEXT], stable_words=stable))
            await asyncio.sleep(every_s)  # the pace, not a wait for something


def _feed(utterance: Utterance, pcm: bytes) -> None:
    if len(pcm) % 2:
        raise StreamFailed(ErrorCode.BAD_INPUT, f"audio of {len(pcm)} bytes (16-bit samples need an even number)")
    utterance.feed(pcm)


def _request(listen: Listen) -> Request:
    return Request(listen.rate_hz, listen.channel, listen.language, listen.expectation, tuple(listen.hints))


def _final(hearing: Hearing) -> Final:
    words = [
        Word(text=w.text[:200], start_ms=w.start_ms, end_ms=w.end_ms, confidence=w.confidence)
        for w in hearing.words[:MAX_WORDS]
    ]
    return Final(
        text=hearing.text[:MAX_TEXT],
        confidence=hearing.confidence,
        words=words,
        language=hearing.language,
        engine=hearing.engine,
    )
