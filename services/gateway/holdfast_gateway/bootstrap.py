"""Where the gateway is wired: engines, the call desk, the edge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache, partial

from holdfast_common.contracts.registry import Service
from holdfast_common.health import Finding, State
from holdfast_common.profile import Profile, load_profile
from holdfast_common.resilience import Outside, Patience
from holdfast_common.runtime import Runtime, Wiring

from holdfast_gateway.adapters.carrier import Redirects
from holdfast_gateway.adapters.foreground import Foreground
from holdfast_gateway.adapters.log_callbacks import LogCallbacks
from holdfast_gateway.adapters.log_history import LogHistory
from holdfast_gateway.adapters.silero import Silero
from holdfast_gateway.adapters.silero_onnx import OnnxSilero, load_session
from holdfast_gateway.clips import Clips
from holdfast_gateway.desk import Desk
from holdfast_gateway.domain.duties import DutyRule
from holdfast_gateway.domain.endpointing import Endpointing
from holdfast_gateway.domain.floor import FloorRule
from holdfast_gateway.edge import NEEDED, OWN_ADDRESS, Edge
from holdfast_gateway.edge_settings import EdgeSettings
from holdfast_gateway.facts import Facts
from holdfast_gateway.house import CallRule, House
from holdfast_gateway.ports import ForegroundModel, VoiceModel
from holdfast_gateway.settings import GatewaySettings, VadRuntime
from holdfast_gateway.speaking import VoiceOut
from holdfast_gateway.voice import VadBatch

PHONE_HZ = 8_000
SHORTEST_PAUSE_MS = 100
AHEAD_MS = 80
"""The recogniser is asked this long before the shortest silence that ends a turn: time in which to think ahead."""


def call_rule(profile: Profile, settings: GatewaySettings, edge: EdgeSettings) -> CallRule:
    """The profile's turn-taking, with what the settings override."""
    turns = profile.turns
    endpoint_ms = settings.endpoint_ms or turns.endpoint_ms
    return CallRule(
        endpointing=Endpointing(
            endpoint_ms,
            turns.by_expectation,
            is_fixed=settings.endpoint_ms is not None,
            middle_ms=turns.middle_ms,
            patient_ms=turns.patient_ms,
        ),
        floor=FloorRule(
            pause_ms=max(SHORTEST_PAUSE_MS, min(turns.pause_ms, endpoint_ms - AHEAD_MS)),
            hold_ms=settings.hold_ms or turns.hold_ms,
        ),
        voice=VoiceOut(lead_ms=settings.lead_ms),
        duties=DutyRule(
            silence_s=settings.silence_prompt_s or turns.silence_prompt_s,
            longest_call_s=edge.max_call_s,
        ),
        max_silences=turns.max_silences,
        guesses=settings.guesses,
    )


def vad_batches(
    runtime: VadRuntime = VadRuntime.NUMPY, foreground: Callable[[], ForegroundModel] | None = Foreground
) -> Callable[[int], VadBatch]:
    """One batch a rate, on the running loop; the telephone's is loaded now, so that a bad model is told at start."""
    loop = asyncio.get_running_loop()
    model: Callable[[int], VoiceModel] = Silero
    if runtime is VadRuntime.ONNXRUNTIME:
        session = load_session()
        model = lambda rate_hz: OnnxSilero(rate_hz, session)  # noqa: E731 - one of two ways to make the same

    @cache
    def batch(rate_hz: int) -> VadBatch:
        return VadBatch(model(rate_hz), loop.call_soon, loop.call_later, foreground() if foreground else None)

    batch(PHONE_HZ)
    return batch


def vad_finding(phone: VadBatch, *, wants_foreground: bool) -> Finding:
    """The detector, and whether the network beside it still tells whose voice it is on the telephone."""
    if phone.has_foreground:
        return Finding(State.OK, "silero, foreground network")
    if wants_foreground:
        return Finding(State.DEGRADED, "silero; the foreground network failed, see foreground_failed in the log")
    return Finding(State.OK, "silero")


def register_health(runtime: Runtime, clips: Clips, vad: Callable[[], Finding]) -> None:
    """Each service that a call needs, with the engine that it says it uses, and the clips."""
    loop = asyncio.get_running_loop()

    def of(service: Service) -> Finding:
        beats = [beat for beat in runtime.presence.beats(loop.time(), service) if not beat.draining]
        engines = sorted({", ".join(f"{k} {v}" for k, v in beat.info.items()) for beat in beats} - {""})
        if not beats:
            return Finding(State.DEGRADED, "no replica")
        return Finding(State.OK, f"{len(beats)} there" + (f": {'; '.join(engines)}" if engines else ""))

    for service in NEEDED:
        runtime.health.register(service, lambda service=service: of(service))
    runtime.health.register(
        "clips",
        lambda: Finding(State.DEGRADED, f"{len(clips.missing)} not spoken yet") if clips.missing else Finding(State.OK),
    )
    runtime.health.register("vad", vad)


@asynccontextmanager
async def twilio_rest(runtime: Runtime, settings: EdgeSettings) -> AsyncIterator[Redirects | None]:
    """Twilio's REST interface where there is an account; None where there is none."""
    token = settings.twilio_auth_token.get_secret_value()
    if not settings.twilio_account_sid or not token:
        yield None
        return
    from holdfast_gateway.adapters.twilio_rest import NAME, TwilioRest  # noqa: PLC0415 - an HTTP client, only where used

    outside = Outside(NAME, Patience(attempts=2, attempt_s=1.4))
    rest = TwilioRest(settings.twilio_url, settings.twilio_account_sid, token, outside)
    runtime.health.register(NAME, outside.finding)
    try:
        yield rest
    finally:
        await rest.close()


@asynccontextmanager
async def wire(runtime: Runtime, settings: GatewaySettings, edge_settings: EdgeSettings) -> AsyncIterator[Wiring]:
    """The gateway: beats, holds calls, serves no streams."""
    profile = load_profile(runtime.common.profile)
    facts = Facts(runtime.bus, runtime.log)
    clips = Clips(profile.clips)
    rule = call_rule(profile, settings, edge_settings)
    batches = vad_batches(settings.vad_runtime, Foreground if settings.foreground else None)
    house = House(runtime.opener, facts, clips, batches, rule)
    desk = Desk(house, runtime.log, linger_s=settings.linger_s)
    vad = partial(vad_finding, batches(PHONE_HZ), wants_foreground=settings.foreground)
    register_health(runtime, clips, vad)
    own_address = {OWN_ADDRESS: edge_settings.media_base_url} if edge_settings.media_base_url else {}
    async with AsyncExitStack() as stack:
        edge = Edge(
            desk,
            edge_settings,
            replica=runtime.replica,
            profile=profile,
            presence=runtime.presence,
            health=runtime.health,
            history=LogHistory(runtime.log),
            callbacks=LogCallbacks(runtime.log),
            redirects=await stack.enter_async_context(twilio_rest(runtime, edge_settings)),
        )
        await stack.enter_async_context(edge)

        async def drain() -> None:
            await edge.drain(runtime.common.drain_s)
            await facts.told()

        yield Wiring(
            capacity=edge.reception.seats.certainly_free,
            info=lambda: {"vad": vad().detail, "url": edge.url} | own_address,
            tasks=(facts.run, lambda: clips.run(runtime.opener), desk.run, edge.look_round),
            drain=drain,
        )
