"""What the floor decides: actions for its owner to carry out. Positions are samples since the leg began."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Began:
    """Open utterance `utterance` with the audio from sample `start` on."""

    utterance: int
    start: int
    new_turn: bool


@dataclass(frozen=True, slots=True)
class Paused:
    utterance: int
    position: int
    """Sample at which the voice stopped."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What are the words up to here? The voice goes on."""

    utterance: int
    position: int


@dataclass(frozen=True, slots=True)
class WentOn:
    """The pause was none: the voice goes on in the same utterance."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Ended:
    utterance: int
    position: int
    """Sample at which the voice stopped, or at which the utterance was cut."""


@dataclass(frozen=True, slots=True)
class TurnOver:
    position: int
    """Sample at which the voice stopped."""
    decided: int
    """Sample at which that was decided."""
    forced: bool
    """The longest turn was reached; the voice may go on."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Stop what is playing, keep the position."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on at the word that was cut."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """The caller has taken the floor: the reply is over."""


Action = Began | Paused | Asked | WentOn | Ended | TurnOver | Hold | Resume | Interrupt
