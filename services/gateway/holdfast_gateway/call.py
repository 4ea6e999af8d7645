"""One call: the ear, the mind and the mouth of a leg, and who reacts to what.

Everything here runs on one event loop and never waits: frames, recognised words, sentences, playout
and timers come in as plain method calls; what is decided goes out the same way. The decisions are
elsewhere: whose turn it is in `domain.floor`, how long to wait in `domain.endpointing` and
`domain.patience`, what was heard in `domain.playout`.

One utterance: `Ear` -> `on_final` -> `_open_next` -> `Mind` -> `on_sentence` -> `Mouth`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog
from holdfast_common import telemetry
from holdfast_common.contracts.asr import Final
from holdfast_common.contracts.dialogue import Committed, Heard, MediaEntry, Sentence, TurnKind
from holdfast_common.contracts.stream import ErrorCode
from holdfast_common.contracts.watch import Watch, WatchEvent
from holdfast_common.errors import StreamFailed
from holdfast_common.stream.api import Opener

from holdfast_gateway.clips import Clips
from holdfast_gateway.domain.endpointing import Endpointing, weigh
from holdfast_gateway.domain.floor import (
    Action,
    Agent,
    Began,
    Ended,
    Floor,
    FloorRule,
    Hold,
    Interrupt,
    Paused,
    Resume,
    TurnOver,
    Words,
)
from holdfast_gateway.domain.patience import Patience, PatienceRule, Step
from holdfast_gateway.domain.turns import CallerTurn
from holdfast_gateway.facts import Facts, instant
from holdfast_gateway.listening import Context, Ear, follow
from holdfast_gateway.ports import Arrival, AudioIn, Caption, Dtmf, Ending, HungUp, Leg, PositionMoved, Typed
from holdfast_gateway.showing import Shower
from holdfast_gateway.speaking import Mouth, Speaker, VoiceOut
from holdfast_gateway.stages import Stages
from holdfast_gateway.thinking import Mind, OpenTurn, Prompt
from holdfast_gateway.voice import VadBatch

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CallRule:
    """How calls are led, in this process."""

    endpointing: Endpointing
    floor: FloorRule = field(default_factory=FloorRule)
    patience: PatienceRule = field(default_factory=PatienceRule)
    voice: VoiceOut = field(default_factory=VoiceOut)
    silence_prompt_s: float = 8.0
    max_silences: int = 3
    typed_silence_factor: float = 15.0
    """A leg without audio waits this many times longer: people type slowly and read first."""
    longest_call_s: float = 900.0
    dtmf_gap_s: float = 1.2
    """Digits this close together are one answer."""
    interrupted_s: float = 1.0
    """An interrupted turn that has not ended by then is given up (it should take 0.2 s)."""
    closing_s: float = 2.5
    """The last turn of a call may take this long to be committed."""


@dataclass(frozen=True, slots=True)
class House:
    """What all calls of the process share."""

    opener: Opener
    facts: Facts
    clips: Clips
    batches: Callable[[int], VadBatch]
    """The voice detector for a rate."""
    rule: CallRule


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
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending: asyncio.Future[Ending] = self._loop.create_future()
        self._stir = asyncio.Event()
        self._began_at = self._loop.time()
        self._mind = Mind(house.opener, arrival, leg.channel, self, spawn=self._spawn, instant=instant)
        self._mouth: Mouth
        self._floor: Floor | None = None
        self._ear: Ear | None = None
        if leg.rate_hz:
            self._mouth = Speaker(leg, house.opener, self, self._rule.voice, arrival, spawn=self._spawn)
            self._floor = Floor(leg.rate_hz, self._rule.endpointing.endpoint_ms, self._rule.floor)
            self._ear = Ear(self._floor, house.batches(leg.rate_hz), leg.rate_hz, act=self._act)
        else:
            self._mouth = Shower(leg, self)
        self._caller: CallerTurn | None = None
        self._caller_stages = Stages()
        self._owed: str = ""
        """Words of a turn that was opened but never committed: the next one carries them."""
        self._queue: deque[_Waiting] = deque()
        self._turn_stages: dict[int, Stages] = {}
        self._unreported: dict[int, Committed] = {}
        self._last_turn: int | None = None
        self._interrupted: Heard | None = None
        self._silences = 0
        self._quiet_since: float | None = None
        self._digits = ""
        self._digits_at = 0.0
        self._interrupted_at: float | None = None
        self._is_last = False
        """The dialogue has said that the call ends with this reply."""
        self._patience = Patience(self._rule.patience)

    # -- the call's life

    async def run(self) -> Ending:
        """Hold the call until it ends or its leg is gone. Raises only for our own bugs."""
        self._fact("attached")
        self._watch(WatchEvent.ATTACHED)
        telemetry.CALLS.add(1)
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._spawn(self._read(), "leg")
                self._spawn(self._clock(), "clock")
                self._greet()
                ending = await self._ending
                await self._close(ending)
                for task in self._tasks:
                    task.cancel()
        finally:
            telemetry.CALLS.add(-1)
            self._mouth.close()
            if self._ear is not None:
                self._ear.close()
        telemetry.CALLS_ENDED.add(1, {"reason": ending.reason})
        return ending

    def adopt(self, *, n: int, snapshot: bytes, log_sequence: int) -> None:
        """Go on with a call that another gateway held: its last committed turn."""
        self._mind.adopt(n=n, snapshot=snapshot, log_sequence=log_sequence)

    def end(self, reason: str, *, ended: bool = True) -> None:
        """End the call. The first reason counts."""
        if not self._ending.done():
            self._ending.set_result(Ending(ended=ended, reason=reason))

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
        self._patience.stop()
        self._mouth.hold()
        if ending.reason != "superseded":
            await self._settle()
            if ending.ended:
                await self.write_off()
        self._fact("ended" if ending.ended else "detached", reason=ending.reason)
        self._watch(WatchEvent.ENDED, reason=ending.reason)
        await self._leg.close(ending.reason)

    async def _settle(self) -> None:
        """Let the open turn end, so that what it did is known."""
        turn = self._mind.turn
        if turn is not None:
            heard = self._mouth.heard(turn.n)
            self._mind.interrupt(heard.sentences if heard else 0, heard.words_of_next if heard else 0)
            await self._closed_within(self._rule.interrupted_s)
            self._mind.withdraw()

    async def write_off(self) -> None:
        """Commit that the caller is gone."""
        self._queue.clear()
        self._mind.open(Prompt(TurnKind.ENDED), self._heard_before())
        await self._closed_within(self._rule.closing_s)

    async def write_off_alone(self) -> None:
        """`write_off` for a call whose leg was lost and whose tasks have ended."""
        async with asyncio.TaskGroup() as self._group:
            await self.write_off()
            for task in self._tasks:
                task.cancel()

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
                    if self._ear is not None:
                        self._ear.hear(event)
                case Typed(text=text):
                    self._take_line(Prompt(TurnKind.TYPED, text, language=self._arrival.language))
                case Dtmf(digit=digit):
                    self._digits += digit
                    self._digits_at = self._loop.time()
                    self._stir.set()
                case PositionMoved():
                    pass
                case HungUp():
                    self.end("hung_up")
        self.end("leg_lost", ended=False)

    # -- the floor

    def _act(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Began():
                    self._begin_utterance(action)
                case Paused(position=position):
                    if self._ear is not None and self._rule.floor.pause_ms < self._floor_endpoint():
                        self._ear.pause(position)
                case Ended(position=position):
                    if self._ear is not None:
                        self._ear.end(position)
                case TurnOver():
                    self._turn_over(action)
                case Hold():
                    self._mouth.hold()
                case Resume():
                    telemetry.BARGE_INS.add(1, {"outcome": "resumed"})
                    self._mouth.resume()
                case Interrupt():
                    telemetry.BARGE_INS.add(1, {"outcome": "interrupted"})
                    self._interrupt()

    def _floor_endpoint(self) -> int:
        return self._floor.endpoint_ms if self._floor is not None else 0

    def _begin_utterance(self, began: Began) -> None:
        if self._ear is None or self._floor is None:
            return
        if self._caller is None:
            self._caller, self._caller_stages = CallerTurn(), Stages()
        self._caller.begin(began.utterance)
        expectation, hints = self._mouth.expectation()
        self._floor.endpoint_ms = self._rule.endpointing.expected(expectation)
        context = Context(self._leg.channel, self._arrival.language, expectation, hints)
        utterance = self._ear.begin(began.utterance, began.start, context)
        utterance.open(self._house.opener, call=self._arrival.call, generation=self._arrival.generation)
        follow(utterance, self, self._spawn)
        self._quiet_since = None

    def _turn_over(self, over: TurnOver) -> None:
        now = self._loop.time()
        if self._caller is None:
            return
        self._caller.is_over = True
        late_s = (over.decided - over.position) / self._leg.rate_hz
        self._caller_stages.voice_end, self._caller_stages.decided = now - late_s, now
        if not self._mouth.is_busy:
            self._patience.start(now - late_s)
        elif self._mouth.has_protected:
            self._mouth.resume()
        self._stir.set()
        self._take_words()

    # -- the recogniser

    def on_partial(self, utterance: int, text: str) -> None:
        if self._caller is not None:
            self._caller.partial(utterance, text)
            self._weigh_words()
            so_far = self._caller.text_so_far
            self._leg.show(Caption("caller", so_far, final=False))
            self._watch(WatchEvent.PARTIAL, text=so_far)

    def on_hypothesis(self, utterance: int, position: int, text: str) -> None:
        if self._caller is not None and self._floor is not None:
            self._caller.partial(utterance, text)
            if position == self._floor.voiced_to:
                expectation, _ = self._mouth.expectation()
                self._floor.endpoint_ms = self._rule.endpointing.after(self._caller.text_so_far, expectation)
            self._weigh_words()

    def on_final(self, utterance: int, final: Final) -> None:
        if self._caller is not None and self._caller.final(utterance, final):
            self._weigh_words()
            self._take_words()

    def _weigh_words(self) -> None:
        """Tell the floor what the words over the agent's voice amount to."""
        if self._caller is not None and self._floor is not None:
            expectation, _ = self._mouth.expectation()
            self._act(self._floor.words(weigh(self._caller.text_so_far, expectation)))

    def _take_words(self) -> None:
        """The caller's turn is over and all its words are here: make a turn of it, or nothing."""
        caller = self._caller
        if caller is None or self._floor is None or not caller.is_ready or not self._floor.is_silent:
            return
        self._caller = None
        said = caller.said()
        expectation, _ = self._mouth.expectation()
        weight = weigh(said.text, expectation)
        contested = self._mouth.is_busy or self._mind.turn is not None
        if weight is Words.NONE or (weight is Words.BACK_CHANNEL and contested):
            self._act(self._floor.settled())
            if self._mind.turn is None and not self._queue:
                self._patience.stop()
                self._rest()
            return
        self._caller_stages.words = self._loop.time()
        self._leg.show(Caption("caller", said.text))
        prompt = Prompt(TurnKind.SPOKEN, said.text, said.confidence, said.language)
        self._watch(WatchEvent.FINAL, text=said.text, confidence=said.confidence, engine=said.engine, turn=self._mind.n)
        self._prompt(prompt, self._caller_stages)

    # -- turns

    def _take_line(self, prompt: Prompt) -> None:
        """Something that needs no recogniser: a typed line, digits."""
        if prompt.kind is TurnKind.TYPED:
            self._watch(WatchEvent.FINAL, text=prompt.text, turn=self._mind.n)
        now = self._loop.time()
        self._interrupt()
        self._patience.start(now)
        self._prompt(prompt, Stages(voice_end=now, decided=now, words=now))

    def _prompt(self, prompt: Prompt, stages: Stages) -> None:
        if prompt.kind in (TurnKind.SPOKEN, TurnKind.TYPED, TurnKind.DTMF):
            self._silences = 0
            self._is_last = False
        elif not self._patience.is_running:
            self._patience.start(self._loop.time())
        self._quiet_since = None
        self._queue.append(_Waiting(prompt, stages))
        self._open_next()

    def _open_next(self) -> None:
        """Open the next turn once the one before is closed: a call has at most one."""
        self._stir.set()
        if self._mind.turn is not None or not self._queue or self._ending.done():
            return
        waiting = self._queue.popleft()
        prompt = waiting.prompt
        if self._owed and prompt.kind in (TurnKind.SPOKEN, TurnKind.TYPED):
            text = f"{self._owed} {prompt.text}"[-2_000:]
            prompt = Prompt(prompt.kind, text, prompt.confidence, prompt.language)
        self._owed = ""
        turn = self._mind.open(prompt, self._heard_before())
        self._turn_stages[turn.n] = waiting.stages
        self._tell_floor()

    def _heard_before(self) -> Heard | None:
        """How little of the last reply was heard; None: all of it."""
        if self._last_turn is None:
            return None
        interrupted, self._interrupted = self._interrupted, None
        if self._mouth.all_heard(self._last_turn):
            return None
        return self._mouth.heard(self._last_turn, interrupted=interrupted is not None)

    def _interrupt(self) -> None:
        """The caller has the floor: take the turn back if nothing of it was heard, else cut it short."""
        turn = self._mind.turn
        if turn is not None and self._may_withdraw(turn):
            self._owed = turn.prompt.text
            self._mouth.drop(turn.n, begun=True)
            self._mind.withdraw()
            self._mouth.resume()
            self._tell_floor()
            return
        if turn is None and not self._mouth.is_busy:
            return
        self._mouth.interrupt()
        speaking = turn.n if turn is not None else self._last_turn
        if speaking is not None:
            heard = self._mouth.heard(speaking, interrupted=True)
            self._interrupted = heard
            self._mind.interrupt(heard.sentences if heard else 0, heard.words_of_next if heard else 0)
            self._watch(WatchEvent.INTERRUPTED, turn=speaking, heard=heard)
        if turn is not None:
            self._interrupted_at = self._loop.time()
        self._is_last = False
        self._tell_floor()
        self._stir.set()

    def _may_withdraw(self, turn: OpenTurn) -> bool:
        """Nothing of it was heard, nor written down."""
        answers = turn.prompt.kind in (TurnKind.SPOKEN, TurnKind.TYPED, TurnKind.DTMF)
        return answers and turn.committed is None and not turn.is_quiet and not self._mouth.was_audible(turn.n)

    def on_sentence(self, turn: OpenTurn, sentence: Sentence) -> None:
        stages = self._turn_stages.get(turn.n)
        if stages is not None and stages.sentence is None:
            stages.sentence = self._loop.time()
        self._last_turn = turn.n
        if turn.prompt.kind is not TurnKind.ENDED:
            self._mouth.say(turn.n, sentence)
            self._tell_floor()

    def on_reopened(self, turn: OpenTurn) -> None:
        self._mouth.drop(turn.n, begun=False)

    def on_committed(self, turn: OpenTurn, committed: Committed) -> None:
        telemetry.TURNS.add(1, {"route": committed.route})
        self._unreported[turn.n] = committed
        if committed.ends_call and not turn.is_quiet:
            self._is_last = True
        if (
            turn.n not in self._turn_stages
            or turn.is_quiet
            or not turn.taken
            or self._turn_stages[turn.n].audible is not None
        ):
            self._report(turn.n)

    def on_turn_closed(self, turn: OpenTurn, failure: StreamFailed | None) -> None:
        self._interrupted_at = None
        self._stir.set()
        if failure is not None and failure.code == ErrorCode.SUPERSEDED:
            self.end("superseded", ended=False)
            return
        if turn.committed is None and not self._ending.done():
            self._owed = turn.prompt.text
            if failure is not None:
                self._say_clip(Step.APOLOGY)
        self._tell_floor()
        self._open_next()
        if self._mind.turn is None and not self._mouth.is_busy:
            self._rest()

    # -- the mouth

    def on_begun(self, turn: int, sentence: Sentence) -> None:
        self._mind.begun(turn, sentence)
        self._tell_floor()

    def on_sounding(self, turn: int, sentence: Sentence) -> None:
        self._patience.stop()
        self._watch(
            WatchEvent.SENTENCE,
            turn=turn,
            sentence=sentence.index,
            text=sentence.text,
            expectation=sentence.expectation,
            asks=sentence.asks,
            notes=sentence.notes,
        )

    def on_audio(self, turn: int) -> None:
        stages = self._turn_stages.get(turn)
        if stages is not None and stages.audio is None:
            stages.audio = self._loop.time()

    def on_audible(self, turn: int, in_s: float) -> None:
        stages = self._turn_stages.get(turn)
        if stages is not None and stages.audible is None:
            stages.audible = self._loop.time() + in_s
            took = stages.ms()
            if "v2v" in took:
                telemetry.V2V_MS.record(took["v2v"])
            if turn in self._unreported:
                self._report(turn)

    def on_quiet(self, *, spoke: bool) -> None:
        now = self._loop.time()
        if spoke and self._mind.turn is not None:
            self._patience.start(now)
        self._tell_floor()
        if self._mind.turn is None:
            self._rest()
        self._stir.set()

    def _rest(self) -> None:
        """Nobody speaks and nothing is on its way: the call ends if it was to, or the silence begins."""
        if self._queue or self._mouth.is_busy or self._ending.done():
            return
        if self._last_turn is not None:
            self._fact("turn", turn=self._last_turn, heard=self._mouth.heard(self._last_turn))
        if self._is_last:
            self.end("ended")
        elif self._floor is None or self._floor.is_silent:
            self._quiet_since = self._loop.time()
            self._stir.set()

    def _tell_floor(self) -> None:
        if self._floor is None:
            return
        if self._mouth.is_sounding:
            state = Agent.SPEAKING
        elif self._mind.turn is not None or self._mouth.is_busy:
            state = Agent.THINKING
        else:
            state = Agent.QUIET
        self._act(self._floor.agent(state))

    # -- time

    async def _clock(self) -> None:
        """Do what is due; sleep until the next is."""
        while True:
            self._stir.clear()
            now = self._loop.time()
            self._tick(now)
            due = [at for at in self._dues() if at is not None]
            try:
                async with asyncio.timeout_at(min(due)):
                    await self._stir.wait()
            except TimeoutError:
                pass

    def _dues(self) -> list[float | None]:
        return [
            self._patience.next_at(),
            self._silence_at(),
            self._digits_at + self._rule.dtmf_gap_s if self._digits else None,
            self._interrupted_at + self._rule.interrupted_s if self._interrupted_at is not None else None,
            self._began_at + self._rule.longest_call_s,
        ]

    def _silence_at(self) -> float | None:
        if self._quiet_since is None:
            return None
        factor = 1.0 if self._leg.rate_hz else self._rule.typed_silence_factor
        return self._quiet_since + self._rule.silence_prompt_s * factor

    def _tick(self, now: float) -> None:
        if now >= self._began_at + self._rule.longest_call_s:
            self.end("too_long")
            self._began_at = now  # told once
        if (step := self._patience.due(now)) is not None:
            self._say_clip(step)
        if self._digits and now >= self._digits_at + self._rule.dtmf_gap_s:
            digits, self._digits = self._digits, ""
            self._take_line(Prompt(TurnKind.DTMF, digits, language=self._arrival.language))
        if self._interrupted_at is not None and now >= self._interrupted_at + self._rule.interrupted_s:
            self._interrupted_at = None
            if (turn := self._mind.turn) is not None and turn.is_quiet:
                self._owed = turn.prompt.text if turn.committed is None else ""
                self._mind.withdraw()
                self._open_next()
        if (at := self._silence_at()) is not None and now >= at:
            self._fall_silent()

    def _fall_silent(self) -> None:
        self._quiet_since = None
        self._silences += 1
        if self._silences > self._rule.max_silences + 1:
            self.end("silent")
        else:
            self._prompt(Prompt(TurnKind.SILENCE, silences=self._silences, language=self._arrival.language), Stages())

    def _say_clip(self, step: Step) -> None:
        if self._floor is not None and not self._floor.is_silent:
            return
        if not self._mouth.is_sounding:
            text, pcm = self._house.clips.choose(step, self._leg.rate_hz)
            self._mouth.say_clip(text, pcm)
            log.info("clip_said", call=self._arrival.call, step=step)
        if step is Step.GOODBYE:
            self._is_last = True
            if not self._mouth.is_busy:
                self.end("given_up")

    # -- what is told

    def _report(self, n: int) -> None:
        """A turn is committed and on its way to the ear: its route and where the time went."""
        committed = self._unreported.pop(n)
        stages = self._turn_stages.pop(n, Stages()).ms()
        for name, ms in stages.items():
            telemetry.STAGE_MS.record(ms, {"stage": name})
        self._watch(
            WatchEvent.TURN,
            turn=n,
            route=committed.route,
            article=committed.article,
            answered=committed.answered,
            stages_ms=stages,
        )
        self._fact("turn", turn=n, stages_ms=stages)

    def _watch(self, event: WatchEvent, **fields: Any) -> None:
        self._house.facts.tell(Watch(call=self._arrival.call, event=event, at=instant(), **fields))

    def _fact(self, event: str, **fields: Any) -> None:
        self._house.facts.tell(
            MediaEntry(
                call=self._arrival.call,
                generation=self._arrival.generation,
                at=instant(),
                event=event,
                leg=self._leg.kind,
                channel=self._leg.channel,
                **fields,
            )
        )
