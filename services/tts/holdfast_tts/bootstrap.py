"""Wires the tts service: the chain of engines, the voice threads, the cache, the handler."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from holdfast_common.errors import EngineUnavailable, SettingsError
from holdfast_common.health import Finding, State
from holdfast_common.profile import Voice, load_profile
from holdfast_common.resilience import Outside, Patience
from holdfast_common.runtime import Runtime, Wiring
from holdfast_common.secret_file import SecretSource

from holdfast_tts.chain import Chain, Factory
from holdfast_tts.domain.cache import AudioCache
from holdfast_tts.domain.voice_files import Wish
from holdfast_tts.handlers import Chunking, Speaker
from holdfast_tts.ports import Remote, Synthesiser
from holdfast_tts.renderer import Renderer, Shape
from holdfast_tts.settings import TtsSettings
from holdfast_tts.voice_thread import VoiceThread

if TYPE_CHECKING:
    from holdfast_tts.arrival import Arrival

log = structlog.get_logger()

STUCK_LOOK_S = 0.5
LOAD_S = 60.0
"""Longest wait for a voice in its folder where nothing else can speak."""


def factories(settings: TtsSettings, voice: Voice, loop: asyncio.AbstractEventLoop | None = None) -> dict[str, Factory]:
    """How each engine that loads at once is loaded. A new engine is one line here and one file in adapters."""

    def flite() -> Synthesiser:
        from holdfast_tts.adapters.flite import Flite  # noqa: PLC0415 - loads C libraries

        return Flite(default=voice.flite, folder=settings.flite_dir)

    def espeak() -> Synthesiser:
        from holdfast_tts.adapters.espeak import Espeak  # noqa: PLC0415 - loads C libraries

        return Espeak(default=voice.espeak)

    def scripted() -> Synthesiser:
        from holdfast_tts.adapters.scripted import Scripted  # noqa: PLC0415 - only where measured

        return Scripted(length_ms=settings.scripted_ms, pitch_hz=settings.scripted_hz)

    def elevenlabs() -> Synthesiser:
        from holdfast_tts.adapters.elevenlabs import NAME, ElevenLabs, Offer  # noqa: PLC0415 - an HTTP client

        key = SecretSource(settings.elevenlabs_key.get_secret_value(), settings.elevenlabs_key_file)
        if loop is None:
            raise EngineUnavailable("elevenlabs: needs the event loop of a service")
        if not (key.is_set and settings.elevenlabs_voice):
            raise EngineUnavailable("elevenlabs: HOLDFAST_TTS_ELEVENLABS_KEY_FILE (or _KEY) and _VOICE are not set")
        patience = Patience(
            attempts=2,
            attempt_s=settings.elevenlabs_first_s,
            fail_max=3,
            reset_s=settings.elevenlabs_reset_s,
            at_once=settings.elevenlabs_at_once,
        )
        offer = Offer(
            settings.elevenlabs_url,
            settings.elevenlabs_voice,
            settings.elevenlabs_model,
            settings.elevenlabs_format,
            settings.elevenlabs_first_s,
            settings.elevenlabs_gap_s,
        )
        return ElevenLabs(offer, key, Outside(NAME, patience), loop)

    return {"elevenlabs": elevenlabs, "flite": flite, "espeak": espeak, "scripted": scripted}


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
        first_run_chars=settings.first_run_chars,
    )


def voices_dir(settings: TtsSettings, state_dir: Path) -> Path:
    return settings.voices_dir or state_dir.parent / "voices"


def piper(settings: TtsSettings, voice: Voice, state_dir: Path, chain: Chain, renderer: Renderer) -> Arrival | None:
    """Piper's way into the chain, where a voice is named and can be had; what it lacks is told otherwise.

    Raises SettingsError. Imports nothing of Piper where there is nothing to speak with.
    """
    if "piper" not in settings.engines:
        return None
    name = settings.piper_voice or voice.piper
    if not name:
        chain.unset("piper", "piper: no voice named (profile's voice.piper, or HOLDFAST_TTS_PIPER_VOICE)")
        return None
    try:
        wish = Wish.read(name)
    except ValueError as error:
        raise SettingsError([f"profile, voice.piper: {error}"]) from error
    from holdfast_tts.adapters.piper_process import Options  # noqa: PLC0415 - only where it is used
    from holdfast_tts.arrival import Arrival  # noqa: PLC0415

    source = None
    if settings.voices_url:
        from holdfast_tts.adapters.voice_download import HttpVoices  # noqa: PLC0415 - loads an HTTP client

        source = HttpVoices(settings.voices_url, settings.voices_sha256, first_byte_s=settings.voices_first_byte_s)
    return Arrival(
        chain,
        renderer,
        wish,
        voices_dir(settings, state_dir),
        source=source,
        sums=settings.voices_sha256,
        options=Options(
            workers=settings.piper_workers,
            threads=settings.piper_threads,
            noise_w=settings.piper_noise_w,
            patience_s=settings.piper_patience_s,
        ),
    )


@asynccontextmanager
async def wire(runtime: Runtime, settings: TtsSettings) -> AsyncIterator[Wiring]:
    """Ready when an engine has said one real sentence; raises SettingsError where none can."""
    profile = load_profile(runtime.common.profile)
    chain = Chain(settings.engines, factories(settings, profile.voice, asyncio.get_running_loop()))
    runtime.health.register("engine", chain.check)
    if "elevenlabs" in settings.engines:
        runtime.health.register("elevenlabs", lambda: service_finding(chain))
    renderer = Renderer(shape(settings))
    arrival = piper(settings, profile.voice, runtime.common.state_dir, chain, renderer)
    threads = settings.piper_workers if arrival else 1
    if "elevenlabs" in settings.engines:
        threads = max(threads, settings.elevenlabs_at_once)  # each waits for one sentence's sound
    voice = VoiceThread(chain, renderer, threads=threads)
    speaker = Speaker(
        chain,
        voice,
        AudioCache(settings.cache_mb * 1_000_000),
        Chunking(first_ms=settings.first_chunk_ms, rest_ms=settings.chunk_ms),
        speed=profile.voice.speed,
    )
    arriving = asyncio.create_task(arrival.run(), name="piper") if arrival else None
    try:
        await start(chain, voice, arrival, settings)
        yield Wiring(
            handler=speaker.handle,
            capacity=lambda: settings.max_streams if chain.can_speak else 0,
            info=chain.info,
            tasks=(
                lambda: end_when_stuck(voice, settings.stuck_after_s),
                *((lambda: asyncio.shield(arriving),) if arriving else ()),
            ),
        )
    finally:
        voice.close()
        for engine in remote(chain):
            await engine.close()
        if arriving:
            arriving.cancel()
            await asyncio.gather(arriving, return_exceptions=True)


def remote(chain: Chain) -> list[Remote]:
    """The loaded engines that a service outside stands behind."""
    return [engine for engine in chain.loaded if isinstance(engine, Remote)]


def service_finding(chain: Chain) -> Finding:
    """For health: how that service answers."""
    findings = [engine.outside.finding() for engine in remote(chain)]
    return findings[0] if findings else Finding(State.OK, "not in use")


async def start(chain: Chain, voice: VoiceThread, arrival: Arrival | None, settings: TtsSettings) -> None:
    """Warm the first engine that loads at once, and wait a little for a Piper voice that is in its folder.

    Raises SettingsError when there is nothing to speak with and nothing on its way.
    """
    try:
        await voice.warm()
    except EngineUnavailable:
        limit_s = LOAD_S
    else:
        limit_s = settings.piper_start_s
    if arrival is not None and not arrival.is_download:
        try:
            async with asyncio.timeout(limit_s):
                await arrival.decided.wait()
        except TimeoutError:
            log.warning("tts_started_without_piper", after_s=limit_s)
    if not chain.can_speak and (arrival is None or arrival.decided.is_set()):
        raise SettingsError([f"HOLDFAST_TTS_ENGINES={','.join(settings.engines)}: {chain.reasons()}"])


async def end_when_stuck(voice: VoiceThread, limit_s: float) -> None:
    """Watch the voice threads: a C engine that hangs cannot be ended, so the replica ends and starts anew.

    Raises EngineUnavailable.
    """
    while True:
        await asyncio.sleep(STUCK_LOOK_S)
        if (silent_s := voice.silent_s()) > limit_s:
            raise EngineUnavailable(f"tts: engine silent for {silent_s:.1f} s (limit {limit_s:.1f})")
