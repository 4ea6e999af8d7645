"""The turn that is opened before the caller's is over: thought and spoken ahead, played only if it was one.

young pause, hypothesis ──► open ──► the final words are the same ──► take: confirmed, its sentences are said
                             │
                             ├── the caller goes on ──► withdrawn
                             ├── other words ─────────► wrong
                             └── no turn at all ──────► dropped
"""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast_common import telemetry
from holdfast_common.contracts.dialogue import Heard, Sentence

from holdfast_gateway.domain.guess import Guessed, holds
from holdfast_gateway.mouth import Mouth
from holdfast_gateway.stages import Stages
from holdfast_gateway.thinking import Mind, OpenTurn, Prompt


@dataclass(slots=True)
class Guess:
    """A turn opened on a hypothesis, and what has come of it."""

    turn: OpenTurn
    stages: Stages
    """Those of the caller's turn in the making."""
    sentences: list[Sentence] = field(default_factory=list)


class Guesses:
    """A call's guess, one at most; it is the mind's open turn while it lasts."""

    def __init__(self, mind: Mind, mouth: Mouth) -> None:
        self._mind = mind
        self._mouth = mouth
        self._guess: Guess | None = None

    @property
    def is_open(self) -> bool:
        return self._guess is not None

    def owns(self, n: int) -> bool:
        return self._guess is not None and self._guess.turn.n == n

    def open(self, prompt: Prompt, heard: Heard | None, stages: Stages, *, asked_at: float) -> None:
        """Open a turn on what the caller has probably said; the mind must be free."""
        turn = self._mind.open(prompt, heard, asked_at=asked_at, confirmed=False)
        stages.sentence = stages.audio = None
        self._guess = Guess(turn, stages)

    def sentence(self, sentence: Sentence, now: float) -> None:
        """Keep it; the first is made sound at once, because with it the reply will begin."""
        guess = self._guess
        if guess is not None:
            if not guess.sentences:
                guess.stages.sentence = now
                self._mouth.prepare(guess.turn.n, sentence)
            guess.sentences.append(sentence)

    def audio(self, now: float) -> None:
        """The first audio of the first sentence is there."""
        if self._guess is not None and self._guess.stages.audio is None:
            self._guess.stages.audio = now

    def reopened(self) -> None:
        """The turn moves to another replica: everything will be said anew."""
        if self._guess is not None:
            self._mouth.drop(self._guess.turn.n, begun=True)
            self._guess.sentences.clear()

    def take(self, prompt: Prompt, *, asked_at: float) -> Guess | None:
        """The caller's turn is over with these words: confirm, or None, with the guess gone."""
        guess = self._guess
        if guess is None:
            return None
        if not holds(_guessed(guess.turn.prompt), _guessed(prompt)):
            self.drop("wrong")
            return None
        self._guess = None
        telemetry.GUESSES.add(1, {"outcome": "confirmed"})
        self._mind.confirm(asked_at=asked_at)
        return guess

    def drop(self, outcome: str) -> None:
        """It was none: the attempt is taken back, as if it had never been. `outcome` is a constant."""
        guess, self._guess = self._guess, None
        if guess is not None:
            telemetry.GUESSES.add(1, {"outcome": outcome})
            self._mouth.drop(guess.turn.n, begun=True)
            if self._mind.turn is guess.turn:
                self._mind.withdraw()


def _guessed(prompt: Prompt) -> Guessed:
    return Guessed(prompt.text, prompt.confidence, prompt.language)
