"""Whole calls over a simulated phone network, in virtual time, with every word's sound known: for tests and the bench.

A caller speaks over the agent at some moment; the far end knows which words it had played by then, the
gateway says which ones were heard. Each word sounds as a constant of its own, so that what was played tells its
words without any reckoning of positions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from random import Random

import numpy as np
from holdfast_common.contracts.asr import EndOfUtterance, Final, Hypothesis, Partial, Pause
from holdfast_common.contracts.dialogue import Committed, MediaEntry, Sentence, Turn, TurnKind
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.tts import Speak, Spoken, Timing, WordTiming
from holdfast_common.contracts.watch import Watch
from holdfast_common.contracts.wire import Audio
from holdfast_common.memory_log import MemoryLog
from holdfast_common.pcm import samples_of, ulaw_decode
from holdfast_common.profile import Clips as ClipTexts
from holdfast_common.stream.api import Session
from holdfast_common.testing import FakeOpener
from holdfast_common.virtual_time import VirtualLoop

from holdfast_gateway.adapters.fake import LoudIsVoice, voice
from holdfast_gateway.adapters.far_end import FarEnd, Network
from holdfast_gateway.adapters.twilio_leg import RATE_HZ
from holdfast_gateway.clips import Clips
from holdfast_gateway.desk import Desk
from holdfast_gateway.domain.endpointing import Endpointing
from holdfast_gateway.house import CallRule, House
from holdfast_gateway.lines import AUDIBLE
from holdfast_gateway.ports import Arrival, VoiceModel
from holdfast_gateway.voice import VadBatch

_SOUNDS = [code for code in range(256) if 1_000 < abs(int(samples_of(ulaw_decode(bytes([code])))[0])) < 30_000]
"""Mu-law codes that are audible, one for each word of a reply."""
CHUNK = RATE_HZ // 10
LINES = ((0.005, 0.1), (0.005, 0.1), (0.0, 0.03), (0.0, 0.8))
"""Seconds, least and most: there, back, jitter, buffer."""
LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class BargeIn:
    """One call: what the caller heard of the reply that they spoke over, and what was stored."""

    seed: int
    network: Network
    at_s: float
    """Into the reply."""
    held_before: bool
    """A cough had held the voice before."""
    words: int
    heard: int
    stored: int
    position_errors_ms: tuple[float, ...]
    """At each clear, of what had been played since the one before: ours less theirs."""

    @property
    def off(self) -> int:
        return self.stored - self.heard


@dataclass
class _Reply:
    """Sentences whose words have lengths and sounds."""

    sentences: list[str]
    samples: list[int]
    """Of each word, through all sentences."""
    answers: bool = False
    """Said to the caller's words, instead of as a greeting."""

    @classmethod
    def random(cls, random: Random) -> _Reply:
        counts = [random.randint(3, 14) for _ in range(random.randint(1, 4))]
        sentences = [" ".join(f"w{s}x{w}" for w in range(count)) for s, count in enumerate(counts)]
        return cls(sentences, [random.randrange(RATE_HZ // 8, RATE_HZ // 2) for _ in range(sum(counts))])

    def first_word(self, sentence: int) -> int:
        return sum(len(text.split()) for text in self.sentences[:sentence])

    def words_in(self, stretches: list[bytes]) -> int:
        """Words of which at least half has sounded at one go."""
        runs = [(code, len(list(run))) for stretch in stretches for code, run in groupby(stretch)]
        longest: dict[int, int] = {}
        for code, length in runs:
            longest[code] = max(length, longest.get(code, 0))
        return sum(2 * longest.get(_SOUNDS[i], 0) >= length for i, length in enumerate(self.samples))


@dataclass
class _Services:
    """The other services' lines."""

    reply: _Reply
    finals: list[str]
    turns: list[Turn] = field(default_factory=list)

    async def asr(self, session: Session) -> None:
        text, samples = self.finals.pop(0) if self.finals else "", len(session.first.audio) // 2
        told = False
        async for item in session:
            match item:
                case Audio():
                    samples += item.samples
                    if text and not told and samples > 0.75 * RATE_HZ:
                        told = True
                        await session.send(Partial(text=text))
                case Pause(position=position):
                    await session.send(Hypothesis(position=position, text=text, confidence=0.9))
                case EndOfUtterance():
                    await session.send(Final(text=text, confidence=0.9))
                    return

    async def dialogue(self, session: Session) -> None:
        turn: Turn = session.first
        self.turns.append(turn)
        wanted = TurnKind.SPOKEN if self.reply.answers else TurnKind.OPENED
        lines = self.reply.sentences if turn.kind is wanted else []
        for index, text in enumerate(lines):
            await session.send(Sentence(index=index, text=text))
        if not turn.confirmed:
            await anext(aiter(session))
        await session.send(Committed(n=turn.n, snapshot=b"", log_sequence=turn.n + 1))

    async def tts(self, session: Session) -> None:
        speak: Speak = session.first
        first = self.reply.first_word(self.reply.sentences.index(speak.text))
        lengths = self.reply.samples[first : first + len(speak.text.split())]
        ends = np.cumsum(lengths).tolist()
        await session.send(
            Timing(
                words=[
                    WordTiming(word=i, start=e - n, end=e) for i, (n, e) in enumerate(zip(lengths, ends, strict=True))
                ]
            )
        )
        pcm = b"".join(ulaw_decode(bytes([_SOUNDS[first + i]]) * n) for i, n in enumerate(lengths))
        for at in range(0, len(pcm), 2 * CHUNK):
            await asyncio.sleep(0.01)
            await session.send_audio(pcm[at : at + 2 * CHUNK], rate_hz=RATE_HZ, position=at // 2)
        await session.send(Spoken(samples=len(pcm) // 2))


class _Told:
    """What the gateway tells."""

    def __init__(self) -> None:
        self.v2v_ms: list[float] = []

    def tell(self, fact: MediaEntry | Watch) -> None:
        if isinstance(fact, Watch) and "v2v" in fact.stages_ms:
            self.v2v_ms.append(fact.stages_ms["v2v"])


def a_network(random: Random) -> Network:
    """A telephone line of some kind: up to 0.8 s of buffer, up to 30 ms of jitter."""
    up_s, down_s, jitter_s, buffer_s = (random.uniform(*span) for span in LINES)
    return Network(up_s, down_s, jitter_s, buffer_s)


def barge_in(seed: int, *, network: Network | None = None) -> BargeIn:
    """Play one call to the interruption; the same seed is the same call."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_barge_in(seed, network))


async def _barge_in(seed: int, network: Network | None) -> BargeIn:
    random = Random(seed)
    network = network or a_network(random)
    reply = _Reply.random(random)
    total_s = sum(reply.samples) / RATE_HZ
    coughs = random.random() < 0.25 and total_s > 4
    services = _Services(reply, ["", "stop please"] if coughs else ["stop please"])
    far = FarEnd(network, random)
    task = asyncio.create_task(_desk(services).serve(far.leg, Arrival("call-1", 1)))
    far.connect()
    await _until(lambda: far.is_sounding)
    if coughs:
        await asyncio.sleep(random.uniform(0.1, total_s / 2))
        far.speak(voice(0.3))
        await _until(lambda: far.stretches)
        await _until(lambda: far.is_sounding)
    at_s = random.uniform(0.05, max(0.1, total_s - (total_s / 2 + 1 if coughs else 0.3)))
    await asyncio.sleep(at_s)
    far.speak(voice(1.2))
    await _until(lambda: len(services.turns) > 1)
    cut = services.turns[1].heard
    stretches = list(far.stretches) if cut is not None else far.heard()
    whole = sum(len(text.split()) for text in reply.sentences[: cut.sentences]) if cut else len(reply.samples)
    reached = [0, *far.reached]
    errors = tuple(
        round((after - before - len(played)) * 1000 / RATE_HZ, 1)
        for before, after, played in zip(reached, reached[1:], far.stretches, strict=False)
    )
    far.hang_up()
    await task
    return BargeIn(
        seed=seed,
        network=network,
        at_s=round(at_s, 3),
        held_before=coughs,
        words=len(reply.samples),
        heard=reply.words_in(stretches),
        stored=whole + (cut.words_of_next if cut else 0),
        position_errors_ms=errors,
    )


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.01)


@dataclass(frozen=True, slots=True)
class Answered:
    """One question and its answer: how long the caller waited, by either end, ms."""

    told_ms: float
    recorded_ms: float
    """Last voiced frame sent to first audible sample sounding, less the network's own time."""


def answered(frames: Sequence[bytes], last_voiced: int, model: VoiceModel, seed: int) -> Answered | None:
    """Play one question, of frames of 20 ms of mu-law; None where the voice detector took it for two."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_answered(frames, last_voiced, model, seed))


async def _answered(frames: Sequence[bytes], last_voiced: int, model: VoiceModel, seed: int) -> Answered | None:
    random = Random(seed)
    network = Network(random.uniform(*LINES[0]), random.uniform(*LINES[1]))
    services = _Services(_Reply(["yes"], [RATE_HZ // 2], answers=True), ["how long is the trial"] * 9)
    far, facts = FarEnd(network, random), _Told()
    task = asyncio.create_task(_desk(services, facts, model).serve(far.leg, Arrival("call-1", 1)))
    far.connect()
    await asyncio.sleep(0.5 + random.random() * 0.02)
    far.say(frames)
    await _until(lambda: len(far.said_at) > last_voiced and facts.v2v_ms)
    ended = far.said_at[last_voiced]
    await _until(lambda: far.sounds_from(0.0, AUDIBLE) is not None)
    sounded = far.sounds_from(0.0, AUDIBLE)
    far.hang_up()
    await task
    if sounded is None or sounded < ended or len(facts.v2v_ms) > 1:
        return None
    return Answered(facts.v2v_ms[0], round((sounded - ended - network.up_s - network.down_s) * 1000, 1))


def _desk(services: _Services, facts: _Told | None = None, model: VoiceModel | None = None) -> Desk:
    opener = FakeOpener({Service.ASR: services.asr, Service.DIALOGUE: services.dialogue, Service.TTS: services.tts})
    loop = asyncio.get_running_loop()
    batch = VadBatch(model or LoudIsVoice(RATE_HZ), loop.call_soon, loop.call_later)
    rule = CallRule(endpointing=Endpointing(500, {}, middle_ms=500))
    house = House(opener, facts or _Told(), Clips(ClipTexts()), lambda rate_hz: batch, rule)  # type: ignore[arg-type]
    return Desk(house, MemoryLog())
