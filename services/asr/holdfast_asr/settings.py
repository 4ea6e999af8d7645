"""Settings of the asr service: HOLDFAST_ASR_*."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from holdfast_asr.whisper_settings import WhisperSettings


class AsrSettings(BaseSettings, WhisperSettings):  # pyright: ignore[reportIncompatibleVariableOverride] - one config
    """How speech becomes words."""

    model_config = SettingsConfigDict(env_prefix="HOLDFAST_ASR_", env_file=".env", extra="ignore", frozen=True)

    engine: Literal["auto", "pocketsphinx", "scripted"] = Field(
        "auto",
        description="recogniser; auto: Whisper where a model is set, pocketsphinx until it is warm and otherwise",
    )
    workers: int = Field(0, ge=0, le=256, description="decoder processes; 0: one for each processor core")
    streams_per_worker: int = Field(8, ge=1, le=100, description="utterances that one decoder process takes at once")
    partial_every_ms: int = Field(200, ge=50, le=5_000, description="partials go out at most this often, ms")
    worker_silent_s: float = Field(
        1.0, gt=0.1, le=60, description="a decoder process with work that says nothing for so long is replaced, seconds"
    )
    generic: bool = Field(
        True, description="ask the generic English model too when the company's own is unsure (35-100 MB per worker)"
    )
    finality: Literal["model", "off"] = Field(
        "model",
        description="how final words sound at a pause: model: a small language model says (270 MB, 0.03 s of a core a "
        "pause); off: the gateway goes by its table of words",
    )
    scripted_text: str = Field(
        "how long is the free trial", max_length=2_000, description="what the scripted engine always hears"
    )
