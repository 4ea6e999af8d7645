"""What the service and its Whisper processes say to each other over their pipes.

Each message is four bytes of length (little-endian) and msgpack of one struct. The worker reads orders from
stdin and answers on what was its stdout. A closed pipe ends the worker.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

LENGTH: Final = struct.Struct("<I")
MAX_BYTES: Final = 64_000_000
"""A full batch of half-minutes."""


class Sound(msgspec.Struct, frozen=True, array_like=True):
    """One utterance of a batch."""

    pcm: bytes
    """Mono s16le at `rate_hz`, at most 30 s."""
    rate_hz: int
    prompt: tuple[int, ...]
    """Tokens up to where the transcript begins."""
    most_tokens: int


class Decode(msgspec.Struct, tag="decode", frozen=True):
    """Decode these together. All prompts are of one length."""

    batch: int
    frames: int
    """Encoder window, frames of 10 ms."""
    sounds: list[Sound]
    forced: bool = False
    """Write exactly `most_tokens` (of the first) whatever comes: for measuring speed with weights that mean nothing."""


class Ready(msgspec.Struct, tag="ready", frozen=True):
    """The model is loaded and warm."""

    took_ms: int
    device: str
    compute_type: str
    one_s: float
    """What one utterance of 3 s with 25 tokens takes."""
    batch_s: float
    """What a full batch of them takes."""
    slowest_s: float
    """A full batch with the whole window: nothing that works is longer in one stage."""


class Alive(msgspec.Struct, tag="alive", frozen=True):
    """Every 200 ms, from a thread of its own: the process runs (its decode may hang all the same)."""


class Stage(msgspec.Struct, tag="stage", frozen=True):
    """A step of the batch is done: features, then encode."""

    batch: int


class Heard(msgspec.Struct, frozen=True, array_like=True):
    """One utterance's decode."""

    text: str
    avg_logprob: float
    no_speech: float
    cut: bool


class Decoded(msgspec.Struct, tag="decoded", frozen=True):
    batch: int
    heard: list[Heard]
    """In the order of the sounds."""


class Broken(msgspec.Struct, tag="broken", frozen=True):
    """The engine failed under this batch; the process itself goes on."""

    batch: int
    reason: str


class Unusable(msgspec.Struct, tag="unusable", frozen=True):
    """This model or device cannot be used here: starting the process again is of no use."""

    reason: str


Reply = Ready | Alive | Stage | Decoded | Broken | Unusable

_encoder = msgspec.msgpack.Encoder()
orders = msgspec.msgpack.Decoder(Decode)
replies = msgspec.msgpack.Decoder(Reply)


def pack(message: Decode | Reply) -> bytes:
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body


class Options(msgspec.Struct, frozen=True):
    """How a worker loads its model; goes to it as JSON on its command line."""

    folder: str
    device: str = "auto"
    """auto, cpu or cuda."""
    device_index: int = 0
    compute_type: str = ""
    """Empty: int8 on a CPU; float16 on a GPU."""
    threads: int = 0
    """On a CPU; 0: as many as there are cores."""
    max_batch: int = 0
    """0: 1 on a CPU (where batches gain nothing), 16 on a GPU."""
    short_windows: bool = False
    beam: int = 1


CPU_BATCH, CUDA_BATCH = 1, 16


def batch_of(max_batch: int, device: str) -> int:
    return max_batch or (CUDA_BATCH if device == "cuda" else CPU_BATCH)
