"""Voice activity of all calls of the process in one batch per rate, by the time it is needed.

A run of the network costs some 0.4 ms before its first window, because the caches have forgotten its weights since
the last one, and 20 to 30 us a window (bench/results/2026-11-30-turn-cost.json). Calls arrive spread over time, so a
batch waits `GATHER_S` for the windows of other lanes, and for the next of the same: most verdicts decide nothing at
once. Whoever needs one now (a silence that may end a turn, a voice that may hold the agent's) says `hurry`, and all
that waits is judged at the end of the event loop's pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import structlog
from holdfast_common.pcm import BYTES_PER_SAMPLE, FULL_SCALE, Floats, samples_of

from holdfast_gateway.domain.levels import step_levels
from holdfast_gateway.ports import ForegroundModel, VoiceModel

log = structlog.get_logger()

_SCALE = np.float32(1 / FULL_SCALE)


class Verdict(NamedTuple):
    """On a window."""

    probability: float
    """That it is speech."""
    steps_db: list[float]
    """Levels of its steps, dBFS."""
    foreground: float | None = None
    """Log-odds that the caller's voice was in the window `LAG_WINDOWS` before; None: nobody asked."""


OnWindows = Callable[[list[Verdict], int], None]
"""(verdicts of windows that follow one another, first sample of the first)."""
Schedule = Callable[[Callable[[], None]], object]


class Timer(Protocol):
    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], None]], Timer]

GATHER_S = 0.06
"""Nearly two windows, so that all lanes' come together, and most lanes bring two."""


class Lane:
    """One leg's windows."""

    def __init__(self, batch: VadBatch, row: int, on_windows: OnWindows) -> None:
        self.row = row
        self.foreground_row: int | None = None
        self.asks_foreground = True
        """Others may speak beside the caller: whose voice it is, is told, too."""
        self.on_windows = on_windows
        self._batch = batch
        self._sound = b""
        """s16le: whole windows without a verdict, and what there is of the next."""
        self._taken = 0
        """Samples of the windows that were."""

    @property
    def window(self) -> int:
        """Samples of one."""
        return self._batch.window

    @property
    def is_waiting(self) -> bool:
        """A complete window has no verdict yet."""
        return len(self._sound) >= self._batch.window_bytes

    def hear(self, pcm: bytes) -> None:
        """Take a frame of any length, s16le: bytes until they are judged, then numbers, for all legs at once."""
        before = len(self._sound)
        self._sound += pcm
        if before < self._batch.window_bytes <= len(self._sound):
            self._batch.add(self)

    def hurry(self) -> None:
        """What waits is judged at the end of the loop's pass."""
        self._batch.hurry()

    def take(self) -> bytes:
        """The whole windows, which get their verdicts now."""
        sound = self._sound
        whole = len(sound) - len(sound) % self._batch.window_bytes
        self._sound = sound[whole:]
        self._taken += whole // BYTES_PER_SAMPLE
        return sound[:whole]

    def judged(self, verdicts: list[Verdict]) -> None:
        """Of the windows taken last."""
        self.on_windows(verdicts, self._taken - len(verdicts) * self._batch.window)

    def close(self) -> None:
        self._sound = b""
        self._batch.remove(self)


class VadBatch:
    """Judges the windows of all lanes of one rate."""

    def __init__(
        self,
        model: VoiceModel,
        schedule: Schedule,
        later: Later | None = None,
        foreground: ForegroundModel | None = None,
    ) -> None:
        """`schedule` calls back at the end of the loop's pass, `later` after seconds; without it none waits."""
        self.window = model.window
        self.window_bytes = model.window * BYTES_PER_SAMPLE
        self._model = model
        self._foreground = foreground
        self._schedule = schedule
        self._later = later
        self._waiting: list[Lane] = []
        self._lanes: set[Lane] = set()
        self._timer: Timer | None = None
        self._is_hurried = False

    @property
    def has_foreground(self) -> bool:
        """Whose voice it is can be told: there is a network, and it has not failed."""
        return self._foreground is not None

    def lane(self, on_windows: OnWindows) -> Lane:
        lane = Lane(self, self._model.open(), on_windows)
        self._lanes.add(lane)
        return lane

    def add(self, lane: Lane) -> None:
        if lane not in self._lanes:
            return  # it has closed, and its row may be another's
        if not self._waiting:
            if self._later is None:
                self.hurry()
            else:
                self._timer = self._later(GATHER_S, self._judge)
        self._waiting.append(lane)

    def hurry(self) -> None:
        if not self._is_hurried:
            self._is_hurried = True
            self._schedule(self._judge)

    def remove(self, lane: Lane) -> None:
        if lane in self._lanes:
            self._lanes.remove(lane)
            self._model.close(lane.row)
            self._forget_foreground(lane)

    def _judge(self) -> None:
        self._is_hurried = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lanes, self._waiting = self._waiting, []
        sounds = [lane.take() for lane in lanes]
        counts = [len(sound) // self.window_bytes for sound in sounds]
        samples = samples_of(b"".join(sounds)).reshape(-1, self.window)
        if not len(samples):
            return  # they have closed
        windows = np.multiply(samples, _SCALE, dtype=np.float32)
        rows = [lane.row for lane, count in zip(lanes, counts, strict=True) for _ in range(count)]
        probabilities = self._model.probabilities(rows, windows)
        steps_db = step_levels(windows, self._model.rate_hz)
        whose = self._whose(lanes, counts, probabilities, windows)
        verdicts = [Verdict(*verdict) for verdict in zip(probabilities, steps_db, whose, strict=True)]
        at = 0
        for lane, count in zip(lanes, counts, strict=True):
            if lane in self._lanes:
                try:
                    lane.judged(verdicts[at : at + count])
                except Exception:  # one call's bug must not make the others deaf
                    log.exception("windows_not_taken")
            at += count

    def _whose(
        self, lanes: list[Lane], counts: list[int], probabilities: list[float], windows: Floats
    ) -> list[float | None]:
        """Of the windows of lanes that ask: the odds that the voice is the caller's.

        Without it levels decide: an error in here is told, and nobody asks again.
        """
        told: list[float | None] = [None] * len(probabilities)
        model = self._foreground
        if model is not None and (asked := self._asked(model, lanes, counts)):
            at, rows = list(asked), list(asked.values())
            try:
                odds = model.odds(rows, np.array(probabilities, np.float32)[at], windows[at])
            except Exception:  # it is a refinement: no call may be lost for it
                log.exception("foreground_failed")
                self._foreground = None
            else:
                for place, found in zip(at, odds, strict=True):
                    told[place] = found
        return told

    def _asked(self, model: ForegroundModel, lanes: list[Lane], counts: list[int]) -> dict[int, int]:
        """Place and row of each window of a lane that asks; who does not ask gives their row back."""
        asked: dict[int, int] = {}
        at = 0
        for lane, count in zip(lanes, counts, strict=True):
            if lane in self._lanes and lane.asks_foreground:
                if lane.foreground_row is None:
                    lane.foreground_row = model.open()
                asked |= dict.fromkeys(range(at, at + count), lane.foreground_row)
            else:
                self._forget_foreground(lane)
            at += count
        return asked

    def _forget_foreground(self, lane: Lane) -> None:
        if lane.foreground_row is not None and self._foreground is not None:
            self._foreground.close(lane.foreground_row)
            lane.foreground_row = None
