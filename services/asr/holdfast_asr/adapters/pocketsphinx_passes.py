"""Passes that answer a question about an utterance, in slices, so that several utterances share a process."""

from __future__ import annotations

from holdfast_asr.adapters.phone_front import Floats
from holdfast_asr.adapters.pocketsphinx_decoders import GENERIC, Decoders, Outcome, Pass
from holdfast_asr.adapters.pocketsphinx_features import Features
from holdfast_asr.domain.choice import Kind

SLICE_FRAMES = 20
"""200 ms of audio: about 8 ms of work."""


class Finals:
    """Passes over the first `frames` frames, one after the other."""

    def __init__(self, passes: list[Pass], frames: int, mean: Floats, hints: frozenset[str] = frozenset()) -> None:
        self.passes = passes
        self.frames = frames
        self.mean = mean
        self.hints = hints
        self.outcomes: list[Outcome] = []

    def slice(self, features: Features) -> bool:
        """Decode a slice; True when all passes have ended."""
        one = self.passes[len(self.outcomes)]
        if one.next_frame < self.frames:
            one.advance(features, min(self.frames, one.next_frame + SLICE_FRAMES), self.mean)
        if one.next_frame >= self.frames:
            self.outcomes.append(one.end(self.hints))
        return len(self.outcomes) == len(self.passes)


class SecondOpinion:
    """General English on words that nobody is sure of: begun at a pause, there when the turn ends at it."""

    def __init__(self, decoders: Decoders, features: Features) -> None:
        self._decoders = decoders
        self._features = features
        self._is_wanted = False
        self._running: Finals | None = None
        self.outcome: Outcome | None = None

    def want(self) -> None:
        self._is_wanted = self.outcome is None

    @property
    def can_go_on(self) -> bool:
        """Wanted, and under way or a decoder idle: before the end nobody loads one, or a second one, for it."""
        return self._is_wanted and (self._running is not None or self._decoders.has_idle(GENERIC, Kind.GENERIC))

    def slice(self) -> Outcome | None:
        """A slice of work, loading a decoder if need be; the outcome once it is there."""
        if self.outcome is None:
            if self._running is None:
                generic = self._decoders.lend(GENERIC, Kind.GENERIC)
                self._running = Finals([generic], len(self._features), self._features.mean())
            if self._running.slice(self._features):
                (outcome,) = self._running.outcomes
                self.forget()
                self.outcome = outcome
        return self.outcome

    def forget(self) -> None:
        """More has been said, or nobody asks any more."""
        self._is_wanted, self.outcome = False, None
        if self._running is not None:
            self._decoders.take_back(self._running.passes[0])
            self._running = None
