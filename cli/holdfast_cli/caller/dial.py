"""The carrier's part of one call: asks the webhook, opens media sockets, follows the TwiML to its end."""

from __future__ import annotations

import asyncio

import aiohttp
from picows import ws_connect

from holdfast_cli.caller.phone import Leg, Phone
from holdfast_cli.caller.twiml import Carrier, ConnectStream, Hangup, Redirect, Say, Verb, WebhookError, call_form

RETRY_FOR_S = 6.0
RETRY_S = 0.1
"""While the one gateway of a small system restarts nobody answers; in production its sibling does. Twilio
itself does not ask again, a load balancer does."""
MAX_VERBS = 50
HANDSHAKE_S = 10.0


async def hold_line(carrier: Carrier, phone: Phone, caller: str = "+15550000001") -> None:
    """Hold the call from ringing to its end; raises WebhookError when it cannot even begin.

    Sets `phone.over` at the end, whatever the end was.
    """
    form = call_form(phone.call_sid, caller)
    try:
        async with aiohttp.ClientSession() as session:
            verbs = await carrier.post(session, carrier.webhook, form)
            form = form | {"CallStatus": "in-progress"}
            for _ in range(MAX_VERBS):
                if not verbs or phone.over:
                    return
                verbs = await _follow(carrier, session, phone, verbs, form)
    finally:
        phone.end()


async def _follow(
    carrier: Carrier, session: aiohttp.ClientSession, phone: Phone, verbs: list[Verb], form: dict[str, str]
) -> list[Verb]:
    """Do the first verb; the verbs that come next."""
    first, *rest = verbs
    match first:
        case ConnectStream():
            await _stream(carrier, phone, first)
            if phone.over:
                return []
            return await _ask(carrier, session, first.action, form) if first.action else rest
        case Redirect(url):
            return await _ask(carrier, session, url, form)
        case Say():
            return rest
        case Hangup():
            return []


async def _ask(carrier: Carrier, session: aiohttp.ClientSession, url: str, form: dict[str, str]) -> list[Verb]:
    end = asyncio.get_running_loop().time() + RETRY_FOR_S
    while True:
        try:
            return await carrier.post(session, carrier.reachable(url), form)
        except WebhookError:
            if asyncio.get_running_loop().time() > end:
                return []
            await asyncio.sleep(RETRY_S)


async def _stream(carrier: Carrier, phone: Phone, verb: ConnectStream) -> None:
    """One media socket, until it is closed from either side."""
    leg = Leg(phone, verb.parameters)
    try:
        await ws_connect(
            lambda: leg,
            carrier.reachable(verb.url),
            extra_headers=list(carrier.signature(verb.url, {}).items()),
            websocket_handshake_timeout=HANDSHAKE_S,
        )
    except (OSError, TimeoutError, ConnectionError):
        return
    await leg.closed
