"""One utterance for Whisper: its audio, and what is wanted of it."""

from __future__ import annotations

import asyncio
from typing import Protocol

from holdfast_common.errors import EngineUnavailable

from holdfast_asr.adapters.whisper_prompts import Prompts
from holdfast_asr.domain.batching import Urgency
from holdfast_asr.domain.word_times import spread
from holdfast_asr.ports import Hearing, Listener, Request

TAIL_S = 0.15
"""Audio after the voice stopped that is decoded too: soft endings lie below the level that counts as voice."""
FIRST_PARTIAL_S = 0.5
FINAL_WITHIN_S, FINAL_WITHIN_PER_S = 1.5, 0.3
"""The stream's deadline for a final; see docs/protocol.md."""
PAUSE_WITHIN_S = 0.5
PARTIAL_WITHIN_S = 1.0
LONGEST_S = 30


class Engine(Protocol):
    """What an utterance needs of its recogniser."""

    @property
    def prompts(self) -> Prompts: ...
    @property
    def partial_every_s(self) -> float: ...
    @property
    def partials(self) -> bool: ...
    def now(self) -> float: ...
    def want(self, wanted: Wanted) -> None: ...
    def hurry(self, wanted: Wanted) -> None: ...
    def drop(self, wanted: Wanted) -> None: ...
    def forget(self, utterance: int) -> None: ...


class Wanted:
    """One decode that is wanted, and who waits for it."""

    def __init__(
        self, owner: WhisperUtterance, pcm: bytes, urgency: Urgency, deadline_s: float, *, voiced: int
    ) -> None:
        self.id = 0
        self.utterance = owner.number
        self.urgency = urgency
        self.deadline_s = deadline_s
        self.pcm = pcm
        self.rate_hz = owner.request.rate_hz
        self.prompt = owner.prompt
        self.whole_window = False
        self.frames = 0
        self.deaths = 0
        self.answered: asyncio.Future[Hearing] = asyncio.get_running_loop().create_future()
        self._owner = owner
        self._voiced = voiced

    @property
    def is_partial(self) -> bool:
        return self.urgency is Urgency.PARTIAL

    @property
    def audio_s(self) -> float:
        return len(self.pcm) / 2 / self.rate_hz

    def answer(self, text: str, confidence: float, engine: str) -> None:
        if self.answered.done():
            return
        words = spread(text, self._voiced * 1000 // self.rate_hz, confidence)
        self.answered.set_result(Hearing(text, confidence, words, engine, self._owner.language))
        self._owner.decoded(self)

    def shed(self) -> None:
        """There is too much to do. A pause is answered with the last guess, so that nobody waits for it."""
        if self.urgency is Urgency.FINAL:
            self.refuse(EngineUnavailable("whisper: more finals are waiting than the queue takes"))
        elif not self.answered.done():
            self.answered.set_result(Hearing(self._owner.guess, 0.0, (), "whisper/shed", self._owner.language))

    def refuse(self, error: EngineUnavailable) -> None:
        if not self.answered.done():
            self.answered.set_exception(error)
            self.answered.exception()  # a partial's is nobody's loss, and a pause's asker may be gone


class WhisperUtterance:
    """An `Utterance`. One that has ended in the same words at its pause is not decoded again."""

    def __init__(self, number: int, request: Request, listener: Listener, engine: Engine) -> None:
        self.number = number
        self.request = request
        self.prompt = engine.prompts.prompt(request.language, request.hints)
        self.language = engine.prompts.language(request.language)
        self.guess = ""
        self._listener = listener
        self._engine = engine
        self._audio = bytearray()
        self._partial: Wanted | None = None
        self._partial_at_s = FIRST_PARTIAL_S
        self._asked: dict[int, Wanted] = {}

    def feed(self, pcm: bytes) -> None:
        self._audio += pcm
        audio_s = len(self._audio) / 2 / self.request.rate_hz
        if audio_s < self._partial_at_s or not self._engine.partials:
            return
        if self._partial is not None and not self._partial.answered.done():
            return
        self._partial_at_s = audio_s + self._engine.partial_every_s
        deadline = self._engine.now() + PARTIAL_WITHIN_S
        self._partial = Wanted(self, self._heard_to(len(self._audio) // 2), Urgency.PARTIAL, deadline, voiced=0)
        self._engine.want(self._partial)

    async def hear(self, position: int, *, last: bool = False) -> Hearing:
        """At most one pause waits; a final at a pause's position shares its decode."""
        samples = len(self._audio) // 2
        tail = int(TAIL_S * self.request.rate_hz)
        end = min(samples, position + tail) if position > 0 else samples
        deadline = self._engine.now() + (
            FINAL_WITHIN_S + FINAL_WITHIN_PER_S * samples / self.request.rate_hz if last else PAUSE_WITHIN_S
        )
        urgency = Urgency.FINAL if last else Urgency.PAUSE
        wanted = self._asked.get(end)
        if wanted is None or (wanted.answered.done() and not _is_good(wanted)):
            for older in self._asked.values():
                self._engine.drop(older)
                older.shed()
            wanted = Wanted(self, self._heard_to(end), urgency, deadline, voiced=min(position, end) or end)
            self._asked = {end: wanted}
            self._engine.want(wanted)
        elif last:
            wanted.urgency, wanted.deadline_s = urgency, deadline
            self._engine.hurry(wanted)
        hearing = await asyncio.shield(wanted.answered)
        if last and hearing.engine == "whisper/shed":
            return await self.hear(position, last=True)
        return hearing

    def close(self) -> None:
        for wanted in (*self._asked.values(), *([self._partial] if self._partial else [])):
            self._engine.drop(wanted)
            wanted.refuse(EngineUnavailable("whisper: the utterance is closed"))
        self._engine.forget(self.number)

    def decoded(self, wanted: Wanted) -> None:
        """One of ours has been decoded."""
        self._listener.decoded(len(wanted.pcm) // 2)
        hearing = wanted.answered.result()
        if wanted.is_partial and hearing.text:
            self.guess = hearing.text
            self._listener.guessed(hearing.text)

    def _heard_to(self, end: int) -> bytes:
        start = max(0, end - LONGEST_S * self.request.rate_hz)
        return bytes(self._audio[2 * start : 2 * end])


def _is_good(wanted: Wanted) -> bool:
    if wanted.answered.cancelled() or wanted.answered.exception() is not None:
        return False
    return wanted.answered.result().engine != "whisper/shed"
