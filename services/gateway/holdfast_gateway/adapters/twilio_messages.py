"""Twilio Media Streams, the messages: typed and bounded in, ready-made bytes out.

Source: twilio.com/docs/voice/media-streams/websocket-messages. Numbers arrive as strings; payloads
are base64 of raw mu-law, any length (20 ms is custom, not promise). Events that this version does
not know are told apart from malformed ones: the first are passed over, the second end the stream.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from holdfast_common.errors import ContractError

MAX_PAYLOAD_BYTES = 8_000
"""1 s of mu-law in one message; 50 times what Twilio sends."""

_Sid = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
_Ours = Annotated[str, msgspec.Meta(max_length=64)]
"""Compared with the stream's own id: what else it may be does not matter, and is not looked at fifty times a second."""
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Word = Annotated[str, msgspec.Meta(max_length=100)]
_Value = Annotated[str, msgspec.Meta(max_length=1_000)]


class MediaFormat(msgspec.Struct, frozen=True, rename="camel"):
    encoding: _Word
    sample_rate: int
    channels: int

    def is_telephone(self) -> bool:
        return (self.encoding, self.sample_rate, self.channels) == ("audio/x-mulaw", 8000, 1)


class StartDetails(msgspec.Struct, frozen=True, rename="camel"):
    call_sid: _Sid
    media_format: MediaFormat
    custom_parameters: Annotated[dict[_Word, _Value], msgspec.Meta(max_length=50)] = {}


class MediaDetails(msgspec.Struct, frozen=True):
    payload: Annotated[bytes, msgspec.Meta(max_length=MAX_PAYLOAD_BYTES)]
    track: _Word = "inbound"


class DtmfDetails(msgspec.Struct, frozen=True):
    digit: Annotated[str, msgspec.Meta(pattern=r"^[0-9*#A-D]$")]


class MarkDetails(msgspec.Struct, frozen=True):
    name: _Word


class Connected(msgspec.Struct, frozen=True, tag="connected", tag_field="event"):
    protocol: _Word = ""


class Start(msgspec.Struct, frozen=True, tag="start", tag_field="event", rename="camel"):
    stream_sid: _Sid
    sequence_number: _Count
    start: StartDetails


class Media(msgspec.Struct, frozen=True, tag="media", tag_field="event", rename="camel"):
    stream_sid: _Ours
    sequence_number: _Count
    media: MediaDetails


class Dtmf(msgspec.Struct, frozen=True, tag="dtmf", tag_field="event", rename="camel"):
    stream_sid: _Ours
    sequence_number: _Count
    dtmf: DtmfDetails


class Mark(msgspec.Struct, frozen=True, tag="mark", tag_field="event", rename="camel"):
    stream_sid: _Ours
    sequence_number: _Count
    mark: MarkDetails


class Stop(msgspec.Struct, frozen=True, tag="stop", tag_field="event", rename="camel"):
    stream_sid: _Ours
    sequence_number: _Count


class _Any(msgspec.Struct, frozen=True):
    event: _Word


Incoming = Connected | Start | Media | Dtmf | Mark | Stop
KNOWN = frozenset({"connected", "start", "media", "dtmf", "mark", "stop"})

_decoder = msgspec.json.Decoder(Incoming, strict=False)
_any_decoder = msgspec.json.Decoder(_Any)
_encoder = msgspec.json.Encoder()


def decode(data: bytes) -> Incoming | None:
    """The message; None for an event that this version does not know. Raises ContractError."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if _is_unknown_event(data):
            return None
        # msgspec's text names the field and the type, not the value.
        raise ContractError(f"twilio message of {len(data)} bytes: {error}") from error


def _is_unknown_event(data: bytes) -> bool:
    try:
        return _any_decoder.decode(data).event not in KNOWN
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def media(stream_sid: str, ulaw: bytes) -> bytes:
    return _encoder.encode({"event": "media", "streamSid": stream_sid, "media": {"payload": ulaw}})


def mark(stream_sid: str, name: str) -> bytes:
    return _encoder.encode({"event": "mark", "streamSid": stream_sid, "mark": {"name": name}})


def clear(stream_sid: str) -> bytes:
    return _encoder.encode({"event": "clear", "streamSid": stream_sid})
