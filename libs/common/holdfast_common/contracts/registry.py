"""Which messages each service's stream carries: the one table that binds services to contracts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from holdfast_common.contracts import asr, dialogue, stream, tools, tts
from holdfast_common.contracts.wire import Message


class Service(StrEnum):
    """The services whose streams can be opened, and those that only beat."""

    GATEWAY = "gateway"
    ASR = "asr"
    DIALOGUE = "dialogue"
    TTS = "tts"
    TOOLS = "tools"
    RECORDS = "records"


@dataclass(frozen=True, slots=True)
class Contract:
    """Decoders of one stream's messages. Each validates while it decodes (msgspec.ValidationError)."""

    first: msgspec.msgpack.Decoder[Any]
    inputs: msgspec.msgpack.Decoder[Any]
    results: msgspec.msgpack.Decoder[Any]
    """Decodes results and the stream's own messages alike (they share the tag field)."""


class _NoInput(Message, frozen=True, tag="none", tag_field="t"):
    """For streams whose first input is their only one."""


def decoder(type_: Any) -> msgspec.msgpack.Decoder[Any]:
    """A validating decoder of a struct or a union of structs."""
    return msgspec.msgpack.Decoder(type_)


CONTRACTS: dict[Service, Contract] = {
    Service.ASR: Contract(decoder(asr.Listen), decoder(asr.AsrInput), decoder(asr.AsrResult | stream.Control)),
    Service.DIALOGUE: Contract(
        decoder(dialogue.Turn), decoder(dialogue.DialogueInput), decoder(dialogue.DialogueResult | stream.Control)
    ),
    Service.TTS: Contract(decoder(tts.Speak), decoder(_NoInput), decoder(tts.TtsResult | stream.Control)),
    Service.TOOLS: Contract(decoder(tools.ToolCall), decoder(_NoInput), decoder(tools.ToolResult | stream.Control)),
}

OPENS: dict[Service, tuple[Service, ...] | None] = {
    Service.GATEWAY: None,  # and its health page shows every service
    Service.DIALOGUE: (Service.TOOLS,),
    Service.ASR: (),
    Service.TTS: (),
    Service.TOOLS: (),
    Service.RECORDS: (),
}
"""Whose streams each service opens (None: any): it listens to their beats, and to nobody else's."""
