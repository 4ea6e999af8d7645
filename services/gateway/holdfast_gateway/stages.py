"""Where the time of one turn went, from the last voiced sample in to the first audible one out."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast_gateway.tracing import TurnTrace


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
    """The first audible sample went out."""

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
        """Each stage that both its ends have; `v2v` is the whole."""
        parts = {
            "endpointing": (self.voice_end, self.decided),
            "asr": (self.decided, self.words),
            "dialogue": (self.words, self.sentence),
            "tts": (self.sentence, self.audio),
            "playout": (self.audio, self.audible),
            "v2v": (self.voice_end, self.audible),
        }
        return {
            name: round((end - start) * 1000, 1)
            for name, (start, end) in parts.items()
            if start is not None and end is not None
        }
