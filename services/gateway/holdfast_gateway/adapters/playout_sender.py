"""From the call logic's chunks to the far end's buffer: few messages, no gap, and where the ear is.

The first audio into an empty buffer leaves at once. While the far end has more than enough to play,
chunks wait for one another until 200 ms are together (every message costs both sides a wake-up and
comes back as a mark), but never longer than 60 ms, and never so long that the buffer could run low.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from holdfast_gateway.domain.position import Playout

MESSAGE_MS = 200
FRAME_MS = 20
"""The first message of a leg is this short: its mark soon tells how long the far end waits before it plays."""
LOW_WATER_S = 0.2
"""The far end's buffer is filled up before it holds less than this."""
MAX_WAIT_S = 0.06
BURST_S = 0.005
"""Chunks that come within this are one burst."""


class Timers(Protocol):
    """The part of an event loop that is needed here; a test may turn the clock by hand."""

    def time(self) -> float: ...
    def call_later(self, delay: float, callback: Callable[[], None], /) -> asyncio.TimerHandle: ...


class PlayoutSender:
    """Sends one leg's audio. `send(pcm, end, generation)` puts up to 200 ms on the wire; `end` is the
    position of its last sample, `generation` counts clears."""

    def __init__(
        self,
        rate_hz: int,
        send: Callable[[bytes, int, int], None],
        before_dry: Callable[[], None],
        *,
        loop: Timers | None = None,
    ) -> None:
        self._send = send
        self._before_dry = before_dry
        self._playout = Playout(rate_hz)
        self._rate = rate_hz
        self._message_bytes = rate_hz * MESSAGE_MS // 1000 * 2
        self._frame_bytes = rate_hz * FRAME_MS // 1000 * 2
        self._pending = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: Timers = loop or asyncio.get_running_loop()
        self.generation = 0

    def play(self, pcm: bytes) -> None:
        if not pcm:
            return
        now = self._loop.time()
        dry = self._playout.runs_dry_at() <= now
        if dry and not self._pending:
            self._before_dry()
            first = self._message_bytes if self._playout.knows_lag else self._frame_bytes
            self._ship(pcm[:first], now)
            pcm = pcm[first:]
        self._pending += pcm
        while len(self._pending) >= self._message_bytes:
            self._ship_pending(now)
        if self._pending and self._timer is None:
            spare_s = self._playout.runs_dry_at() - now - LOW_WATER_S
            self._timer = self._loop.call_later(min(MAX_WAIT_S, max(BURST_S, spare_s)), self._flush)

    def clear(self) -> int:
        """Forget what has not left, and what has left and was not played; returns the position reached."""
        self._stop_timer()
        self._pending.clear()
        self.generation += 1
        return self._playout.cleared(self._loop.time())

    def told(self, position: int, generation: int) -> bool:
        """The far end's word; False where it is about audio that a clear has thrown away."""
        if generation != self.generation:
            return False
        self._playout.told(position, self._loop.time())
        return True

    def measured(self, round_trip_s: float) -> None:
        self._playout.measured(round_trip_s)

    def position(self) -> int:
        return self._playout.position(self._loop.time())

    def sent(self) -> int:
        return self._playout.sent + len(self._pending) // 2

    def flush(self) -> None:
        """Send what waits, now (before closing)."""
        self._stop_timer()
        self._flush()

    def stop(self) -> None:
        """The far end is gone."""
        self._stop_timer()
        self._pending.clear()

    def _flush(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._pending:
            self._ship_pending(now)

    def _ship_pending(self, now: float) -> None:
        chunk = bytes(self._pending[: self._message_bytes])
        del self._pending[: self._message_bytes]
        self._ship(chunk, now)
        if not self._pending:
            self._stop_timer()

    def _ship(self, pcm: bytes, now: float) -> None:
        self._playout.handed(len(pcm) // 2, now)
        self._send(pcm, self._playout.sent, self.generation)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
