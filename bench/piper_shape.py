"""A Piper voice in the shape of a real one of quality `medium`, its weights random: it costs what a real one costs.

For measuring time where no voice can be had; it says noise. Layers and widths are those of piper's
training code for `medium` (VITS): text encoder's feed-forward layers (6 of 192-768-192, kernel 3,
without the attention), four coupling layers of 4 gated convolutions each (192, kernel 5), and the
HiFi-GAN decoder (256 channels, up by 8, 8, 4, residual blocks of kernels 3, 5, 7). Lengths of phonemes
are the tiny voice's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from holdfast_tts import tiny_voice
from onnx import helper, numpy_helper

WIDTH = 192
UPS = ((8, 16), (8, 16), (4, 8))
"""(rate, kernel) of each step up: together 256, a frame."""
KERNELS = ((3, (1, 2)), (5, (2, 6)), (7, (3, 12)))
"""(kernel, dilations) of the residual blocks."""


class Layers:
    """Nodes and weights as they are added; each call gives the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._random = np.random.default_rng(1)

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        names = [f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def weight(self, *shape: int, scale: float = 1.0) -> str:
        values = self._random.normal(0, scale, shape).astype(np.float32)
        self.weights.append(numpy_helper.from_array(values, f"w{len(self.weights)}"))
        return self.weights[-1].name

    def conv(self, x: str, inward: int, outward: int, kernel: int, dilation: int = 1) -> str:
        pad = (kernel - 1) * dilation // 2
        weight = self.weight(outward, inward, kernel, scale=(inward * kernel) ** -0.5)
        return self.op("Conv", x, weight, pads=[pad, pad], dilations=[dilation])

    def relu(self, x: str) -> str:
        return self.op("LeakyRelu", x, alpha=0.1)


def _encoder(layers: Layers, x: str) -> str:
    for _ in range(6):
        hidden = layers.op("Relu", layers.conv(x, WIDTH, 4 * WIDTH, 3))
        x = layers.op("Add", x, layers.conv(hidden, 4 * WIDTH, WIDTH, 3))
    return x


def _flow(layers: Layers, x: str) -> str:
    for _ in range(16):
        wide = layers.op("Split", layers.conv(x, WIDTH, 2 * WIDTH, 5), outputs=2, axis=1)
        gated = layers.op("Mul", layers.op("Tanh", wide[0]), layers.op("Sigmoid", wide[1]))
        rest, skip = layers.op("Split", layers.conv(gated, WIDTH, 2 * WIDTH, 1), outputs=2, axis=1)
        x = layers.op("Add", layers.op("Add", x, rest), skip)
    return x


def _decoder(layers: Layers, x: str) -> str:
    channels = 256
    x = layers.conv(x, WIDTH, channels, 7)
    third = layers.weight(1)
    for rate, kernel in UPS:
        pad = (kernel - rate) // 2
        weight = layers.weight(channels, channels // 2, kernel, scale=(channels * kernel / rate) ** -0.5)
        x = layers.op("ConvTranspose", layers.relu(x), weight, strides=[rate], pads=[pad, pad])
        channels //= 2
        branches = []
        for size, dilations in KERNELS:
            branch = x
            for dilation in dilations:
                branch = layers.op("Add", branch, layers.conv(layers.relu(branch), channels, channels, size, dilation))
            branches.append(branch)
        x = layers.op("Mul", layers.op("Sum", *branches), third)
    return layers.op("Tanh", layers.conv(layers.relu(x), channels, 1, 7))


def make(folder: Path, name: str = "en_US-random-medium") -> Path:
    """Write the voice; the path of its model. The tiny voice's lengths, then the real layers in place of its tones."""
    tiny = tiny_voice.make(folder, name)
    model = onnx.load(str(tiny))
    kept = [node for node in model.graph.node if node.output[0] not in {"output", "voiced", "noisy", "sound"}]
    layers = Layers()
    table = layers.weight(tiny_voice.SYMBOLS, WIDTH)
    ids = layers.op("Unsqueeze", layers.op("Gather", table, "ids"), "front")
    encoded = _encoder(layers, layers.op("Transpose", ids, perm=[0, 2, 1]))
    frames = layers.op("Gather", encoded, "place", axis=2)
    sound = _decoder(layers, _flow(layers, frames))
    layers.nodes.append(helper.make_node("Reshape", [sound, "whole"], ["output"]))
    hiss = {"hiss", "hissing", "hiss_level", "noise_scale"}
    del model.graph.node[:]
    model.graph.node.extend([node for node in kept if node.output[0] not in hiss and node.output[0] != "id"])
    model.graph.node.extend(layers.nodes)
    model.graph.initializer.extend([*layers.weights, numpy_helper.from_array(np.array([0]), "front")])
    onnx.checker.check_model(model)
    tiny.write_bytes(model.SerializeToString())
    config = json.loads(Path(f"{tiny}.json").read_text("utf-8"))
    config["audio"]["quality"] = "medium"
    Path(f"{tiny}.json").write_text(json.dumps(config), "utf-8")
    return tiny
