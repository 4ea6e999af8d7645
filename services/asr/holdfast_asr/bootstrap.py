"""Wires the asr service: the language model of the profile, the decoders, the handler."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast_common.errors import EngineUnavailable, SettingsError
from holdfast_common.health import Finding, State
from holdfast_common.profile import load_articles, load_profile
from holdfast_common.runtime import Runtime, Wiring

from holdfast_asr.domain.lexicon import bad_pronunciations
from holdfast_asr.handlers import Hearer
from holdfast_asr.ports import Recogniser
from holdfast_asr.settings import AsrSettings

if TYPE_CHECKING:
    from holdfast_asr.adapters.finality_process import FinalityProcess
    from holdfast_asr.adapters.pocketsphinx_pool import PocketsphinxPool
    from holdfast_asr.adapters.whisper_arrival import Source
    from holdfast_asr.adapters.whisper_engine import Plan

NO_WHISPER = "no Whisper model configured"


@asynccontextmanager
async def wire(runtime: Runtime, settings: AsrSettings) -> AsyncIterator[Wiring]:
    """Ready when one real utterance has been decoded; raises SettingsError where nothing can recognise."""
    cache = runtime.common.state_dir / "asr"
    async with _engine(runtime, settings) as recogniser, judging(cache, settings) as finality:
        hearer = Hearer(recogniser, finality, partial_every_s=settings.partial_every_ms / 1000)
        if finality is not None:
            runtime.health.register("finality", finality.check)

        def check() -> Finding:
            state = State.OK if recogniser.capacity() else State.DOWN
            return Finding(state, recogniser.info()["engine"])

        runtime.health.register("engine", check)

        def info() -> dict[str, str]:
            judge = {} if finality is None else {"finality": finality.check().detail}
            return {**recogniser.info(), **judge}

        yield Wiring(handler=hearer.handle, capacity=recogniser.capacity, info=info)


@asynccontextmanager
async def _engine(runtime: Runtime, settings: AsrSettings) -> AsyncIterator[Recogniser]:
    if settings.engine == "scripted":
        async with _scripted(settings) as recogniser:
            yield recogniser
        return
    async with pocketsphinx(runtime.common.profile, runtime.common.state_dir / "asr", settings) as embedded:
        runtime.health.register("pronunciations", lambda: _pronunciations(embedded.missing))
        if settings.engine == "pocketsphinx" or (source := whisper_source(runtime, settings)) is None:
            yield embedded
            return
        from holdfast_asr.adapters.whisper_arrival import arriving  # noqa: PLC0415 - only where a model is set

        async with arriving(embedded, whisper_plan(settings), source) as recogniser:
            runtime.health.register("whisper", recogniser.check)
            yield recogniser


def whisper_source(runtime: Runtime, settings: AsrSettings) -> Source | None:
    """Where the Whisper model is looked for; None where none is asked for."""
    if not settings.model and settings.model_dir is None:
        return None
    from holdfast_asr.adapters.whisper_arrival import Source  # noqa: PLC0415 - only where a model is set

    folder = settings.model_dir or runtime.common.state_dir.parent / "models"
    return Source(folder, settings.model, settings.model_download, settings.model_first_byte_s)


def whisper_plan(settings: AsrSettings) -> Plan:
    from holdfast_asr.adapters.whisper_engine import Plan  # noqa: PLC0415 - only where a model is set
    from holdfast_asr.adapters.whisper_wire import Options  # noqa: PLC0415
    from holdfast_asr.domain.gates import Gates  # noqa: PLC0415

    cores = max(1, (os.cpu_count() or 1) // settings.whisper_workers)
    return Plan(
        Options(
            folder="",
            device=settings.whisper_device,
            compute_type=settings.whisper_compute_type,
            threads=settings.whisper_threads or cores,
            max_batch=settings.whisper_max_batch,
            short_windows=settings.whisper_short_windows,
            beam=settings.whisper_beam,
        ),
        workers=settings.whisper_workers,
        max_waiting=settings.whisper_queue,
        silent_s=settings.whisper_silent_s,
        streams=settings.whisper_streams,
        pad_s=settings.whisper_pad_s,
        gates=Gates() if settings.whisper_gates else None,
        partials=settings.whisper_partials,
    )


@asynccontextmanager
async def _scripted(settings: AsrSettings) -> AsyncIterator[Recogniser]:
    from holdfast_asr.adapters.scripted import Scripted  # noqa: PLC0415 - only where measured

    yield Scripted(settings.scripted_text)


@asynccontextmanager
async def judging(cache: Path, settings: AsrSettings) -> AsyncIterator[FinalityProcess | None]:
    """The language model that says how final words sound, while it starts; None where there shall be none."""
    if settings.finality == "off" or settings.engine == "scripted":
        yield None
        return
    from holdfast_asr.adapters.finality_process import FinalityProcess, worker  # noqa: PLC0415 - only where used

    finality = FinalityProcess(worker(cache))
    running = asyncio.ensure_future(finality.run())  # ends below, with the service
    try:
        yield finality
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _pronunciations(missing: Sequence[str]) -> Finding:
    if not missing:
        return Finding(State.OK)
    return Finding(State.DEGRADED, f"{len(missing)} words cannot be recognised: {', '.join(missing[:10])}")


@asynccontextmanager
async def pocketsphinx(folder: Path, cache: Path, settings: AsrSettings) -> AsyncIterator[PocketsphinxPool]:
    """The embedded recogniser over a profile, ready; `cache` keeps its language model. Raises SettingsError."""
    # Heavy imports: only where this engine is used.
    from holdfast_asr.adapters.caller_data import load_caller_data  # noqa: PLC0415
    from holdfast_asr.adapters.pocketsphinx_model import prepare_model  # noqa: PLC0415
    from holdfast_asr.adapters.pocketsphinx_pool import PocketsphinxPool, PoolShape  # noqa: PLC0415

    profile = load_profile(folder)
    if problems := bad_pronunciations(profile.speech.pronunciations):
        raise SettingsError([f"{folder / 'profile.yaml'}: {problem}" for problem in problems])
    try:
        model = await asyncio.to_thread(prepare_model, profile, load_articles(folder), load_caller_data(), cache)
    except EngineUnavailable as error:
        raise SettingsError([f"HOLDFAST_ASR_ENGINE=pocketsphinx: {error}"]) from error
    shape = PoolShape(
        workers=settings.workers or max(1, os.cpu_count() or 1),
        streams_per_worker=settings.streams_per_worker,
        silent_s=settings.worker_silent_s,
        generic=settings.generic,
    )
    pool = PocketsphinxPool(model, shape, reason=NO_WHISPER)
    running = asyncio.ensure_future(pool.run())  # ends below, with the service
    try:
        try:
            await pool.ready()
        except EngineUnavailable as error:
            raise SettingsError([f"HOLDFAST_ASR_ENGINE=pocketsphinx: {error}"]) from error
        yield pool
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
