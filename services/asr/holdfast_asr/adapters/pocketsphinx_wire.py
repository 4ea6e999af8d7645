"""What the service and its decoder processes say to each other over their pipes.

Each message is four bytes of length (little-endian) and msgpack of one struct. The worker reads
orders from stdin and answers on what was its stdout. A closed pipe ends the worker.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec
from holdfast_common.contracts.asr import Channel, Expectation

LENGTH: Final = struct.Struct("<I")
MAX_BYTES: Final = 4_000_000


class Begin(msgspec.Struct, tag="begin", frozen=True):
    utterance: int
    rate_hz: int
    channel: Channel
    expectation: Expectation
    hints: tuple[str, ...]


class Feed(msgspec.Struct, tag="feed", frozen=True):
    utterance: int
    pcm: bytes


class Ask(msgspec.Struct, tag="ask", frozen=True):
    """What was said up to now?"""

    utterance: int
    ticket: int
    position: int
    last: bool


class Drop(msgspec.Struct, tag="drop", frozen=True):
    utterance: int


Order = Begin | Feed | Ask | Drop


class Ready(msgspec.Struct, tag="ready", frozen=True):
    """The models are loaded and one real utterance has been decoded."""

    took_ms: int


class Busy(msgspec.Struct, tag="busy", frozen=True):
    """Still at work (loading the generic model takes longer than the patience for a slice)."""

    patience_s: float


class Progress(msgspec.Struct, tag="progress", frozen=True):
    utterance: int
    samples: int
    """Decoded so far, at the utterance's rate."""


class Guess(msgspec.Struct, tag="guess", frozen=True):
    utterance: int
    text: str


class WordTime(msgspec.Struct, frozen=True, array_like=True):
    text: str
    start_ms: int
    end_ms: int
    confidence: float


class Answer(msgspec.Struct, tag="answer", frozen=True):
    utterance: int
    ticket: int
    text: str
    confidence: float
    words: list[WordTime]
    engine: str
    others: tuple[str, ...] = ()


class Broken(msgspec.Struct, tag="broken", frozen=True):
    """The engine failed under this utterance; the worker itself goes on."""

    utterance: int
    reason: str


Reply = Ready | Busy | Progress | Guess | Answer | Broken

_encoder = msgspec.msgpack.Encoder()
orders = msgspec.msgpack.Decoder(Order)
replies = msgspec.msgpack.Decoder(Reply)


def pack(message: Order | Reply) -> bytes:
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body
