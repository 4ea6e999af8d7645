"""Have a Piper voice tell how long it makes each phoneme, without changing its file.

Voices compute the lengths (the one `Ceil` of the graph: frames per phoneme, rounded up) and keep
them to themselves. piper's own patch needs the onnx package; it adds one name to the graph's
outputs, and in protobuf's encoding that is a few bytes at the end of the file: repeated fields of
messages that occur twice are joined (protobuf's documentation, "Last One Wins").
"""

from __future__ import annotations

import re

_CEIL = re.compile(rb"\x12([\x01-\x7f])([\x20-\x7e]{1,127})(?:\x1a([\x00-\x7f])([\x20-\x7e]{0,127}))?\x22\x04Ceil")
"""A NodeProto's output (field 2), name (field 3) and op_type (field 4), as they follow each other."""


def with_lengths(model: bytes) -> bytes | None:
    """The model with the phonemes' lengths as a further output; None where they cannot be told apart for sure."""
    names = {name for size, name, *rest in _CEIL.findall(model) if len(name) == size[0]}
    if len(names) != 1 or len(next(iter(names))) > 120:
        return None
    output = _field(1, names.pop())
    return model + _field(7, _field(12, output))


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field of protobuf; shorter than 128 bytes, so that its length is one byte."""
    return bytes((number << 3 | 2, len(content))) + content
