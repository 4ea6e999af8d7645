"""Settings of the gateway's doors: where it listens, who may call, how many, how often."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class EdgeSettings(BaseSettings):
    """What the gateway's edge needs to know."""

    model_config = SettingsConfigDict(
        env_prefix="HOLDFAST_GATEWAY_", env_file=".env", extra="ignore", frozen=True, populate_by_name=True
    )

    host: str = Field("127.0.0.1", description="address to listen on; 0.0.0.0: all")
    port: int = Field(
        8080,
        ge=0,
        le=65535,
        validation_alias=AliasChoices("HOLDFAST_GATEWAY_PORT", "PORT"),
        description="port for pages, webhooks and media; 0: any free one. PORT is taken too",
    )
    public_base_url: str = Field(
        "",
        description="address by which Twilio and browsers reach us, signed by Twilio; empty: http://127.0.0.1:<port>",
    )
    media_base_url: str = Field(
        "",
        description="address by which Twilio's media reach this very process, where there are several; empty: the same",
    )
    twilio_auth_token: SecretStr = Field(
        SecretStr(""), description="checks Twilio's signatures; empty: unsigned requests from this machine only"
    )
    twilio_account_sid: str = Field(
        "",
        pattern=r"^(AC[0-9A-Za-z]{1,62})?$",
        description="account whose calls are put through to people and redirected by REST; empty: on the way back only",
    )
    twilio_url: str = Field("https://api.twilio.com", description="address of Twilio's REST interface")
    token_secret: SecretStr = Field(
        SecretStr(""),
        description="signs our tokens; empty: made up at start, no caller returns after a restart",
    )
    allowed_origins: Annotated[list[str], NoDecode] = Field(
        [], description="further origins whose pages may call, separated by commas"
    )
    trust_forwarded_for: bool = Field(
        False, description="take a page's address from the last X-Forwarded-For entry; only behind a proxy of your own"
    )
    web_dir: Path = Field(Path("web"), description="folder of the page's files")
    max_calls: int = Field(50, ge=1, le=5000, description="calls that this process holds at once")
    no_capacity_s: float = Field(
        3.0,
        ge=0,
        le=60,
        description="a service without a free stream for so long closes the seats to new calls, seconds",
    )
    max_call_s: float = Field(900.0, ge=30, le=14_400, description="longest call, seconds")
    calls_per_caller_per_min: float = Field(10.0, gt=0, description="calls that one number may begin in a minute")
    sessions_per_address_per_min: float = Field(
        20.0, gt=0, description="calls that one address may begin from the page in a minute"
    )
    requests_per_address_per_s: float = Field(50.0, gt=0, description="requests of one address in a second")

    @field_validator("public_base_url", "media_base_url", "twilio_url")
    @classmethod
    def _is_base_url(cls, url: str) -> str:
        if url:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
                raise ValueError(f"{url!r} is no address like https://voice.example.com")
        return url.rstrip("/")

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, origins: list[str]) -> list[str]:
        for origin in origins:
            if origin != origin_of(origin):
                raise ValueError(f"{origin!r} is no origin like https://www.example.com")
        return origins


def origin_of(url: str) -> str:
    """scheme://host[:port] of an address, as browsers write it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
