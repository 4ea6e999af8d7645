"""The reception's memory beyond its own process: the last entry of a call in the call log."""

from __future__ import annotations

import msgspec
from holdfast_common.call_log import CallLog
from holdfast_common.contracts.dialogue import TurnEntry, TurnKind
from holdfast_common.contracts.wire import decoder

from holdfast_gateway.reception import Recalled

_decoder = decoder(TurnEntry)


class LogHistory:
    """Reads through the log's leader: only when a caller comes back whom this process has not met."""

    def __init__(self, log: CallLog) -> None:
        self._log = log

    async def recall(self, call: str) -> Recalled | None:
        entry = await self._log.last_turn(call)
        if entry is None:
            return None
        try:
            turn = _decoder.decode(entry.data)
        except msgspec.DecodeError:
            # Of a version that we cannot read: it is there, and that is all we know.
            return Recalled(generation=1, ended=False)
        return Recalled(turn.generation, turn.kind is TurnKind.ENDED or turn.ends_call)
