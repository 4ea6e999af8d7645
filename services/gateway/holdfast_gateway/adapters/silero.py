"""Silero voice activity detection by its ONNX file, many streams in one batch.

The package `silero_vad` would import torch; only its model file is used. One window is 256 samples
at 8 kHz or 512 at 16 kHz (32 ms), preceded by the last 32 or 64 samples of the one before.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime as ort
from holdfast_common.errors import EngineUnavailable
from holdfast_common.pcm import Floats

WINDOW = {8_000: 256, 16_000: 512}
CONTEXT = {8_000: 32, 16_000: 64}
STATE = 128


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


def load_session() -> ort.InferenceSession:
    """One session serves both rates: the model branches on its `sr` input."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1  # a batch takes 30 us a window: waking other cores costs more
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False  # 40 MB less at rest, no slower
    return ort.InferenceSession(str(model_path()), options, providers=["CPUExecutionProvider"])


class Silero:
    """The model at one rate, with the recurrent state of every stream that uses it."""

    def __init__(self, rate_hz: int, session: ort.InferenceSession | None = None) -> None:
        self.rate_hz = rate_hz
        self.window = WINDOW[rate_hz]
        self._session = session or load_session()
        self._rate = np.array(rate_hz, dtype=np.int64)
        self._context: Floats = np.zeros((8, CONTEXT[rate_hz]), np.float32)
        self._state: Floats = np.zeros((2, 8, STATE), np.float32)
        self._free = list(range(8))

    def open(self) -> int:
        """A row of state for one stream, zeroed."""
        if not self._free:
            rows = len(self._context)
            self._context = np.concatenate([self._context, np.zeros_like(self._context)])
            self._state = np.concatenate([self._state, np.zeros_like(self._state)], axis=1)
            self._free = list(range(rows, 2 * rows))
        row = self._free.pop()
        self._context[row] = 0
        self._state[:, row] = 0
        return row

    def close(self, row: int) -> None:
        self._free.append(row)

    def probabilities(self, rows: list[int], windows: Floats) -> list[float]:
        """Speech probability of one window for each row; `windows` is [B, window] in [-1, 1)."""
        inputs = np.concatenate([self._context[rows], windows], axis=1)
        outputs = self._session.run(None, {"input": inputs, "state": self._state[:, rows], "sr": self._rate})
        self._state[:, rows] = np.asarray(outputs[1])
        self._context[rows] = windows[:, -self._context.shape[1] :]
        return np.asarray(outputs[0]).reshape(-1).tolist()
