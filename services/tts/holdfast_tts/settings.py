"""Settings of the tts service: HOLDFAST_TTS_*."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

KNOWN_ENGINES = ("flite", "espeak", "scripted")


class TtsSettings(BaseSettings):
    """How sentences become sound."""

    model_config = SettingsConfigDict(env_prefix="HOLDFAST_TTS_", env_file=".env", extra="ignore", frozen=True)

    engines: Annotated[tuple[str, ...], NoDecode] = Field(
        ("flite", "espeak"),
        description="engines in order of preference, separated by commas; the first that works is used",
    )
    max_streams: int = Field(16, ge=1, le=1000, description="sentences spoken at once by one replica")
    cache_mb: int = Field(64, ge=0, le=16_384, description="memory for sentences said before, megabytes; 0: no cache")
    target_dbfs: float = Field(-20.0, ge=-40, le=-10, description="loudness of speech, dB relative to full scale")
    ceiling_dbfs: float = Field(-1.0, ge=-12, le=0, description="highest peak, dB relative to full scale")
    pause_ms: int = Field(150, ge=0, le=2000, description="silence after each sentence, ms")
    lead_ms: int = Field(20, ge=0, le=500, description="engine's silence kept before a sentence, ms")
    tail_ms: int = Field(30, ge=0, le=500, description="engine's silence kept after a sentence, ms")
    run_chars: int = Field(140, ge=20, le=2000, description="longer sentences are said clause by clause, characters")
    first_chunk_ms: int = Field(20, ge=10, le=1000, description="length of a reply's first audio message, ms")
    chunk_ms: int = Field(100, ge=10, le=1000, description="length of the other audio messages, ms")
    stuck_after_s: float = Field(
        5.0, gt=0, le=120, description="an engine silent for so long ends the replica, seconds"
    )
    flite_dir: Path | None = Field(
        None, description="folder with flite's libraries, where the system does not find them"
    )
    scripted_ms: int = Field(2000, ge=100, le=60_000, description="length of the scripted engine's tone, ms")
    scripted_hz: int = Field(440, ge=50, le=3_500, description="pitch of the scripted engine's tone, Hz")

    @field_validator("engines", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("engines")
    @classmethod
    def _known(cls, engines: tuple[str, ...]) -> tuple[str, ...]:
        if not engines:
            raise ValueError(f"no engine named; known: {', '.join(KNOWN_ENGINES)}")
        if unknown := [name for name in engines if name not in KNOWN_ENGINES]:
            raise ValueError(f"unknown engine {', '.join(unknown)}; known: {', '.join(KNOWN_ENGINES)}")
        return engines
