"""Twilio's REST interface, as far as a running call needs it: the call does something else from now on.

    POST /2010-04-01/Accounts/{AccountSid}/Calls/{CallSid}.json    Twiml=<Response>...

A redirected call leaves its media stream by itself; ending one is redirecting it to a hang-up.
"""

from __future__ import annotations

import httpx2
import msgspec
from holdfast_common.outside_http import attempt, http_client
from holdfast_common.resilience import (
    Outside,
    OutsideFailed,
    OutsideRefused,
    call_with_retry_and_circuit_breaker,
)

from holdfast_gateway.adapters.carrier import CallOver

NAME = "twilio"
WITHIN_S = 3.0
"""The caller waits in silence meanwhile."""
NOT_RUNNING = 21220
"""Twilio's code for a call that is over, or has not begun."""


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""


class TwilioRest:
    """One account's calls. Telling the same twice does no harm: the last course counts."""

    def __init__(
        self,
        url: str,
        account_sid: str,
        auth_token: str,
        outside: Outside,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.outside = outside
        self._client = http_client(url, transport=transport)
        self._auth = (account_sid, auth_token)
        self._calls = f"/2010-04-01/Accounts/{account_sid}/Calls"

    async def redirect(self, sid: str, twiml: str) -> None:
        """The call goes on with this TwiML. Raises CallOver, OutsideRefused, OutsideUnavailable."""
        deadline = self.outside.deadline(WITHIN_S)
        await call_with_retry_and_circuit_breaker(lambda: self._once(sid, twiml), deadline, to=self.outside)

    async def close(self) -> None:
        await self._client.aclose()

    async def _once(self, sid: str, twiml: str) -> None:
        path = f"{self._calls}/{sid}.json"
        answer = await attempt(self._client, NAME, "POST", path, data={"Twiml": twiml}, auth=self._auth)
        if answer.status == httpx2.codes.OK:
            answer.read(NAME, _Error)
            return
        try:
            code = msgspec.json.decode(answer.body, type=_Error).code
        except msgspec.DecodeError:
            code = 0
        if answer.status in (401, 403):
            raise OutsideFailed(NAME, f"credentials refused ({code})", retryable=False, trips=True)
        if code == NOT_RUNNING or answer.status == httpx2.codes.NOT_FOUND:
            raise CallOver(NAME, f"call is over ({code})", answer.status)
        raise OutsideRefused(NAME, f"code {code}", answer.status)
