"""Where the time of one turn went, from the last voiced sample in to the first audible one out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from holdfast_gateway.tracing import TurnTrace

STAGES = ("endpointing", "asr", "dialogue", "tts", "playout")
"""Between the moments below, in their order."""


@dataclass(slots=True)
class Stages:
    """Moments of one turn, in seconds of the loop's clock; None: not (yet) passed."""

    trace: TurnTrace | None = None
    """The turn's; None until somebody begins it."""
    voice_end: float | None = None
    """The last voiced sample arrived; for typed lines the line itself."""
    decided: float | None = None
    """The floor said that the turn was over."""
    words: float | None = None
    """The last final was there."""
    sentence: float | None = None
    """The dialogue's first sentence came."""
    audio: float | None = None
    """The first audio of it came."""
    audible: float | None = None
    """The first audible sample of the reply went out."""
    filler: float | None = None
    """The first audible sample of a clip went out, while the reply was waited for."""

    def bridged(self, clips_at: Iterable[float]) -> None:
        """Clips sounded at these moments; the first one after the caller's words counts."""
        if self.voice_end is not None:
            self.filler = next((at for at in clips_at if at > self.voice_end), None)

    def moments(self) -> dict[str, float | None]:
        return {
            "voice_ended": self.voice_end,
            "turn_over": self.decided,
            "words_there": self.words,
            "first_sentence": self.sentence,
            "first_audio": self.audio,
            "first_sound": self.audible,
        }

    def ms(self) -> dict[str, float]:
        """Each stage that both its ends have; `v2v` is the whole, `filler` where a clip bridged a part of it.

        A step that was done ahead of need (thought and spoken on a guess) has cost the caller nothing: its end counts
        as no earlier than its beginning, so that the stages add up to the whole.
        """
        moments = [self.voice_end, self.decided, self.words, self.sentence, self.audio, self.audible]
        stages: dict[str, float] = {}
        before = reached = moments[0]
        for name, at in zip(STAGES, moments[1:], strict=True):
            if at is not None:
                if before is not None and reached is not None:
                    stages[name] = round(max(0.0, at - reached) * 1000, 1)
                reached = at if reached is None else max(at, reached)
            before = at
        if self.voice_end is not None and self.audible is not None:
            if self.filler is not None:
                stages["filler"] = round((self.filler - self.voice_end) * 1000, 1)
            stages["v2v"] = round((self.audible - self.voice_end) * 1000, 1)
        return stages
