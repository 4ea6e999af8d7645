"""A profile: one company's agent as data. Another company changes files in a folder, not code.

    profiles/<id>/profile.yaml      voice, words, fields, rubric, calendar rules (this module's models)
    profiles/<id>/knowledge/*.md    articles: front matter, spoken answer, further paragraphs
    profiles/<id>/phrasings.txt     more ways to ask for each article

Each service reads the folder for itself and takes what it needs.
"""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

import frontmatter
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from holdfast_common.errors import SettingsError

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Voice(_Model):
    """How the agent sounds, per engine; the tts service takes the first engine that it has."""

    flite: str = "rms"
    espeak: str = "en-us"
    piper: str = ""
    speed: float = Field(default=1.0, ge=0.5, le=2.0)


class AskedField(_Model):
    """One thing that the dialogue wants to know, and the words it asks with."""

    name: str
    questions: list[str] = Field(min_length=1)
    """Variants; the first is used first."""
    acknowledgements: list[str] = []


class Qualification(_Model):
    """Who is offered a meeting. A caller who meets any line qualifies."""

    team_size_at_least: int = 5
    monthly_documents_at_least: int = 100
    integrations_any_of: list[str] = []
    needs_any_of: list[str] = []
    never: list[str] = []
    known_fields_needed: int = 2
    """Fewer known than this, and no line met: not decided yet."""


class Discovery(_Model):
    """How much the agent asks of its own accord; what a caller volunteers is never asked."""

    between_answers: int = Field(default=2, ge=1)
    """Knowledge answers after which one question may be woven in."""
    before_booking: int = Field(default=3, ge=0)
    """Questions to a caller who qualifies and has named no time yet."""
    after_booking: int = Field(default=1, ge=0)
    """Questions that help the specialist prepare, once the meeting is booked."""


class WorkingHours(_Model):
    days: list[Day] = ["mon", "tue", "wed", "thu", "fri"]
    start: time = time(9, 0)
    end: time = time(17, 30)


class Calendar(_Model):
    """The specialist's calendar rules."""

    timezone: str = "America/New_York"
    duration_min: int = Field(default=30, ge=5, le=480)
    step_min: int = Field(default=30, ge=5, le=240)
    """Openings start at multiples of this after the hour."""
    min_notice_min: int = Field(default=60, ge=0)
    horizon_days: int = Field(default=14, ge=1, le=365)
    working_hours: WorkingHours = WorkingHours()
    holidays: str = "US"
    """Country of the `holidays` package whose public holidays are closed; empty: none."""
    closed: list[date] = []
    """Further days off."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"{zone!r} is no IANA time zone")
        return zone

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class HandOver(_Model):
    """Where a telephone call goes when the caller wants a person; without a number a note is taken instead."""

    number: str = Field(default="", pattern=r"^(\+[1-9][0-9]{6,14})?$")
    """E.164."""
    ring_s: int = Field(default=20, ge=5, le=25)
    caller_id: str = Field(default="", pattern=r"^(\+[1-9][0-9]{6,14})?$")
    """Shown to the person; one of the carrier's own numbers. Empty: the caller's."""
    summary: Literal["spoken", "none"] = "spoken"
    """What the person hears before the caller is connected."""


class Clips(_Model):
    """What the gateway can say with everything else dead; spoken once by tts at its start."""

    filler: list[str] = ["One moment please."]
    apology: list[str] = ["Sorry, this is taking longer than it should. I'm still here."]
    offer: list[str] = ["I'm having trouble right now. You can stay on the line, or we can call you back."]
    goodbye: list[str] = ["I'm sorry, I can't go on right now. Please try again later. Goodbye."]
    busy: list[str] = ["All our lines are busy right now. Please call again in a few minutes."]


class TurnTaking(_Model):
    """Pauses that end a turn, in ms of silence after the last voiced sample."""

    endpoint_ms: int = Field(default=470, ge=150, le=3000)
    """After words that are surely finished."""
    middle_ms: int = Field(default=880, ge=150, le=3000)
    """After a number that may be whole, a question's last preposition, and where nothing was recognised."""
    patient_ms: int = Field(default=1300, ge=150, le=5000)
    """After words that surely go on: "and", "um", three digits. Other sentences: in between, as final as they sound."""
    pause_ms: int = Field(default=200, ge=100, le=1000)
    """A silence this long asks the recogniser what it has so far."""
    by_expectation: dict[str, int] = {}
    """`email: 1200` and the like, over `endpoint_ms`."""
    hold_ms: int = Field(default=200, ge=100, le=1000)
    """Speech this long over the agent's voice holds it; in the first 300 ms of a reply any does."""
    silence_prompt_s: float = Field(default=8.0, ge=2, le=60)
    max_silences: int = Field(default=3, ge=1, le=10)


class Speech(_Model):
    """What the recogniser should know of this company's words."""

    hints: list[str] = []
    pronunciations: dict[str, str | list[str]] = {}
    """word -> phones of cmudict ("hubspot: HH AH B S P AA T"); several where people differ."""
    sentences: list[str] = []
    """Sentences that callers say, for the language model: lower case, no punctuation."""


class Article(BaseModel):
    """One knowledge article."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    tags: list[str] = []
    questions: list[str] = []
    source_url: str = ""
    answer: str
    """First paragraph: the spoken answer."""
    details: list[str] = []
    """Further paragraphs; they may hold instructions, so they are not read out as they stand."""
    phrasings: list[str] = []


class Answer(_Model):
    """A spoken answer in another language: which article it is of, and how it is asked for there."""

    article: str
    asked: list[str] = Field(min_length=1)
    answer: str


class Language(_Model):
    """What the agent can say in a further language; what is missing here it says in the first one."""

    copy_: dict[str, list[str]] = Field(alias="copy")
    answers: list[Answer] = []


class Legal(_Model):
    """What the knowledge has on the law of the company's own subject; everything else is for a lawyer."""

    words: list[str] = []
    """Beginnings of words that make a question of law one on this subject: `sign` for signed, signature."""
    question: str = ""
    """Looked up for such a question that finds nothing by itself."""


class Profile(_Model):
    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")
    """Also the tenant in side-effect keys."""
    company: str
    product: str
    agent_name: str = "the assistant"
    languages: list[str] = ["en"]
    voice: Voice = Voice()
    copy_: dict[str, list[str]] = Field(alias="copy")
    """Wordings by name, each with variants: greeting, beta_notice, not_sure, goodbye, ..."""
    further_languages: dict[str, Language] = {}
    """Language tag -> what is said in it when a caller changes to it."""
    clips: Clips = Clips()
    fields: list[AskedField] = []
    recognise: dict[str, dict[str, list[str]]] = {}
    """Per field, its known values and how callers say them: `integrations: {hubspot: [hub spot]}`."""
    competitors: list[str] = []
    """Rivals' names, as they are written or said; with them the company is never compared."""
    legal: Legal = Legal()
    self_service: dict[str, str] = {}
    """Article id -> how callers do it themselves; said once, after a no to doing it in their account."""
    discovery: Discovery = Discovery()
    qualification: Qualification = Qualification()
    calendar: Calendar = Calendar()
    hand_over: HandOver = HandOver()
    turns: TurnTaking = TurnTaking()
    speech: Speech = Speech()


def load_profile(folder: Path) -> Profile:
    """Read `profile.yaml`; raises SettingsError naming every problem in it."""
    path = folder / "profile.yaml"
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError([f"{path}: {error.strerror}; point HOLDFAST_PROFILE at a profile folder"]) from error
    except yaml.YAMLError as error:
        raise SettingsError([f"{path}: not YAML: {error}"]) from error
    try:
        return Profile.model_validate(raw)
    except ValidationError as error:
        raise SettingsError(
            [f"{path}: {'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors()]
        ) from error


def load_articles(folder: Path) -> list[Article]:
    """Read `knowledge/*.md` and `phrasings.txt`, sorted by id; raises SettingsError naming every problem."""
    phrasings = _read_phrasings(folder / "phrasings.txt")
    articles: list[Article] = []
    problems: list[str] = []
    for path in sorted((folder / "knowledge").glob("*.md")):
        try:
            post = frontmatter.loads(path.read_text("utf-8"))
            paragraphs = [p.strip().replace("\n", " ") for p in post.content.split("\n\n") if p.strip()]
            meta = {
                key: post[key] for key in ("id", "title", "tags", "questions", "source_url") if key in post.metadata
            }
            articles.append(
                Article.model_validate(
                    {
                        **meta,
                        "answer": paragraphs[0] if paragraphs else None,
                        "details": paragraphs[1:],
                        "phrasings": phrasings.get(str(meta.get("id")), []),
                    }
                )
            )
        except (ValidationError, yaml.YAMLError, UnicodeDecodeError) as error:
            problems.append(f"{path}: {error}")
    if problems:
        raise SettingsError(problems)
    return articles


def _read_phrasings(path: Path) -> dict[str, list[str]]:
    """`article-id: one way to ask | another | ...` per line; `#` begins a comment."""
    found: dict[str, list[str]] = {}
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                article, _, ways = line.partition(":")
                found[article.strip()] = [way.strip() for way in ways.split("|") if way.strip()]
    return found
