"""How late a process's event loop runs, by whatever wakes up in it anyway: no timer of its own.

The streams' clocks and the beats wait for known moments; whoever waited tells how late it was woken. The
worst is forgotten slowly, so that the next beat catches a spike.
"""

from __future__ import annotations

from collections.abc import Callable

from holdfast_common import telemetry

KEPT_PER_S = 0.12
"""What remains of the worst after a second."""
WORTH_RECORDING_MS = 20.0


class Lateness:
    """One process's; `now` is its loop's clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._worst_ms = 0.0
        self._at = now()

    def woken(self, late_s: float) -> None:
        """Somebody who waited for a moment was woken so long after it."""
        late_ms = max(0.0, late_s * 1000)
        self._worst_ms = max(late_ms, self.worst_ms)
        self._at = self._now()
        if late_ms > WORTH_RECORDING_MS:
            telemetry.LOOP_LAG_MS.record(late_ms)

    @property
    def worst_ms(self) -> float:
        return self._worst_ms * KEPT_PER_S ** (self._now() - self._at)
