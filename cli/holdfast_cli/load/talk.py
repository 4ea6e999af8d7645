"""One simulated caller's conduct: when to speak, when to wait, when to hang up, and what came of each turn. Pure.

    quiet --the agent is silent--> speaking --last frame--> awaiting --answer--> listening --it is over--> quiet ...
                                      ^                         |                    |
                                      +------ barge-in ---------|--------------------+
                                                                +--patience is out--> quiet

Asked for a payload every 20 ms, told of audible audio and of `clear` as they arrive. Times are seconds of one
monotonic clock. The measure is the phone's: voice to voice is from the last voiced frame sent to the first audible
audio received; barge-in to clear from the first voiced frame sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from holdfast_cli.load.scenario import Said, Speech

OLD_REPLY_S = 0.15
"""Audible audio so soon after the last one, when the answer to a barge-in is awaited, is the rest of the old reply."""


class Mood(StrEnum):
    QUIET = "quiet"
    SPEAKING = "speaking"
    AWAITING = "awaiting"
    LISTENING = "listening"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Patience:
    """How a caller behaves, in seconds."""

    gap_s: float = 1.0
    """Silence before each utterance."""
    settle_s: float = 0.4
    """The agent is taken to have finished after so long a silence."""
    answer_s: float = 6.0
    """Without an answer for so long, the caller goes on."""


@dataclass(slots=True)
class TurnTaken:
    """What became of one turn."""

    said: Said
    began: float | None = None
    """First voiced frame sent."""
    ended: float | None = None
    """Last voiced frame sent."""
    answered: float | None = None
    """First audible audio of the answer arrived."""
    sounded: float | None = None
    """... and when it would sound."""
    cleared: float | None = None
    """For a barge-in: `clear` arrived."""
    premature: bool = False
    """The agent spoke before the caller had finished."""

    @property
    def is_barge_in(self) -> bool:
        return self.said.barge_in_s is not None


class Talk:
    """The caller of one call."""

    def __init__(self, speech: Speech, patience: Patience, *, now: float, offset: int = 0) -> None:
        self.turns = [TurnTaken(said) for said in speech.turns]
        self.mood = Mood.QUIET
        self._noise = speech.noise
        self._patience = patience
        self._at = 0
        """Index of the turn that is spoken or waited for."""
        self._frame = 0
        self._ticks = offset
        """Callers begin at different places of the noise."""
        self._not_before = now + patience.gap_s
        self._loud_until = 0.0
        self._loud_at = 0.0

    # -- the phone's clock
    def payload(self, now: float) -> str | None:
        """The 20 ms that are due; None: hang up."""
        self._ticks += 1
        match self.mood:
            case Mood.QUIET if now >= self._not_before:
                self._when_quiet(now)
            case Mood.AWAITING:
                self._when_awaiting(now)
            case Mood.LISTENING:
                self._when_listening(now)
        if self.mood is Mood.DONE:
            return None
        if self.mood is Mood.SPEAKING:
            return self._speak(now)
        return self._noise[self._ticks % len(self._noise)]

    # -- the agent's side
    def hear(self, arrived: float, sounds: float, loud_until: float) -> None:
        """Audible audio has arrived; it begins to sound at `sounds`, and its last audible sample at `loud_until`."""
        before, self._loud_at = self._loud_at, arrived
        self._loud_until = loud_until
        if self._at >= len(self.turns):
            return
        turn = self.turns[self._at]
        interrupting = turn.is_barge_in and turn.cleared is None
        if self.mood is Mood.SPEAKING and not turn.is_barge_in:
            turn.premature = True
        elif (
            self.mood is Mood.AWAITING
            and turn.answered is None
            and not (interrupting and arrived - before < OLD_REPLY_S)
        ):
            turn.answered, turn.sounded = arrived, sounds

    def clear(self, now: float) -> None:
        """The agent has thrown away what had not sounded."""
        self._loud_until = min(self._loud_until, now)
        if self._at < len(self.turns):
            turn = self.turns[self._at]
            if turn.is_barge_in and turn.began is not None and turn.cleared is None:
                turn.cleared = now

    # -- inside
    def _when_quiet(self, now: float) -> None:
        if self._at == len(self.turns):
            self.mood = Mood.DONE
        elif self._agent_silent(now):
            self._begin()

    def _when_awaiting(self, now: float) -> None:
        turn = self.turns[self._at]
        assert turn.ended is not None
        if turn.answered is not None:
            self.mood = Mood.LISTENING
            self._when_listening(now)
        elif now - turn.ended > self._patience.answer_s:
            self._next(now)

    def _when_listening(self, now: float) -> None:
        following: Sequence[TurnTaken] = self.turns[self._at + 1 : self._at + 2]
        if following and (after_s := following[0].said.barge_in_s) is not None:
            sounded = self.turns[self._at].sounded
            assert sounded is not None
            if now >= sounded + after_s:
                self._at += 1
                self._begin()
        elif self._agent_silent(now):
            self._next(now)

    def _begin(self) -> None:
        self.mood, self._frame = Mood.SPEAKING, 0

    def _next(self, now: float) -> None:
        self.mood = Mood.QUIET
        self._at += 1
        self._not_before = now + self._patience.gap_s

    def _speak(self, now: float) -> str:
        turn = self.turns[self._at]
        payload = turn.said.payloads[self._frame]
        if self._frame == 0:
            turn.began = now
        self._frame += 1
        if self._frame == len(turn.said.payloads):
            turn.ended = now
            self.mood = Mood.AWAITING
        return payload

    def _agent_silent(self, now: float) -> bool:
        return now > max(self._loud_until, self._loud_at) + self._patience.settle_s
