"""The service inside another process, for evaluations in text: the real handlers and policy.

`holdfast eval` finds this module by its name, as `holdfast up` finds a service's process.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from functools import partial

from holdfast_common.call_log import CallLog
from holdfast_common.errors import SettingsError
from holdfast_common.profile import Profile
from holdfast_common.stream.api import Handler, Opener

from holdfast_dialogue.adapters.fake_model import FakeModel
from holdfast_dialogue.adapters.tools import StreamTools
from holdfast_dialogue.bootstrap import language_model
from holdfast_dialogue.domain.decide import decide
from holdfast_dialogue.domain.model_budget import Allowance
from holdfast_dialogue.domain.model_prompt import instructions
from holdfast_dialogue.domain.model_steps import AskModel, Failure, ModelEvent, ModelFailed
from holdfast_dialogue.domain.steps import Policy
from holdfast_dialogue.domain.wording import missing_wordings
from holdfast_dialogue.handlers import Dialogue, Limits
from holdfast_dialogue.ports import Model
from holdfast_dialogue.settings import ModelSettings


def prompt(profile: Profile) -> str:
    """What a model is told and no caller may ever hear: for the judge."""
    return instructions(profile)


def model_at(url: str, name: str) -> Model:
    """The model of this name at an OpenAI-compatible endpoint."""
    model = language_model(ModelSettings.model_validate({"base_url": url, "name": name}))
    assert model is not None
    return model


def model_that_is_away() -> Model:
    """Configured, and never there: for calls whose model fails where there is none to fail."""
    return FakeModel()


def serve(
    profile: Profile, opener: Opener, log: CallLog, *, model: Model | None = None, down: Collection[str] = ()
) -> Handler:
    """The rules policy over streams of `opener`, with a model where one is given.

    `down` is looked at each time: with `model` in it the model is away. Raises SettingsError where the
    profile lacks a wording.
    """
    if problems := missing_wordings(profile.copy_):
        raise SettingsError([f"profile {profile.id}: copy: {problem}" for problem in problems])
    tools = StreamTools(opener, result_deadline_ms=1_500)
    policy: Policy = partial(decide, allowance=Allowance()) if model else decide
    switched = _Switched(model, down) if model else None
    return Dialogue(profile=profile, policy=policy, tools=tools, call_log=log, limits=Limits(), model=switched)


class _Switched:
    """A model that is away while `down` says so."""

    def __init__(self, model: Model, down: Collection[str]) -> None:
        self._model = model
        self._down = down

    async def answer(self, request: AskModel, *, within_s: float) -> AsyncGenerator[ModelEvent, None]:
        if "model" in self._down:
            yield ModelFailed(Failure.UNAVAILABLE)
            return
        async with aclosing(self._model.answer(request, within_s=within_s)) as events:
            async for event in events:
                yield event

    @property
    def is_away(self) -> bool:
        return "model" in self._down or self._model.is_away

    def too_slow(self) -> None:
        self._model.too_slow()
