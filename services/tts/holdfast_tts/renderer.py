"""One sentence through an engine to finished sound: cleaned, cut into runs, trimmed, levelled, resampled.

Blocking; runs on the voice thread and pushes what is finished while the engine is still speaking:

    words -> runs -> engine -> gain -> Trimmer -> resampler -> Limiter -> 16-bit PCM
                        `----> word times, moved to the sentence and to the asked rate
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import soxr
from holdfast_common.errors import EngineUnavailable
from holdfast_common.pcm import Floats, from_float, silence, to_float

from holdfast_tts.domain.level import Limiter, active_level_dbfs, gain_towards
from holdfast_tts.domain.timings import Span, complete, estimate
from holdfast_tts.domain.trim import Trimmer
from holdfast_tts.domain.words import parts, speakable
from holdfast_tts.ports import Piece, Run, Synthesiser

CALIBRATION = [
    "Please",
    "choose",
    "a",
    "time",
    "that",
    "suits",
    "you,",
    "and",
    "we",
    "will",
    "send",
    "the",
    "papers",
    "over",
    "this",
    "afternoon.",
]
SILENCE_BELOW_SPEECH_DB = 35.0
"""Quieter than this under the set loudness is nothing that a caller misses; weak fricatives are above it."""
RUN_PAUSE_MS = 120
"""Between the clauses of a sentence that is said in several runs; flite itself makes 80-160 ms there."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the sound is finished; see the settings of the same names."""

    target_dbfs: float = -20.0
    ceiling_dbfs: float = -1.0
    pause_ms: int = 150
    lead_ms: int = 20
    tail_ms: int = 30
    run_chars: int = 140
    first_run_chars: int = 40
    """The same for a sentence's first run where the engine makes whole runs."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What to say, in the engine's terms."""

    text: str
    voice: str
    """As the engine resolved it."""
    rate_hz: int
    speed: float


@dataclass(frozen=True, slots=True)
class Words:
    """Times of some words, in samples of the asked rate from the sentence's beginning; before their audio."""

    spans: tuple[Span, ...]
    estimated: bool


@dataclass(frozen=True, slots=True)
class Sound:
    """The next audio of the sentence: mono s16le at the asked rate."""

    pcm: bytes


Rendered = Words | Sound
Sink = Callable[[Rendered | None], bool]
"""Takes one finished thing, or None while the engine is at work; False: nobody wants more."""


class Renderer:
    """Renders sentences, one at a time; remembers each voice's gain."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self._gains: dict[tuple[str, str, str], float] = {}

    def gain(self, engine: Synthesiser, voice: str) -> float:
        """The voice's constant, measured the first time."""
        key = (engine.name, engine.version, voice)
        if key not in self._gains:
            heard: list[Floats] = []

            def listen(piece: Piece) -> bool:
                heard.append(to_float(piece.samples))
                return True

            engine.speak(Run(words=tuple(CALIBRATION), voice=voice), listen)
            if not heard:
                raise EngineUnavailable(f"{engine.name}: voice {voice} made no sound")
            level = active_level_dbfs(np.concatenate(heard), engine.rate_hz(voice))
            self._gains[key] = gain_towards(self.shape.target_dbfs, level)
        return self._gains[key]

    def render(self, engine: Synthesiser, sentence: Sentence, sink: Sink) -> Iterator[float]:
        """Push the sentence run by run; between two runs yields the seconds of audio that were made so far.

        Ends early when the sink wants no more. Raises EngineUnavailable.
        """
        words = speakable(sentence.text)
        if not any(words):
            if words:
                sink(Words(tuple(Span(i, 0, 0) for i in range(len(words))), True))
            return
        line = _Line(engine.rate_hz(sentence.voice), sentence.rate_hz, self.shape, sink)
        gain = self.gain(engine, sentence.voice)
        first_chars = self.shape.first_run_chars if engine.whole_runs else None
        for number, run in enumerate(parts(words, self.shape.run_chars, first_chars)):
            if number:
                yield line.seconds
                line.pause(RUN_PAUSE_MS)
            if not _Take(engine, sentence, words, run, gain, line).speak():
                return
        line.finish()


class _Take:
    """One run being said: from the engine's pieces to trimmed sound with its word times."""

    def __init__(
        self, engine: Synthesiser, sentence: Sentence, words: tuple[str, ...], run: range, gain: float, line: _Line
    ) -> None:
        self._engine = engine
        self._sentence = sentence
        self._run = run
        self._texts = [words[i] for i in run]
        self._spoken = [i for i, text in enumerate(self._texts) if text]
        self._gain = np.float32(gain)
        self._line = line
        shape = line.shape
        self._trimmer = Trimmer(
            engine.rate_hz(sentence.voice),
            silence_dbfs=shape.target_dbfs - SILENCE_BELOW_SPEECH_DB,
            lead_ms=shape.lead_ms,
            tail_ms=shape.tail_ms,
        )
        self._told: tuple[Span, ...] | None = None
        self._announced = False
        self._unannounced: list[Floats] = []
        self._samples = 0

    def speak(self) -> bool:
        if self._spoken:
            run = Run(
                words=tuple(self._texts[i] for i in self._spoken),
                voice=self._sentence.voice,
                speed=self._sentence.speed,
            )
            self._engine.speak(run, self._take)
        if not self._line.wanted:
            return False
        rest = self._trimmer.flush()
        if not self._announced:
            kept = sum(len(held) for held in self._unannounced) + len(rest)
            self._announce(0 if self._told is None else self._trimmer.cut or 0, kept)
        return self._line.push(rest)

    def _take(self, piece: Piece) -> bool:
        if not piece.samples.size and piece.words is None:
            return self._line.ask()
        if self._told is None:
            self._told = piece.words
        self._samples += len(piece.samples)
        sound = self._trimmer.push(to_float(piece.samples) * self._gain)
        if not self._announced:
            if not sound.size:
                return self._line.wanted
            if self._told is None:
                # No times from this engine: they can be spread only when the run's length is known.
                self._unannounced.append(sound)
                return self._line.wanted
            self._announce(self._trimmer.cut or 0, None)
        return self._line.push(sound)

    def _announce(self, cut: int, kept: int | None) -> None:
        """Tell the run's word times, then release what waited for them."""
        self._announced = True
        if self._told is None:
            spans = estimate(self._texts, 0, kept or 0)
        else:
            # Indices of the words as they were given to the engine -> indices within the run.
            told = [Span(self._spoken[s.word], s.start, s.end) for s in self._told if s.word < len(self._spoken)]
            latest = max((s.end for s in told), default=self._samples)
            spans = [
                Span(s.word, max(0, s.start - cut), max(0, s.end - cut)) for s in complete(told, self._texts, latest)
            ]
        self._line.announce([Span(self._run[s.word], s.start, s.end) for s in spans], estimated=self._told is None)
        for held in self._unannounced:
            self._line.push(held)
        self._unannounced.clear()


class _Line:
    """The way out: engine's rate in, finished PCM at the asked rate out, one for a whole sentence."""

    def __init__(self, rate_in: int, rate_out: int, shape: Shape, sink: Sink) -> None:
        self.shape = shape
        self.wanted = True
        self._in, self._out = rate_in, rate_out
        self._sink = sink
        # HQ: pass band to 0.91 of the lower rate's half, stop band below -100 dB (soxr's own figures).
        self._resampler = None if rate_in == rate_out else soxr.ResampleStream(rate_in, rate_out, 1, "float32", "HQ")
        self._limiter = Limiter(rate_out, shape.ceiling_dbfs)
        self._taken = 0
        self._given = 0
        self._last_word_end = 0

    @property
    def seconds(self) -> float:
        """Audio taken so far."""
        return self._taken / self._in

    def announce(self, spans: list[Span], *, estimated: bool) -> None:
        """Word times in samples of the engine's rate from here on."""
        moved = tuple(Span(s.word, self._at(s.start), self._at(s.end)) for s in spans)
        if moved:
            self._last_word_end = moved[-1].end
            self._give(Words(moved, estimated))

    def ask(self) -> bool:
        """A sign of life from the engine; is the rest still wanted?"""
        self._give(None)
        return self.wanted

    def push(self, sound: Floats) -> bool:
        self._taken += len(sound)
        return self._through(sound, last=False) if self.wanted and sound.size else self.wanted

    def pause(self, ms: int) -> bool:
        return self.push(np.zeros(self._in * ms // 1000, dtype=np.float32))

    def finish(self) -> None:
        """Flush, then the pause that belongs to the sentence; the last word's end lies inside the audio."""
        self._through(np.zeros(0, dtype=np.float32), last=True)
        missing = max(self._out * self.shape.pause_ms // 1000, self._last_word_end - self._given)
        if missing and self.wanted:
            self._give(Sound(silence(missing)))

    def _through(self, sound: Floats, *, last: bool) -> bool:
        if self._resampler is not None:
            sound = self._resampler.resample_chunk(sound, last=last)
        finished = self._limiter.push(sound)
        if last:
            finished = np.concatenate((finished, self._limiter.flush()))
        if finished.size and self.wanted:
            self._given += len(finished)
            self._give(Sound(from_float(finished)))
        return self.wanted

    def _at(self, sample: int) -> int:
        return round((self._taken + sample) * self._out / self._in)

    def _give(self, item: Rendered | None) -> None:
        self.wanted = self.wanted and self._sink(item)
