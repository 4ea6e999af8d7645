"""Voice activity of all calls of the process in one batch per rate, by the time it is needed.

A window of the network costs 200 us alone, 39 in a batch of eight, 26 in one of sixteen (2026-11-28,
one busy core), and more alone when the caches are cold. Calls arrive spread over time, so a batch
waits `GATHER_S` for the windows of other lanes: most verdicts decide nothing at once. Whoever needs
one now (a silence that may end a turn, a voice that may hold the agent's) says `hurry`, and all that
waits is judged at the end of the event loop's pass.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np
import structlog
from holdfast_common.pcm import BYTES_PER_SAMPLE, FULL_SCALE, samples_of

from holdfast_gateway.domain.levels import step_levels
from holdfast_gateway.ports import VoiceModel

log = structlog.get_logger()

_SCALE = np.float32(1 / FULL_SCALE)

OnWindow = Callable[[float, list[float], int, int], None]
"""(probability, levels of its steps in dBFS, first sample, end sample), windows in order."""
Schedule = Callable[[Callable[[], None]], object]


class Timer(Protocol):
    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], None]], Timer]

GATHER_S = 0.03
"""A window is 32 ms, so nearly all lanes' windows come together; one lane alone has nothing to wait for."""


class Lane:
    """One leg's windows."""

    def __init__(self, batch: VadBatch, row: int, on_window: OnWindow) -> None:
        self.row = row
        self.on_window = on_window
        self.windows: deque[bytes] = deque()
        self._batch = batch
        self._rest = b""
        self._judged = 0

    @property
    def is_waiting(self) -> bool:
        """A complete window has no verdict yet."""
        return bool(self.windows)

    def hear(self, pcm: bytes) -> None:
        """Take a frame of any length, s16le: bytes until there is a window, then numbers, for all legs at once."""
        rest, size = self._rest + pcm, self._batch.window_bytes
        if len(rest) >= size:
            if not self.windows:
                self._batch.add(self)
            while len(rest) >= size:
                self.windows.append(rest[:size])
                rest = rest[size:]
        self._rest = rest

    def hurry(self) -> None:
        """What waits is judged at the end of the loop's pass."""
        self._batch.hurry()

    def judged(self, probability: float, levels_db: list[float]) -> None:
        start, self._judged = self._judged, self._judged + self._batch.window
        self.on_window(probability, levels_db, start, self._judged)

    def close(self) -> None:
        self.windows.clear()
        self._batch.remove(self)


class VadBatch:
    """Judges the windows of all lanes of one rate."""

    def __init__(self, model: VoiceModel, schedule: Schedule, later: Later | None = None) -> None:
        """`schedule` calls back at the end of the loop's pass, `later` after seconds; without it none waits."""
        self.window = model.window
        self.window_bytes = model.window * BYTES_PER_SAMPLE
        self._model = model
        self._schedule = schedule
        self._later = later
        self._waiting: list[Lane] = []
        self._lanes: set[Lane] = set()
        self._timer: Timer | None = None
        self._is_hurried = False

    def lane(self, on_window: OnWindow) -> Lane:
        lane = Lane(self, self._model.open(), on_window)
        self._lanes.add(lane)
        return lane

    def add(self, lane: Lane) -> None:
        if not self._waiting:
            if self._later is not None and len(self._lanes) > 1:
                self._timer = self._later(GATHER_S, self._judge)
            else:
                self.hurry()
        self._waiting.append(lane)

    def hurry(self) -> None:
        if not self._is_hurried:
            self._is_hurried = True
            self._schedule(self._judge)

    def remove(self, lane: Lane) -> None:
        if lane in self._lanes:
            self._lanes.remove(lane)
            self._model.close(lane.row)

    def _judge(self) -> None:
        """Judge until no lane waits: a leg that was stalled brings several windows at once."""
        self._is_hurried = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        while waiting := [lane for lane in waiting if lane.windows]:
            samples = samples_of(b"".join([lane.windows.popleft() for lane in waiting])).reshape(-1, self.window)
            windows = np.multiply(samples, _SCALE, dtype=np.float32)
            probabilities = self._model.probabilities([lane.row for lane in waiting], windows)
            levels_db = step_levels(windows, self._model.rate_hz)
            for lane, probability, levels in zip(waiting, probabilities, levels_db, strict=True):
                if lane in self._lanes:
                    try:
                        lane.judged(probability, levels)
                    except Exception:  # one call's bug must not make the others deaf
                        log.exception("window_not_taken")
