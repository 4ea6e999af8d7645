"""Wires the tts service: the chain of engines, the voice thread, the cache, the handler."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from holdfast_common.errors import EngineUnavailable, SettingsError
from holdfast_common.profile import Voice, load_profile
from holdfast_common.runtime import Runtime, Wiring

from holdfast_tts.chain import Chain, Factory
from holdfast_tts.domain.cache import AudioCache
from holdfast_tts.handlers import Chunking, Speaker
from holdfast_tts.ports import Synthesiser
from holdfast_tts.renderer import Renderer, Shape
from holdfast_tts.settings import TtsSettings
from holdfast_tts.voice_thread import VoiceThread

STUCK_LOOK_S = 0.5
SCRIPTED_CHUNK_MS = 20


def factories(settings: TtsSettings, voice: Voice) -> dict[str, Factory]:
    """How each known engine is loaded. A new engine is one line here and one file in adapters."""

    def flite() -> Synthesiser:
        from holdfast_tts.adapters.flite import Flite  # noqa: PLC0415 - loads C libraries

        return Flite(default=voice.flite, folder=settings.flite_dir)

    def espeak() -> Synthesiser:
        from holdfast_tts.adapters.espeak import Espeak  # noqa: PLC0415 - loads C libraries

        return Espeak(default=voice.espeak)

    def scripted() -> Synthesiser:
        from holdfast_tts.adapters.scripted import Scripted  # noqa: PLC0415 - only where measured

        return Scripted(length_ms=settings.scripted_ms, pitch_hz=settings.scripted_hz)

    return {"flite": flite, "espeak": espeak, "scripted": scripted}


def shape(settings: TtsSettings) -> Shape:
    """The finish of the sound; the scripted tone is neither padded nor cut into clauses."""
    scripted = settings.engines == ("scripted",)
    return Shape(
        target_dbfs=settings.target_dbfs,
        ceiling_dbfs=settings.ceiling_dbfs,
        pause_ms=0 if scripted else settings.pause_ms,
        lead_ms=settings.lead_ms,
        tail_ms=settings.tail_ms,
        run_chars=4_000 if scripted else settings.run_chars,
    )


@asynccontextmanager
async def wire(runtime: Runtime, settings: TtsSettings) -> AsyncIterator[Wiring]:
    """Ready when the engine has said one real sentence; raises EngineUnavailable where none can."""
    profile = load_profile(runtime.common.profile)
    chain = Chain(settings.engines, factories(settings, profile.voice))
    runtime.health.register("engine", chain.check)
    voice = VoiceThread(chain, Renderer(shape(settings)))
    scripted = settings.engines == ("scripted",)
    speaker = Speaker(
        chain,
        voice,
        AudioCache(settings.cache_mb * 1_000_000),
        Chunking(
            first_ms=SCRIPTED_CHUNK_MS if scripted else settings.first_chunk_ms,
            rest_ms=SCRIPTED_CHUNK_MS if scripted else settings.chunk_ms,
        ),
        speed=profile.voice.speed,
    )
    try:
        try:
            await voice.warm()
        except EngineUnavailable as error:
            raise SettingsError([f"HOLDFAST_TTS_ENGINES={','.join(settings.engines)}: {error}"]) from error
        yield Wiring(
            handler=speaker.handle,
            capacity=lambda: settings.max_streams,
            info=chain.info,
            tasks=(lambda: end_when_stuck(voice, settings.stuck_after_s),),
        )
    finally:
        voice.close()


async def end_when_stuck(voice: VoiceThread, limit_s: float) -> None:
    """Watch the voice thread: a C engine that hangs cannot be ended, so the replica ends and starts anew.

    Raises EngineUnavailable.
    """
    while True:
        await asyncio.sleep(STUCK_LOOK_S)
        if (silent_s := voice.silent_s()) > limit_s:
            raise EngineUnavailable(f"tts: engine silent for {silent_s:.1f} s (limit {limit_s:.1f})")
