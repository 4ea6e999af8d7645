"""Silero voice activity detection as matrix products in numpy, many streams in one batch.

The weights are those of the installed package's ONNX file; nothing else of the package is loaded (it
would import torch), nor is onnxruntime: a window takes a third of the time in large batches and half
of it alone. In single precision both are within 2e-6 of the exact probabilities.

One window is 256 samples at 8 kHz or 512 at 16 kHz (32 ms), preceded by the last 32 or 64 samples of
the one before. The network (silero_vad 6, read from its graph): a short-time Fourier transform
of four frames, the last one reflected; four convolutions over time of width three, the middle two
with stride two, so that one column is left; an LSTM cell of 128; one output. A convolution over so
few columns is a product with its columns laid side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from holdfast_common.errors import EngineUnavailable
from holdfast_common.pcm import Floats

from holdfast_gateway.adapters.onnx_constants import constants

WINDOW = {8_000: 256, 16_000: 512}
CONTEXT = {8_000: 32, 16_000: 64}
STATE = 128
FRAMES = 4
"""Columns of the spectrum of one window."""
BRANCH = {8_000: "else_branch", 16_000: "then_branch"}
BLOCK = 64
"""Windows in one product: beyond it no faster, and what is in between falls out of the cache."""


def model_path() -> Path:
    """Where the installed package keeps its model; raises EngineUnavailable without it."""
    spec = find_spec("silero_vad")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "data" / "silero_vad.onnx"
        if path.exists():
            return path
    raise EngineUnavailable(
        "silero-vad: no silero_vad.onnx among the installed packages; pip install --no-deps silero-vad"
    )


class Rows:
    """What streams leave for their next windows (samples, recurrent state): tables with a row each."""

    def __init__(self, *widths: int) -> None:
        self.tables: tuple[Floats, ...] = tuple(np.zeros((8, width), np.float32) for width in widths)
        self._free = list(range(8))

    def open(self) -> int:
        """A row for one stream, zeroed."""
        if not self._free:
            rows = len(self.tables[0])
            self.tables = tuple(np.concatenate([table, np.zeros_like(table)]) for table in self.tables)
            self._free = list(range(rows, 2 * rows))
        row = self._free.pop()
        for table in self.tables:
            table[row] = 0
        return row

    def close(self, row: int) -> None:
        self._free.append(row)


def rounds_of(rows: np.ndarray) -> list[np.ndarray]:
    """Where each row's first window stands, then where each one's second does, and so on; `rows` says whose each is."""
    firsts = np.flatnonzero(np.diff(rows, prepend=-1))
    counts = np.diff(firsts, append=len(rows))
    return [firsts[counts > nth] + nth for nth in range(counts.max())]


@dataclass(frozen=True, slots=True)
class Weights:
    """Matrices of the network, each `[what comes in, what goes out]`, and biases."""

    spectrum: Floats
    convolutions: tuple[tuple[Floats, Floats], ...]
    lstm_input: Floats
    lstm_hidden: Floats
    lstm_bias: Floats
    """Of the four gates (in, forget, cell, out) the three that are sigmoids are halved:
    sigmoid(x) = (1 + tanh(x / 2)) / 2, so that one tanh does for all four."""
    output: tuple[Floats, float]

    @classmethod
    def load(cls, rate_hz: int, path: Path | None = None) -> Weights:
        """From the package's file; raises EngineUnavailable when that is not the network known here."""
        try:
            found = constants((path or model_path()).read_bytes(), BRANCH[rate_hz])
            names = [f"encoder.{i}.reparam_conv" for i in range(4)]
            halved = np.ones(4 * STATE, np.float32)
            halved[: 2 * STATE] = halved[3 * STATE :] = 0.5
            first, second, third, fourth = (_side_by_side(found[f"{name}.weight"]) for name in names)
            # The third has one column, after the padding on the left; the fourth has padding on both sides.
            third, fourth = third[len(third) // 3 :], fourth[len(fourth) // 3 : 2 * len(fourth) // 3]
            matrices = [np.ascontiguousarray(matrix) for matrix in (first, second, third, fourth)]
            return cls(
                spectrum=np.ascontiguousarray(found["stft.forward_basis_buffer"][:, 0].T),
                convolutions=tuple((m, found[f"{n}.bias"]) for m, n in zip(matrices, names, strict=True)),
                lstm_input=np.ascontiguousarray(found["decoder.rnn.weight_ih"].T * halved),
                lstm_hidden=np.ascontiguousarray(found["decoder.rnn.weight_hh"].T * halved),
                lstm_bias=(found["decoder.rnn.bias_ih"] + found["decoder.rnn.bias_hh"]) * halved,
                output=(found["decoder.decoder.2.weight"].reshape(STATE), float(found["decoder.decoder.2.bias"][0])),
            )
        except (KeyError, ValueError, OSError) as error:
            raise EngineUnavailable(
                f"silero-vad: its network is not the one of silero_vad 6 ({error}); "
                "set HOLDFAST_GATEWAY_VAD_RUNTIME=onnxruntime"
            ) from error


def _side_by_side(weight: Floats) -> Floats:
    """[out, in, taps] of a convolution as [taps x in, out] of a product."""
    return weight.transpose(2, 1, 0).reshape(-1, weight.shape[0])


class _Desk:
    """Room for one block's intermediate results, made once: what must be zero stays so."""

    def __init__(self, rate_hz: int, size: int = BLOCK) -> None:
        window, context = WINDOW[rate_hz], CONTEXT[rate_hz]
        bins = window // 4 + 1
        self.sound = np.zeros((size, context + window + context), np.float32)
        self.frames = np.zeros((size, FRAMES, window // 2), np.float32)
        self.spectrum = np.zeros((size * FRAMES, 2 * bins), np.float32)
        self.levels = np.zeros((size, FRAMES + 2, bins), np.float32)
        self.first_in = np.zeros((size, FRAMES, 3 * bins), np.float32)
        self.first_out = np.zeros((size * FRAMES, 128), np.float32)
        self.padded = np.zeros((size, FRAMES + 1, 128), np.float32)
        self.second_in = np.zeros((size, 2, 384), np.float32)
        self.second_out = np.zeros((size * 2, 64), np.float32)
        self.third_out = np.zeros((size, 64), np.float32)
        self.column = np.zeros((size, STATE), np.float32)


class Silero:
    """The model at one rate, with the recurrent state of every stream that uses it."""

    def __init__(self, rate_hz: int, weights: Weights | None = None) -> None:
        self.rate_hz = rate_hz
        self.window = WINDOW[rate_hz]
        self._context = CONTEXT[rate_hz]
        self._weights = weights or Weights.load(rate_hz)
        self._rows = Rows(self._context, 2 * STATE)
        self._desk = _Desk(rate_hz)

    def open(self) -> int:
        """A row of state for one stream, zeroed."""
        return self._rows.open()

    def close(self, row: int) -> None:
        self._rows.close(row)

    def probabilities(self, rows: list[int], windows: Floats) -> list[float]:
        """Speech probability of each window; `windows` is [B, window] in [-1, 1), `rows` whose each is.

        Windows of one row stand side by side, in order. Only the recurrent cell must go through them one
        after another: the rest reads its weights, which no cache keeps between two calls, once for all.
        """
        context, state = self._rows.tables
        owners = np.array(rows)
        rounds = rounds_of(owners)
        firsts, lasts = rounds[0], np.append(rounds[0][1:], len(owners)) - 1
        before = np.empty((len(windows), self._context), np.float32)
        before[1:] = windows[:-1, -self._context :]
        before[firsts] = context[owners[firsts]]
        context[owners[firsts]] = windows[lasts, -self._context :]
        gates = np.empty((len(windows), 4 * STATE), np.float32)
        for at in range(0, len(windows), BLOCK):
            block = slice(at, at + BLOCK)
            self._encode(before[block], windows[block], gates[block])
        hidden = np.empty((len(windows), STATE), np.float32)
        for at in rounds:
            row = owners[at]
            after = self._cell(gates[at], state[row])
            state[row] = after
            hidden[at] = after[:, :STATE]
        weight, bias = self._weights.output
        return (1.0 / (1.0 + np.exp(-(np.maximum(hidden, 0.0) @ weight + bias)))).tolist()

    def _encode(self, context: Floats, windows: Floats, gates: Floats) -> None:
        """What the convolutions make of the windows, weighed for the cell's gates: into [B, 512]."""
        desk, count, pad = self._desk, len(windows), self._context
        (first, first_bias), (second, second_bias), (third, third_bias), (fourth, fourth_bias) = (
            self._weights.convolutions
        )
        hop = self.window // 4
        sound = desk.sound[:count]
        sound[:, :pad] = context
        sound[:, pad:-pad] = windows
        end = pad + self.window
        # Padding on the right only: `pad` (32) samples reflected would be too few for the last frame.
        sound[:, -pad:] = sound[:, end - 2 : end - 2 - pad : -1]
        frames = desk.frames[:count]
        frames[:, :, :hop] = sound[:, : FRAMES * hop].reshape(count, FRAMES, hop)
        frames[:, :, hop:] = sound[:, hop : (FRAMES + 1) * hop].reshape(count, FRAMES, hop)
        spectrum = desk.spectrum[: count * FRAMES]
        np.matmul(frames.reshape(count * FRAMES, -1), self._weights.spectrum, out=spectrum)
        spectrum *= spectrum
        bins = spectrum.shape[1] // 2
        power = spectrum[:, :bins]
        power += spectrum[:, bins:]
        levels = desk.levels[:count]
        np.sqrt(power.reshape(count, FRAMES, bins), out=levels[:, 1:-1])
        columns = desk.first_in[:count]
        columns[:, :, :bins] = levels[:, :FRAMES]
        columns[:, :, bins : 2 * bins] = levels[:, 1:-1]
        columns[:, :, 2 * bins :] = levels[:, 2:]
        out = desk.first_out[: count * FRAMES]
        np.matmul(columns.reshape(count * FRAMES, -1), first, out=out)
        out += first_bias
        padded = desk.padded[:count]
        np.maximum(out.reshape(count, FRAMES, 128), 0.0, out=padded[:, 1:])
        flat, pairs = padded.reshape(count, -1), desk.second_in[:count]
        pairs[:, 0] = flat[:, :384]
        pairs[:, 1] = flat[:, 256:]
        out = desk.second_out[: count * 2]
        np.matmul(pairs.reshape(count * 2, 384), second, out=out)
        out += second_bias
        np.maximum(out, 0.0, out=out)
        one = desk.third_out[:count]
        np.matmul(out.reshape(count, 128), third, out=one)
        one += third_bias
        np.maximum(one, 0.0, out=one)
        column = desk.column[:count]
        np.matmul(one, fourth, out=column)
        column += fourth_bias
        np.maximum(column, 0.0, out=column)
        np.matmul(column, self._weights.lstm_input, out=gates)
        gates += self._weights.lstm_bias

    def _cell(self, gates: Floats, before: Floats) -> Floats:
        """The LSTM: [hidden, cell] of each row after the gates' input, which it overwrites."""
        gates += before[:, :STATE] @ self._weights.lstm_hidden
        np.tanh(gates, out=gates)
        gates[:, : 2 * STATE] += 1.0
        gates[:, : 2 * STATE] *= 0.5
        out = gates[:, 3 * STATE :]
        out += 1.0
        out *= 0.5
        after = np.empty_like(before)
        hidden, cell = after[:, :STATE], after[:, STATE:]
        np.multiply(gates[:, STATE : 2 * STATE], before[:, STATE:], out=cell)
        cell += gates[:, :STATE] * gates[:, 2 * STATE : 3 * STATE]
        np.tanh(cell, out=hidden)
        hidden *= out
        return after
