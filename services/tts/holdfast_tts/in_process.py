"""The service inside another process, for evaluations by voice: the real handler over the voices of this machine.

`holdfast eval` finds this module by its name, as `holdfast up` finds a service's process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from holdfast_common.profile import Profile
from holdfast_common.settings import load_settings
from holdfast_common.stream.api import Handler

from holdfast_tts.bootstrap import factories, shape
from holdfast_tts.chain import Chain
from holdfast_tts.domain.cache import AudioCache
from holdfast_tts.handlers import Chunking, Speaker
from holdfast_tts.renderer import Renderer
from holdfast_tts.settings import TtsSettings
from holdfast_tts.voice_thread import VoiceThread

EMBEDDED = ("flite", "espeak")
"""Engines that load at once and need nothing from outside."""


@asynccontextmanager
async def serve(profile: Profile) -> AsyncIterator[tuple[Handler, str]]:
    """The handler, and the name of the engine that speaks. Raises EngineUnavailable where none can."""
    (settings,) = load_settings(TtsSettings)
    chain = Chain(EMBEDDED, factories(settings, profile.voice))
    voice = VoiceThread(chain, Renderer(shape(settings)))
    try:
        await voice.warm()
        engine = chain.current
        assert engine is not None  # warm
        cache = AudioCache(settings.cache_mb * 1_000_000)
        chunking = Chunking(settings.first_chunk_ms, settings.chunk_ms)
        yield Speaker(chain, voice, cache, chunking, speed=profile.voice.speed).handle, engine.name
    finally:
        voice.close()
