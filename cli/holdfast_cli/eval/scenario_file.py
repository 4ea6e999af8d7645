"""A scenario: a caller's lines and what must have come of them. Every name in it is checked.

The format is told in cli/README.md. Free-form parts are the caller's facts, the audio and other callers'
data; anything else that is not known here is an error, never ignored.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from holdfast_common.errors import HoldfastError
from holdfast_common.profile import WorkingHours
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

SLOTS = frozenset(
    {
        *("team_size", "use_case", "integrations", "industry", "monthly_documents", "timeline", "needs", "name"),
        *("email", "timezone", "permission_to_book", "permission_follow_up", "confirm_booking", "confirm_email"),
        *("clarify_date", "anything_else", "nps", "reason", "repeat", "continue", "start", "clarify_topic"),
        *("email_other_way", "what_to_change", "change_or_cancel", "problem", "person", "phone", "company"),
    }
)
"""What an agent may ask for."""
EFFECTS = frozenset(
    {"lead_saved", "nps", "issue_report", "follow_up_request", "deletion_request", "incident_logged", "handover"}
)
FAULTS = ("unleash_down", "calendar_down", "llm_down", "calendar_conflict_on_book")


class ScenarioError(HoldfastError):
    """A scenario that cannot be run, and why."""


def _word(value: object) -> object:
    """YAML reads a bare `yes`, `no` or number as something else than the word that is said."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int | float) else value


Words = Annotated[str, BeforeValidator(_word)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_Part):
    """What the agent must have done in its last reply."""

    agent_asks: list[str] = []
    agent_offers_times: bool = False
    agent_says_any: list[Words] = []

    @field_validator("agent_asks")
    @classmethod
    def _known(cls, slots: list[str]) -> list[str]:
        if unknown := sorted(set(slots) - SLOTS):
            raise ValueError(f"unknown slot {', '.join(unknown)} (known: {', '.join(sorted(SLOTS))})")
        return slots


class Line(_Part):
    """One thing that the caller does."""

    say: Words = ""
    when: When | None = None
    repeat: bool = False
    pick: int | None = None
    silence_ms: int = 0
    barge_in_ms: int | None = None
    drop_connection: bool = False
    reconnect_after_s: float | None = None
    hang_up: bool = False
    speaker: Words = ""
    lang: str = ""


class CalendarSetting(_Part):
    timezone: str
    duration_min: int = 30
    min_notice_min: int = 60
    horizon_days: int = 14
    working_hours: WorkingHours = WorkingHours()
    free: list[Words] = []

    def instant(self, local: str) -> str:
        """A wall time of the calendar as an Instant."""
        moment = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(self.timezone))
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Fault(_Part):
    name: Literal["unleash_down", "calendar_down", "llm_down", "calendar_conflict_on_book"]
    from_turn: int = 1
    at: Words = ""
    times: int = 1


class Fixtures(_Part):
    other_callers: list[dict[str, Any]] = []


class Caller(_Part):
    facts: dict[str, Any] = {}
    lines: list[Line]


class ExpectedBooking(_Part):
    attendee_email: str
    start_local: Words = ""
    timezone: str = ""
    duration_min: int = 30
    start_utc: Words | datetime = ""

    @property
    def start(self) -> str:
        """The instant that is compared."""
        if isinstance(self.start_utc, datetime):
            return self.start_utc.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if self.start_utc:
            return str(self.start_utc)
        moment = datetime.fromisoformat(str(self.start_local)).replace(tzinfo=ZoneInfo(self.timezone))
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Articles(_Part):
    must_use: list[str] = []
    may_use: list[str] = []


class Expect(_Part):
    """The outcome. Also one way of several (`any_of`), where only what is named counts."""

    name: str = ""
    qualified: bool | dict[Literal["any"], list[bool | None]] | None = None
    signals: dict[str, Any] = {}
    signals_must_not: dict[str, Any] = {}
    booking: ExpectedBooking | None = None
    bookings_count: int | None = None
    articles: Articles = Articles()
    must_say: list[list[Words]] = []
    must_not_say: list[Words] = []
    effects: dict[str, Any] = {}
    behaviour: dict[str, bool | int | float] = {}
    any_of: list[Expect] = []
    escalated: bool | None = None
    ended_by: Literal["caller", "agent", "hangup", "drop"] | None = None

    @field_validator("effects")
    @classmethod
    def _known(cls, effects: dict[str, Any]) -> dict[str, Any]:
        if unknown := sorted(set(effects) - EFFECTS):
            raise ValueError(f"unknown effect {', '.join(unknown)} (known: {', '.join(sorted(EFFECTS))})")
        return effects


class Scenario(_Part):
    id: str
    title: str = ""
    tags: list[str] = []
    clock: datetime
    session_id: Words = ""
    languages: list[str] = ["en"]
    audio: dict[str, Any] = {}
    calendar: CalendarSetting
    faults: list[Fault] = []
    fixtures: Fixtures = Fixtures()
    caller: Caller
    expect: Expect = Field(default_factory=Expect)


class Broken(_Part):
    """A file that is no scenario, and why."""

    id: str
    problems: list[str]


def read_folder(folder: Path) -> list[Scenario | Broken]:
    """Every scenario of a folder (or the one file), by name. Raises ScenarioError where there is none."""
    files = [folder] if folder.is_file() else sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    if not files:
        raise ScenarioError(f"{folder}: no scenarios (*.yaml)")
    return [_read(path) for path in files]


def _read(path: Path) -> Scenario | Broken:
    try:
        return Scenario.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except yaml.YAMLError as error:
        return Broken(id=path.stem, problems=[f"not YAML: {error}"])
    except ValidationError as error:
        return Broken(id=path.stem, problems=[f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()])
