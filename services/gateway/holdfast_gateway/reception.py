"""The reception: who may call, who is put through, who comes back, and what became of whom.

Between the doors (webhook, page, media sockets) and the call desk. It counts seats, mints and checks
tokens, remembers the calls it has met, runs the desk for each attached leg, and tells a caller who
returns what to do. All of it on one event loop; a call's failure stays in that call's task.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple, Protocol

import structlog
from holdfast_common import telemetry
from holdfast_common.errors import LogUnavailable
from holdfast_common.hashing import call_id

from holdfast_gateway.adapters.tokens import RESUME_S, BadToken, Pass, Tokens
from holdfast_gateway.domain.identity import Acquaintances, CallState, Known
from holdfast_gateway.domain.rates import Rates
from holdfast_gateway.domain.room import Room
from holdfast_gateway.domain.seats import Seats
from holdfast_gateway.domain.spread import Sibling, Spread
from holdfast_gateway.ports import Arrival, CallDesk, Ending, Leg

log = structlog.get_logger()

SETTLE_S = 2.0
"""How long a caller who comes back waits for the desk to say how the last leg ended."""
NOTE_S = 3.0
"""A caller waits so long at most for a wish to be written down."""
MOST_NOTED = 10_000
"""Numbers remembered as noted; who is forgotten is told "not noted" once too often, never once too rarely."""
OVERTIME_S = 30.0
"""The desk says goodbye at the longest call; this much later the connection is cut."""


_NUMBER = re.compile(r"^\+[1-9][0-9]{6,14}$")
"""E.164: what can be called back. Withheld and internal callers have no such number."""


class Recalled(NamedTuple):
    """What the call log knows of a call."""

    generation: int
    ended: bool


class History(Protocol):
    """The call log, as far as the reception needs it."""

    async def recall(self, call: str) -> Recalled | None:
        """The last that is known of the call; None: nothing. Raises LogUnavailable."""
        ...


class Callbacks(Protocol):
    """Where the wish to be called back is written down."""

    async def note(self, call: str, number: str) -> None:
        """Keep it; raises LogUnavailable when that cannot be promised."""
        ...


class No(StrEnum):
    """Why a caller is not put through."""

    BUSY = "busy"
    TOO_OFTEN = "too_often"
    ENDED = "ended"
    UNKNOWN = "unknown"
    DRAINING = "draining"


class PutThrough(NamedTuple):
    """The caller may connect with this token."""

    token: str
    generation: int


class HandedOn(NamedTuple):
    """Another gateway process has more room: the caller's next request goes there."""

    address: str


@dataclass(frozen=True, slots=True)
class Limits:
    max_call_s: float = 900.0
    caller_rates: Rates = field(default_factory=lambda: Rates(per_minute=10, burst=10))
    session_rates: Rates = field(default_factory=lambda: Rates(per_minute=20, burst=20))
    callback_rates: Rates = field(default_factory=lambda: Rates(per_minute=1, burst=2))


@dataclass(slots=True, eq=False)
class _Held:
    """A leg at the desk."""

    leg: Leg
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Reception:
    """One per process."""

    def __init__(
        self,
        desk: CallDesk,
        *,
        tokens: Tokens,
        seats: Seats,
        limits: Limits,
        history: History | None = None,
        callbacks: Callbacks | None = None,
        room: Room | None = None,
        free_streams: Callable[[], Mapping[str, int]] | None = None,
        siblings: Callable[[], list[Sibling]] = list,
        calls: asyncio.TaskGroup,
    ) -> None:
        """`siblings`: the other gateway processes that calls can be handed on to, now.

        `room` judges `free_streams` (by service, now) at each `look_round`; None: there is always room.
        """
        self._desk = desk
        self._tokens = tokens
        self._history = history
        self._callbacks = callbacks
        self._noted: dict[str, None] = {}
        """Numbers whose wish was written down, the oldest first."""
        self._room = room
        self._free_streams = free_streams
        self._siblings = siblings
        self._spread = Spread()
        self._limits = limits
        self._calls = calls
        self._held: dict[str, _Held] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._clock: Callable[[], float] = asyncio.get_running_loop().time
        self._empty = asyncio.Event()
        self._empty.set()
        self.seats = seats
        self.known = Acquaintances()
        self.draining = False

    # -- admission
    def look_round(self) -> None:
        """Close the seats to new calls while nobody could serve them, as the services' beats say; open them again."""
        now = self._clock()
        self.seats.taken(now)  # seats that nobody claimed return now, so that the beats say so
        if self._room is None or self._free_streams is None:
            return
        self._room.observe(self._free_streams(), now)
        lacking = self._room.lacking(now)
        if bool(lacking) != self.seats.closed:
            self.seats.closed = bool(lacking)
            if lacking:
                log.warning("seats_closed", lacking=",".join(lacking), calls=len(self._held))
            else:
                log.info("seats_open", limit=self.seats.limit)

    def offers_callback(self, number: str) -> bool:
        """May this caller be asked whether to be called back?"""
        return self._callbacks is not None and bool(_NUMBER.match(number))

    async def wants_callback(self, sid: str, number: str) -> bool:
        """The caller who was refused wants to be called back; False: that could not be written down."""
        if self._callbacks is None or not _NUMBER.match(number):
            return False
        if not self._limits.callback_rates.take(number, self._clock()):
            return number in self._noted
        try:
            async with asyncio.timeout(NOTE_S):
                await self._callbacks.note(call_id("twilio", sid), number)
        except (LogUnavailable, TimeoutError):
            log.warning("callback_not_noted")
            return False
        log.info("callback_noted")
        self._noted[number] = None
        if len(self._noted) > MOST_NOTED:
            del self._noted[next(iter(self._noted))]
        return True

    # -- telephone
    def phone_rings(self, sid: str, caller: str, *, was_handed: bool = False) -> PutThrough | HandedOn | No:
        """The voice webhook: a new call, or the same webhook once more. One that was handed to us is not handed on."""
        now = self._clock()
        if caller and self.known.get(sid) is None and not self._limits.caller_rates.take(caller, now):
            return self._refuse(No.TOO_OFTEN)
        if self.seats.closed:
            self.look_round()
        if not was_handed and self.known.get(sid) is None:
            free = 0 if self.draining else self.seats.free(now)
            if (better := self._spread.better(free, self._siblings(), now)) is not None:
                log.info("call_handed_on", to=better.replica)
                return HandedOn(better.address)
        if self.draining:
            return self._refuse(No.DRAINING)
        if not self.seats.take(sid, now):
            return self._refuse(No.BUSY)
        known = self.known.meet(sid, call_id("twilio", sid), 1)
        return self._put_through(sid, known)

    async def phone_returns(self, sid: str, generation: int, *, is_over: bool) -> PutThrough | No:
        """The way back after a stream: `generation` is the one that the TwiML was made for (0: not told)."""
        await self._settled(sid)
        known = self.known.get(sid)
        if is_over or (known is not None and known.state is CallState.ENDED):
            self.seats.release(sid)
            return No.ENDED
        recalled = await self._recall(call_id("twilio", sid))
        if recalled is not None and recalled.ended:
            return No.ENDED
        if known is None and recalled is None and generation == 0:
            return self._refuse(No.UNKNOWN)
        before = max(generation, recalled.generation if recalled else 0, known.generation if known else 0)
        known = self.known.meet(sid, call_id("twilio", sid), before)
        if not known.may_return(self._clock()):
            return self._refuse(No.TOO_OFTEN)
        if not self.seats.take(sid, self._clock(), is_new=False):
            return self._refuse(No.BUSY)
        known.generation += 1
        return self._put_through(sid, known)

    def admit_stream(self, token: str, sid: str) -> Pass:
        """Twilio's `start`; raises BadToken."""
        return self._tokens.check("stream", token, key=sid)

    # -- page
    def page_asks(self, origin: str, address: str) -> str | No:
        """POST /api/session: a token for one call."""
        now = self._clock()
        if not self._limits.session_rates.take(address, now):
            return self._refuse(No.TOO_OFTEN)
        if self.draining:
            return self._refuse(No.DRAINING)
        if self.seats.closed:
            self.look_round()
        key = secrets.token_urlsafe(16)
        if not self.seats.take(key, now):
            return self._refuse(No.BUSY)
        return self._tokens.mint("session", Pass(call_id("web", key), key, 1, origin))

    def page_wait_s(self, address: str) -> float:
        return self._limits.session_rates.wait_s(address)

    def admit_page(self, token: str, origin: str) -> Pass:
        """The page's first `hello`; raises BadToken."""
        return self._tokens.check("session", token, origin=origin)

    def admit_resumed(self, token: str, origin: str) -> Pass:
        """The page's `hello` after a loss; raises BadToken."""
        granted = self._tokens.check("resume", token, origin=origin)
        known = self.known.get(granted.key)
        if known is not None:
            if known.state is CallState.ENDED:
                raise BadToken("call_ended")
            if known.state is CallState.LOST and self._clock() - known.lost_at > RESUME_S:
                raise BadToken("resumed_too_late")
        return replace(granted, generation=granted.generation + 1)

    def resume_token(self, granted: Pass) -> str:
        """For the leg that is attached now; good until 30 s after its loss."""
        return self._tokens.mint("resume", granted, lifetime_s=self._limits.max_call_s + RESUME_S)

    # -- legs
    def attach(self, leg: Leg, granted: Pass, *, zone: str = "", language: str = "en") -> None:
        """A leg that has said who it is: hold its call until it ends."""
        task = self._calls.create_task(self._hold(leg, granted, zone, language), name=f"call {granted.call}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def held(self) -> int:
        """Legs at the desk; may be asked from any thread."""
        return len(self._held)

    def legs(self) -> list[Leg]:
        return [held.leg for held in self._held.values()]

    async def leave(self) -> None:
        """The process stops: legs are closed, so that callers may return elsewhere; desks are given a moment."""
        self.draining = True
        for held in list(self._held.values()):
            await held.leg.close("going_away")
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=SETTLE_S)
        for task in self._tasks:
            task.cancel()

    async def drain(self, patience_s: float) -> None:
        """Take no new calls; wait for those that run."""
        self.draining = True
        try:
            async with asyncio.timeout(patience_s):
                await self._empty.wait()
        except TimeoutError:
            log.warning("drain_gave_up", calls=len(self._held))

    # -- inside
    async def _hold(self, leg: Leg, granted: Pass, zone: str, language: str) -> None:
        key = granted.key
        with structlog.contextvars.bound_contextvars(call=granted.call):
            await self._supersede(key)
            if refusal := await self._refusal(granted):
                log.warning("leg_refused", leg=leg.kind, code=refusal)
                await leg.close(refusal)
                return
            known = self.known.meet(key, granted.call, granted.generation)
            known.state = CallState.LIVE
            held = self._held[key] = _Held(leg)
            self._empty.clear()
            log.info("leg_attached", leg=leg.kind, generation=granted.generation)
            ending = Ending(False, "failed")
            try:
                ending = await self._serve(leg, Arrival(granted.call, granted.generation, zone, language))
            finally:
                self._settle(key, known, held, ending)

    async def _serve(self, leg: Leg, arrival: Arrival) -> Ending:
        """The desk's word; our own where the desk fails or the call is too long."""
        ending = Ending(False, "failed")
        try:
            async with asyncio.timeout(self._limits.max_call_s + OVERTIME_S):
                ending = await self._desk.serve(leg, arrival)
        except TimeoutError:
            ending = Ending(True, "too_long")
        except Exception:  # one call's bug must not end the others' calls
            log.exception("call_failed", generation=arrival.generation)
        await leg.close(ending.reason)
        return ending

    def _settle(self, key: str, known: Known, held: _Held, ending: Ending) -> None:
        now = self._clock()
        if self._held.get(key) is held:
            del self._held[key]
            known.state, known.lost_at = (CallState.ENDED if ending.ended else CallState.LOST), now
            if ending.ended:
                self.seats.release(key)
            else:
                self.seats.lose(key, now)
        held.done.set()
        if not self._held:
            self._empty.set()
        log.info("leg_settled", ended=ending.ended, reason=ending.reason)

    async def _supersede(self, key: str) -> None:
        """The same call on a newer connection: the older one is over."""
        if held := self._held.get(key):
            await held.leg.close("superseded")
            await self._settled(key)

    async def _settled(self, key: str) -> None:
        if held := self._held.get(key):
            try:
                async with asyncio.timeout(SETTLE_S):
                    await held.done.wait()
            except TimeoutError:
                log.warning("desk_slow_to_settle")

    async def _refusal(self, granted: Pass) -> str | None:
        known = self.known.get(granted.key)
        if known is not None and known.state is CallState.ENDED:
            return "call_ended"
        if known is not None and granted.generation < known.generation:
            return "superseded"
        if granted.generation > 1 and known is None:
            recalled = await self._recall(granted.call)
            if recalled is not None and (recalled.ended or recalled.generation >= granted.generation):
                return "call_ended" if recalled.ended else "superseded"
        return None if self.seats.claim(granted.key, self._clock()) else "busy"

    async def _recall(self, call: str) -> Recalled | None:
        if self._history is None:
            return None
        try:
            return await self._history.recall(call)
        except LogUnavailable:
            log.warning("history_unavailable")
            return None

    def _put_through(self, sid: str, known: Known) -> PutThrough:
        return PutThrough(self._tokens.mint("stream", Pass(known.call, sid, known.generation)), known.generation)

    def _refuse(self, why: No) -> No:
        telemetry.REFUSED.add(1, {"reason": why.value})
        log.warning("caller_refused", code=why.value)
        return why
