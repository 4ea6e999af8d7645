"""pocketsphinx as a recogniser: utterances spread over decoder processes, and survive their deaths.

The service keeps the audio of every open utterance. A worker that dies, or that owes something and is silent
for a second, is replaced; its utterances are decoded again from the start on another, and nobody outside
notices more than the time it takes (0.05 x audio). An utterance that has taken down two workers is given up.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog
from holdfast_common.errors import EngineUnavailable

from holdfast_asr.adapters.pocketsphinx_model import ModelFiles
from holdfast_asr.adapters.pocketsphinx_process import DecoderProcess
from holdfast_asr.adapters.pocketsphinx_wire import (
    Answer,
    Ask,
    Begin,
    Broken,
    Drop,
    Feed,
    Guess,
    Progress,
    Ready,
    Reply,
)
from holdfast_asr.ports import HeardWord, Hearing, Listener, Request

log = structlog.get_logger()

WATCH_EVERY_S = 0.1
LATE_S = 0.1
"""Our own loop being later than this says nothing about the workers."""
MAX_DEATHS = 2
RESTART_AFTER_S = (0.0, 0.0, 0.5, 2.0, 5.0)
"""Wait before the n-th start in a row that did not become ready; the last one goes on for ever."""
SECOND_BYTES = 2
REPLAY_S = 1.0
START_SILENT_S = 60.0
"""A start may be silent for this long; a machine that is busy makes it slow, and it tells of its steps."""
MAX_FAILED_STARTS = 3
"""In a row, none ever having become ready: something is wrong that waiting will not mend."""


class Start(Protocol):
    """Begins one worker."""

    async def __call__(self, model: Path, *, generic: bool, now: Callable[[], float]) -> DecoderProcess: ...


@dataclass(frozen=True, slots=True)
class PoolShape:
    workers: int
    streams_per_worker: int = 8
    silent_s: float = 1.0
    generic: bool = True


class PocketsphinxPool:
    """A `Recogniser`; `run` must be running."""

    def __init__(
        self,
        model: ModelFiles,
        shape: PoolShape,
        *,
        reason: str = "",
        now: Callable[[], float] | None = None,
        start: Start = DecoderProcess.start,
    ) -> None:
        self._model = model
        self._shape = shape
        self._reason = reason
        self._now = now or asyncio.get_running_loop().time
        self._start = start
        self._slots: list[_Slot] = [_Slot(index) for index in range(shape.workers)]
        self._numbers = itertools.count(1)
        self._open: dict[int, PooledUtterance] = {}
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done with the first ready worker, or with what keeps them all from it."""
        self._deaths = 0

    # -- the port ---------------------------------------------------------------------------------

    def begin(self, request: Request, listener: Listener) -> PooledUtterance:
        utterance = PooledUtterance(next(self._numbers), request, listener, self)
        self._open[utterance.number] = utterance
        self._place(utterance)
        return utterance

    def capacity(self) -> int:
        return self._shape.streams_per_worker * sum(slot.ready for slot in self._slots)

    def info(self) -> dict[str, str]:
        return {
            "engine": f"pocketsphinx{f': {self._reason}' if self._reason else ''}",
            "workers": f"{sum(slot.ready for slot in self._slots)} of {len(self._slots)}",
            "vocabulary": str(self._model.words),
            "missing_pronunciations": str(len(self._model.missing)),
        }

    @property
    def missing(self) -> tuple[str, ...]:
        """Words of the profile without a pronunciation: they cannot be recognised."""
        return self._model.missing

    def behind_s(self) -> float:
        """How much audio of the open utterances waits to be decoded; an unanswered question counts as a second."""
        return sum(utterance.behind_s for utterance in self._open.values())

    # -- life of the workers ------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep every worker alive until cancelled."""
        async with asyncio.TaskGroup() as group:
            for slot in self._slots:
                group.create_task(self._keep(slot), name=f"decoder-{slot.index}")
            group.create_task(self._watch(), name="decoder-watch")

    async def ready(self) -> None:
        """Until one worker has decoded something real; raises EngineUnavailable when none can be started."""
        await asyncio.shield(self._started)

    def pids(self) -> list[int]:
        """Of the workers that run, for tools and tests."""
        return [slot.process.pid for slot in self._slots if slot.process is not None]

    async def _keep(self, slot: _Slot) -> None:
        fails = 0
        while True:
            await asyncio.sleep(RESTART_AFTER_S[min(fails, len(RESTART_AFTER_S) - 1)])
            process = await self._start(self._model.folder, generic=self._shape.generic, now=self._now)
            slot.process = process
            process.set_busy(True)  # owes us Ready
            try:
                await process.listen(lambda reply: self._take(slot, reply))
            finally:
                was_ready = slot.ready
                slot.process = None
                status = await process.end()
            fails = 0 if was_ready else fails + 1
            if fails >= MAX_FAILED_STARTS and not self._started.done():
                ended = f"{fails} decoders in a row ended before they were ready, the last with status {status}"
                self._started.set_exception(EngineUnavailable(f"pocketsphinx: {ended}"))
            self._deaths += 1
            log.warning("decoder_gone", worker=slot.index, status=status, utterances=len(slot.utterances))
            self._rehome(slot)

    async def _watch(self) -> None:
        expected = self._now() + WATCH_EVERY_S
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            late, expected = self._now() - expected, self._now() + WATCH_EVERY_S
            for slot in self._slots:
                process = slot.process
                if process is None:
                    continue
                limit = self._shape.silent_s if slot.ready else START_SILENT_S
                if late > LATE_S:
                    process.forgive()
                elif (silent := process.silent_s()) > limit:
                    log.warning("decoder_hangs", worker=slot.index, silent_s=round(silent, 2), pid=process.pid)
                    process.kill()

    # -- utterances on workers ------------------------------------------------------------------------

    def _place(self, utterance: PooledUtterance) -> None:
        ready = [slot for slot in self._slots if slot.ready]
        if ready:
            slot = min(ready, key=lambda s: len(s.utterances))
            slot.utterances[utterance.number] = utterance
            utterance.move_to(slot)

    def _rehome(self, slot: _Slot) -> None:
        orphans, slot.utterances = list(slot.utterances.values()), {}
        for utterance in orphans:
            utterance.deaths += utterance.owes
            utterance.slot = None
            if utterance.deaths >= MAX_DEATHS:
                utterance.fail(EngineUnavailable(f"pocketsphinx: {MAX_DEATHS} decoders died over one utterance"))
            else:
                self._place(utterance)

    def _take(self, slot: _Slot, reply: Reply) -> None:
        if isinstance(reply, Ready):
            log.info("decoder_ready", worker=slot.index, took_ms=reply.took_ms)
            if not self._started.done():
                self._started.set_result(None)
            for utterance in self._open.values():
                if utterance.slot is None:
                    self._place(utterance)
        elif isinstance(reply, Progress | Guess | Answer | Broken):
            utterance = slot.utterances.get(reply.utterance)
            if utterance is not None:
                utterance.take(reply)
        slot.note_busy()

    def forget(self, utterance: PooledUtterance) -> None:
        self._open.pop(utterance.number, None)
        slot, utterance.slot = utterance.slot, None
        if slot is not None:
            slot.utterances.pop(utterance.number, None)
            if slot.process is not None:
                slot.process.tell(Drop(utterance.number))
            slot.note_busy()


class _Slot:
    """A place for one worker, and the utterances that are with it."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.process: DecoderProcess | None = None
        self.utterances: dict[int, PooledUtterance] = {}

    @property
    def ready(self) -> bool:
        return self.process is not None and self.process.ready

    def note_busy(self) -> None:
        if self.process is not None:
            self.process.set_busy(not self.process.ready or any(u.owes for u in self.utterances.values()))


class PooledUtterance:
    """An `Utterance`: its audio and open questions stay here, its decoding is somewhere else."""

    def __init__(self, number: int, request: Request, listener: Listener, pool: PocketsphinxPool) -> None:
        self.number = number
        self.slot: _Slot | None = None
        self.deaths = 0
        self._request = request
        self._listener = listener
        self._pool = pool
        self._audio = bytearray()
        self._done = 0
        self._tickets = itertools.count(1)
        self._questions: dict[int, tuple[Ask, asyncio.Future[Hearing]]] = {}
        self._broken: EngineUnavailable | None = None

    @property
    def owes(self) -> bool:
        """The worker has something of ours to do."""
        return self._done < len(self._audio) // 2 or bool(self._questions)

    @property
    def behind_s(self) -> float:
        """Audio that waits for the decoder, and a second for each open question."""
        return (len(self._audio) // 2 - self._done) / self._request.rate_hz + len(self._questions)

    def feed(self, pcm: bytes) -> None:
        self._audio += pcm
        self._tell(Feed(self.number, pcm))

    async def hear(self, position: int, *, last: bool = False) -> Hearing:
        if self._broken is not None:
            raise self._broken
        ask = Ask(self.number, next(self._tickets), position, last)
        answered: asyncio.Future[Hearing] = asyncio.get_running_loop().create_future()
        self._questions[ask.ticket] = (ask, answered)
        self._tell(ask)
        try:
            return await answered
        finally:
            self._questions.pop(ask.ticket, None)

    def close(self) -> None:
        self._pool.forget(self)

    def move_to(self, slot: _Slot) -> None:
        """Begin on this worker, with all that is known."""
        self.slot = slot
        self._done = 0
        r = self._request
        self._tell(Begin(self.number, r.rate_hz, r.channel, r.expectation, r.hints))
        step = int(r.rate_hz * REPLAY_S) * SECOND_BYTES
        for at in range(0, len(self._audio), step):
            self._tell(Feed(self.number, bytes(self._audio[at : at + step])))
        for ask, _ in list(self._questions.values()):
            self._tell(ask)

    def take(self, reply: Progress | Guess | Answer | Broken) -> None:
        match reply:
            case Progress():
                self._done = reply.samples
                self._listener.decoded(reply.samples)
            case Guess():
                self._listener.guessed(reply.text)
            case Answer():
                if (question := self._questions.pop(reply.ticket, None)) and not question[1].done():
                    words = tuple(HeardWord(w.text, w.start_ms, w.end_ms, w.confidence) for w in reply.words)
                    hearing = Hearing(reply.text, reply.confidence, words, reply.engine, others=reply.others)
                    question[1].set_result(hearing)
            case Broken():
                self.fail(EngineUnavailable(f"pocketsphinx: {reply.reason}"))

    def fail(self, error: EngineUnavailable) -> None:
        self._broken = error
        for _, answered in self._questions.values():
            if not answered.done():
                answered.set_exception(error)

    def _tell(self, order: Begin | Feed | Ask) -> None:
        if self.slot is not None and self.slot.process is not None:
            self.slot.process.tell(order)
            self.slot.note_busy()
