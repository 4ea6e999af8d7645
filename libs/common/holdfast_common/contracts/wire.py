"""The prefix of every message inside a stream, and the two codecs behind it.

A stream message is 20 bytes of prefix (`!BBHIIQ`: version, flags, format, epoch, sequence, capture
time) and a body. The format says what the body is: a msgpack struct of the stream's contract, or
raw PCM. One prefix for both keeps signals (`pause`, `end`, `confirm`) in sequence with the audio
they belong to. Times are microseconds of the sender's monotonic clock: latency inside one host only.
"""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag
from typing import Annotated, NamedTuple, TypeVar

import msgspec

from holdfast_common.errors import ContractError

WIRE_VERSION = 1
PREFIX = struct.Struct("!BBHIIQ")
MAX_BODY_BYTES = 200_000
"""The bus refuses more (max_payload 256 kB); 1 s of 16 kHz PCM is 32 kB."""

MAX_AUDIO_MESSAGE_MS = 1000
"""Longest stretch of audio in one message, replays included."""


class Format(IntEnum):
    """What the body of a stream message is."""

    STRUCT = 0
    """msgpack of one struct of the stream's contract."""
    PCM_8K = 1
    """Mono signed 16-bit little-endian PCM at 8,000 Hz."""
    PCM_16K = 2
    """Mono signed 16-bit little-endian PCM at 16,000 Hz."""


class Flag(IntFlag):
    """Bits of the prefix."""

    NONE = 0
    REPLAY = 1
    """Sent before to an earlier epoch; the receiver acknowledges it at once."""


RATE_HZ: dict[Format, int] = {Format.PCM_8K: 8_000, Format.PCM_16K: 16_000}
FORMAT_OF_RATE: dict[int, Format] = {rate: fmt for fmt, rate in RATE_HZ.items()}


class Frame(NamedTuple):
    """One stream message, taken apart."""

    flags: Flag
    format: Format
    epoch: int
    sequence: int
    """Counts every message of one direction of one epoch from 0; a hole is an error."""
    capture_us: int
    """Inputs: when the audio's first sample was captured, sender's monotonic clock (0: unknown).
    Results: the audio's position, in samples."""
    body: bytes


class Audio(NamedTuple):
    """A stretch of audio in a stream."""

    pcm: bytes
    """Mono signed 16-bit little-endian."""
    rate_hz: int
    position: int
    """Sample index of its first sample, counted from the start of the stream's utterance or sentence."""
    capture_us: int = 0

    @property
    def samples(self) -> int:
        return len(self.pcm) // 2

    @property
    def duration_ms(self) -> float:
        return self.samples * 1000 / self.rate_hz


def pack_frame(
    body: bytes,
    *,
    format: Format,
    epoch: int,
    sequence: int,
    flags: Flag = Flag.NONE,
    capture_us: int = 0,
) -> bytes:
    """The bytes of one stream message."""
    return PREFIX.pack(WIRE_VERSION, flags, format, epoch, sequence, capture_us) + body


def unpack_frame(data: bytes) -> Frame:
    """Take a stream message apart; raises ContractError when it is not one."""
    if len(data) < PREFIX.size:
        raise ContractError(f"stream message of {len(data)} bytes (prefix alone is {PREFIX.size})")
    version, flags, fmt, epoch, sequence, capture_us = PREFIX.unpack_from(data)
    if version != WIRE_VERSION:
        raise ContractError(f"stream message of version {version} (this side speaks {WIRE_VERSION})")
    if len(data) > PREFIX.size + MAX_BODY_BYTES:
        raise ContractError(f"stream message of {len(data)} bytes (limit {MAX_BODY_BYTES})")
    try:
        form = Format(fmt)
    except ValueError as error:
        raise ContractError(f"stream message of unknown format {fmt}") from error
    return Frame(Flag(flags & 1), form, epoch, sequence, capture_us, data[PREFIX.size :])


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of every struct on the bus: no state, no behaviour, immutable."""


# Bounded texts: whoever reads one knows that it fits.
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
Token = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
"""An id that may stand as one token of a subject: no dots."""
ShortText = Annotated[str, msgspec.Meta(max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=2_000)]
LongText = Annotated[str, msgspec.Meta(max_length=8_000)]
Millis = Annotated[int, msgspec.Meta(ge=0, le=86_400_000)]
Rate = Annotated[int, msgspec.Meta(ge=8_000, le=48_000)]
Probability = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
LogOdds = Annotated[float, msgspec.Meta(ge=-100.0, le=100.0)]
"""Natural logarithm of the odds."""

T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder()


def encode(message: object) -> bytes:
    """msgpack of a struct."""
    return _encoder.encode(message)


UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding a message of anybody's may raise: text that is none, and nesting without end, raise Python's own."""


def decoder(type_: type[T]) -> msgspec.msgpack.Decoder[T]:
    """A reusable decoder that validates (types, bounds) while it decodes; raises one of UNREADABLE."""
    return msgspec.msgpack.Decoder(type_)
