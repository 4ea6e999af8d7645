"""A whole call without a bus, a model or a clock: virtual time, scripted services, a fake leg."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from holdfast_common.contracts.asr import EndOfUtterance, Final, Hypothesis, Partial, Pause
from holdfast_common.contracts.dialogue import Committed, Interrupt, MediaEntry, Sentence, Turn, TurnKind
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.tts import Spoken, Timing, WordTiming
from holdfast_common.contracts.watch import Watch
from holdfast_common.contracts.wire import Audio
from holdfast_common.memory_log import MemoryLog
from holdfast_common.profile import Clips as ClipTexts
from holdfast_common.testing import FakeOpener, FakeSession
from holdfast_common.virtual_time import VirtualLoop
from holdfast_gateway.adapters.fake import FakeLeg, LoudIsVoice
from holdfast_gateway.clips import Clips
from holdfast_gateway.desk import Desk
from holdfast_gateway.domain.duties import DutyRule
from holdfast_gateway.domain.endpointing import Endpointing
from holdfast_gateway.domain.floor import FloorRule
from holdfast_gateway.house import CallRule, House
from holdfast_gateway.ports import Arrival, CarrierSays, ToPerson
from holdfast_gateway.voice import VadBatch

WORD_MS = 200
RATE = 8_000


def tone(ms: int, rate_hz: int = RATE) -> bytes:
    at = np.arange(ms * rate_hz // 1000) / rate_hz
    return (8_000 * np.sin(2 * np.pi * 440 * at)).astype("<i2").tobytes()


def _echo(turn: Turn) -> list[str | Sentence]:
    if turn.text:
        return [f"You said {turn.text}."]
    return ["Hello, this is a test."] if turn.kind is TurnKind.OPENED else []


def even_endpointing(endpoint_ms: int) -> Endpointing:
    """The same silence whatever was said."""
    return Endpointing(endpoint_ms, {}, middle_ms=endpoint_ms, patient_ms=endpoint_ms)


@dataclass
class Script:
    """The services' lines."""

    utterances: list[str] = field(default_factory=list)
    """What the recogniser makes of one utterance after the other."""
    partials: bool = True
    """Give a partial with the first word after 0.3 s of audio."""
    reply: Callable[[Turn], list[str | Sentence]] = lambda turn: (
        [f"You said {turn.text}."]
        if turn.text
        else (["Hello, this is a test."] if turn.kind == TurnKind.OPENED else [])
    )
    dialogue_s: float = 0.01
    asr_s: float = 0.005
    finality: float | None = None
    """How final the recogniser thinks every utterance."""
    tts_s: float = 0.005
    ends_call: Callable[[Turn], bool] = lambda turn: False
    hand_over: Callable[[Turn], str] = lambda turn: ""
    commit_late_s: float = 0.0

    turns: list[Turn] = field(default_factory=list)
    interrupts: list[Interrupt] = field(default_factory=list)
    listened: list[Any] = field(default_factory=list)
    """First input of each asr stream."""
    heard_ms: list[float] = field(default_factory=list)
    """Length of each utterance."""
    spoken: list[Any] = field(default_factory=list)

    async def asr(self, session: FakeSession) -> None:
        self.listened.append(session.first)
        text = self.utterances.pop(0) if self.utterances else ""
        samples = len(session.first.audio) // 2
        told = False
        async for item in session:
            match item:
                case Audio():
                    samples += item.samples
                    if self.partials and text and not told and samples > 0.75 * RATE:
                        told = True
                        await session.send(Partial(text=text))
                case Pause(position=position):
                    await session.send(Hypothesis(position, text, 0.9, self.finality))
                case EndOfUtterance():
                    await asyncio.sleep(self.asr_s)
                    self.heard_ms.append(samples / 8)
                    await session.send(Final(text=text, confidence=0.9, engine="scripted"))
                    return

    async def dialogue(self, session: FakeSession) -> None:
        turn: Turn = session.first
        self.turns.append(turn)
        await asyncio.sleep(self.dialogue_s)
        reply = [
            line if isinstance(line, Sentence) else Sentence(index=i, text=line)
            for i, line in enumerate(self.reply(turn))
        ]
        for sentence in reply:
            if sentence.index >= len(turn.accepted):
                await session.send(sentence)
        committed = Committed(
            n=turn.n,
            snapshot=f"after {turn.n}".encode(),
            log_sequence=turn.n + 10,
            route="scripted",
            ends_call=self.ends_call(turn),
            hand_over=self.hand_over(turn),
        )
        if not turn.confirmed:
            await _next(session)  # its Confirm; a guess that was none is cancelled here
        waiter = asyncio.ensure_future(_next(session))
        await asyncio.wait({waiter}, timeout=self.commit_late_s)
        if waiter.done() and isinstance(waiter.result(), Interrupt):
            self.interrupts.append(waiter.result())
        waiter.cancel()
        await session.send(committed)

    async def tts(self, session: FakeSession) -> None:
        speak = session.first
        self.spoken.append(speak)
        await asyncio.sleep(self.tts_s)
        words = speak.text.split()
        step = WORD_MS * speak.rate_hz // 1000
        timings = [WordTiming(word=i, start=i * step, end=(i + 1) * step) for i in range(speak.from_word, len(words))]
        await session.send(Timing(words=timings))
        for word in range(speak.from_word, len(words)):
            await session.send_audio(tone(WORD_MS, speak.rate_hz), rate_hz=speak.rate_hz, position=word * step)
        await session.send(Spoken(samples=len(words) * step))


async def _next(session: FakeSession) -> Any:
    async for item in session:
        return item
    return None


class Remembered:
    """Facts that stay here."""

    def __init__(self) -> None:
        self.watched: list[Watch] = []
        self.entries: list[MediaEntry] = []

    def tell(self, fact: MediaEntry | Watch) -> None:
        (self.watched if isinstance(fact, Watch) else self.entries).append(fact)  # type: ignore[arg-type]


class CarriersLeg(FakeLeg):
    """Whose carrier can go on with the call."""

    def __init__(self, rate_hz: int) -> None:
        super().__init__(rate_hz)
        self.passed_on: list[ToPerson | CarrierSays] = []

    async def pass_on(self, to: ToPerson | CarrierSays) -> None:
        assert self.closed is None
        self.passed_on.append(to)


class World:
    """One call in the making."""

    def __init__(
        self,
        script: Script,
        *,
        rate_hz: int = RATE,
        generation: int = 1,
        opener: Any = None,
        carrier: bool = False,
        **rule: Any,
    ) -> None:
        """`opener`: a real one, with hosts that serve the script; else everything is in here."""
        self.script = script
        self.leg = CarriersLeg(rate_hz) if carrier else FakeLeg(rate_hz)
        services = {Service.ASR: script.asr, Service.DIALOGUE: script.dialogue, Service.TTS: script.tts}
        self.opener = opener or FakeOpener(services)
        self.facts = Remembered()
        self.log = MemoryLog()
        model = LoudIsVoice(rate_hz or RATE)
        loop = asyncio.get_running_loop()
        batch = VadBatch(model, loop.call_soon, loop.call_later)
        endpoint_ms = rule.pop("endpoint_ms", 500)
        names = {"silence_s", "longest_call_s"}
        duties = DutyRule(**{name: rule.pop(name) for name in names & rule.keys()})
        rule = {"endpointing": even_endpointing(endpoint_ms), "floor": FloorRule(), "duties": duties, **rule}
        self.clips = Clips(ClipTexts())
        house = House(self.opener, self.facts, self.clips, lambda rate: batch, CallRule(**rule))  # type: ignore[arg-type]
        self.desk = Desk(house, self.log)
        self.arrival = Arrival("call-1", generation)
        self.task = asyncio.create_task(self.desk.serve(self.leg, self.arrival))

    async def until(self, condition: Callable[[], Any], limit_s: float = 30.0) -> None:
        """Let virtual time pass, 10 ms at a time, until the condition holds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + limit_s
        while not condition():
            assert loop.time() < end, f"not within {limit_s} s; said {self.leg.said}, turns {self.script.turns}"
            assert not self.task.done(), f"the call is over: {self.task.result()}"
            await asyncio.sleep(0.01)

    async def quiet(self) -> None:
        """Until the agent has finished speaking."""
        await self.until(lambda: self.leg.sent() > 0 and self.leg.position() >= self.leg.sent())
        await asyncio.sleep(0.05)

    @property
    def heard(self) -> list[str]:
        """Sentences whose sound has begun, in order."""
        return [watch.text for watch in self.facts.watched if watch.event == "sentence"]


Play = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def play() -> Play:
    """Run a story in virtual time."""

    def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(story())

    return run


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def world() -> type[World]:
    return World
