"""Settings of the asr service that concern Whisper: HOLDFAST_ASR_MODEL*, HOLDFAST_ASR_WHISPER_*."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field


class WhisperSettings(BaseModel):
    """Which Whisper model, on what, and how much at once."""

    model: str = Field(
        "",
        pattern=r"^$|^[A-Za-z0-9][\w.-]{0,99}(/[A-Za-z0-9][\w.-]{0,99})?$",
        description="Whisper model: a folder in the models folder, or a name (small, large-v3-turbo, owner/name) to "
        "download; empty: what lies in HOLDFAST_ASR_MODEL_DIR itself, else the embedded recogniser alone",
    )
    model_dir: Path | None = Field(
        None, description="a Whisper model's folder, or the folder of several; unset: `models` beside the state folder"
    )
    model_download: bool = Field(True, description="download a named model that the folder lacks")
    model_first_byte_s: float = Field(
        3.0, gt=0, le=60, description="longest wait for a download's first byte; then asked again later, seconds"
    )
    whisper_device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where Whisper runs; auto: a GPU if any")
    whisper_compute_type: Literal[
        "", "int8", "int8_float32", "float32", "float16", "int8_float16", "bfloat16", "int8_bfloat16"
    ] = Field("", description="number format; empty: int8 on a CPU, float16 on a GPU")
    whisper_threads: int = Field(0, ge=0, le=256, description="CPU threads of a Whisper process; 0: one for each core")
    whisper_workers: int = Field(1, ge=1, le=16, description="Whisper processes (each holds the model)")
    whisper_max_batch: int = Field(
        0, ge=0, le=128, description="utterances decoded together; 0: 1 on a CPU, 16 on a GPU"
    )
    whisper_queue: int = Field(
        64, ge=1, le=4_096, description="decodes that may wait; beyond it partials are shed first"
    )
    whisper_streams: int = Field(
        0, ge=0, le=4_096, description="utterances taken at once by a Whisper process; 0: worked out when it warms up"
    )
    whisper_short_windows: bool = Field(
        False,
        description="encode as much as the utterance needs instead of 30 s, and again with 30 s where the result is "
        "doubtful; turn it on once bench/asr.py has shown the word error with your weights",
    )
    whisper_pad_s: float = Field(1.5, ge=0.5, le=10, description="silence behind the utterance in a short window, s")
    whisper_beam: int = Field(1, ge=1, le=10, description="beams of a decode; 1: greedy")
    whisper_partials: bool = Field(True, description="decode while the caller speaks, as far as the machine keeps up")
    whisper_gates: bool = Field(True, description="drop silence, inventions and loops from what Whisper writes")
    whisper_silent_s: float = Field(
        0.8, gt=0.3, le=60, description="a Whisper process that is silent for so long is replaced, seconds"
    )
