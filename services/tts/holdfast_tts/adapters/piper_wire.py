"""What the service and a Piper process say to each other, over the process's own pipes: length, then msgpack."""

from __future__ import annotations

import struct

import msgspec

LENGTH = struct.Struct("!I")
MAX_BYTES = 64_000_000
"""Longer messages are nonsense: a minute of speech is 2.6 MB."""


class Say(msgspec.Struct, frozen=True, tag="say"):
    """Make one run of words."""

    number: int
    words: tuple[str, ...]
    speed: float
    speaker: int | None = None


class Drop(msgspec.Struct, frozen=True, tag="drop"):
    """Nobody wants this run any more."""

    number: int


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The voice is loaded and has spoken."""

    rate_hz: int
    version: str
    """Of piper and of the voice's content."""
    speakers: int
    timed: bool
    """The voice tells how long its phonemes are."""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The voice does not load, and will not."""

    reason: str


class Said(msgspec.Struct, frozen=True, tag="said"):
    """One run, whole; also for a run that was dropped, broke, or has no sound, then without samples."""

    number: int
    pcm: bytes = b""
    words: tuple[tuple[int, int, int], ...] | None = None
    """(word, start, end) in samples; None: not known."""
    error: str = ""


Order = Say | Drop
Reply = Ready | Refused | Said

orders: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)
_encoder = msgspec.msgpack.Encoder()


def pack(message: Order | Reply) -> bytes:
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body
