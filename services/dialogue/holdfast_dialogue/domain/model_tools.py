"""What a model may propose, and what is made of a proposal. Pure: a proposal is words until it has passed here.

Every tool only leads to something that the rules would do after the caller's own words: a look-up, or a
question to the caller. None of them books, notes or sends; that stays behind `guard.judge`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from holdfast_dialogue.domain.model_steps import ModelProposal, Tool
from holdfast_dialogue.domain.spoken import emails
from holdfast_dialogue.domain.state import State

MAX_ARGUMENTS = 2_000
MAX_QUERY = 200


class Name(StrEnum):
    SEARCH = "search_knowledge"
    MEETING = "propose_meeting"
    FOLLOW_UP = "offer_follow_up"


def _schema(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


SEARCH = Tool(
    Name.SEARCH,
    "Look the caller's question up in other words, where the passages do not answer it.",
    _schema({"query": {"type": "string", "description": "the question in clear words"}}, ["query"]),
)
MEETING = Tool(
    Name.MEETING,
    "The caller would like to meet a specialist. The system asks for everything that is needed and for consent.",
    _schema(
        {
            "start": {
                "type": "string",
                "description": "an opening that was offered aloud, UTC, if the caller chose it",
            },
            "email": {"type": "string", "description": "the caller's own address, if they have just said it"},
        },
        [],
    ),
)
FOLLOW_UP = Tool(
    Name.FOLLOW_UP, "The caller would like a person to get in touch with them. The system asks first.", _schema({}, [])
)
ALL = (SEARCH, MEETING, FOLLOW_UP)
NAMES = tuple(str(name) for name in Name)


@dataclass(frozen=True, slots=True)
class Search:
    query: str


@dataclass(frozen=True, slots=True)
class Meeting:
    start: str = ""
    """An opening that was offered in this call; empty: none was named."""
    email: str = ""
    """An address from the caller's own words; empty: none was named."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    pass


class Refusal(StrEnum):
    UNKNOWN_TOOL = "unknown_tool"
    BAD_JSON = "bad_json"
    BAD_ARGUMENTS = "bad_arguments"
    UNFOUNDED = "unfounded"
    """A time that was not offered, or an address that the caller did not give."""
    ANOTHER = "another"
    """A second proposal in one answer, or one while something else is under way."""


Accepted = Search | Meeting | FollowUp


class _Search(msgspec.Struct, forbid_unknown_fields=True):
    query: str


class _Meeting(msgspec.Struct, forbid_unknown_fields=True):
    start: str = ""
    email: str = ""


class _Nothing(msgspec.Struct, forbid_unknown_fields=True):
    pass


_SHAPES: dict[str, type[msgspec.Struct]] = {
    Name.SEARCH: _Search,
    Name.MEETING: _Meeting,
    Name.FOLLOW_UP: _Nothing,
}


def examine(proposal: ModelProposal, state: State, said: str) -> Accepted | Refusal:
    """What the proposal comes to, given the call so far and the caller's present words."""
    shape = _SHAPES.get(proposal.name)
    if shape is None:
        return Refusal.UNKNOWN_TOOL
    arguments = proposal.arguments.strip() or "{}"
    if len(arguments) > MAX_ARGUMENTS:
        return Refusal.BAD_ARGUMENTS
    try:
        told = msgspec.json.decode(arguments.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return Refusal.BAD_JSON
    try:
        told = msgspec.convert(told, shape)
    except msgspec.ValidationError:
        return Refusal.BAD_ARGUMENTS
    match told:
        case _Search(query=query):
            query = " ".join(query.split())
            return Search(query) if 0 < len(query) <= MAX_QUERY else Refusal.BAD_ARGUMENTS
        case _Meeting(start=start, email=email):
            if state.task or state.pending or state.proposal or state.meeting:
                return Refusal.ANOTHER
            if (start and start not in state.offers) or (email and not _is_the_callers(email, state, said)):
                return Refusal.UNFOUNDED
            return Meeting(start, email.lower())
        case _:
            return Refusal.ANOTHER if state.task or state.pending else FollowUp()


def _is_the_callers(email: str, state: State, said: str) -> bool:
    """The address stands in the state, or in words of the caller's own."""
    email = email.lower()
    if not emails.validated(email).address:
        return False
    own = [said, *(exchange.said for exchange in state.exchanges)]
    return email == state.fields.get("email") or any(emails.parse(words).address == email for words in own if words)
