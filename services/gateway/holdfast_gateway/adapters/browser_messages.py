"""The page's WebSocket, the messages: typed and bounded in, ready-made bytes out.

in    {"t":"hello", token | resume, zone, language, audio}   first, within 5 s
      binary: mono s16le PCM at 16 kHz, any length up to 1 s (20 ms is custom)
      {"t":"typed", text}   {"t":"played", epoch, samples}   {"t":"bye"}
out   {"t":"ready", rate_hz, resume, resume_s}
      binary: mono s16le PCM at 16 kHz, to be played after what came before
      {"t":"clear", epoch}: throw away what is not played; `played` counts from 0 again, in this epoch
      {"t":"caption", role, text, final, turn, sentence}   {"t":"ended", reason}

What is typed the page shows by itself; captions of the caller are what was heard.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

import msgspec
from holdfast_common.errors import ContractError

from holdfast_gateway.ports import Caption

MAX_JSON_BYTES = 16 * 1024
MAX_AUDIO_BYTES = 32_000
"""1 s at 16 kHz."""
MAX_TYPED_CHARS = 1_000

_Token = Annotated[str, msgspec.Meta(max_length=1_000)]
_Short = Annotated[str, msgspec.Meta(max_length=64)]


class Hello(msgspec.Struct, frozen=True, tag="hello", tag_field="t"):
    token: _Token = ""
    resume: _Token = ""
    zone: _Short = ""
    language: _Short = "en"
    audio: bool = True


class TypedLine(msgspec.Struct, frozen=True, tag="typed", tag_field="t"):
    text: Annotated[str, msgspec.Meta(max_length=MAX_TYPED_CHARS)]


class Played(msgspec.Struct, frozen=True, tag="played", tag_field="t"):
    epoch: Annotated[int, msgspec.Meta(ge=0)]
    samples: Annotated[int, msgspec.Meta(ge=0, le=2**40)]
    """Played since the epoch began."""


class Bye(msgspec.Struct, frozen=True, tag="bye", tag_field="t"):
    """The caller pressed the button."""


Incoming = Hello | TypedLine | Played | Bye

_decoder = msgspec.json.Decoder(Incoming)
_encoder = msgspec.json.Encoder()
_LANGUAGE = re.compile(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")


def decode(data: bytes) -> Incoming:
    """The message; raises ContractError."""
    if len(data) > MAX_JSON_BYTES:
        raise ContractError(f"page message of {len(data)} bytes (limit {MAX_JSON_BYTES})")
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError(f"page message of {len(data)} bytes: {error}") from error


def clean_line(text: str) -> str:
    """A typed line as it may travel: no control characters, white space as single blanks.

    Format characters (bidirectional overrides, zero-width) go too; joiners of scripts and emoji stay.
    """
    kept = (
        " " if c.isspace() else c
        for c in text
        if c.isspace() or c in "\u200c\u200d" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    return " ".join("".join(kept).split())


def known_zone(zone: str) -> str:
    """The zone, if it is an IANA name; else empty."""
    return zone if zone in _zones() else ""


def known_language(language: str) -> str:
    """The primary language subtag; `en` where it is no language tag."""
    return language.split("-", maxsplit=1)[0].lower() if _LANGUAGE.match(language) else "en"


def ready(rate_hz: int, resume: str, resume_s: float) -> bytes:
    return _encoder.encode({"t": "ready", "rate_hz": rate_hz, "resume": resume, "resume_s": resume_s})


def clear(epoch: int) -> bytes:
    return _encoder.encode({"t": "clear", "epoch": epoch})


def caption(line: Caption) -> bytes:
    return _encoder.encode(
        {
            "t": "caption",
            "role": line.role,
            "text": line.text,
            "final": line.final,
            "turn": line.turn,
            "sentence": line.sentence,
        }
    )


def ended(reason: str) -> bytes:
    return _encoder.encode({"t": "ended", "reason": reason})


@cache
def _zones() -> frozenset[str]:
    """Read from disk once, when the first page asks."""
    return frozenset(available_timezones())
