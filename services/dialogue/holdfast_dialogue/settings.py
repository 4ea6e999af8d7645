"""Settings of the dialogue service (prefix HOLDFAST_DIALOGUE_)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class DialogueSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="HOLDFAST_DIALOGUE_", env_file=".env", extra="ignore", frozen=True)

    policy: Literal["rules", "scripted"] = Field(
        "rules", description="what answers: the rules, or one fixed sentence for measuring"
    )
    capacity: int = Field(64, ge=1, le=10_000, description="turns served at once")
    search_s: float = Field(
        2.0, gt=0, le=10, description="longest wait for a search or the calendar's openings, seconds"
    )
    change_s: float = Field(8.0, gt=0, le=30, description="longest wait for a booking, seconds")
    tool_result_ms: int = Field(
        1_500, ge=100, le=10_000, description="a tool silent for so long counts as dead, once, milliseconds"
    )


class ModelSettings(BaseSettings):
    """The language model; without an address there is none, and rules and knowledge carry the whole call."""

    model_config = SettingsConfigDict(
        env_prefix="HOLDFAST_DIALOGUE_MODEL_", env_file=".env", extra="ignore", frozen=True
    )

    base_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="address of an OpenAI-compatible endpoint up to /v1; empty: no model",
    )
    name: str = Field("", max_length=200, description="name of the model as the endpoint knows it")
    key: SecretStr = Field(SecretStr(""), description="key of the endpoint; empty: none is needed")
    temperature: float = Field(0.2, ge=0, le=2, description="how freely the model words its answers")
    reply_tokens: int = Field(150, ge=16, le=150, description="longest answer, tokens")
    first_sentence_s: float = Field(
        2.4, gt=0, le=10, description="longest wait for the first whole sentence, seconds; then the next route answers"
    )
    next_s: float = Field(2.0, gt=0, le=10, description="longest silence within an answer, seconds")
    whole_s: float = Field(10.0, gt=0, le=30, description="longest answer, seconds")
    call_tokens: int = Field(20_000, ge=0, description="tokens in and out that one call may use")
    call_cost: float = Field(0.0, ge=0, description="cost of one call after which it goes on without; 0: no limit")
    price_in: float = Field(0.0, ge=0, description="price of a million tokens read, in a currency of your choice")
    price_out: float = Field(0.0, ge=0, description="price of a million tokens written")
    at_once: int = Field(32, ge=1, le=1_000, description="most answers at once in one process; more go the next route")
    tokens_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        "max_tokens", description="what the endpoint calls the limit of an answer"
    )
    extra: dict[str, Any] = Field({}, description="further fields of each request, as JSON")

    @property
    def is_on(self) -> bool:
        return bool(self.base_url)
