"""A language model in memory: scripted answers, one a request, and a memory of what was asked. Ships with it.

For a model that reads its prompt and answers by it, over HTTP as a real one does, see `holdfast model`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

from holdfast_dialogue.domain.model_steps import (
    AskModel,
    Failure,
    ModelDone,
    ModelEvent,
    ModelFailed,
    ModelProposal,
    ModelText,
)

HANG = object()
"""In a script: from here on nothing comes."""
Script = Sequence[object]


def says(text: str, *proposals: ModelProposal, finish: str = "stop") -> Script:
    """A script that says this text word by word, proposes these tools and ends well."""
    words = [ModelText(word + " ") for word in text.split()]
    return [*words, *proposals, ModelDone(finish, tokens_in=300, tokens_out=len(words), cost_micros=100)]


@dataclass
class FakeModel:
    """A `Model` that follows `scripts`, or asks `by` for one; without either it is down."""

    scripts: list[Script] = field(default_factory=list)
    by: Callable[[AskModel], Script] | None = None
    asked: list[AskModel] = field(default_factory=list)
    closed: int = 0
    """Answers that were let go before their end."""
    slow: int = 0
    is_away: bool = False

    async def answer(self, request: AskModel, *, within_s: float) -> AsyncGenerator[ModelEvent, None]:
        self.asked.append(request)
        script: Script = [ModelFailed(Failure.UNAVAILABLE)]
        if self.by or self.scripts:
            script = self.by(request) if self.by else self.scripts.pop(0)
        ended = False
        try:
            for event in script:
                if event is HANG:
                    await asyncio.Event().wait()
                ended = isinstance(event, ModelDone | ModelFailed)
                yield event  # type: ignore[misc]  # scripts are typed loosely on purpose
        finally:
            self.closed += not ended

    def too_slow(self) -> None:
        self.slow += 1
