"""One call: what is said by whom, turn after turn, and how it ends.

Everything here runs on one event loop and never waits: words, sentences, playout and timers come in
as plain method calls; what follows goes out the same way. The decisions are elsewhere: whose turn
it is in `domain.floor`, how long to wait in `domain.endpointing` and `domain.duties`, what was heard
in `domain.playout`.

One utterance: `Hearing` -> `on_words` -> `_open_next` -> `Mind` -> `on_sentence` -> `Mouth`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from holdfast_common import telemetry
from holdfast_common.contracts.dialogue import Committed, Heard, Sentence, TurnKind
from holdfast_common.contracts.stream import ErrorCode
from holdfast_common.contracts.watch import WatchEvent
from holdfast_common.errors import StreamFailed

from holdfast_gateway.domain.duties import Duties, EndOverlong, FallSilent, GiveTurnUp, SayClip, TakeDigits
from holdfast_gateway.domain.floor import Agent
from holdfast_gateway.domain.patience import Step
from holdfast_gateway.facts import instant
from holdfast_gateway.hearing import Hearing
from holdfast_gateway.house import House
from holdfast_gateway.ports import Arrival, AudioIn, Dtmf, Ending, HungUp, Leg, PositionMoved, Typed
from holdfast_gateway.showing import Shower
from holdfast_gateway.speaking import Mouth, Speaker
from holdfast_gateway.stages import Stages
from holdfast_gateway.telling import Teller
from holdfast_gateway.thinking import Mind, OpenTurn, Prompt

log = structlog.get_logger()

CALLERS = frozenset({TurnKind.SPOKEN, TurnKind.TYPED, TurnKind.DTMF})
"""Turns that are something the caller said."""
TYPED_PATIENCE = 15.0
"""A leg without audio is asked about its silence this many times later: people read and type slowly."""


@dataclass(slots=True)
class _Waiting:
    """A prompt that waits for its turn."""

    prompt: Prompt
    stages: Stages = field(default_factory=Stages)


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
        self._stir = asyncio.Event()
        """Something happened that may change what is due."""
        self._teller = Teller(house.facts, leg, arrival)
        self._mind = Mind(house.opener, arrival, leg.channel, self, spawn=self._spawn, instant=instant)
        self._mouth: Mouth = Shower(leg, self)
        self._hearing: Hearing | None = None
        duties = self._rule.duties
        if leg.rate_hz:
            self._mouth = Speaker(leg, house.opener, self, self._rule.voice, arrival, spawn=self._spawn)
            self._hearing = Hearing(leg, arrival, house, self, self._mouth, self._teller, spawn=self._spawn)
        else:
            duties = replace(duties, silence_s=duties.silence_s * TYPED_PATIENCE)
        self._duties = Duties(duties, self._loop.time())
        self._owed = ""
        """Words of a turn that was opened but never committed: the next one carries them."""
        self._queue: deque[_Waiting] = deque()
        self._last_turn: int | None = None
        """The last turn that said something."""
        self._was_interrupted = False
        self._silences = 0
        self._is_opened = False
        """A first turn was committed: the caller was greeted."""
        self._is_last = False
        """The call ends with what is being said."""

    # -- the call's life

    async def run(self) -> Ending:
        """Hold the call until it ends or its leg is gone. Raises only for our own bugs."""
        self._teller.fact("attached")
        self._teller.watch(WatchEvent.ATTACHED)
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
            self._mouth.close()
            if self._hearing is not None:
                self._hearing.close()
            self._forget_queue()
            self._teller.turns_over()
            telemetry.CALL_LENGTH_S.record(self._loop.time() - began)
        telemetry.CALLS_ENDED.add(1, {"reason": ending.reason})
        return ending

    def adopt(self, *, n: int, snapshot: bytes, log_sequence: int) -> None:
        """Go on with a call that another gateway held: its last committed turn."""
        self._mind.adopt(n=n, snapshot=snapshot, log_sequence=log_sequence)

    def end(self, reason: str, *, ended: bool = True) -> None:
        """End the call. The first reason counts."""
        if not self._ending.done():
            self._ending.set_result(Ending(ended=ended, reason=reason))

    async def write_off(self) -> None:
        """Commit that the caller is gone, for a call whose leg was lost and whose tasks have ended."""
        self._group = asyncio.TaskGroup()
        async with self._group:
            await self._commit_end()
            for task in self._tasks:
                task.cancel()
        self._teller.turns_over()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = self._group.create_task(work, name=f"{self._arrival.call}:{name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _greet(self) -> None:
        kind = TurnKind.OPENED if self._arrival.generation == 1 else TurnKind.RESUMED
        self._prompt(Prompt(kind, language=self._arrival.language), Stages())

    async def _close(self, ending: Ending) -> None:
        """Write the end down where it is one, and only then let go of the leg."""
        self._duties.patience.stop()
        self._mouth.hold()
        if ending.reason != "superseded":
            await self._settle()
            if ending.ended:
                await self._commit_end()
        self._teller.fact("ended" if ending.ended else "detached", reason=ending.reason)
        self._teller.watch(WatchEvent.ENDED, reason=ending.reason)
        await self._leg.close(ending.reason)

    async def _settle(self) -> None:
        """Let the open turn end, so that what it did is known."""
        if (turn := self._mind.turn) is not None:
            self._tell_mind(self._mouth.heard(turn.n))
            await self._closed_within(self._rule.duties.interrupted_s)
            self._mind.withdraw()

    async def _commit_end(self) -> None:
        self._forget_queue()
        self._open(Prompt(TurnKind.ENDED), Stages())
        await self._closed_within(self._rule.closing_s)

    async def _closed_within(self, seconds: float) -> None:
        """Wait for the open turn to close."""
        try:
            async with asyncio.timeout(seconds):
                while self._mind.turn is not None:
                    self._stir.clear()
                    await self._stir.wait()
        except TimeoutError:
            log.warning("turn_not_closed", call=self._arrival.call, after_s=seconds)

    async def _read(self) -> None:
        """Take what comes from the leg until it is gone."""
        async for event in self._leg.events():
            match event:
                case AudioIn():
                    if self._hearing is not None:
                        self._hearing.hear(event)
                case Typed(text=text):
                    self._teller.watch(WatchEvent.FINAL, text=text, turn=self._mind.n)
                    self._take_line(Prompt(TurnKind.TYPED, text, language=self._arrival.language))
                case Dtmf(digit=digit):
                    self._duties.digit(digit, self._loop.time())
                    self._stir.set()
                case PositionMoved():
                    pass
                case HungUp():
                    self.end("hung_up")
        self.end("leg_lost", ended=False)

    # -- the caller

    @property
    def is_replying(self) -> bool:
        return self._mouth.is_busy or self._mind.turn is not None

    def on_voice(self) -> None:
        self._duties.quiet(None)

    def on_turn_over(self, voice_end: float) -> None:
        if not self._mouth.is_busy:
            self._duties.patience.start(voice_end)
        elif self._mouth.has_protected:
            self._mouth.resume()
        self._stir.set()

    def on_words(self, prompt: Prompt, stages: Stages) -> None:
        self._prompt(prompt, stages)

    def on_no_words(self) -> None:
        if self._mind.turn is not None or self._queue:
            return
        if self._owed:  # words that made us take a turn back turned out to be none: open it again
            self._prompt(Prompt(TurnKind.SPOKEN, language=self._arrival.language), Stages())
        else:
            self._duties.patience.stop()
            self._rest()

    def on_interrupt(self) -> None:
        """The caller has the floor: take the turn back if nothing of it was heard, else cut it short."""
        turn = self._mind.turn
        if turn is not None and self._may_withdraw(turn):
            self._owed = turn.prompt.text
            self._mouth.hold()  # what was handed out of it, too, must not be played
            self._mouth.drop(turn.n, begun=True)
            self._mind.withdraw()
            self._teller.turn_over(turn.n, "withdrawn")
            self._mouth.resume()
            self._tell_hearing()
            return
        if not self.is_replying:
            return
        self._mouth.interrupt()
        speaking = turn.n if turn is not None else self._last_turn
        if speaking is not None:
            heard = self._mouth.heard(speaking, interrupted=True)
            self._was_interrupted = True
            self._teller.interrupted(speaking)
            self._tell_mind(heard)
            self._teller.watch(WatchEvent.INTERRUPTED, turn=speaking, heard=heard)
        if turn is not None:
            self._duties.interrupted(self._loop.time())
        self._is_last = False
        self._tell_hearing()
        self._stir.set()

    def _may_withdraw(self, turn: OpenTurn) -> bool:
        """Nothing of it was heard, nor written down."""
        is_asked = turn.prompt.kind in CALLERS
        return is_asked and turn.committed is None and not turn.is_quiet and not self._mouth.was_audible(turn.n)

    def _take_line(self, prompt: Prompt) -> None:
        """Something that needs no recogniser: a typed line, digits."""
        now = self._loop.time()
        self.on_interrupt()
        if self._mouth.has_protected and (self._hearing is None or self._hearing.is_silent):
            self._mouth.resume()  # no end of speech will come that would
        self._duties.patience.start(now)
        self._prompt(prompt, Stages(voice_end=now, decided=now, words=now))

    # -- turns

    def _prompt(self, prompt: Prompt, stages: Stages) -> None:
        """Queue the next turn, and open it if it may be."""
        if prompt.kind in CALLERS:
            self._silences = 0
            self._is_last = False
        elif not self._duties.patience.is_running:
            self._duties.patience.start(self._loop.time())
        self._duties.quiet(None)
        stages.trace = stages.trace or self._teller.begin_turn()
        self._queue.append(_Waiting(prompt, stages))
        self._open_next()

    def _open_next(self) -> None:
        """Open the next turn once the one before is closed: a call has at most one."""
        self._stir.set()
        if self._mind.turn is not None or not self._queue or self._ending.done():
            return
        waiting = self._queue.popleft()
        prompt = waiting.prompt
        if prompt.kind in CALLERS:
            prompt = replace(prompt, text=f"{self._owed} {prompt.text}".strip()[-2_000:])
            self._owed = ""
        self._open(prompt, waiting.stages)
        self._tell_hearing()

    def _open(self, prompt: Prompt, stages: Stages) -> None:
        stages.trace = stages.trace or self._teller.begin_turn()
        with stages.trace.entered():
            turn = self._mind.open(prompt, self._heard_before())
        self._teller.turn_opened(turn, stages)

    def _forget_queue(self) -> None:
        for waiting in self._queue:
            if waiting.stages.trace is not None:
                waiting.stages.trace.end("call_over")
        self._queue.clear()

    def _heard_before(self) -> Heard | None:
        """How little of the last reply was heard; None: all of it."""
        interrupted, self._was_interrupted = self._was_interrupted, False
        if self._last_turn is None or self._mouth.all_heard(self._last_turn):
            return None
        return self._mouth.heard(self._last_turn, interrupted=interrupted)

    def on_sentence(self, turn: OpenTurn, sentence: Sentence) -> None:
        if turn.prompt.kind is not TurnKind.ENDED:
            self._teller.first_sentence(turn.n)
            self._last_turn = turn.n
            self._mouth.say(turn.n, sentence)
            self._tell_hearing()

    def on_reopened(self, turn: OpenTurn) -> None:
        self._mouth.drop(turn.n, begun=False)

    def on_committed(self, turn: OpenTurn, committed: Committed) -> None:
        self._is_opened = True
        if committed.ends_call and not turn.is_quiet:
            self._is_last = True
        self._teller.turn_committed(turn.n, committed, will_sound=bool(turn.taken) and not turn.is_quiet)

    def on_turn_closed(self, turn: OpenTurn, failure: StreamFailed | None) -> None:
        self._duties.interrupted(None)
        self._stir.set()
        if failure is not None and failure.code == ErrorCode.SUPERSEDED:
            self.end("superseded", ended=False)
            return
        if turn.committed is None and not self._ending.done():
            self._owe(turn)
            self._teller.turn_over(turn.n, failure.code if failure else "uncommitted", failed=True)
            if failure is not None:
                self._say_clip(Step.APOLOGY)
        self._tell_hearing()
        self._open_next()
        if not self.is_replying:
            self._rest()

    def _owe(self, turn: OpenTurn) -> None:
        """Keep the words of a turn that came to nothing; one that the caller did not begin has none."""
        if turn.prompt.kind in CALLERS:
            self._owed = turn.prompt.text

    def _tell_mind(self, heard: Heard | None) -> None:
        self._mind.interrupt(heard.sentences if heard else 0, heard.words_of_next if heard else 0)

    # -- the mouth

    def on_begun(self, turn: int, sentence: Sentence) -> None:
        self._mind.begun(turn, sentence)
        self._tell_hearing()

    def on_sounding(self, turn: int, sentence: Sentence) -> None:
        self._duties.patience.stop()
        self._teller.watch(
            WatchEvent.SENTENCE,
            turn=turn,
            sentence=sentence.index,
            text=sentence.text,
            expectation=sentence.expectation,
            asks=sentence.asks,
            notes=sentence.notes,
        )

    def on_audio(self, turn: int) -> None:
        self._teller.first_audio(turn)

    def on_audible(self, turn: int, in_s: float) -> None:
        self._teller.first_sound(turn, in_s)

    def on_quiet(self, *, spoke: bool) -> None:
        if spoke and self._mind.turn is not None:
            self._duties.patience.start(self._loop.time())
        self._tell_hearing()
        if self._mind.turn is None:
            self._rest()
        self._stir.set()

    def _rest(self) -> None:
        """Nobody speaks and nothing is on its way: the call ends if it was to, or the silence begins."""
        if self._queue or self._mouth.is_busy or self._ending.done():
            return
        if self._last_turn is not None:
            self._teller.fact("turn", turn=self._last_turn, heard=self._mouth.heard(self._last_turn))
        self._teller.turns_over()
        if self._is_last:
            self.end("ended")
        elif self._hearing is None or self._hearing.is_silent:
            self._duties.quiet(self._loop.time())
            self._stir.set()

    def _tell_hearing(self) -> None:
        """The floor knows what the agent is doing."""
        if self._hearing is not None:
            speaking = Agent.SPEAKING if self._mouth.is_sounding else Agent.THINKING
            self._hearing.agent(speaking if self.is_replying else Agent.QUIET)

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
                    self._take_line(Prompt(TurnKind.DTMF, digits, language=self._arrival.language))
                case GiveTurnUp():
                    self._give_turn_up()
                case FallSilent():
                    self._fall_silent()

    def _give_turn_up(self) -> None:
        turn = self._mind.turn
        if turn is not None and turn.is_quiet:
            if turn.committed is None:
                self._owe(turn)
            self._mind.withdraw()
            self._teller.turn_over(turn.n, "given_up")
            self._open_next()

    def _fall_silent(self) -> None:
        self._silences += 1
        if self._silences > self._rule.max_silences + 1:
            self.end("silent")
        elif not self._is_opened:
            self._greet()
        else:
            self._prompt(Prompt(TurnKind.SILENCE, silences=self._silences, language=self._arrival.language), Stages())

    def _say_clip(self, step: Step) -> None:
        """Say something from what is kept here; never over the caller nor over a sentence."""
        if self._hearing is not None and not self._hearing.is_silent:
            return
        if not self._mouth.is_sounding:
            text, pcm = self._house.clips.choose(step, self._leg.rate_hz)
            self._mouth.say_clip(text, pcm)
            log.info("clip_said", call=self._arrival.call, step=step)
        if step is Step.GOODBYE:
            self._is_last = True
            if not self._mouth.is_busy:
                self.end("given_up")
