"""One call: its life from the leg's arrival to its end, and what becomes due in it when nothing happens.

Everything here runs on one event loop and never waits, but at the end, for the last turn to be
written down. What is said is `talk`'s; how long to wait for what stands in `domain.duties`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from holdfast_common import telemetry
from holdfast_common.call_log import CallLog
from holdfast_common.contracts.dialogue import TurnKind
from holdfast_common.contracts.watch import WatchEvent
from holdfast_common.preserving import preserve_conversation_state

from holdfast_gateway.domain.duties import Duties, EndOverlong, FallSilent, GiveTurnUp, SayClip, TakeDigits
from holdfast_gateway.domain.patience import Step
from holdfast_gateway.house import House
from holdfast_gateway.ports import (
    Arrival,
    AtOnce,
    AudioIn,
    CarrierLeg,
    CarrierSays,
    Dtmf,
    Ending,
    HungUp,
    Leg,
    LegEvent,
    PositionMoved,
    ToPerson,
    Typed,
)
from holdfast_gateway.spawn import guarded
from holdfast_gateway.stages import Stages
from holdfast_gateway.talk import Talk
from holdfast_gateway.thinking import Prompt

log = structlog.get_logger()

SOON_S = 0.4
"""A reply whose sentence is there is waited for this much longer before a filler is said."""
TYPED_PATIENCE = 15.0
"""A leg without audio is asked about its silence this many times later: people read and type slowly."""


class Call:
    """One leg's conversation, from its arrival to its end."""

    def __init__(self, leg: Leg, arrival: Arrival, house: House) -> None:
        self._leg = leg
        self._arrival = arrival
        self._house = house
        self._rule = house.rule
        self._loop = asyncio.get_running_loop()
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending: asyncio.Future[Ending] = self._loop.create_future()
        self._passed_on: ToPerson | CarrierSays | None = None
        """What the carrier does with the call once it has left here."""
        self._stir = asyncio.Event()
        """Something happened that may change what is due."""
        duties = self._rule.duties
        if not leg.rate_hz:
            duties = replace(duties, silence_s=duties.silence_s * TYPED_PATIENCE)
        self._duties = Duties(duties, self._loop.time())
        self._talk = Talk(leg, arrival, house, self, self._duties, spawn=self._spawn, broke=self.broke)

    async def run(self) -> Ending:
        """Hold the call until it ends or its leg is gone. Raises only for our own bugs."""
        self._talk.teller.fact("attached")
        self._talk.teller.watch(WatchEvent.ATTACHED)
        began = self._loop.time()
        try:
            async with self._group:
                self._spawn(self._read(), "leg")
                self._spawn(self._clock(), "clock")
                self._greet()
                ending = await self._ending
                await self._close(ending)
                for task in self._tasks:
                    task.cancel()
        finally:
            self._talk.close()
            telemetry.CALL_LENGTH_S.record(self._loop.time() - began)
        telemetry.CALLS_ENDED.add(1, {"reason": ending.reason})
        return ending

    def adopt(self, *, n: int, snapshot: bytes, log_sequence: int) -> None:
        """Go on with a call that another gateway held: its last committed turn."""
        self._talk.mind.adopt(n=n, snapshot=snapshot, log_sequence=log_sequence)

    async def preserve(self, to: CallLog) -> None:
        """The leg is gone without a goodbye: what the log has not taken yet is written down at once."""
        mind = self._talk.mind
        mind.preserved(await preserve_conversation_state(mind.cut_off(self._arrival.call), to=to))

    async def write_off(self) -> None:
        """Commit that the caller is gone, for a call whose leg was lost and whose tasks have ended."""
        self._group = asyncio.TaskGroup()
        async with self._group:
            await self._commit_end()
            for task in self._tasks:
                task.cancel()
        self._talk.teller.turns_over()

    # -- what its parts ask of it

    @property
    def is_ending(self) -> bool:
        return self._ending.done()

    def end(self, reason: str, *, ended: bool = True) -> None:
        """End the call. The first reason counts."""
        if not self._ending.done():
            self._ending.set_result(Ending(ended=ended, reason=reason))

    def broke(self, bug: Exception) -> None:
        """A bug in a callback of this call: `run` raises it."""
        if self._ending.done():
            log.error("call_broke_at_its_end", exc_info=bug)
        else:
            self._ending.set_exception(bug)

    def stir(self) -> None:
        self._stir.set()

    def hand_over(self, summary: str) -> None:
        """To a person, by the carrier; a leg that cannot is told like one where nobody answered."""
        if isinstance(self._leg, CarrierLeg):
            self._passed_on = ToPerson(summary)
            self.end("handed_over", ended=False)
        else:
            self._talk.prompt(Prompt(TurnKind.RESUMED, language=self._arrival.language), Stages())

    def lost_reply(self) -> None:
        self._say_clip(Step.APOLOGY)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = self._group.create_task(work, name=f"{self._arrival.call}:{name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- its beginning and its end

    def _greet(self) -> None:
        kind = TurnKind.OPENED if self._arrival.generation == 1 else TurnKind.RESUMED
        self._talk.prompt(Prompt(kind, language=self._arrival.language), Stages())

    async def _close(self, ending: Ending) -> None:
        """Write the end down where it is one, and only then let go of the leg."""
        self._duties.patience.stop()
        self._talk.mouth.hold()
        if ending.reason != "superseded":
            await self._settle()
            if ending.ended:
                await self._commit_end()
        self._talk.teller.fact("ended" if ending.ended else "detached", reason=ending.reason)
        self._talk.teller.watch(WatchEvent.ENDED, reason=ending.reason)
        if self._passed_on is not None and isinstance(self._leg, CarrierLeg):
            await self._leg.pass_on(self._passed_on)
        await self._leg.close(ending.reason)

    async def _settle(self) -> None:
        """Let the open turn end, so that what it did is known."""
        self._talk.forget_queue()
        if self._talk.mind.turn is not None:
            self._talk.cut_short()
            await self._closed_within(self._rule.duties.interrupted_s)
            self._talk.mind.withdraw()

    async def _commit_end(self) -> None:
        self._talk.forget_queue()
        self._talk.open(Prompt(TurnKind.ENDED), Stages())
        await self._closed_within(self._rule.closing_s)

    async def _closed_within(self, seconds: float) -> None:
        """Wait for the open turn to close."""
        try:
            async with asyncio.timeout(seconds):
                while self._talk.mind.turn is not None:
                    self._stir.clear()
                    await self._stir.wait()
        except TimeoutError:
            log.warning("turn_not_closed", call=self._arrival.call, after_s=seconds)

    async def _read(self) -> None:
        """Take what comes from the leg until it is gone."""
        talk = self._talk
        events = self._leg.events()
        if isinstance(events, AtOnce) and talk.hearing is not None:
            # In this task's context: what is logged and started there belongs to this call.
            events.hear_at_once(partial(copy_context().run, guarded(talk.hearing.hear, self.broke)))
        try:
            await self._follow(events)
        finally:
            if isinstance(events, AtOnce):
                events.hear_at_once(None)
        self.end("leg_lost", ended=False)

    async def _follow(self, events: AsyncIterator[LegEvent]) -> None:
        talk = self._talk
        async for event in events:
            match event:
                case AudioIn():
                    if talk.hearing is not None:
                        talk.hearing.hear(event)
                case Typed(text=text):
                    talk.teller.watch(WatchEvent.FINAL, text=text, turn=talk.mind.n)
                    talk.take_line(Prompt(TurnKind.TYPED, text, language=self._arrival.language))
                case Dtmf(digit=digit):
                    self._duties.digit(digit, self._loop.time())
                    self._stir.set()
                case PositionMoved():
                    pass
                case HungUp():
                    self.end("hung_up")

    # -- time

    async def _clock(self) -> None:
        """Do what is due; sleep until the next is."""
        while True:
            self._stir.clear()
            self._do_duties(self._loop.time())
            try:
                async with asyncio.timeout_at(self._duties.next_at()):
                    await self._stir.wait()
            except TimeoutError:
                pass

    def _do_duties(self, now: float) -> None:
        for duty in self._duties.due(now):
            match duty:
                case EndOverlong():
                    self.end("too_long")
                case SayClip(step):
                    self._say_clip(step)
                case TakeDigits(digits):
                    self._talk.take_line(Prompt(TurnKind.DTMF, digits, language=self._arrival.language))
                case GiveTurnUp():
                    self._talk.give_turn_up()
                case FallSilent():
                    self._fall_silent()

    def _fall_silent(self) -> None:
        talk = self._talk
        talk.silences += 1
        if talk.silences > self._rule.max_silences + 1:
            self.end("silent")
        elif not talk.is_opened:
            self._greet()
        else:
            asked = Prompt(TurnKind.SILENCE, silences=talk.silences, language=self._arrival.language)
            talk.prompt(asked, Stages())

    def _say_clip(self, step: Step) -> None:
        """Say something from what is kept here; never over the caller nor over a sentence."""
        talk = self._talk
        if not talk.is_caller_silent:
            return
        is_near = talk.mouth.is_busy and not talk.mouth.is_sounding
        if is_near and step is Step.FILLER and self._duties.patience.put_off(step, self._loop.time() + SOON_S):
            self.stir()  # the reply is being made sound: it would have to wait for the clip's end
            return
        if not talk.mouth.is_sounding:
            text, pcm = self._house.clips.choose(step, self._leg.rate_hz)
            if pcm is None and step is not Step.FILLER and isinstance(self._leg, CarrierLeg):
                self._let_the_carrier_speak(step, text)
                return
            talk.mouth.say_clip(text, pcm)
            log.info("clip_said", call=self._arrival.call, step=step)
        if step is Step.GOODBYE:
            talk.is_last = True
            if not talk.mouth.is_busy:
                self.end("given_up")

    def _let_the_carrier_speak(self, step: Step, text: str) -> None:
        """No voice, and no sound of it kept: the carrier says it, and the caller comes back to us, once."""
        returns = step is not Step.GOODBYE and self._arrival.generation == 1
        if not returns and step is not Step.GOODBYE:
            text, _ = self._house.clips.choose(Step.GOODBYE, self._leg.rate_hz)
        log.warning("carrier_speaks", call=self._arrival.call, step=step, returns=returns)
        self._passed_on = CarrierSays(text, returns)
        self.end("carrier_speaks", ended=not returns)
