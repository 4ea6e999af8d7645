"""Whose voice is it: the caller's, in front, or others' behind them? A small recurrent network in numpy.

With six voices 5 dB under a caller no level and no speech probability tells a weak word of theirs from the others'.
What does is the course of things: how the sound of the last seconds went on. For each window of 32 ms the network is
told what the detector made of it, the levels of its eight steps and the power of 20 bands up to 4 kHz; a gated
recurrent unit (Cho et al. 2014) keeps what was before; one output. It tells of the window `LAG_WINDOWS` before, so
that it has heard what followed. Its weights (`data/foreground.npz`) were fitted by `bench/train_foreground.py`; whose
voices they were, and under which licences, stands in `data/README.md`.
"""

from __future__ import annotations

import zipfile
from importlib.resources import files
from pathlib import Path

import numpy as np
from holdfast_common.errors import EngineUnavailable
from holdfast_common.pcm import Floats

from holdfast_gateway.adapters.silero import WINDOW, Rows, rounds_of
from holdfast_gateway.domain.levels import LAG_WINDOWS, step_levels

NARROW_HZ = 8_000
NARROW = WINDOW[NARROW_HZ]
STEPS = 8
EDGES = np.unique(np.round(np.geomspace(4, NARROW // 2 + 1, 21) - 3).astype(int))
"""First bin of each band and the end of the last, of a spectrum with 31.25 Hz a bin: narrower where pitch is."""
FEATURES = 1 + STEPS + len(EDGES) - 1
LOG_ODDS = (-4.0, 6.0)
"""Least and most of the detector's opinion that the network is told."""
_TAPER = np.hanning(NARROW).astype(np.float32)


def features(probabilities: Floats, windows: Floats) -> Floats:
    """[B, FEATURES] of the detector's opinion [B] and the windows [B, 256 at 8 kHz or 512 at 16] in [-1, 1)."""
    odds = np.log((probabilities + 1e-4) / (1.0001 - probabilities)).clip(*LOG_ODDS)
    narrow = _narrowed(windows)
    levels_db = np.array(step_levels(narrow, NARROW_HZ), np.float32)
    spectrum = np.fft.rfft(narrow * _TAPER, axis=1)[:, : EDGES[-1]]
    power = np.add.reduceat(np.square(spectrum.real) + np.square(spectrum.imag), EDGES[:-1], axis=1)
    told = [odds[:, None] / 4.0, (levels_db + 45.0) / 15.0, (np.log(power + 1e-7) + 6.0) / 4.0]
    return np.concatenate(told, axis=1, dtype=np.float32)


def _narrowed(windows: Floats) -> Floats:
    """At 8 kHz: what a telephone would have brought. A window is its own period, which blurs its edges a little."""
    if windows.shape[1] == NARROW:
        return windows
    spectrum = np.fft.rfft(windows, axis=1)[:, : NARROW // 2 + 1]
    narrow = np.fft.irfft(spectrum, NARROW, axis=1) * (NARROW / windows.shape[1])
    return np.asarray(narrow, np.float32)


class Foreground:
    """The network with the state of every stream that uses it."""

    def __init__(self, path: Path | None = None) -> None:
        """Of the package's weights, or another file's; raises EngineUnavailable when they are not of this network."""
        try:
            weights = _read(path)
            size = len(weights["output"])
            shapes = {"inner": (FEATURES, size), "gates": (size, 3 * size), "hidden": (size, 3 * size)}
            shapes |= {"inner_bias": (size,), "gates_bias": (3 * size,), "output": (size,), "output_bias": ()}
            for name, shape in shapes.items():
                if weights[name].shape != shape or not np.isfinite(weights[name]).all():
                    raise ValueError(f"{name} is not {shape} numbers")
            if weights["lag"] != LAG_WINDOWS:
                raise ValueError(f"tells of {weights['lag']:g} windows before, not {LAG_WINDOWS}")
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise EngineUnavailable(
                f"foreground: its weights are broken ({error}); install holdfast-gateway again, "
                "or set HOLDFAST_GATEWAY_FOREGROUND=false"
            ) from error
        self._inner, self._inner_bias = weights["inner"], weights["inner_bias"]
        self._gates, self._gates_bias = weights["gates"], weights["gates_bias"]
        self._hidden = weights["hidden"]
        self._output, self._output_bias = weights["output"], float(weights["output_bias"])
        self._size = size
        self._rows = Rows(size)

    def open(self) -> int:
        """A row of state for one stream, zeroed."""
        return self._rows.open()

    def close(self, row: int) -> None:
        self._rows.close(row)

    def odds(self, rows: list[int], probabilities: Floats, windows: Floats) -> list[float]:
        """Log-odds that the caller's voice was in the window `LAG_WINDOWS` before each; `rows` says whose each is.

        Windows of one row stand side by side, in order. Shapes as of `features`.
        """
        (state,) = self._rows.tables
        owners = np.array(rows)
        inner = np.tanh(features(probabilities, windows) @ self._inner + self._inner_bias)
        gates = inner @ self._gates + self._gates_bias
        hidden = np.empty((len(owners), self._size), np.float32)
        for at in rounds_of(owners):
            row = owners[at]
            hidden[at] = state[row] = self._cell(gates[at], state[row])
        return (hidden @ self._output + self._output_bias).tolist()

    def _cell(self, gates: Floats, before: Floats) -> Floats:
        """The unit's state after the gates' input: how much is forgotten, how much is kept, and what is new."""
        size = self._size
        own = before @ self._hidden
        doors = np.float32(0.5) + np.float32(0.5) * np.tanh(
            np.float32(0.5) * (gates[:, : 2 * size] + own[:, : 2 * size])
        )
        new = np.tanh(gates[:, 2 * size :] + doors[:, :size] * own[:, 2 * size :])
        after: Floats = new + doors[:, size:] * (before - new)
        return after


def _read(path: Path | None) -> dict[str, Floats]:
    place = path or files("holdfast_gateway") / "data" / "foreground.npz"
    with place.open("rb") as file, np.load(file) as found:
        return {name: found[name].astype(np.float32) for name in found.files}
