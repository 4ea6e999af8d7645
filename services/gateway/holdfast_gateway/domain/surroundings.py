"""What the voice detector makes of the sounds around a caller: is every voice that it hears the caller's?

In steady noise, however loud, silero gives a window without speech 0.01 to 0.03; with other voices behind the
caller, however low, 0.05 to 0.9. So its mean over the windows in which the caller is silent tells whether it may be
believed where no level stands out: alone with noise it hears weaker words than any level shows, among voices it
calls everything speech.

Pure: one probability a window.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SurroundingsRule:
    """Probabilities are silero's of a window of 32 ms."""

    alone_at_most: float = 0.035
    """Mean over windows without the caller up to which nobody else speaks: steady noise 0.01 to 0.03, voices more."""
    memory: float = 0.05
    """Weight of a new window in the mean, once there were twenty."""
    at_least: int = 3
    """Windows before the mean says anything."""
    after_voice: int = 12
    """Windows after the caller's voice that are not counted: silero's own tail is in them."""
    no_onset: float = 0.12
    """A window under this is counted at once ..."""
    before_voice: int = 10
    """... a higher one may be the caller's beginning: only when so many windows later they have not begun."""
    counts_at_most: float = 0.3
    """A cough is no crowd."""


class Surroundings:
    """The detector's mean over the windows in which the caller of one leg is silent."""

    def __init__(self, rule: SurroundingsRule | None = None) -> None:
        self.rule = rule or SurroundingsRule()
        self._mean = 0.0
        self._count = 0
        self._pending: deque[float] = deque()
        self._skip = 0
        self.is_alone = False
        """Nobody else was heard."""
        self.is_among_voices = False
        """Others speak, too. Neither while too little was heard to say."""

    def hear(self, probability: float, *, is_caller: bool) -> None:
        """Take a window. `is_caller`: their voice, or their utterance goes on."""
        rule = self.rule
        if is_caller:
            self._skip = rule.after_voice
            self._pending.clear()
        elif self._skip:
            self._skip -= 1
        else:
            if probability < rule.no_onset:
                self._count_in(probability)
            self._pending.append(probability)
            if len(self._pending) > rule.before_voice and (oldest := self._pending.popleft()) >= rule.no_onset:
                self._count_in(min(oldest, rule.counts_at_most))

    def _count_in(self, probability: float) -> None:
        self._count += 1
        self._mean += max(1 / self._count, self.rule.memory) * (probability - self._mean)
        if self._count >= self.rule.at_least:
            self.is_alone = self._mean <= self.rule.alone_at_most
            self.is_among_voices = not self.is_alone
