"""The constants of an ONNX file, read without the onnx package (which would bring protobuf and 50 MB).

An ONNX file is one protocol buffer (onnx.proto): a model has a graph, a graph has nodes, a node has
attributes, an attribute may hold a tensor or again a graph (the branches of an `If`). Only what
leads to tensors is looked at. Protocol buffers: developers.google.com/protocol-buffers/docs/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from holdfast_common.pcm import Floats

# Field numbers of onnx.proto.
_MODEL_GRAPH = 7
_GRAPH_NODE = 1
_NODE_OUTPUT, _NODE_ATTRIBUTE = 2, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH = 1, 5, 6
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_RAW = 1, 2, 9
_FLOAT32 = 1

Value = int | memoryview


def constants(model: bytes, branch: str) -> dict[str, Floats]:
    """The float32 constants in every branch called `branch`, by the last part of their output's name.

    Raises ValueError for a file that is no ONNX model.
    """
    found: dict[str, Floats] = {}
    for graph in _all(memoryview(model), _MODEL_GRAPH):
        for node in _all(graph, _GRAPH_NODE):
            for attribute in _all(node, _NODE_ATTRIBUTE):
                if _text(attribute, _ATTRIBUTE_NAME) == branch:
                    for inner in _all(attribute, _ATTRIBUTE_GRAPH):
                        found |= _graph_constants(inner)
    return found


def _graph_constants(graph: memoryview) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for node in _all(graph, _GRAPH_NODE):
        name = _text(node, _NODE_OUTPUT).rsplit("__", 1)[-1]
        for attribute in _all(node, _NODE_ATTRIBUTE):
            for tensor in _all(attribute, _ATTRIBUTE_TENSOR):
                values = dict(_fields(tensor))
                if values.get(_TENSOR_TYPE) == _FLOAT32 and _TENSOR_RAW in values:
                    found[name] = np.frombuffer(values[_TENSOR_RAW], "<f4").reshape(_dims(tensor))  # type: ignore[arg-type]
    return found


def _dims(tensor: memoryview) -> list[int]:
    """Written one by one, or packed into one field."""
    dims: list[int] = []
    for number, value in _fields(tensor):
        if number != _TENSOR_DIMS:
            continue
        if isinstance(value, int):
            dims.append(value)
        else:
            at = 0
            while at < len(value):
                dim, at = _varint(value, at)
                dims.append(dim)
    return dims


def _text(message: memoryview, number: int) -> str:
    return next((bytes(value).decode() for value in _all(message, number)), "")


def _all(message: memoryview, number: int) -> Iterator[memoryview]:
    for found, value in _fields(message):
        if found == number and isinstance(value, memoryview):
            yield value


def _fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """(field number, value) of each field: a number, or the bytes of anything longer."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        match key & 7:
            case 0:
                value, at = _varint(message, at)
                yield key >> 3, value
            case 1:
                yield key >> 3, message[at : at + 8]
                at += 8
            case 2:
                length, at = _varint(message, at)
                if at + length > len(message):
                    raise ValueError("no ONNX file: a field is longer than what holds it")
                yield key >> 3, message[at : at + length]
                at += length
            case 5:
                yield key >> 3, message[at : at + 4]
                at += 4
            case wire_type:
                raise ValueError(f"no ONNX file: wire type {wire_type}")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message):
            raise ValueError("no ONNX file: it ends in the middle of a number")
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
