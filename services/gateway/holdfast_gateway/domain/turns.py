"""The caller's turn: one or several utterances, their words joined, and what must not be forgotten.

A turn's words stay here until the dialogue has committed them, so that a turn withdrawn or lost can
be opened again with all of them. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast_common.contracts.asr import Final


@dataclass(frozen=True, slots=True)
class Said:
    """What the caller said in a turn that is over."""

    text: str
    confidence: float
    language: str
    engine: str


@dataclass(slots=True)
class CallerTurn:
    """Utterances in the order in which they began; a final of None is still to come."""

    finals: dict[int, Final | None] = field(default_factory=dict)
    partials: dict[int, str] = field(default_factory=dict)
    is_over: bool = False
    """The floor has decided that the caller is done; a new utterance takes it back."""

    def begin(self, utterance: int) -> None:
        self.finals[utterance] = None
        self.is_over = False

    def partial(self, utterance: int, text: str) -> None:
        if utterance in self.finals:
            self.partials[utterance] = text

    def final(self, utterance: int, final: Final) -> bool:
        """Take a final; False when the utterance is none of this turn's."""
        if utterance not in self.finals:
            return False
        self.finals[utterance] = final
        self.partials.pop(utterance, None)
        return True

    @property
    def is_ready(self) -> bool:
        """Over, and every utterance has its words."""
        return self.is_over and bool(self.finals) and all(final is not None for final in self.finals.values())

    @property
    def text_so_far(self) -> str:
        """Finals, and partials where there is no final yet."""
        parts = [final.text if final else self.partials.get(key, "") for key, final in self.finals.items()]
        return " ".join(part for part in parts if part)

    def said_if(self, utterance: int, final: Final) -> Said | None:
        """What was said if `final` is the open utterance's; None while another's words are missing."""
        finals = {**self.finals, utterance: final}
        return None if any(other is None for other in finals.values()) else _joined(list(finals.values()))

    def said(self) -> Said:
        """The words joined; confidence weighed by the number of words of each utterance."""
        return _joined(list(self.finals.values()))


def _joined(parts: list[Final | None]) -> Said:
    finals = [final for final in parts if final and final.text.strip()]
    weights = [len(final.text.split()) for final in finals]
    total = sum(weights)
    confidence = sum(f.confidence * w for f, w in zip(finals, weights, strict=True)) / total if total else 0.0
    return Said(
        text=" ".join(final.text.strip() for final in finals)[:2_000],
        confidence=min(1.0, confidence),
        language=finals[-1].language if finals else "en",
        engine=finals[-1].engine if finals else "",
    )
