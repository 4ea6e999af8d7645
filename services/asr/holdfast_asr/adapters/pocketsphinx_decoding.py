"""One utterance inside a worker process.

A *live* pass follows the audio and gives the guesses. A question (a pause, the end) is answered by *final* passes
over the features kept so far: free speech and, where one belongs to the expectation, a grammar, each with one mean
from its first frame to its last. When the mean has settled (never for addresses and names: theirs is that of the
whole), a pass begins anew with it, follows the audio *ahead* of the question, and is the final one when it comes:
nearly done, however long the utterance. So when there is too much to do, guesses come late first.
Unless more voice follows, the answer given at a pause is also the final: after the last word of a
turn nothing is left to decode. All work is done in slices, so that several utterances share a process.
"""

from __future__ import annotations

import numpy as np
import soxr
from holdfast_common.contracts.asr import Expectation

from holdfast_asr.adapters.pocketsphinx_decoders import Decoders, Outcome, Pass
from holdfast_asr.adapters.pocketsphinx_features import FRAME_MS, Features
from holdfast_asr.adapters.pocketsphinx_passes import SLICE_FRAMES, Finals, SecondOpinion
from holdfast_asr.adapters.pocketsphinx_wire import Answer, Ask, Begin, WordTime
from holdfast_asr.domain.choice import Candidate, Kind, beyond, choose, confidence, needs_generic, needs_plain
from holdfast_asr.domain.expecting import GENERAL, grammar, language_model
from holdfast_asr.domain.voice import VoiceGate

PHONE_HZ = 8_000
_OF_THEIR_OWN = frozenset({Kind.GRAMMAR, Kind.GENERIC})
"""Decodes with a language of their own: what else they, or others beside them, heard is no variant of it."""
GENERIC_AT_MOST_FRAMES = 600
"""Six seconds: the generic model costs 0.15 s a second, and the final has a deadline."""


class Decoding:
    """Feed, set `ask`, `work` until nothing is `waiting`; answers come out of `work`."""

    def __init__(self, begin: Begin, decoders: Decoders, *, with_generic: bool = True) -> None:
        self.id = begin.utterance
        self.ask: Ask | None = None
        """The question not answered yet."""
        self._rate_hz = begin.rate_hz
        self._decoders = decoders
        self._with_generic = with_generic
        self._model = language_model(begin.expectation)
        self._features = Features(begin.rate_hz, settles=self._model == GENERAL)
        self._gate = VoiceGate(begin.rate_hz)
        self._samples = 0
        self._hints = (
            frozenset(word for hint in begin.hints for word in hint.lower().split())
            if begin.expectation in (Expectation.EMAIL, Expectation.NAME)
            else frozenset[str]()
        )
        self._heard = bytearray()
        """The audio as it came, where it is the telephone's."""
        self._grammar = name if (name := grammar(begin.expectation)) and decoders.has(name) else None
        self._live: Pass | None = decoders.lend(self._model, Kind.DOMAIN)
        """Until a pass that is ahead of the next question has caught up with it."""
        self._ahead: Pass | None = None
        self._finals: Finals | None = None
        self._finals_for = 0
        """The ticket of the question that they were begun for."""
        self._second = SecondOpinion(decoders, self._features)
        self._done_frames = 0
        """Frames that the last question was about."""
        self._voiced_frames = 0
        """Frames up to the last voice."""
        self._settled: tuple[Outcome, ...] | None = None
        """Outcomes that hold as long as no more voice comes."""

    def feed(self, pcm: bytes) -> None:
        self._samples += len(pcm) // 2
        self._features.feed(pcm)
        if self._rate_hz == PHONE_HZ:
            self._heard += pcm
        if self._gate.feed(np.frombuffer(pcm, "<i2")):
            self._settled = None
            self._second.forget()
            self._voiced_frames = len(self._features)

    @property
    def waiting(self) -> bool:
        """There is something to do."""
        return self.ask is not None or self.is_behind or self._second.can_go_on

    @property
    def _seen(self) -> int:
        """Frames decoded by the pass that is furthest."""
        return max(self._live.next_frame if self._live else 0, self._ahead.next_frame if self._ahead else 0)

    @property
    def is_behind(self) -> bool:
        """There is audio to follow."""
        follows = self._ahead.next_frame if self._ahead else self._seen
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
        if self.is_behind:
            return self._follow()
        if self._second.can_go_on:
            self._second.slice()
        return None

    def _follow(self) -> str | None:
        if self._ahead is None and (self._live is None or self._features.has_settled):
            self._ahead = self._decoders.lend(self._model, Kind.DOMAIN)
        one = self._ahead or self._live
        assert one is not None  # made above
        one.advance(self._features, one.next_frame + SLICE_FRAMES, self._features.mean())
        if one.next_frame < max(self._seen, self._done_frames):
            return None  # it has less to say than was said before
        if one is self._ahead and self._live is not None:
            self._decoders.take_back(self._live)
            self._live = None
        return one.guess()

    def _work_on_answer(self, ask: Ask) -> Answer | None:
        if not self._gate.heard_voice:
            self.ask = None
            return Answer(self.id, ask.ticket, "", 0.0, [], "pocketsphinx/silence")
        outcomes = self._settled
        if outcomes is None:
            if self._finals is not None and self._finals_for != ask.ticket:
                self._overtaken(self._finals)
            finals = self._finals = self._finals or self._begin_finals(ask)
            if not finals.slice(self._features):
                return None
            self._drop_finals()
            outcomes = tuple(finals.outcomes)
            if self._heard and needs_plain(choose(_candidates(outcomes))):
                outcomes = (*outcomes, self._as_it_sounds())
            self._settled = outcomes if ask.last or finals.frames >= self._voiced_frames else None
        if self._wants_generic(outcomes):
            self._second.want()
            if ask.last:
                if (opinion := self._second.slice()) is None:
                    return None
                outcomes = self._settled = (*outcomes, opinion)
        self.ask = None
        return self._answer(ask, outcomes)

    def _overtaken(self, finals: Finals) -> None:
        """Passes for an earlier question, behind which more may have been said: the first goes on following."""
        if finals.frames >= self._voiced_frames:
            return
        if not finals.outcomes and np.array_equal(finals.mean, self._features.mean()):
            self._ahead = finals.passes.pop(0)
        self._drop_finals()

    def _begin_finals(self, ask: Ask) -> Finals:
        others = [] if self._grammar is None else [self._decoders.lend(self._grammar, Kind.GRAMMAR)]
        passes = [self._ahead or self._decoders.lend(self._model, Kind.DOMAIN), *others]
        self._ahead = None
        self._done_frames, self._finals_for = len(self._features), ask.ticket
        return Finals(passes, len(self._features), self._features.mean(), self._hints)

    def _drop_finals(self) -> None:
        if self._finals is not None:
            for one in self._finals.passes:
                self._decoders.take_back(one)
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
        self._second.forget()
        for one in (self._live, self._ahead):
            if one is not None:
                self._decoders.take_back(one)
        self._live = self._ahead = None


def _candidates(outcomes: tuple[Outcome, ...]) -> list[Candidate]:
    return [outcome.candidate for outcome in outcomes]
