"""Settings of the tts service: HOLDFAST_TTS_*."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from holdfast_tts.domain.voice_files import Wish, read_checksums

KNOWN_ENGINES = ("elevenlabs", "piper", "flite", "espeak", "scripted")


class TtsSettings(BaseSettings):
    """How sentences become sound."""

    model_config = SettingsConfigDict(env_prefix="HOLDFAST_TTS_", env_file=".env", extra="ignore", frozen=True)

    engines: Annotated[tuple[str, ...], NoDecode] = Field(
        ("piper", "flite", "espeak"),
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
    first_run_chars: int = Field(
        40, ge=20, le=2000, description="the same for a sentence's first clause with Piper, which makes it whole"
    )
    first_chunk_ms: int = Field(20, ge=10, le=1000, description="length of a reply's first audio message, ms")
    chunk_ms: int = Field(100, ge=10, le=1000, description="length of the others, ms; up to four times it when ahead")
    stuck_after_s: float = Field(
        5.0, gt=0, le=120, description="an engine silent for so long ends the replica, seconds"
    )
    flite_dir: Path | None = Field(
        None, description="folder with flite's libraries, where the system does not find them"
    )
    piper_voice: str = Field(
        "", description="voice of Piper, like en_US-lessac-medium (#12 behind it: a speaker); empty: the profile's"
    )
    voices_dir: Path | None = Field(
        None,
        description="folder with Piper's voices, NAME.onnx and NAME.onnx.json; empty: voices beside the state folder",
    )
    voices_url: str = Field(
        "",
        description="address under which voices are found that the folder lacks; may hold {family}, {code}, {name}, "
        "{quality}, {voice}; empty: nothing is downloaded",
    )
    voices_sha256: Annotated[dict[str, str], NoDecode] = Field(
        {}, description="what voice files must add up to: FILE=SHA256, separated by commas; others are not checked"
    )
    voices_first_byte_s: float = Field(
        3.0, gt=0, le=60, description="a download without a first byte by then is tried again later, seconds"
    )
    piper_workers: int = Field(1, ge=1, le=32, description="Piper processes, each says one sentence at a time")
    piper_threads: int = Field(1, ge=1, le=64, description="threads of each Piper process")
    piper_noise_w: float = Field(
        0.0, ge=0, le=2, description="unevenness of Piper's tempo; at 0 two replicas say a sentence in the same time"
    )
    piper_patience_s: float = Field(
        4.0, gt=0, le=60, description="a Piper process silent for so long over one clause is replaced, seconds"
    )
    piper_start_s: float = Field(
        4.0, ge=0, le=120, description="longest wait at start for a voice that is in the folder, seconds"
    )
    elevenlabs_key: SecretStr = Field(
        SecretStr(""), description="key of ElevenLabs; used where elevenlabs is one of the engines"
    )
    elevenlabs_key_file: Path | None = Field(None, description="file with the key, read again when it changes")
    elevenlabs_voice: str = Field("", max_length=100, description="voice id of ElevenLabs")
    elevenlabs_model: str = Field("eleven_flash_v2_5", max_length=100, description="model of ElevenLabs")
    elevenlabs_format: Literal["ulaw_8000", "pcm_8000", "pcm_16000"] = Field(
        "pcm_16000", description="sound of ElevenLabs; ulaw_8000 is half the traffic of pcm_8000, for phones"
    )
    elevenlabs_url: str = Field("https://api.elevenlabs.io", description="address of ElevenLabs, by region")
    elevenlabs_first_s: float = Field(
        1.0, gt=0, le=30, description="longest wait for a sentence's first sound; then the next engine says it, s"
    )
    elevenlabs_gap_s: float = Field(0.8, gt=0, le=30, description="longest wait for each further piece of sound, s")
    elevenlabs_at_once: int = Field(4, ge=1, le=64, description="sentences asked of ElevenLabs at once")
    elevenlabs_reset_s: float = Field(
        15.0, gt=0, le=3600, description="how long it is left alone after three failures, or one in mid-sentence, s"
    )
    scripted_ms: int = Field(2000, ge=100, le=60_000, description="length of the scripted engine's tone, ms")
    scripted_hz: int = Field(440, ge=50, le=3_500, description="pitch of the scripted engine's tone, Hz")

    @field_validator("engines", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("voices_sha256", mode="before")
    @classmethod
    def _sums(cls, value: object) -> object:
        return read_checksums(value) if isinstance(value, str) else value

    @field_validator("piper_voice")
    @classmethod
    def _name(cls, voice: str) -> str:
        if voice:
            Wish.read(voice)
        return voice

    @field_validator("engines")
    @classmethod
    def _known(cls, engines: tuple[str, ...]) -> tuple[str, ...]:
        if not engines:
            raise ValueError(f"no engine named; known: {', '.join(KNOWN_ENGINES)}")
        if unknown := [name for name in engines if name not in KNOWN_ENGINES]:
            raise ValueError(f"unknown engine {', '.join(unknown)}; known: {', '.join(KNOWN_ENGINES)}")
        return engines
