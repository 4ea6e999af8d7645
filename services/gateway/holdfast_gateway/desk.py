"""The call desk: every leg that has identified itself is brought here and held until it ends.

A call whose leg was lost is kept in mind for a while: when nobody has taken it up by then, it is
written down as ended. If another gateway process has taken it, its dialogue turn is refused as
superseded, and that is the end of it here.
"""

from __future__ import annotations

import asyncio

import msgspec
import structlog
from holdfast_common.call_log import CallLog
from holdfast_common.contracts.dialogue import TurnEntry
from holdfast_common.contracts.wire import decoder
from holdfast_common.errors import LogUnavailable

from holdfast_gateway.call import Call
from holdfast_gateway.house import House
from holdfast_gateway.ports import Arrival, Ending, Leg

log = structlog.get_logger()

_entries = decoder(TurnEntry)
RECALL_S = 1.5
MAY_RETURN = frozenset({"leg_lost", "handed_over", "carrier_speaks"})
"""Reasons of an end that may be none: the caller may come back on another leg."""


class Desk:
    """The process's calls. A `CallDesk`."""

    def __init__(self, house: House, call_log: CallLog, *, linger_s: float = 35.0) -> None:
        self._house = house
        self._log = call_log
        self._linger_s = linger_s
        self._lost: asyncio.Queue[tuple[float, Call, Arrival]] = asyncio.Queue(1_000)
        """Calls whose leg was lost, in the order in which they will be written off; over 1,000 none is added."""
        self.calls: dict[str, Call] = {}
        self._generations: dict[str, int] = {}

    async def serve(self, leg: Leg, arrival: Arrival) -> Ending:
        with structlog.contextvars.bound_contextvars(call=arrival.call, generation=arrival.generation):
            return await self._serve(leg, arrival)

    async def run(self) -> None:
        """Write off calls that nobody came back to; runs for the process's life."""
        loop = asyncio.get_running_loop()
        while True:
            due, call, arrival = await self._lost.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if self._generations.get(arrival.call, 0) <= arrival.generation:
                self._generations.pop(arrival.call, None)
                await self._write_off(call, arrival)

    @staticmethod
    async def _write_off(call: Call, arrival: Arrival) -> None:
        try:
            await call.write_off()
        except Exception:  # one call's bug: this task serves all the lost calls of the process
            log.exception("call_not_written_off", call=arrival.call)
        else:
            log.info("call_written_off", call=arrival.call)

    async def _serve(self, leg: Leg, arrival: Arrival) -> Ending:
        call = Call(leg, arrival, self._house)
        if arrival.generation > 1:
            await self._recall(call, arrival)
        self.calls[arrival.call] = call
        self._generations[arrival.call] = arrival.generation
        log.info("call_attached", leg=leg.kind)
        try:
            ending = await call.run()
        except Exception:
            # One call's bug must not touch the others: told with its traceback, this caller is let go.
            log.exception("call_broke")
            await leg.close("internal")
            ending = Ending(ended=False, reason="internal")
        finally:
            if self.calls.get(arrival.call) is call:
                del self.calls[arrival.call]
        if not ending.ended and ending.reason != "superseded":
            await call.preserve(self._log)
        self._remember(call, arrival, ending)
        log.info("call_left", reason=ending.reason, ended=ending.ended)
        return ending

    def _remember(self, call: Call, arrival: Arrival, ending: Ending) -> None:
        """Keep a lost call in mind; forget the others."""
        if not ending.ended and ending.reason in MAY_RETURN and not self._lost.full():
            self._lost.put_nowait((asyncio.get_running_loop().time() + self._linger_s, call, arrival))
        elif self._generations.get(arrival.call) == arrival.generation:
            del self._generations[arrival.call]

    async def _recall(self, call: Call, arrival: Arrival) -> None:
        """Take over where the log stands; without it the dialogue reads for itself."""
        try:
            async with asyncio.timeout(RECALL_S):
                entry = await self._log.last_turn(arrival.call)
            if entry is not None:
                turn = _entries.decode(entry.data)
                call.adopt(n=turn.n, snapshot=turn.snapshot, log_sequence=entry.sequence)
        except (LogUnavailable, TimeoutError, msgspec.DecodeError) as error:
            log.warning("call_not_recalled", why=type(error).__name__)
