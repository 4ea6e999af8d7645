"""Whisper comes in while the embedded recogniser already hears, and steps back when it fails.

    find the model (folder, else download) -> start its processes -> warm -> the next utterance is Whisper's

Where Whisper has no room for one more (a CPU takes few), the embedded recogniser hears it; each final says who
heard it. An utterance that has begun stays with its engine, but one that Whisper cannot finish (its process died or
hangs, its queue is full) is decoded by the embedded recogniser from the audio kept here. What is in use, and why,
is in the beats, in health and in the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import structlog
from holdfast_common.errors import EngineUnavailable
from holdfast_common.health import Finding, State

from holdfast_asr.adapters.whisper_engine import Plan, WhisperRecogniser
from holdfast_asr.adapters.whisper_files import download, find_model
from holdfast_asr.adapters.whisper_prompts import Prompts
from holdfast_asr.ports import Hearing, Listener, Recogniser, Request, Utterance

log = structlog.get_logger()

FIRST_RETRY_S, LAST_RETRY_S = 10.0, 600.0


@dataclass(frozen=True, slots=True)
class Source:
    """Which model, and where it lies or will lie."""

    folder: Path
    name: str = ""
    may_download: bool = True
    first_byte_s: float = 3.0


class Arriving:
    """A `Recogniser`: Whisper when it is warm, until then and whenever it is not, the embedded one."""

    def __init__(self, fallback: Recogniser, plan: Plan, source: Source) -> None:
        self.whisper: WhisperRecogniser | None = None
        self._fallback = fallback
        self._plan = plan
        self._source = source
        self._why = "is being loaded"
        self._given_up = False
        self._hearing_with = "fallback"
        self.changed = asyncio.Event()
        """Fires when Whisper came in or stepped back; for who waits, to clear."""

    # -- the port ---------------------------------------------------------------------------------

    def begin(self, request: Request, listener: Listener) -> Utterance:
        if self.whisper is not None and self.whisper.has_room:
            return _Handed(self.whisper, self._fallback, request, listener)
        return self._fallback.begin(request, listener)

    @property
    def in_use(self) -> Recogniser:
        return self.whisper if self.whisper is not None and self.whisper.usable else self._fallback

    def capacity(self) -> int:
        """Both together: what Whisper has no room for is better heard by the embedded one than not at all."""
        return self._fallback.capacity() + (self.whisper.capacity() if self.whisper else 0)

    def info(self) -> dict[str, str]:
        """The engine in use; where it is not Whisper, why."""
        info = dict(self.in_use.info())
        if self.whisper is not None and self.in_use is self.whisper:
            info["whisper_takes"] = str(self.whisper.capacity())
        else:
            info["engine"] = f"{info['engine'].split(':', maxsplit=1)[0]}: whisper {self._why}"
        return info

    def check(self) -> Finding:
        """For health."""
        if not self.capacity():
            return Finding(State.DOWN, self.info()["engine"])
        return Finding(State.DEGRADED if self.in_use is self._fallback else State.OK, self.info()["engine"])

    # -- its life -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """For the service's life; returns when this model cannot be used here."""
        try:
            folder = await self._find()
            await self._hear(folder)
        except EngineUnavailable as error:
            self._given_up, self._why = True, f"is not used ({error})"
            log.warning("asr_whisper_not_used", reason=str(error))
        finally:
            self.changed.set()

    async def _find(self) -> Path:
        source = self._source
        if (folder := await asyncio.to_thread(find_model, source.folder, source.name)) is not None:
            return folder
        label = source.name or "model"
        if not source.name or not source.may_download:
            raise EngineUnavailable(f"no {label} in {source.folder}; see docs/operations/models.md")
        pause_s = FIRST_RETRY_S
        while True:
            self._why = f"{label} is being downloaded"
            log.info("asr_whisper_download", model=label)
            try:
                return await download(source.name, source.folder, self._tell, first_byte_s=source.first_byte_s)
            except EngineUnavailable as error:
                self._why = f"waits: {error}; again in {pause_s:.0f} s"
                log.warning("asr_whisper_download_failed", model=label, error=str(error), again_in_s=pause_s)
            self.changed.set()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LAST_RETRY_S)

    def _tell(self, progress: str) -> None:
        self._why = f"{self._source.name} is being downloaded, {progress}"

    async def _hear(self, folder: Path) -> None:
        """Run the processes until cancelled. Raises EngineUnavailable."""
        self._why = f"{folder.name} is being loaded"
        prompts = await asyncio.to_thread(Prompts, folder)
        plan = replace(
            self._plan, name=folder.name, options=msgspec.structs.replace(self._plan.options, folder=str(folder))
        )
        whisper = WhisperRecogniser(plan, prompts)
        whisper.on_change = self._changed
        self.whisper = whisper
        try:
            await whisper.run()
        finally:
            self.whisper = None

    def _changed(self) -> None:
        now = "whisper" if self.in_use is self.whisper else "fallback"
        if now != self._hearing_with:
            self._hearing_with = now
            self._why = "is being started again"
            log.info("asr_engine_switched", engine=self.info()["engine"])
        self.changed.set()


class _Handed:
    """An utterance of Whisper's that the embedded recogniser takes over when Whisper cannot."""

    def __init__(self, whisper: WhisperRecogniser, fallback: Recogniser, request: Request, listener: Listener) -> None:
        self._mine: Utterance = whisper.begin(request, listener)
        self._fallback = fallback
        self._request = request
        self._listener = listener
        self._audio = bytearray()
        self._handed = False

    def feed(self, pcm: bytes) -> None:
        if not self._handed:
            self._audio += pcm
        self._mine.feed(pcm)

    async def hear(self, position: int, *, last: bool = False) -> Hearing:
        if not self._handed:
            try:
                return await self._mine.hear(position, last=last)
            except EngineUnavailable as error:
                if not self._handed:  # a pause and the end may both have waited
                    self._hand_over(error)
        return await self._mine.hear(position, last=last)

    def close(self) -> None:
        self._mine.close()

    def _hand_over(self, error: EngineUnavailable) -> None:
        if not self._fallback.capacity():
            raise error
        log.warning("asr_utterance_handed_over", reason=str(error))
        self._mine.close()
        self._handed = True
        self._mine = self._fallback.begin(self._request, self._listener)
        self._mine.feed(bytes(self._audio))
        self._audio.clear()


@asynccontextmanager
async def arriving(fallback: Recogniser, plan: Plan, source: Source) -> AsyncIterator[Arriving]:
    """Whisper comes in the background; ends with the service."""
    recogniser = Arriving(fallback, plan, source)
    running = asyncio.ensure_future(recogniser.run())  # ends below
    try:
        yield recogniser
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
