"""For tests and benches of Piper: a pool to watch, a studio that speaks with it. Ships with the product."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from holdfast_tts.adapters.piper import Piper
from holdfast_tts.adapters.piper_pool import PiperPool, open_pool
from holdfast_tts.adapters.piper_process import Options
from holdfast_tts.adapters.piper_wire import Ready
from holdfast_tts.domain.voice_files import Wish
from holdfast_tts.testing import Studio, studio

LIMIT_S = 60.0


class Watch:
    """A pool and what it tells."""

    def __init__(self, voice: Path, options: Options) -> None:
        self.ups: asyncio.Queue[Ready] = asyncio.Queue()
        self.downs: asyncio.Queue[str] = asyncio.Queue()
        self.pool = PiperPool(voice, options, on_up=self.ups.put_nowait, on_down=self.downs.put_nowait)

    async def up(self) -> Ready:
        return await asyncio.wait_for(self.ups.get(), LIMIT_S)

    async def down(self) -> str:
        return await asyncio.wait_for(self.downs.get(), LIMIT_S)


@asynccontextmanager
async def watched(voice: Path, **options: Any) -> AsyncIterator[Watch]:
    """`voice` is the path of its model; options as in `Options`."""
    watch = Watch(voice, Options(**options))
    async with open_pool(watch.pool):
        yield watch


@asynccontextmanager
async def speaking(voice: Path, **options: Any) -> AsyncIterator[Studio]:
    """The service with Piper alone and without a cache."""
    async with watched(voice, **options) as watch:
        piper = Piper(watch.pool, Wish(voice.name.removesuffix(".onnx")), await watch.up())
        async with studio(piper, cache_bytes=0) as s:
            yield s
