"""What the gateway tells of its calls: facts for the log, events for whoever watches.

All best effort and off the calls' path: one bounded queue a process and one task that empties it.
When the bus is away the oldest are dropped, and counted in the log of this process.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import structlog
from holdfast_common import subjects
from holdfast_common.bus import Bus, Lane
from holdfast_common.call_log import CallLog
from holdfast_common.contracts.dialogue import MediaEntry
from holdfast_common.contracts.watch import Watch
from holdfast_common.contracts.wire import encode
from holdfast_common.errors import BusUnavailable, LogUnavailable

log = structlog.get_logger()

WAITING = 2_000
LAST_S = 2.0
"""So long the end of the process waits for what has not been told yet."""


def instant() -> str:
    """Now, as contracts write it: UTC to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Facts:
    """The process's outlet for facts."""

    def __init__(self, bus: Bus, call_log: CallLog) -> None:
        self._bus = bus
        self._log = call_log
        self._waiting: asyncio.Queue[MediaEntry | Watch] = asyncio.Queue(WAITING)
        self._dropped = 0

    def tell(self, fact: MediaEntry | Watch) -> None:
        """Hand over; never waits."""
        if self._waiting.full():
            self._waiting.get_nowait()
            self._waiting.task_done()
            self._dropped += 1
        self._waiting.put_nowait(fact)

    async def run(self) -> None:
        while True:
            fact = await self._waiting.get()
            try:
                if isinstance(fact, Watch):
                    self._bus.publish(subjects.watch(fact.call), encode(fact), lane=Lane.CONTROL)
                else:
                    await self._log.append_media(fact.call, encode(fact))
            except (BusUnavailable, LogUnavailable) as error:
                log.warning("fact_dropped", kind=type(fact).__name__, why=type(error).__name__, dropped=self._dropped)
            finally:
                self._waiting.task_done()

    async def told(self) -> None:
        """Wait until all that was handed over is told: the last call's end is among the last of it."""
        try:
            async with asyncio.timeout(LAST_S):
                await self._waiting.join()
        except TimeoutError:
            log.warning("facts_untold", facts=self._waiting.qsize())
