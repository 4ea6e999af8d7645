"""Speaking: sentences to the synthesiser, audio to the leg, never far ahead of the caller's ear.

At most two sentences are being synthesised: the one that plays and the next. What was handed to the
leg but not played is kept, so that a held voice goes on at the word that was cut. There is no task
for pacing: `push` hands out what may be played and sets one timer for the next time that matters.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog
from holdfast_common import telemetry
from holdfast_common.contracts.dialogue import Heard, Sentence
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.tts import Spoken, Timing
from holdfast_common.contracts.wire import Audio
from holdfast_common.errors import StreamFailed
from holdfast_common.stream.api import Opener
from opentelemetry.context import Context, get_current

from holdfast_gateway.domain.playout import Playout
from holdfast_gateway.lines import Line
from holdfast_gateway.mouth import Audience
from holdfast_gateway.ports import Arrival, Caption, Leg
from holdfast_gateway.spawn import Broke, Spawn, guarded

log = structlog.get_logger()

STREAMS = 2
CHUNK_MS = 200
"""Messages to the leg are this long once it has enough to play: fewer, larger ones are half the work."""
COMFORT_MS = 150
"""With less than this ahead of the ear, whatever there is leaves at once."""
CLIP_TURN = -1


@dataclass(frozen=True, slots=True)
class VoiceOut:
    """How the agent speaks in this call."""

    lead_ms: int = 2_000
    """Audio handed out ahead of the ear: long enough for a stalled loop, short enough to throw away."""


class Speaker:
    """The mouth of a leg with audio."""

    def __init__(
        self,
        leg: Leg,
        opener: Opener,
        audience: Audience,
        voice: VoiceOut,
        arrival: Arrival,
        *,
        spawn: Spawn,
        broke: Broke,
    ) -> None:
        self._leg = leg
        self._opener = opener
        self._audience = audience
        self._voice = voice
        self._arrival = arrival
        self._spawn = spawn
        self._loop = asyncio.get_running_loop()
        self._wake_up = guarded(self.push, broke)
        self._playout = Playout()
        self._prepared: Line | None = None
        """Made sound ahead of need; not to be played before it is said."""
        self._lines: list[Line] = []
        """Not played to their end yet, in order."""
        self._sentences: dict[tuple[int, int], Sentence] = {}
        self._contexts: dict[int, Context] = {}
        """The turns' traces: a sentence may be begun by the end of another turn's."""
        self._unsounded: list[tuple[int, Line]] = []
        self._tasks: dict[Line, asyncio.Task[None]] = {}
        self._audible_turn: int | None = None
        self._audio_turn: int | None = None
        self._is_held = False
        self._is_closed = False
        self._is_active = False
        self._spoke = False
        self._clips = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_busy(self) -> bool:
        return bool(self._lines)

    @property
    def is_sounding(self) -> bool:
        return not self._is_held and self._leg.sent() > self._leg.position()

    @property
    def has_protected(self) -> bool:
        return any(line.is_protected for line in self._lines)

    def prepare(self, turn: int, sentence: Sentence) -> None:
        self._prepared = self._line(turn, sentence)
        self._begin(self._prepared)

    def say(self, turn: int, sentence: Sentence) -> None:
        prepared, self._prepared = self._prepared, None
        if prepared is None or prepared.key != (turn, sentence.index):
            prepared = self._line(turn, sentence)
        self._lines.append(prepared)
        self._is_active = True
        self._synthesise()
        self.push()

    def _line(self, turn: int, sentence: Sentence) -> Line:
        """Room for a sentence in the reckoning of what is heard; replies before the last one leave it."""
        line = Line((turn, sentence.index), sentence.text, self._leg.rate_hz, sentence)
        oldest = min([turn - 1, *(other.key[0] for other in self._lines if other.sentence is not None)])
        self._playout.forget_before(oldest)
        self._sentences = {key: kept for key, kept in self._sentences.items() if key[0] >= oldest}
        self._playout.announce(line.key, len(sentence.text.split()))
        self._sentences[line.key] = sentence
        self._contexts = {n: kept for n, kept in self._contexts.items() if n >= oldest}
        self._contexts[turn] = get_current()
        return line

    def say_clip(self, text: str, pcm: bytes | None) -> None:
        self._leg.show(Caption("agent", text))
        if pcm:
            self._clips += 1
            line = Line((CLIP_TURN, self._clips), text, self._leg.rate_hz, pcm=bytearray(pcm))
            line.is_complete = line.is_asked = True
            place = next((i for i, other in enumerate(self._lines) if not other.is_begun), len(self._lines))
            self._lines.insert(place, line)
            self._is_active = True
            self.push()

    def hold(self) -> None:
        if self._is_held:
            return
        self._is_held = True
        self._cancel_timer()
        if self._leg.sent() > self._leg.position():
            self._cut()

    def resume(self) -> None:
        if self._is_held:
            self._is_held = False
            self.push()
            self._report_quiet()

    def interrupt(self) -> None:
        self.hold()
        for line in self._lines:
            if not line.is_protected:
                self._stop(line)
        self._lines = [line for line in self._lines if line.is_protected]
        for line in self._lines:
            self._playout.promise(line.key)
        if not self._lines:
            self._is_held = self._is_active = self._spoke = False

    def drop(self, turn: int, *, begun: bool) -> None:
        gone = [line for line in self._lines if line.key[0] == turn and (begun or not line.is_begun)]
        if self._prepared is not None and self._prepared.key[0] == turn:
            gone.append(self._prepared)
            self._prepared = None
        if begun and self._audio_turn == turn:
            self._audio_turn = self._audible_turn = None  # another attempt will have a first sound of its own
        for line in gone:
            self._stop(line)
            self._playout.forget(line.key)
            self._sentences.pop(line.key, None)
        self._lines = [line for line in self._lines if line not in gone]
        self._synthesise()

    def heard(self, turn: int, *, interrupted: bool = False) -> Heard | None:
        return self._playout.heard(turn, self._leg.position(), interrupted=interrupted)

    def all_heard(self, turn: int) -> bool:
        return self._playout.whole(turn, self._leg.position())

    def was_audible(self, turn: int) -> bool:
        return any(self._playout.sounded(key, self._leg.position()) for key in self._sentences if key[0] == turn)

    def said_last(self) -> Sentence | None:
        key = self._playout.current(self._leg.position())
        return self._sentences.get(key) if key else None

    def close(self) -> None:
        self._is_closed = True
        self._cancel_timer()
        for task in self._tasks.values():
            task.cancel()

    def push(self) -> None:
        """Hand out what may be played now, and wake up when more may be."""
        self._cancel_timer()
        if self._is_held or self._is_closed:
            return
        rate = self._leg.rate_hz
        position = self._leg.position()
        self._pass(position)
        ahead = self._leg.sent() - position
        wait: int | None = None
        for line in self._lines:
            room = self._voice.lead_ms * rate // 1000 - ahead
            if line.cursor == 0 and ahead <= 0 and line.sentence is not None and line.received:
                silent = line.lead_in()
                if silent is None:
                    break
                line.cursor = min(silent, line.received)
            ready = line.received - line.cursor
            if ready and room <= 0:
                wait = CHUNK_MS * rate // 1000
                break
            if ready and ready < CHUNK_MS * rate // 1000 and not line.is_complete and ahead > COMFORT_MS * rate // 1000:
                wait = ahead - COMFORT_MS * rate // 1000
                break
            if ready:
                ahead += self._hand(line, min(ready, room), ahead)
            if not line.is_handed:
                wait = CHUNK_MS * rate // 1000 if line.cursor < line.received else None
                break
        self._wake(position, ahead, wait)
        self._report_quiet()

    def _wake(self, position: int, ahead: int, wait: int | None) -> None:
        """Set the timer for the first of: room for more, a sentence's first sound, the end of it all."""
        times = [wait] if wait is not None else []
        if self._unsounded:
            times.append(self._unsounded[0][0] - position)
        if ahead > 0:
            times.append(ahead)
        if times:
            delay = max(min(times), self._leg.rate_hz // 200) / self._leg.rate_hz
            self._timer = self._loop.call_later(delay, self._wake_up)

    def _hand(self, line: Line, count: int, ahead: int) -> int:
        """Give the leg the line's next samples; returns how many."""
        turn, rate = line.key[0], self._leg.rate_hz
        at = self._leg.sent()
        start = line.cursor
        line.cursor += count
        line.end_at = at + count
        if line.sentence is not None:
            self._playout.lay(line.key, at, start, count)
            if line.is_complete:
                self._playout.complete(line.key, line.received)
            if not line.is_sounding:
                line.is_sounding = True
                self._unsounded.append((at, line))
            if self._audible_turn != turn and (offset := line.audible_after(start, count)) is not None:
                self._audible_turn = turn
                self._audience.on_audible(turn, max(0, ahead + offset) / rate)
        elif not line.is_begun and (offset := line.audible_after(start, count)) is not None:
            self._audience.on_clip_audible(max(0, ahead + offset) / rate)
        self._leg.play(line.part(start, count))
        if not line.is_begun:
            line.is_begun = True
            if line.sentence is not None:
                self._audience.on_begun(turn, line.sentence)
        return count

    def _pass(self, position: int) -> None:
        """Notice what the ear has reached."""
        while self._unsounded and self._unsounded[0][0] <= position:
            _, line = self._unsounded.pop(0)
            if line.sentence is not None:
                self._leg.show(Caption("agent", line.text, turn=line.key[0], sentence=line.key[1]))
                self._audience.on_sounding(line.key[0], line.sentence)
        while self._lines and self._lines[0].is_handed and self._lines[0].end_at <= position and not self._is_held:
            self._spoke |= self._lines.pop(0).sentence is not None

    def _report_quiet(self) -> None:
        if not self._lines and self._is_active:
            spoke, self._spoke, self._is_active = self._spoke, False, False
            self._audience.on_quiet(spoke=spoke)

    def _cut(self) -> None:
        """Throw away what was not played, and go back in each line to the word that was cut."""
        position = self._leg.clear()
        self._pass(position)
        self._playout.cut(position)
        for _, line in self._unsounded:
            line.is_sounding = False
        self._unsounded.clear()
        kept = []
        for line in self._lines:
            if line.sentence is not None:
                line.resume_at(self._playout.restart(line.key))
                kept.append(line)
            elif not line.is_begun:
                kept.append(line)
        self._lines = kept

    def _synthesise(self) -> None:
        """Start the next sentences' streams, two at most."""
        for line in self._lines:
            if len(self._tasks) >= STREAMS:
                return
            if not line.is_asked:
                self._begin(line)

    def _begin(self, line: Line) -> None:
        line.is_asked = True
        with telemetry.entered(self._contexts.get(line.key[0], Context())):
            self._tasks[line] = self._spawn(self._speak(line), f"sentence-{line.key[0]}.{line.key[1]}")

    async def _speak(self, line: Line) -> None:
        stream = self._opener.open(
            Service.TTS,
            lambda: line.ask(language=self._arrival.language),
            call=self._arrival.call,
            generation=self._arrival.generation,
            deadline_ms=30_000,
            result_deadline_ms=lambda: 1_000,
            ends_input=True,
        )
        try:
            async for result in stream:
                match result:
                    case Timing(words=words):
                        self._playout.time_words(line.key, line.take_timings(words))
                    case Audio():
                        if self._audio_turn != line.key[0]:
                            self._audio_turn = line.key[0]
                            self._audience.on_audio(line.key[0])
                        line.take_audio(result)
                        self.push()
                    case Spoken():
                        line.is_complete = True
                        self.push()
        except StreamFailed as error:
            log.warning("sentence_lost", code=error.code, turn=line.key[0], sentence=line.key[1])
        finally:
            stream.cancel()
            self._tasks.pop(line, None)
        if line in self._lines or line is self._prepared:
            line.is_complete = True
            self._playout.complete(line.key, max(1, line.received))
            self._synthesise()
            self.push()

    def _stop(self, line: Line) -> None:
        task = self._tasks.pop(line, None)
        if task is not None:
            task.cancel()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
