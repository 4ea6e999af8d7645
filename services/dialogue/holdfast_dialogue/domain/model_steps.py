"""What the policy asks of a language model, and what comes back, piece by piece. Pure.

    event = yield AskModel(...)             # the request goes out; the answer is the first event
    while not isinstance(event, ModelDone | ModelFailed):
        ...                                 # sentences may be yielded between two events
        event = yield ReadOn()
    yield StopModel()                       # enough was read: the endpoint stops producing

A model only ever says text and proposes tools; what becomes of either is the policy's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation as the model is shown it."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that the model may propose: a name, what it is for, a JSON schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AskModel:
    """Begin an answer. `continues`: the last message is the beginning of the answer, already said aloud."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    max_tokens: int = 150
    continues: bool = False


@dataclass(frozen=True, slots=True)
class ReadOn:
    """The next event of the answer under way."""


@dataclass(frozen=True, slots=True)
class StopModel:
    """No more of this answer; answered with None."""


@dataclass(frozen=True, slots=True)
class ModelText:
    """The next characters, cut anywhere."""

    text: str


@dataclass(frozen=True, slots=True)
class ModelProposal:
    """A tool that the model would like to be used, as it came: nothing of it has been checked."""

    name: str
    arguments: str
    """Meant to be a JSON object."""


@dataclass(frozen=True, slots=True)
class ModelDone:
    """The answer is over."""

    finish: str = "stop"
    """`stop`, `length` (cut at the limit), `tool_calls`, `content_filter`."""
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0
    """Millionths of the currency of the configured prices."""


class Failure(StrEnum):
    """Why there is no (more) answer."""

    OFF = "off"
    """No endpoint is configured."""
    RATE_LIMITED = "rate_limited"
    OPEN = "open"
    """The breaker keeps the endpoint out of the way."""
    UNAVAILABLE = "unavailable"
    """Not reached, or an error of the server's."""
    REFUSED = "refused"
    """The endpoint will not take the request: key, model name, form."""
    TIMEOUT = "timeout"
    BROKEN = "broken"
    """An error in the middle, or an answer that is none."""


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """The answer ends here; what was said of it stands."""

    kind: Failure
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0


ModelStep = AskModel | ReadOn | StopModel
ModelEvent = ModelText | ModelProposal | ModelDone | ModelFailed
