"""The service inside another process, for evaluations by voice: the real handler over the embedded recogniser.

`holdfast eval` finds this module by its name, as `holdfast up` finds a service's process. Decoders run in
processes of their own as ever; `behind_s` tells a caller whose clock is its own how much they still owe.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from math import inf
from pathlib import Path

from holdfast_common.errors import EngineUnavailable, SettingsError
from holdfast_common.settings import load_settings
from holdfast_common.stream.api import Handler

from holdfast_asr.bootstrap import judging, pocketsphinx
from holdfast_asr.handlers import Hearer
from holdfast_asr.settings import AsrSettings


@asynccontextmanager
async def serve(folder: Path, cache: Path) -> AsyncIterator[tuple[Handler, Callable[[], float]]]:
    """The handler over a profile's folder, and how many seconds of audio wait to be decoded (without end while an
    opinion is owed). Raises SettingsError."""
    (settings,) = load_settings(AsrSettings)
    async with pocketsphinx(folder, cache, settings) as pool, judging(cache, settings) as finality:
        if finality is not None:
            try:
                await finality.ready()
            except EngineUnavailable as error:
                raise SettingsError([f"{error} (HOLDFAST_ASR_FINALITY=off does without)"]) from error

        def behind_s() -> float:
            return inf if finality is not None and finality.owes else pool.behind_s()

        yield Hearer(pool, finality, partial_every_s=settings.partial_every_ms / 1000).handle, behind_s
