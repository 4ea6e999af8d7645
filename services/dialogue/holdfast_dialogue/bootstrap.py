"""Where the dialogue service is wired; every collaborator is an argument of `Dialogue`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from holdfast_common.contracts.registry import Service
from holdfast_common.errors import SettingsError
from holdfast_common.health import Finding, State
from holdfast_common.profile import load_profile
from holdfast_common.runtime import Runtime, Wiring

from holdfast_dialogue.adapters.tools import StreamTools
from holdfast_dialogue.domain.decide import decide
from holdfast_dialogue.domain.scripted import scripted
from holdfast_dialogue.domain.steps import Policy
from holdfast_dialogue.domain.wording import missing_wordings
from holdfast_dialogue.handlers import Dialogue, Limits
from holdfast_dialogue.settings import DialogueSettings

POLICIES: dict[str, Policy] = {"rules": decide, "scripted": scripted}


@asynccontextmanager
async def wire(runtime: Runtime, settings: DialogueSettings) -> AsyncIterator[Wiring]:
    """Read the profile, serve turns. A profile that lacks a wording stops the start with the list of them."""
    profile = load_profile(runtime.common.profile)
    if problems := missing_wordings(profile.copy_):
        raise SettingsError([f"profile {profile.id}: copy: {problem}" for problem in problems])
    tools = StreamTools(runtime.opener, result_deadline_ms=settings.tool_result_ms)
    dialogue = Dialogue(
        profile=profile,
        policy=POLICIES[settings.policy],
        tools=tools,
        call_log=runtime.log,
        limits=Limits(search_s=settings.search_s, change_s=settings.change_s),
        version=runtime.common.version,
    )
    runtime.health.register("tools", lambda: _tools_finding(runtime.opener.replicas(Service.TOOLS)))
    yield Wiring(
        handler=dialogue,
        capacity=lambda: settings.capacity,
        info=lambda: {"policy": settings.policy, "profile": profile.id},
        drain=tools.drain,
    )


def _tools_finding(replicas: list[str]) -> Finding:
    if replicas:
        return Finding(State.OK, f"{len(replicas)} replicas of tools")
    return Finding(State.DEGRADED, "no replica of tools: no answers, no bookings")
