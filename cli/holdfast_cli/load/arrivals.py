"""Callers ring, talk and hang up: N calls from the webhook to their end, each with what came of it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

import aiohttp
from holdfast_common.errors import HoldfastError
from picows import WSError, ws_connect

from holdfast_cli.caller.audio import FRAME_S
from holdfast_cli.caller.twiml import Carrier, ConnectStream, Hangup, WebhookError, call_form
from holdfast_cli.load.line import LoadLine, Traffic
from holdfast_cli.load.scenario import Speech
from holdfast_cli.load.talk import Patience, TurnTaken

HANDSHAKE_S = 15.0
CLOSE_S = 2.0
REACH_S = 3.0


class NobodyThereError(HoldfastError):
    """Nothing listens at the address."""


class Outcome(StrEnum):
    SERVED = "served"
    """Talked to its end, and hung up by the caller."""
    REFUSED = "refused"
    """The webhook said so, politely: nothing was answered."""
    FAILED = "failed"


@dataclass(slots=True)
class CallMade:
    """One call; times are monotonic seconds."""

    index: int
    call_sid: str
    dialled: float = 0.0
    told: float | None = None
    """The webhook's answer was there."""
    opened: float | None = None
    """The media socket was open."""
    first_heard: float | None = None
    ended: float = 0.0
    outcome: Outcome = Outcome.FAILED
    error: str = ""
    turns: list[TurnTaken] = field(default_factory=list)
    gaps_s: list[float] = field(default_factory=list)
    traffic: Traffic = field(default_factory=Traffic)

    @property
    def talked_s(self) -> float:
        return self.ended - self.opened if self.opened is not None else 0.0


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How the callers come."""

    calls: int
    stagger_s: float = 3.0
    """They ring evenly over so long; 0: all at once."""
    limit_s: float = 180.0
    """A call that has not ended by then has failed."""
    min_s: float = 0.0
    """Callers stay on the line so long at least."""
    first_number: int = 0
    """Of the callers' telephone numbers: two runs with other numbers are other callers."""


class Crowd:
    """Places all calls; `live` may be looked at meanwhile."""

    def __init__(self, target: Carrier | str, kinds: Sequence[Speech], patience: Patience, arrivals: Arrivals) -> None:
        """`target`: whose webhook is rung, or the ws address of a media socket that takes calls at once.

        `kinds`: what the callers say, in turn: caller i is of kind i modulo their number.
        """
        self._target, self._kinds, self._patience, self._arrivals = target, kinds, patience, arrivals
        self.live = 0
        self.most = 0
        self.done = 0
        self.calls = [CallMade(i, "CA" + secrets.token_hex(16)) for i in range(arrivals.calls)]

    async def run(self, on_end: Callable[[], None] = lambda: None) -> list[CallMade]:
        """All calls, from the first ringing to the last hanging up."""
        start = time.monotonic() + 0.05
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
            for call in self.calls:
                # A fraction of a frame is added so that the calls' clocks are out of phase.
                spread = call.index * self._arrivals.stagger_s / max(1, len(self.calls))
                at = start + spread + (call.index * 0.0073) % FRAME_S
                group.create_task(self._place(call, at, session, on_end), name=f"call {call.index}")
        return self.calls

    async def _place(
        self, call: CallMade, at: float, session: aiohttp.ClientSession, on_end: Callable[[], None]
    ) -> None:
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        call.dialled = time.monotonic()
        try:
            verb = await self._ring(call, session)
            if verb is not None:
                await self._talk(call, verb)
        except (WebhookError, OSError, WSError, TimeoutError, ConnectionError) as error:
            call.error = f"{type(error).__name__}: {error}".split("\n", 1)[0][:200]
        call.ended = call.ended or time.monotonic()
        self.done += 1
        on_end()

    async def _ring(self, call: CallMade, session: aiohttp.ClientSession) -> ConnectStream | None:
        """The media socket to open; None: refused (and the call says so)."""
        if isinstance(self._target, str):
            call.told = call.dialled
            return ConnectStream(self._target)
        form = call_form(call.call_sid, f"+1555{self._arrivals.first_number + call.index:07d}")
        verbs = await self._target.post(session, self._target.webhook, form)
        call.told = time.monotonic()
        first = verbs[0] if verbs else Hangup()
        if isinstance(first, ConnectStream):
            return first
        call.outcome = Outcome.REFUSED
        return None

    async def _talk(self, call: CallMade, verb: ConnectStream) -> None:
        speech = self._kinds[call.index % len(self._kinds)]
        line = LoadLine(call.call_sid, speech, self._patience, verb.parameters, min_s=self._arrivals.min_s)
        url, headers = verb.url, {}
        if isinstance(self._target, Carrier):
            url, headers = self._target.reachable(verb.url), self._target.signature(verb.url, {})
        await ws_connect(
            lambda: line, url, extra_headers=list(headers.items()), websocket_handshake_timeout=HANDSHAKE_S
        )
        self.live += 1
        self.most = max(self.most, self.live)
        try:
            async with asyncio.timeout(self._arrivals.limit_s):
                await line.over
            await asyncio.wait([line.closed], timeout=CLOSE_S)
            call.error = "" if line.hung_up else "closed by the server"
        except TimeoutError:
            call.error = f"not over after {self._arrivals.limit_s:.0f} s"
            line.close()
        finally:
            self.live -= 1
        call.opened, call.first_heard, call.ended = line.opened, line.first_heard, line.ended or time.monotonic()
        call.outcome = Outcome.FAILED if call.error else Outcome.SERVED
        call.gaps_s, call.traffic = line.playout.gaps_s, line.traffic
        call.turns = line.talk.turns if line.talk else []


async def reach(url: str) -> None:
    """Somebody listens at the address; raises NobodyThereError."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme in ("https", "wss") else 80)
    try:
        async with asyncio.timeout(REACH_S):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError) as error:
        why = str(error) or "no answer"
        raise NobodyThereError(f"nothing listens at {parts.hostname}:{port} ({why}): is the system up?") from error
    writer.close()
