"""Settings of the dialogue service (prefix HOLDFAST_DIALOGUE_)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
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
