"""The one thread on which engines are loaded and speak, and the way from there to the event loop.

C engines have global state and are not known to be thread-safe; they release the interpreter while
they compute, so the loop goes on. More voices at once are more replicas.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future

import structlog
from holdfast_common.errors import EngineUnavailable, StreamFailed

from holdfast_tts.chain import Chain
from holdfast_tts.ports import Synthesiser
from holdfast_tts.renderer import Rendered, Renderer, Sentence

log = structlog.get_logger()

SentenceFor = Callable[[Synthesiser], Sentence]
"""Builds the sentence for the engine that will say it."""


class VoiceThread:
    """Renders sentences one after another, in the order in which they were asked for."""

    def __init__(self, chain: Chain, renderer: Renderer) -> None:
        self._chain = chain
        self._renderer = renderer
        self._jobs: queue.SimpleQueue[tuple[Future[None], Callable[[], None]] | None] = queue.SimpleQueue()
        self._silent_since: float | None = None
        """Monotonic seconds of the running job's last sign of life; None while idle."""
        # A daemon and no executor: an engine stuck in C must not keep the process from ending.
        threading.Thread(target=self._work, name="voice", daemon=True).start()

    async def warm(self) -> None:
        """Load the engine and say one real sentence; raises EngineUnavailable when the chain is at its end."""
        await asyncio.wrap_future(self._submit(self._warm))

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

        def emit(item: Rendered) -> bool:
            self._silent_since = time.monotonic()
            if not unwanted.is_set():
                loop.call_soon_threadsafe(finished.put_nowait, item)
            return not unwanted.is_set()

        def job() -> None:
            if not unwanted.is_set():
                self._speak(sentence_for, emit)

        future = self._submit(job)
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
        """How long the running job has given no sign of life; 0 while idle."""
        since = self._silent_since
        return 0.0 if since is None else time.monotonic() - since

    def close(self) -> None:
        """Take nothing more; does not wait for a job that runs (it is a fraction of a second, or stuck)."""
        self._jobs.put(None)

    def _submit(self, job: Callable[[], None]) -> Future[None]:
        future: Future[None] = Future()
        self._jobs.put((future, job))
        return future

    def _work(self) -> None:
        while (task := self._jobs.get()) is not None:
            future, job = task
            if not future.set_running_or_notify_cancel():
                continue
            self._silent_since = time.monotonic()
            failed: BaseException | None = None
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to who waits for the future
                failed = error
            self._silent_since = None
            future.set_exception(failed) if failed else future.set_result(None)

    def _warm(self) -> None:
        while True:
            engine = self._chain.engine()
            try:
                gain = self._renderer.gain(engine, engine.resolve("", "en"))
            except EngineUnavailable as error:
                self._chain.leave(engine, str(error))
            else:
                log.info("tts_engine_ready", engine=engine.name, version=engine.version, gain=round(gain, 3))
                return

    def _speak(self, sentence_for: SentenceFor, emit: Callable[[Rendered], bool]) -> None:
        began = False

        def sink(item: Rendered) -> bool:
            nonlocal began
            began = True
            return emit(item)

        while True:
            engine = self._chain.engine()
            try:
                self._renderer.render(engine, sentence_for(engine), sink)
            except EngineUnavailable as error:
                self._chain.leave(engine, str(error))
                if began:
                    raise StreamFailed("engine", str(error), retryable=True) from error
            else:
                return


def _raise_from(future: Future[None]) -> None:
    """The job's exception, if it had one; it is done."""
    if (error := future.exception()) is not None:
        raise error
