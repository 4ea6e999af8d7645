"""What becomes due in a call when nothing happens: clips, silence, digits, a turn that will not end.

Pure: seconds of the owner's clock come in, what is due comes out, each once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast_gateway.domain.patience import Patience, PatienceRule, Step


@dataclass(frozen=True, slots=True)
class DutyRule:
    """Times in seconds."""

    patience: PatienceRule = field(default_factory=PatienceRule)
    silence_s: float = 8.0
    """Quiet on both sides until the caller is asked whether they are there."""
    longest_call_s: float = 900.0
    digits_gap_s: float = 1.2
    """Digits this close together are one answer."""
    interrupted_s: float = 1.0
    """An interrupted turn that has not ended by then is given up (it should take 0.2 s)."""


@dataclass(frozen=True, slots=True)
class SayClip:
    step: Step


@dataclass(frozen=True, slots=True)
class TakeDigits:
    digits: str


@dataclass(frozen=True, slots=True)
class GiveTurnUp:
    """The interrupted turn does not end."""


@dataclass(frozen=True, slots=True)
class FallSilent:
    """Nobody has said anything for long."""


@dataclass(frozen=True, slots=True)
class EndOverlong:
    """The longest call is over."""


Duty = SayClip | TakeDigits | GiveTurnUp | FallSilent | EndOverlong


class Duties:
    """The clocks of one call."""

    def __init__(self, rule: DutyRule, now: float) -> None:
        self.patience = Patience(rule.patience)
        self._rule = rule
        self._ends_at: float | None = now + rule.longest_call_s
        self._quiet_since: float | None = None
        self._interrupted_at: float | None = None
        self._digits = ""
        self._digits_at = 0.0

    def quiet(self, now: float | None) -> None:
        """Nobody speaks and nothing is on its way since `now`; None: somebody does, or something is."""
        self._quiet_since = now

    def interrupted(self, now: float | None) -> None:
        """The open turn was told to end; None: it has."""
        self._interrupted_at = now

    def digit(self, digit: str, now: float) -> None:
        self._digits += digit
        self._digits_at = now

    def next_at(self) -> float | None:
        """When something is due at the earliest."""
        times = (self.patience.next_at(), self._ends_at, self._silent_at(), self._given_up_at(), self._digits_due_at())
        return min((at for at in times if at is not None), default=None)

    def due(self, now: float) -> list[Duty]:
        """Everything that is due now; it will not be told again."""
        duties: list[Duty] = []
        if self._ends_at is not None and now >= self._ends_at:
            self._ends_at = None
            duties.append(EndOverlong())
        if (step := self.patience.due(now)) is not None:
            duties.append(SayClip(step))
        if (at := self._digits_due_at()) is not None and now >= at:
            duties.append(TakeDigits(self._digits))
            self._digits = ""
        if (at := self._given_up_at()) is not None and now >= at:
            self._interrupted_at = None
            duties.append(GiveTurnUp())
        if (at := self._silent_at()) is not None and now >= at:
            self._quiet_since = None
            duties.append(FallSilent())
        return duties

    def _silent_at(self) -> float | None:
        return None if self._quiet_since is None else self._quiet_since + self._rule.silence_s

    def _given_up_at(self) -> float | None:
        return None if self._interrupted_at is None else self._interrupted_at + self._rule.interrupted_s

    def _digits_due_at(self) -> float | None:
        return self._digits_at + self._rule.digits_gap_s if self._digits else None
