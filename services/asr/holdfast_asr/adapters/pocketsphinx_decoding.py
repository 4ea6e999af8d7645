"""One utterance inside a worker process.

A *live* pass follows the audio and gives the guesses. A question (a pause, the end) is answered by *final* passes
over the features kept so far: free speech and, where one belongs to the expectation, a grammar, each with one mean
over the utterance. From 1.6 s of voice on such a mean is as good as that of the whole (`bench/asr_words.py`: word
errors of four voices within a point of each other), so the pass that follows from then on begins anew with it, and is
the final one when a question comes: nearly done, however long the utterance. So when there is too much to do, guesses
come late first.
Unless more voice follows, the answer given at a pause is also the final: after the last word of a
turn nothing is left to decode. All work is done in slices, so that several utterances share a process.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from holdfast_common.contracts.asr import Expectation

from holdfast_asr.adapters.phone_front import Floats
from holdfast_asr.adapters.pocketsphinx_decoders import GENERIC, Decoders, Outcome, Pass
from holdfast_asr.adapters.pocketsphinx_features import FRAME_MS, Features
from holdfast_asr.adapters.pocketsphinx_wire import Answer, Ask, Begin, WordTime
from holdfast_asr.domain.choice import Candidate, Kind, beyond, choose, confidence, needs_generic, needs_plain
from holdfast_asr.domain.expecting import grammar, language_model
from holdfast_asr.domain.voice import VoiceGate

PHONE_HZ = 8_000
SLICE_FRAMES = 20
"""200 ms of audio: about 8 ms of work."""
_OF_THEIR_OWN = frozenset({Kind.GRAMMAR, Kind.GENERIC})
"""Decodes with a language of their own: what else they, or others beside them, heard is no variant of it."""
MEAN_FRAMES = 185
"""So much of an utterance, with the room before its first sound, has a mean that later frames hardly move."""
GENERIC_AT_MOST_FRAMES = 600
"""Six seconds: the generic model costs 0.15 s a second, and the final has a deadline."""


@dataclass(frozen=True, slots=True)
class _Ahead:
    """A pass for the next question, begun before it comes."""

    decode: Pass
    mean: Floats


class _Finals:
    """The final passes over the first `frames` frames, each with its mean."""

    def __init__(self, passes: list[_Ahead], frames: int, hints: frozenset[str]) -> None:
        self.hints = hints
        self.frames = frames
        self.passes = passes
        self.outcomes: list[Outcome] = []

    def slice(self, features: Features) -> bool:
        """Decode a slice; True when all passes have ended."""
        one, mean = self.passes[len(self.outcomes)].decode, self.passes[len(self.outcomes)].mean
        if one.next_frame < self.frames:
            one.advance(features, min(self.frames, one.next_frame + SLICE_FRAMES), mean)
        if one.next_frame >= self.frames:
            self.outcomes.append(one.end(self.hints))
        return len(self.outcomes) == len(self.passes)


class Decoding:
    """Feed, set `ask`, `work` until nothing is `waiting`; answers come out of `work`."""

    def __init__(self, begin: Begin, decoders: Decoders, *, with_generic: bool = True) -> None:
        self.id = begin.utterance
        self.ask: Ask | None = None
        """The question not answered yet."""
        self._rate_hz = begin.rate_hz
        self._decoders = decoders
        self._with_generic = with_generic
        self._features = Features(begin.rate_hz)
        self._gate = VoiceGate(begin.rate_hz)
        self._samples = 0
        self._hints = (
            frozenset(word for hint in begin.hints for word in hint.lower().split())
            if begin.expectation in (Expectation.EMAIL, Expectation.NAME)
            else frozenset[str]()
        )
        self._heard = bytearray()
        """The audio as it came, where it is the telephone's."""
        self._model = language_model(begin.expectation)
        self._grammar = name if (name := grammar(begin.expectation)) and decoders.has(name) else None
        self._live: Pass | None = decoders.lend(self._model, Kind.DOMAIN)
        """Until a pass that is ahead of the next question has caught up with it."""
        self._ahead: _Ahead | None = None
        self._finals: _Finals | None = None
        self._done_frames = 0
        """Frames that an answer was about."""
        self._settled: tuple[Outcome, ...] | None = None
        """Outcomes that hold as long as no more voice comes."""

    def feed(self, pcm: bytes) -> None:
        self._samples += len(pcm) // 2
        self._features.feed(pcm)
        if self._rate_hz == PHONE_HZ:
            self._heard += pcm
        if self._gate.feed(np.frombuffer(pcm, "<i2")):
            self._settled = None

    @property
    def waiting(self) -> bool:
        """There is something to do."""
        return self.ask is not None or self._behind

    @property
    def _seen(self) -> int:
        """Frames decoded by the pass that is furthest."""
        return max(self._live.next_frame if self._live else 0, self._ahead.decode.next_frame if self._ahead else 0)

    @property
    def _behind(self) -> bool:
        follows = self._ahead.decode.next_frame if self._ahead else self._seen
        return self._settled is None and follows + SLICE_FRAMES <= len(self._features)

    @property
    def done_samples(self) -> int:
        """Decoded so far. What is left for later (less than a slice, silence) counts as decoded."""
        if not self.waiting:
            return self._samples
        return min(self._samples, max(self._done_frames, self._seen) * self._rate_hz * FRAME_MS // 1000)

    def work(self) -> Answer | str | None:
        """Do one slice: an Answer when the question is answered, a guess (text), or nothing yet."""
        if self.ask is not None:
            return self._work_on_answer(self.ask)
        return self._follow() if self._behind else None

    def _follow(self) -> str | None:
        if self._ahead is None and (self._live is None or len(self._features) >= MEAN_FRAMES):
            self._ahead = _Ahead(self._decoders.lend(self._model, Kind.DOMAIN), self._features.mean())
        if self._ahead is None:
            assert self._live is not None  # one of them follows
            self._live.advance(self._features, self._live.next_frame + SLICE_FRAMES, self._features.mean())
            return self._live.guess()
        one = self._ahead.decode
        one.advance(self._features, one.next_frame + SLICE_FRAMES, self._ahead.mean)
        if one.next_frame < self._seen or one.next_frame < self._done_frames:
            return None  # it has less to say than was said before
        if self._live is not None:
            self._decoders.take_back(self._live)
            self._live = None
        return one.guess()

    def _work_on_answer(self, ask: Ask) -> Answer | None:
        if not self._gate.heard_voice:
            self.ask = None
            return Answer(self.id, ask.ticket, "", 0.0, [], "pocketsphinx/silence")
        if self._settled is None:
            if self._finals is None:
                self._finals = self._begin_finals()
            if not self._finals.slice(self._features):
                return None
            self._settled = tuple(self._finals.outcomes)
            self._drop_finals()
            if self._heard and needs_plain(choose(_candidates(self._settled))):
                self._settled = (*self._settled, self._as_it_sounds())
        if ask.last and self._wants_generic(self._settled):
            self._settled = (*self._settled, self._second_opinion())
        self.ask = None
        return self._answer(ask, self._settled)

    def _begin_finals(self) -> _Finals:
        mean = self._features.mean()
        passes = [self._ahead or _Ahead(self._decoders.lend(self._model, Kind.DOMAIN), mean)]
        self._ahead = None
        self._done_frames = len(self._features)
        if self._grammar is not None:
            passes.append(_Ahead(self._decoders.lend(self._grammar, Kind.GRAMMAR), mean))
        return _Finals(passes, len(self._features), self._hints)

    def _drop_finals(self) -> None:
        if self._finals is not None:
            for one in self._finals.passes:
                self._decoders.take_back(one.decode)
            self._finals = None

    def _wants_generic(self, outcomes: tuple[Outcome, ...]) -> bool:
        candidates = _candidates(outcomes)
        return (
            self._with_generic
            and len(self._features) <= GENERIC_AT_MOST_FRAMES
            and all(candidate.kind is not Kind.GENERIC for candidate in candidates)
            and choose(candidates).kind is not Kind.GRAMMAR
            and needs_generic(candidates)
        )

    def _as_it_sounds(self) -> Outcome:
        """The same words expected, in the telephone's audio as it is: some high voices lose by the mapping."""
        self._decoders.loading(1.0 + self._samples / self._rate_hz)
        plain = self._decoders.lend(self._model, Kind.PLAIN)
        heard = np.frombuffer(bytes(self._heard), "<i2").astype(np.float32)
        plain.advance_plain(soxr.resample(heard, PHONE_HZ, 2 * PHONE_HZ).clip(-32_768, 32_767).astype(np.int16))
        outcome = plain.end(self._hints)
        self._decoders.take_back(plain)
        return outcome

    def _second_opinion(self) -> Outcome:
        self._decoders.loading(1.0 + len(self._features) * FRAME_MS / 1000)
        generic = self._decoders.lend(GENERIC, Kind.GENERIC)
        generic.advance(self._features, len(self._features), self._features.mean())
        outcome = generic.end()
        self._decoders.take_back(generic)
        return outcome

    def _answer(self, ask: Ask, outcomes: tuple[Outcome, ...]) -> Answer:
        candidates = _candidates(outcomes)
        chosen = choose(candidates)
        winner = next(outcome for outcome in outcomes if outcome.candidate is chosen)
        free = outcomes[0]
        more = beyond(chosen, free.candidate) if chosen.kind is Kind.GRAMMAR else 0
        heard = (*winner.segments, *free.segments[len(free.segments) - more :])
        words = [WordTime(s.word, s.start_frame * FRAME_MS, (s.end_frame + 1) * FRAME_MS, s.posterior) for s in heard]
        sure = confidence(chosen, free.candidate)
        text = " ".join(segment.word for segment in heard)
        others = [" ".join(c.words) for c in candidates if c.words and not {c.kind, chosen.kind} & _OF_THEIR_OWN]
        others = tuple(other for other in others if other != text)
        return Answer(self.id, ask.ticket, text, sure, words, f"pocketsphinx/{chosen.kind.value}", others)

    def close(self) -> None:
        self._drop_finals()
        for one in (self._live, self._ahead and self._ahead.decode):
            if one is not None:
                self._decoders.take_back(one)
        self._live = self._ahead = None


def _candidates(outcomes: tuple[Outcome, ...]) -> list[Candidate]:
    return [outcome.candidate for outcome in outcomes]
