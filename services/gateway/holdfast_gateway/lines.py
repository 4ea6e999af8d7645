"""One sentence's audio as it comes from a synthesiser, joined where another one goes on with it.

Pure. A *line* is a sentence on its way to the leg: audio received so far, how much of it was handed
out, word timings. Positions are samples of the sentence at the leg's rate.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from holdfast_common.contracts.dialogue import Sentence
from holdfast_common.contracts.tts import Speak, WordTiming
from holdfast_common.contracts.wire import Audio
from holdfast_common.pcm import samples_of

from holdfast_gateway.domain.playout import Key

AUDIBLE = 256
"""Amplitude over which a sample counts as audible (-42 dBFS: under it is a synthesiser's silence)."""
FADE_MS = 10
LEAD_IN_MS = 10
"""Kept of the silence before a reply's first sound."""
MAX_TRIM_MS = 300


@dataclass(slots=True, eq=False)
class Line:
    """A sentence, or a clip (`sentence` is None) whose audio is there from the beginning."""

    key: Key
    text: str
    rate_hz: int
    sentence: Sentence | None = None
    pcm: bytearray = field(default_factory=bytearray)
    cursor: int = 0
    """Samples handed to the leg."""
    end_at: int = 0
    """Leg sample at which what was handed out ends."""
    is_complete: bool = False
    is_begun: bool = False
    is_sounding: bool = False
    """Its first sound lies on the leg, played or not."""
    is_asked: bool = False
    """Its synthesis was started."""
    timings: dict[int, WordTiming] = field(default_factory=dict)
    _resumed_at: int | None = None
    """Where a held voice goes on: it fades in there."""
    _joint: int | None = None
    """Where the audio of a further opening goes on; None: nothing to join."""
    _joint_word: int = 0
    _shift: int = 0
    """From this opening's positions to ours: another engine speaks at another pace."""
    _is_shifted: bool = True
    _tail: bytes = b""
    """Audio of the earlier opening beyond the joint, to fade out."""

    @property
    def received(self) -> int:
        return len(self.pcm) // 2

    @property
    def is_handed(self) -> bool:
        return self.is_complete and self.cursor >= self.received

    @property
    def is_protected(self) -> bool:
        """Said to its end whatever the caller says. Not so a read-back: cut, it counts as unheard and is read again."""
        sentence = self.sentence
        return sentence is not None and sentence.protected and sentence.notes.proposal is None

    def ask(self, voice: str = "", language: str = "en", speed: float = 1.0) -> Speak:
        """What to ask a synthesiser for now; after a break, from the last word whose beginning we have."""
        word = 0
        if self.received:
            begun = [t for t in self.timings.values() if t.start <= self.received]
            at = max(begun, key=lambda t: t.start, default=None)
            word, start = (at.word, at.start) if at else (0, 0)
            self._tail = b""
            if start >= self.cursor:  # not handed out yet: cut there, so that the joint is a word's beginning
                self._tail = bytes(self.pcm[2 * start : 2 * (start + self._fade())])
                del self.pcm[2 * start :]
            self._joint, self._joint_word, self._is_shifted = start, word, False
        return Speak(text=self.text, rate_hz=self.rate_hz, voice=voice, language=language, speed=speed, from_word=word)

    def take_timings(self, timings: list[WordTiming]) -> list[WordTiming]:
        """Keep timings, moved to where this opening's audio lies; returns them so."""
        if not self._is_shifted and self._joint is not None:
            same = next((t for t in timings if t.word == self._joint_word), None)
            if same is not None:
                self._shift, self._is_shifted = self._joint - same.start, True
        moved = [WordTiming(word=t.word, start=t.start + self._shift, end=t.end + self._shift) for t in timings]
        for timing in moved:
            self.timings[timing.word] = timing
        return moved

    def take_audio(self, audio: Audio) -> None:
        """Append what is new of it; where the joint lies in it, fade from the old to the new."""
        if not self._is_shifted and self._joint is not None:
            self._shift, self._is_shifted = self._joint - audio.position, True
        position = audio.position + self._shift
        known = self.received - position
        fresh = audio.pcm[2 * known :] if known > 0 else audio.pcm
        if not fresh:
            return
        if self._joint is not None:
            fresh = self._faded(fresh)
            self._joint = None
        self.pcm += fresh

    def resume_at(self, sample: int) -> None:
        """What was handed out from `sample` on was thrown away: it will be handed out again, softly."""
        if sample < self.cursor:
            self.cursor = self._resumed_at = sample

    def part(self, start: int, count: int) -> bytes:
        """Audio to hand out: `count` samples from `start` on."""
        pcm = bytes(self.pcm[2 * start : 2 * (start + count)])
        if start == self._resumed_at and start:
            samples = samples_of(pcm).astype(np.float32)
            length = min(self._fade(), len(samples))
            samples[:length] *= np.linspace(0.0, 1.0, length, endpoint=False, dtype=np.float32)
            pcm = np.rint(samples).astype("<i2").tobytes()
        self._resumed_at = None
        return pcm

    def lead_in(self) -> int | None:
        """Samples of silence that a waiting caller need not sit through; None: only silence so far."""
        limit = MAX_TRIM_MS * self.rate_hz // 1000
        silent = self.audible_after(0, limit)
        if silent is None:
            return limit if self.is_complete or self.received >= limit else None
        return max(0, silent - LEAD_IN_MS * self.rate_hz // 1000)

    def audible_after(self, start: int, samples: int) -> int | None:
        """Samples from `start` to the first audible one among the next `samples`; None: all silent."""
        loud = np.flatnonzero(np.abs(samples_of(bytes(self.pcm[2 * start : 2 * (start + samples)]))) > AUDIBLE)
        return int(loud[0]) if len(loud) else None

    def _fade(self) -> int:
        return FADE_MS * self.rate_hz // 1000

    def _faded(self, fresh: bytes) -> bytes:
        samples = samples_of(fresh).astype(np.float32)
        count = min(self._fade(), len(samples))
        ramp = np.linspace(0.0, 1.0, count, endpoint=False, dtype=np.float32)
        old = np.zeros(count, np.float32)
        tail = samples_of(self._tail)[:count]
        old[: len(tail)] = tail
        samples[:count] = samples[:count] * ramp + old * (1 - ramp)
        return np.rint(samples).astype("<i2").tobytes()
