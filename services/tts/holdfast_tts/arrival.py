"""Piper comes into the chain while the service already speaks with another engine.

    find the voice (folder, else download) -> start its processes -> measure its loudness -> switch

While its processes are all down (killed, hanging) the chain passes it over, and takes it back after.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path

import structlog
from holdfast_common.errors import EngineUnavailable

from holdfast_tts.adapters.piper import Piper
from holdfast_tts.adapters.piper_pool import PiperPool, open_pool
from holdfast_tts.adapters.piper_process import Options
from holdfast_tts.adapters.piper_wire import Ready
from holdfast_tts.chain import Chain
from holdfast_tts.domain.voice_files import CONFIG, MODEL, Progress, Wish, wrong_sum
from holdfast_tts.ports import VoiceSource
from holdfast_tts.renderer import Renderer

log = structlog.get_logger()

NAME = "piper"
FIRST_RETRY_S, LAST_RETRY_S = 10.0, 600.0


def has_voice(folder: Path, voice: str) -> bool:
    return all((folder / f"{voice}{suffix}").is_file() for suffix in (MODEL, CONFIG))


class Arrival:
    """One voice on its way into the chain, and in it."""

    def __init__(
        self,
        chain: Chain,
        renderer: Renderer,
        wish: Wish,
        folder: Path,
        *,
        source: VoiceSource | None,
        sums: Mapping[str, str],
        options: Options,
    ) -> None:
        self._chain = chain
        self._renderer = renderer
        self._wish = wish
        self._folder = folder
        self._source = source
        self._sums = sums
        self._options = options
        self.decided = asyncio.Event()
        """Set when it is in the chain for the first time, or will not come."""
        self.pool: PiperPool | None = None
        chain.away(NAME, f"{wish.voice} is being loaded")

    @property
    def is_local(self) -> bool:
        """Is the voice on this machine?"""
        return has_voice(self._folder, self._wish.voice)

    @property
    def is_download(self) -> bool:
        """Will it take its time?"""
        return not self.is_local and self._source is not None

    async def run(self) -> None:
        """For the service's life; returns when the voice cannot be used here."""
        try:
            if not self.is_local:
                await self._fetch()
            await self._check()
            await self._speak()
        except EngineUnavailable as error:
            self._chain.give_up(NAME, str(error))
        finally:
            self.decided.set()

    async def _fetch(self) -> None:
        """Until it is there; raises EngineUnavailable where no download is set up."""
        voice = self._wish.voice
        if self._source is None:
            raise EngineUnavailable(f"piper: no voice file {voice} in {self._folder}; see docs/operations/models.md")
        pause_s = FIRST_RETRY_S
        self._chain.away(NAME, f"{voice} is being downloaded")
        log.info("tts_voice_download", voice=voice)
        while True:
            try:
                await self._source.fetch(voice, self._folder, self._tell)
            except EngineUnavailable as error:
                self._chain.away(NAME, f"{error}; again in {pause_s:.0f} s")
                log.warning("tts_voice_download_failed", voice=voice, error=str(error), again_in_s=pause_s)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LAST_RETRY_S)
            else:
                log.info("tts_voice_downloaded", voice=voice)
                return

    def _tell(self, progress: Progress) -> None:
        self._chain.away(NAME, f"{self._wish.voice} is being downloaded, {progress}")

    async def _check(self) -> None:
        self._chain.away(NAME, f"{self._wish.voice} is being loaded")
        for suffix in (MODEL, CONFIG):
            file = f"{self._wish.voice}{suffix}"
            if file in self._sums:
                digest = await asyncio.to_thread(_sha256, self._folder / file)
                if wrong := wrong_sum(file, digest, self._sums):
                    raise EngineUnavailable(f"piper: {wrong}")

    async def _speak(self) -> None:
        """Run the processes. Raises EngineUnavailable when they refuse the voice."""
        ready: asyncio.Queue[Ready] = asyncio.Queue()
        pool = self.pool = PiperPool(
            self._folder / f"{self._wish.voice}{MODEL}",
            self._options,
            on_up=ready.put_nowait,
            on_down=lambda reason: self._chain.away(NAME, reason),
        )
        async with open_pool(pool) as running:
            while True:
                up = asyncio.ensure_future(ready.get())
                try:
                    await asyncio.wait({running, up}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    up.cancel()
                if running.done():
                    return running.result()
                await self._arrive(Piper(pool, self._wish, up.result()))

    async def _arrive(self, piper: Piper) -> None:
        """Measure the loudness on a thread beside the voices: nobody who speaks now waits for it."""
        try:
            await asyncio.to_thread(self._renderer.gain, piper, piper.resolve("", ""))
        except EngineUnavailable as error:
            # Its process ended already; the pool starts another one and tells again.
            log.warning("piper_not_warm", error=str(error))
            return
        self._chain.arrive(piper)
        self.decided.set()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
