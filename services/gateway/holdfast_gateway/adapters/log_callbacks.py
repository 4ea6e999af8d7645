"""A refused caller's wish to be called back, in the call log: `records` makes a lead of it."""

from __future__ import annotations

from holdfast_common.call_log import CallLog
from holdfast_common.contracts.dialogue import MediaEntry
from holdfast_common.contracts.wire import encode

from holdfast_gateway.facts import instant


class LogCallbacks:
    """Awaited, not queued: the caller is told that it is noted only when it is."""

    def __init__(self, log: CallLog) -> None:
        self._log = log

    async def note(self, call: str, number: str) -> None:
        """Two facts: the wish, and that there was no call to speak of. Raises LogUnavailable."""
        wish = MediaEntry(call=call, generation=1, at=instant(), event="callback", leg="twilio", number=number)
        await self._log.append_media(call, encode(wish))
        ended = MediaEntry(call=call, generation=1, at=instant(), event="ended", leg="twilio", reason="busy")
        await self._log.append_media(call, encode(ended))
