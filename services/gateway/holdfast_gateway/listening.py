"""Hearing: frames to the voice detector and the floor, utterances to the recogniser.

The ear keeps a second of audio for the pre-roll; from then on an utterance's stream keeps what it
was sent, to replay it to another replica, and forgets it with its final.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog
from holdfast_common.contracts.asr import (
    Channel,
    EndOfUtterance,
    Final,
    Hypothesis,
    Listen,
    Partial,
    Pause,
)
from holdfast_common.contracts.dialogue import Sentence
from holdfast_common.contracts.registry import Service
from holdfast_common.errors import StreamFailed
from holdfast_common.pcm import BYTES_PER_SAMPLE, rms_dbfs
from holdfast_common.stream.api import Opener

from holdfast_gateway.domain.floor import Floor
from holdfast_gateway.domain.floor_actions import Action
from holdfast_gateway.domain.levels import Levels
from holdfast_gateway.ports import AudioIn
from holdfast_gateway.spawn import Broke, guarded
from holdfast_gateway.voice import VadBatch, Verdict

log = structlog.get_logger()

KEPT_MS = 980
"""Audio kept for the pre-roll; with the frame at hand it fits the 1 s of a first input."""
MAX_UTTERANCE_S = 60
LOUD_MS = 80
"""After a loud frame so much is judged as it comes: two windows, and what the frames leave over."""
FRAMES_SENT = 5
"""Frames in one message to the recogniser: on both sides the cost is the wake-up, not the bytes. A pause and the end
take what waits along, so no answer is later for it; a partial may be, by 80 ms."""


class HeardWords(Protocol):
    """Who wants to know what an utterance turned out to be."""

    def on_partial(self, utterance: int, text: str) -> None: ...
    def on_hypothesis(self, utterance: int, hypothesis: Hypothesis, position: int) -> None:
        """`position`: of the pause, in samples of the leg."""
        ...

    def on_final(self, utterance: int, final: Final) -> None: ...


NOTHING = Sentence(0, "")
"""What an agent that has not spoken yet said last: it asks for nothing."""
MOST_ASKED = 200
"""Characters of the agent's last sentence that the recogniser is told: its end."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the recogniser is told with an utterance."""

    channel: Channel
    language: str
    said_last: Sentence | None
    """The agent's last sentence."""


class Utterance:
    """One stretch of the caller's speech on its way to the recogniser."""

    def __init__(self, number: int, start: int, audio: bytes, rate_hz: int, context: Context) -> None:
        self.number = number
        self.start = start
        """Sample of the leg at which it begins; positions in its stream count from here."""
        self._rate_hz = rate_hz
        said = context.said_last or NOTHING
        self._first = Listen(
            rate_hz=rate_hz,
            channel=context.channel,
            language=context.language,
            expectation=said.expectation,
            hints=said.hints[:100],
            asked=said.text[-MOST_ASKED:],
            audio=audio,
        )
        self._samples = len(audio) // 2
        self._unsent: list[bytes] = []
        self._unsent_us = 0
        """When the first of them was captured."""

    def open(self, opener: Opener, *, call: str, generation: int) -> None:
        self._stream = opener.open(
            Service.ASR,
            lambda: self._first,
            call=call,
            generation=generation,
            deadline_ms=MAX_UTTERANCE_S * 1000,
            result_deadline_ms=lambda: 1_500 + self._samples * 300 // self._rate_hz,
        )

    def hear(self, pcm: bytes, capture_us: int) -> None:
        self._samples += len(pcm) // 2
        self._unsent_us = self._unsent_us if self._unsent else capture_us
        self._unsent.append(pcm)
        if len(self._unsent) >= FRAMES_SENT:
            self._send()

    def _send(self) -> None:
        if self._unsent:
            self._stream.send_audio(b"".join(self._unsent), rate_hz=self._rate_hz, capture_us=self._unsent_us)
            self._unsent = []

    def pause(self, position: int) -> None:
        self._send()
        self._stream.send(Pause(position=max(0, position - self.start)))

    def end(self, position: int) -> None:
        self._send()
        self._stream.send(EndOfUtterance(position=max(0, position - self.start)), ends_input=True)

    def cancel(self) -> None:
        self._stream.cancel()

    async def follow(self, words: HeardWords) -> None:
        """Pass on what the recogniser says; without a final it says that nothing was understood."""
        final = Final(text="", confidence=0.0)
        try:
            async for result in self._stream:
                match result:
                    case Partial(text=text):
                        words.on_partial(self.number, text)
                    case Hypothesis(position=position):
                        words.on_hypothesis(self.number, result, position + self.start)
                    case Final():
                        final = result
        except StreamFailed as error:
            log.warning("utterance_lost", code=error.code, samples=self._samples)
        finally:
            self._stream.cancel()
        words.on_final(self.number, final)


class Ear:
    """The caller's audio of one leg: who speaks, and the utterances made of it."""

    def __init__(
        self,
        floor: Floor,
        batch: VadBatch,
        rate_hz: int,
        *,
        act: Callable[[list[Action]], None],
        broke: Broke,
        levels: Levels | None = None,
    ) -> None:
        self._floor = floor
        self._act = act
        self._rate_hz = rate_hz
        self._levels = levels or Levels(rate_hz)
        # A batch runs in whosever context began it: what is logged and started here belongs to this call.
        self._lane = batch.lane(partial(copy_context().run, guarded(self._on_windows, broke)))
        self._now = 0
        self._loud_at = -rate_hz
        self._kept: deque[tuple[int, bytes]] = deque()
        self._kept_samples = KEPT_MS * rate_hz // 1000
        self._utterance: Utterance | None = None

    @property
    def now(self) -> int:
        """Samples heard since the leg began."""
        return self._now

    @property
    def silent_ms(self) -> int:
        """Since the last sample known to be voice."""
        return (self._now - self._floor.voiced_to) * 1000 // self._rate_hz

    def hear(self, frame: AudioIn) -> None:
        """Take one frame: to the open utterance at once, to the detector, and to the floor if it decides now.

        The floor is else told of the time with the windows' verdicts, which come when other legs' do.
        """
        pcm, kept = frame.pcm, self._kept
        kept.append((self._now, pcm))
        self._now = now = self._now + len(pcm) // BYTES_PER_SAMPLE
        while kept[0][0] < now - self._kept_samples:
            kept.popleft()
        if self._utterance is not None:
            self._utterance.hear(pcm, frame.capture_us)
        self._lane.hear(pcm)
        if now >= self._floor.needed_at:
            if self._lane.is_waiting:
                self._lane.hurry()
            else:
                self._act(self._floor.frame(now))
        elif self._floor.yields_at_once:
            self._hurry_if_loud(pcm)

    def _hurry_if_loud(self, pcm: bytes) -> None:
        """What may be a voice is judged at once, and what comes right after it; the rest waits as ever."""
        if rms_dbfs(pcm) > self._levels.noise_db + self._levels.rule.above_noise_db:
            self._loud_at = self._now
        if self._lane.is_waiting and self._now - self._loud_at <= LOUD_MS * self._rate_hz // 1000:
            self._lane.hurry()

    def begin(self, number: int, start: int, context: Context) -> Utterance:
        """Make an utterance of the audio from `start` (a frame's first sample) on."""
        kept = [(at, pcm) for at, pcm in self._kept if at >= start]
        begins = kept[0][0] if kept else self._now
        self._levels.begin()
        self._utterance = Utterance(number, begins, b"".join(pcm for _, pcm in kept), self._rate_hz, context)
        return self._utterance

    def pause(self, position: int) -> None:
        if self._utterance is not None:
            self._utterance.pause(position)

    def end(self, position: int) -> None:
        utterance, self._utterance = self._utterance, None
        self._levels.end()
        if utterance is not None:
            utterance.end(position)

    def close(self) -> None:
        self._lane.close()

    def _on_windows(self, verdicts: list[Verdict], start: int) -> None:
        """Windows have their verdicts: who spoke in each, and then, with all of them known, what time it is."""
        floor, levels, window = self._floor, self._levels, self._lane.window
        for probability, steps_db, foreground in verdicts:
            voiced = levels.judge(probability, steps_db, start, over_agent=floor.agent_speaks, foreground=foreground)
            if actions := floor.window(probability, voiced, may_go_on=levels.may_go_on):
                self._act(actions)
            start += window
        self._lane.asks_foreground = levels.asks_foreground
        if not self._lane.is_waiting and (actions := floor.frame(self._now)):
            self._act(actions)
