"""Settings of the services outside that the tools may use: calendar and search (prefix HOLDFAST_TOOLS_)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

URL = r"^https?://[^\s?#]+$"


class OutsideSettings(BaseSettings):
    """Where meetings stand and where answers come from, beside what is built in."""

    model_config = SettingsConfigDict(env_prefix="HOLDFAST_TOOLS_", env_file=".env", extra="ignore", frozen=True)

    calendar: Literal["built-in", "google"] = Field("built-in", description="where meetings stand: built-in or google")
    google_key: SecretStr = Field(SecretStr(""), description="the service account's key, its JSON")
    google_key_file: Path | None = Field(
        None, description="file with the service account's key (JSON), read again when it changes"
    )
    google_subject: str = Field(
        "", max_length=254, description="user for whom the service account acts (domain-wide delegation); empty: itself"
    )
    google_calendar: str = Field("primary", max_length=254, description="calendar of the meetings: address or primary")
    google_url: str = Field("https://www.googleapis.com", pattern=URL, description="address of Google's interfaces")
    google_token_uri: str = Field("", description="where tokens are fetched; empty: as the key says")
    google_attempt_s: float = Field(1.2, gt=0, le=30, description="longest wait for one answer of the calendar, s")
    google_settle_s: float = Field(
        3.0, gt=0, le=60, description="longest wait for a booking's outcome in one turn, then it is asked for later, s"
    )
    google_at_once: int = Field(16, ge=1, le=1000, description="most requests to the calendar at once")

    unleash_key: SecretStr = Field(
        SecretStr(""), description="key of the Unleash search; without it (and its file) the built-in knowledge answers"
    )
    unleash_key_file: Path | None = Field(None, description="file with the key, read again when it changes")
    unleash_url: str = Field("https://e-api.unleash.so", pattern=URL, description="address of the Unleash search")
    unleash_account: str = Field(
        "", max_length=254, description="account that an impersonating key acts for; empty: the key's own"
    )
    unleash_assistant: str = Field("", max_length=200, description="assistant whose sources are searched")
    unleash_attempt_s: float = Field(0.8, gt=0, le=30, description="longest wait for one answer of the search, s")
    unleash_within_s: float = Field(
        1.0, gt=0, le=30, description="longest wait for the search with its retry; then the built-in answers, s"
    )
    unleash_per_minute: int = Field(100, ge=1, le=100_000, description="requests a minute over all replicas")
    unleash_cache_s: float = Field(300.0, ge=0, le=86_400, description="how long an answer is kept, s; 0: not at all")

    breaker_failures: int = Field(5, ge=1, le=100, description="failures in a row that open a service's breaker")
    breaker_reset_s: float = Field(15.0, gt=0, le=3600, description="how long it stays open before it is probed, s")
