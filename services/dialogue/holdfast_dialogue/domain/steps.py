"""What passes between the policy and the world: the policy yields steps, the handlers answer them.

    def skill(talk):                      # a generator: pure, it only yields
        yield talk.say("ask_email")       # a Sentence: it leaves at once
        found = yield CalendarStatus(...) # a tool call: the generator goes on with its result
        piece = yield AskModel(...)       # a model's answer, piece by piece (`model_steps`)

The same state, turn and results give the same steps, which is what lets another replica go on in
the middle of a reply.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from holdfast_common.contracts.dialogue import Sentence, Turn
from holdfast_common.contracts.tools import ToolCall, ToolResult
from holdfast_common.profile import Profile

from holdfast_dialogue.domain.model_steps import ModelEvent, ModelStep
from holdfast_dialogue.domain.state import State


@dataclass(frozen=True, slots=True)
class ToolFailed:
    """The call brought no result."""

    code: str
    """One of the stream's error codes, or `not_allowed`: the log is away, so the world stays as it is."""
    began: bool = False
    """It may have taken effect all the same."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a turn came to, besides its sentences."""

    state: State
    route: str = ""
    article: str = ""
    answered: bool = False
    ends_call: bool = False
    hands_over: bool = False
    qualified: bool | None = None
    booking: str = ""
    refused: tuple[str, ...] = ()
    """What of a model's answer was not let through, by kind."""


Step = Sentence | ToolCall | ModelStep
Answer = ToolResult | ToolFailed | ModelEvent | None
"""None answers a sentence."""
Steps = Generator[Step, Answer, None]
"""How a skill reads: it yields steps and returns when it has nothing more to add."""
Reply = Generator[Step, Answer, Outcome]
Policy = Callable[[Profile, State, Turn, str], Reply]
"""(profile, state, turn, call id) -> the reply, step by step."""
