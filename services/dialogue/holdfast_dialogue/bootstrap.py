"""Where the dialogue service is wired; every collaborator is an argument of `Dialogue`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from holdfast_common.contracts.registry import Service
from holdfast_common.errors import SettingsError
from holdfast_common.health import Finding, State
from holdfast_common.profile import load_profile
from holdfast_common.resilience import Patience
from holdfast_common.runtime import Runtime, Wiring

from holdfast_dialogue.adapters.tools import StreamTools
from holdfast_dialogue.domain.decide import decide
from holdfast_dialogue.domain.model_budget import Allowance
from holdfast_dialogue.domain.scripted import scripted
from holdfast_dialogue.domain.steps import Policy
from holdfast_dialogue.domain.wording import missing_wordings
from holdfast_dialogue.handlers import Dialogue, Limits
from holdfast_dialogue.model_run import ModelLimits
from holdfast_dialogue.settings import DialogueSettings, ModelSettings

if TYPE_CHECKING:
    from holdfast_dialogue.adapters.openai_model import OpenAIModel

POLICIES: dict[str, Policy] = {"rules": decide, "scripted": scripted}


@asynccontextmanager
async def wire(runtime: Runtime, settings: DialogueSettings, model_settings: ModelSettings) -> AsyncIterator[Wiring]:
    """Read the profile, serve turns. A profile that lacks a wording stops the start with the list of them."""
    profile = load_profile(runtime.common.profile)
    if problems := missing_wordings(profile.copy_):
        raise SettingsError([f"profile {profile.id}: copy: {problem}" for problem in problems])
    tools = StreamTools(runtime.opener, result_deadline_ms=settings.tool_result_ms)
    model = language_model(model_settings)
    dialogue = Dialogue(
        profile=profile,
        policy=policy_of(settings.policy, model_settings),
        tools=tools,
        call_log=runtime.log,
        limits=Limits(search_s=settings.search_s, change_s=settings.change_s, model=limits_of(model_settings)),
        model=model,
        version=runtime.common.version,
    )
    runtime.health.register("tools", lambda: _tools_finding(runtime.opener.replicas(Service.TOOLS)))
    if model is not None:
        await model.warm()
        runtime.health.register("model", model.finding)
    try:
        yield Wiring(
            handler=dialogue,
            capacity=lambda: settings.capacity,
            info=lambda: {"policy": settings.policy, "profile": profile.id, "model": model_settings.name or "none"},
            drain=tools.drain,
        )
    finally:
        if model is not None:
            await model.aclose()


def language_model(settings: ModelSettings) -> OpenAIModel | None:
    """The model at the configured endpoint; None where there is none. The client is loaded only for one that is."""
    if not settings.is_on:
        return None
    from holdfast_dialogue.adapters.openai_model import Endpoint, OpenAIModel  # noqa: PLC0415 - heavy

    endpoint = Endpoint(
        base_url=settings.base_url,
        name=settings.name,
        key=settings.key.get_secret_value(),
        temperature=settings.temperature,
        tokens_field=settings.tokens_field,
        extra=settings.extra,
        price_in=settings.price_in,
        price_out=settings.price_out,
    )
    return OpenAIModel(
        endpoint, Patience(attempts=2, attempt_s=settings.first_sentence_s, fail_max=3, at_once=settings.at_once)
    )


def policy_of(name: str, settings: ModelSettings) -> Policy:
    """The policy of this name; the rules are told what they may use of a model, where there is one."""
    if name != "rules" or not settings.is_on:
        return POLICIES[name]
    allowance = Allowance(
        reply_tokens=settings.reply_tokens,
        call_tokens=settings.call_tokens,
        call_cost_micros=round(settings.call_cost * 1_000_000),
    )
    return partial(decide, allowance=allowance)


def limits_of(settings: ModelSettings) -> ModelLimits:
    return ModelLimits(first_sentence_s=settings.first_sentence_s, next_s=settings.next_s, whole_s=settings.whole_s)


def _tools_finding(replicas: list[str]) -> Finding:
    if replicas:
        return Finding(State.OK, f"{len(replicas)} replicas of tools")
    return Finding(State.DEGRADED, "no replica of tools: no answers, no bookings")
