"""The threads on which engines are loaded and speak, and the way from there to the event loop.

Normally one: C engines have global state and are not known to be thread-safe; they release the
interpreter while they compute, so the loop goes on. An engine with worker processes gets a thread
for each of them (C engines then take turns); more voices at once are more replicas.

Whose audio runs out first is served first: a sentence that nobody has heard anything of comes
before the later clauses of one that is already playing (earliest deadline first).
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog
from holdfast_common.errors import EngineUnavailable, StreamFailed

from holdfast_tts.chain import Chain
from holdfast_tts.ports import EngineAway, Synthesiser
from holdfast_tts.renderer import Rendered, Renderer, Sentence

log = structlog.get_logger()

SentenceFor = Callable[[Synthesiser], Sentence]
"""Builds the sentence for the engine that will say it."""


@dataclass(order=True, slots=True)
class _Job:
    """Work on a voice thread, in steps: one run of words each."""

    due: float
    """Monotonic seconds at which its audio runs out; when it was asked for, while there is none."""
    number: int
    """Equals are served in the order in which they came."""
    steps: Iterator[float] = field(compare=False)
    """Yields the seconds of audio that were made, after each step but the last."""
    future: Future[None] = field(compare=False, default_factory=Future)
    asked: float = field(compare=False, default_factory=time.monotonic)


class VoiceThread:
    """Renders sentences, run by run, whose audio runs out first before the others."""

    def __init__(self, chain: Chain, renderer: Renderer, *, threads: int = 1) -> None:
        self._chain = chain
        self._renderer = renderer
        self._jobs: queue.PriorityQueue[_Job] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._closed = False
        self._threads = threads
        self._alive_at: dict[int, float] = {}
        """Monotonic seconds of each running job's last sign of life, by its thread; nothing for idle ones."""
        for _ in range(threads):
            # Daemons and no executor: an engine stuck in C must not keep the process from ending.
            threading.Thread(target=self._work, name="voice", daemon=True).start()

    async def warm(self) -> None:
        """Load the engine and say one real sentence; raises EngineUnavailable when the chain is at its end."""
        await asyncio.wrap_future(self._submit(self._warm()))

    async def render(self, sentence_for: SentenceFor) -> AsyncGenerator[Rendered]:
        """What the sentence becomes, as it becomes it. Leaving the iteration stops the engine within one piece.

        Raises StreamFailed (`engine`) when the engine broke after something had been given, and
        EngineUnavailable when no engine is left.
        """
        loop = asyncio.get_running_loop()
        # Unbounded in form, bounded in fact: one sentence of at most 2,000 characters, and its owner
        # cancels. Audio must not be dropped, and the engine must not wait for a slow reader.
        finished: asyncio.Queue[Rendered | None] = asyncio.Queue()
        unwanted = threading.Event()

        def emit(item: Rendered | None) -> bool:
            self._alive_at[threading.get_ident()] = time.monotonic()
            if item is not None and not unwanted.is_set():
                loop.call_soon_threadsafe(finished.put_nowait, item)
            return not unwanted.is_set()

        future = self._submit(self._speak(sentence_for, emit, unwanted))
        future.add_done_callback(
            lambda _: None if unwanted.is_set() else loop.call_soon_threadsafe(finished.put_nowait, None)
        )
        try:
            while (item := await finished.get()) is not None:
                yield item
            _raise_from(future)
        finally:
            unwanted.set()
            future.cancel()

    def silent_s(self) -> float:
        """How long the running job (of several the most silent) has given no sign of life; 0 while idle."""
        return max((time.monotonic() - at for at in list(self._alive_at.values())), default=0.0)

    def close(self) -> None:
        """Take nothing more; does not wait for a job that runs (it is a fraction of a second, or stuck)."""
        self._closed = True
        for _ in range(self._threads):
            self._submit(iter(()))

    def _submit(self, steps: Iterator[float]) -> Future[None]:
        job = _Job(time.monotonic(), next(self._numbers), steps)
        self._jobs.put(job)
        return job.future

    def _work(self) -> None:
        while not self._closed:
            # Nothing of a job is kept while waiting for the next one.
            self._step(self._jobs.get())

    def _step(self, job: _Job) -> None:
        if not job.future.running() and not job.future.set_running_or_notify_cancel():
            return
        me = threading.get_ident()
        self._alive_at[me] = time.monotonic()
        try:
            made_s = next(job.steps, None)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to who waits for the future
            self._alive_at.pop(me)
            job.future.set_exception(error)
            return
        self._alive_at.pop(me)
        if made_s is None:
            job.future.set_result(None)
        else:
            job.due = job.asked + made_s
            self._jobs.put(job)

    def _warm(self) -> Iterator[float]:
        yield from ()  # one step, nothing to wait for: as a job it is a generator like the others
        away: set[str] = set()
        while True:
            engine = self._chain.engine(but=away)
            try:
                gain = self._renderer.gain(engine, engine.resolve("", "en"))
            except EngineAway as error:
                away.add(engine.name)  # it may be there for the next sentence
                log.warning("tts_engine_passed_over", engine=engine.name, reason=str(error))
            except EngineUnavailable as error:
                self._chain.leave(engine, str(error))
            else:
                log.info("tts_engine_ready", engine=engine.name, version=engine.version, gain=round(gain, 3))
                return

    def _speak(
        self, sentence_for: SentenceFor, emit: Callable[[Rendered | None], bool], unwanted: threading.Event
    ) -> Iterator[float]:
        began = False
        away: set[str] = set()

        def sink(item: Rendered | None) -> bool:
            nonlocal began
            began = began or item is not None
            return emit(item)

        while True:
            engine = self._chain.engine(but=away)
            try:
                for made_s in self._renderer.render(engine, sentence_for(engine), sink):
                    yield made_s
                    if unwanted.is_set():
                        return
            except EngineUnavailable as error:
                if isinstance(error, EngineAway):
                    away.add(engine.name)
                    log.warning("tts_engine_passed_over", engine=engine.name, reason=str(error))
                else:
                    self._chain.leave(engine, str(error))
                if began:
                    raise StreamFailed("engine", str(error), retryable=True) from error
            else:
                return


def _raise_from(future: Future[None]) -> None:
    """The job's exception, if it had one; it is done."""
    if (error := future.exception()) is not None:
        raise error
