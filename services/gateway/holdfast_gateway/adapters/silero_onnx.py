"""Silero by onnxruntime (`HOLDFAST_GATEWAY_VAD_RUNTIME=onnxruntime`): the reference that `silero` is measured against.

Three times slower a window than `silero` in large batches, twice in small ones, and 40 MB larger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from holdfast_common.errors import EngineUnavailable
from holdfast_common.pcm import Floats

from holdfast_gateway.adapters.silero import CONTEXT, STATE, WINDOW, Rows, model_path, rounds_of

if TYPE_CHECKING:
    import onnxruntime as ort


def load_session() -> ort.InferenceSession:
    """One session serves both rates: the model branches on its `sr` input. Raises EngineUnavailable."""
    try:
        import onnxruntime as ort  # noqa: PLC0415 - 40 MB that a gateway normally does without
    except ImportError as error:
        raise EngineUnavailable(f"onnxruntime: {error}; pip install onnxruntime") from error
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1  # a batch takes 30 us a window: waking other cores costs more
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False  # 40 MB less at rest, no slower
    return ort.InferenceSession(str(model_path()), options, providers=["CPUExecutionProvider"])


class OnnxSilero:
    """The model at one rate, with the recurrent state of every stream that uses it."""

    def __init__(self, rate_hz: int, session: ort.InferenceSession | None = None) -> None:
        self.rate_hz = rate_hz
        self.window = WINDOW[rate_hz]
        self._session = session or load_session()
        self._rate = np.array(rate_hz, dtype=np.int64)
        self._rows = Rows(CONTEXT[rate_hz], 2 * STATE)

    def open(self) -> int:
        """A row of state for one stream, zeroed."""
        return self._rows.open()

    def close(self, row: int) -> None:
        self._rows.close(row)

    def probabilities(self, rows: list[int], windows: Floats) -> list[float]:
        """Speech probability of each window; `windows` is [B, window] in [-1, 1), `rows` whose each is.

        Windows of one row stand side by side, in order.
        """
        owners = np.array(rows)
        found = np.empty(len(owners), np.float32)
        for at in rounds_of(owners):
            found[at] = self._one_each(owners[at], windows[at])
        return found.tolist()

    def _one_each(self, rows: np.ndarray, windows: Floats) -> np.ndarray:
        context, state = self._rows.tables
        inputs = np.concatenate([context[rows], windows], axis=1)
        before = np.ascontiguousarray(state[rows].reshape(-1, 2, STATE).swapaxes(0, 1))
        outputs = self._session.run(None, {"input": inputs, "state": before, "sr": self._rate})
        state[rows] = np.asarray(outputs[1]).swapaxes(0, 1).reshape(-1, 2 * STATE)
        context[rows] = windows[:, -context.shape[1] :]
        return np.asarray(outputs[0]).reshape(-1)
