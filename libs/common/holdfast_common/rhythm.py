"""What is done now and then is done together: timers of all processes of a machine fire on one grid.

A process that wakes pays for its cold caches more than for what it then does, and so does the bus that it tells.
Beats, ticks and looks round that fall on multiples of their interval, on the clock that the machine's processes
share (asyncio's is CLOCK_MONOTONIC), wake each process once instead of once for each of them.
"""

from __future__ import annotations

LEAST = 0.25
"""Share of an interval that passes at least: a call right before the grid's next line waits for the one after."""


def until_next(interval_s: float, now: float) -> float:
    """Seconds from `now` to the next multiple of the interval; between 0.25 and 1.25 intervals."""
    wait = interval_s - now % interval_s
    return wait if wait >= LEAST * interval_s else wait + interval_s
