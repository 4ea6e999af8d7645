"""Settings of how calls are led. Where the gateway listens and whom it lets in: `edge_settings`."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class VadRuntime(StrEnum):
    """What runs the voice detector."""

    NUMPY = "numpy"
    ONNXRUNTIME = "onnxruntime"


class GatewaySettings(BaseSettings):
    """What the gateway's calls need to know beyond the profile."""

    model_config = SettingsConfigDict(env_prefix="HOLDFAST_GATEWAY_", env_file=".env", extra="ignore", frozen=True)

    endpoint_ms: int | None = Field(
        None, ge=150, le=5000, description="silence that ends a turn, always this, ms; empty: as profile and words say"
    )
    hold_ms: int | None = Field(
        None,
        ge=100,
        le=1000,
        description="speech over the agent's voice that holds it (a reply just begun: any), ms; empty: the profile's",
    )
    vad_runtime: VadRuntime = Field(
        VadRuntime.NUMPY, description="numpy, or onnxruntime (slower and larger; the reference that numpy is held to)"
    )
    foreground: bool = Field(
        True, description="tell the caller's voice from others' behind them; false: by levels alone, worse in company"
    )
    lead_ms: int = Field(2_000, ge=200, le=10_000, description="audio handed out ahead of the caller's ear, ms")
    silence_prompt_s: float | None = Field(
        None, ge=2, le=3600, description="silence until the caller is asked whether they are there, s; empty: profile's"
    )
    guesses: bool = Field(
        True,
        description="think and synthesise in a pause, before the caller's turn is surely over; plays nothing early",
    )
    linger_s: float = Field(
        35.0, ge=0, le=600, description="wait for a lost caller to come back before the call is written off, seconds"
    )
