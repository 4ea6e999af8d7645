"""What is known of a call that was cut off, written down at once.

A turn is in the call log before it counts as committed; only where the log was away does its entry
travel with the gateway, to be appended by the next turn. A call that is cut off may have no next turn
in this process, so what it carries is written here and now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import structlog

from holdfast_common.call_log import CallLog
from holdfast_common.contracts.dialogue import TurnEntry
from holdfast_common.contracts.wire import decoder
from holdfast_common.errors import LogUnavailable, WrongLastSequence

log = structlog.get_logger()

TRIES = 3
_decode = decoder(TurnEntry).decode


class CutOff(NamedTuple):
    """A call as its gateway last knew it."""

    call: str
    log_sequence: int
    """Of its last entry that is in the log."""
    unlogged: Sequence[bytes] = ()
    """Turn entries with their snapshots that the log has not taken, oldest first."""


async def preserve_conversation_state(call: CutOff, *, to: CallLog) -> CutOff:
    """Write the call's entries into the log, in order and fenced; what is left of them where that could not be.

    Never raises: where the log is away the call keeps what it carries. Entries that are there already
    are left out; where somebody else has gone on with the call, theirs counts and ours are dropped.
    """
    last, waiting = call.log_sequence, list(call.unlogged)
    try:
        while waiting:
            stored = await _append(call.call, waiting[0], last, to)
            if stored is None:
                log.info("state_superseded", call=call.call, entries=len(waiting))
                waiting.clear()
                break
            last = stored
            waiting.pop(0)
    except LogUnavailable as error:
        log.warning("state_not_preserved", call=call.call, entries=len(waiting), why=str(error))
    else:
        if call.unlogged:
            log.info("state_preserved", call=call.call, entries=len(call.unlogged))
    return CutOff(call.call, last, waiting)


async def _append(call: str, data: bytes, last: int, to: CallLog) -> int | None:
    """The sequence under which the entry stands in the log; None where somebody else has gone on."""
    for _ in range(TRIES):
        try:
            return await to.append_turn(call, data, expected_last=last)
        except WrongLastSequence:
            there = await to.last_turn(call)
        if there is None:
            last = 0
        elif there.data == data:
            return there.sequence
        elif _is_later(there.data, data):
            return None
        else:
            last = there.sequence
    raise LogUnavailable("call log: another writer, every time")


def _is_later(there: bytes, ours: bytes) -> bool:
    try:
        a, b = _decode(there), _decode(ours)
    except msgspec.MsgspecError:
        return True
    return (a.generation, a.n) >= (b.generation, b.n)
