"""Thinking: the call's turns at the dialogue, one open at a time, and the state that they hand on.

The snapshot, the log's sequence and entries not yet logged go out with a turn and come back with
its `Committed`; nothing here looks inside them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from holdfast_common.contracts.asr import Channel
from holdfast_common.contracts.dialogue import Committed, Confirm, Heard, Interrupt, Sentence, Turn, TurnKind
from holdfast_common.contracts.registry import Service
from holdfast_common.errors import StreamFailed
from holdfast_common.preserving import CutOff
from holdfast_common.stream.api import Opener, ReplayableStream

from holdfast_gateway.ports import Arrival
from holdfast_gateway.spawn import Spawn

log = structlog.get_logger()

ANSWER_MS = 4_000
"""From the end of the caller's words, until they should hear the first sentence."""
TURN_MS = 60_000


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a turn is opened with."""

    kind: TurnKind
    text: str = ""
    confidence: float = 1.0
    language: str = "en"
    silences: int = 0


@dataclass(slots=True)
class OpenTurn:
    """A turn that the dialogue is working on."""

    n: int
    attempt: int
    prompt: Prompt
    heard: Heard | None
    due: float
    """When the caller should hear the first sentence, by the loop's clock."""
    is_confirmed: bool = True
    """False: opened on what the caller has probably said; nothing of it may be heard yet."""
    accepted: list[Sentence] = field(default_factory=list)
    """Sentences that have begun to play."""
    taken: set[int] = field(default_factory=set)
    """Indices of sentences received and kept."""
    stream: ReplayableStream | None = None
    committed: Committed | None = None
    is_quiet: bool = False
    """Interrupted or withdrawn: what it still says is not spoken."""


class Replies(Protocol):
    """Who wants to know what the dialogue says."""

    def on_sentence(self, turn: OpenTurn, sentence: Sentence) -> None: ...
    def on_reopened(self, turn: OpenTurn) -> None:
        """The turn moves to another replica: what has not begun to play will be said anew."""
        ...

    def on_committed(self, turn: OpenTurn, committed: Committed) -> None: ...
    def on_turn_closed(self, turn: OpenTurn, failure: StreamFailed | None) -> None: ...


class Mind:
    """The dialogue's side of one call."""

    def __init__(
        self,
        opener: Opener,
        arrival: Arrival,
        channel: Channel,
        replies: Replies,
        *,
        spawn: Spawn,
        instant: Callable[[], str],
    ) -> None:
        self.n = 0
        """Number of the next turn."""
        self.turn: OpenTurn | None = None
        self._opener = opener
        self._arrival = arrival
        self._channel = channel
        self._replies = replies
        self._spawn = spawn
        self._instant = instant
        self._clock = asyncio.get_running_loop().time
        self._attempt = 0
        self._snapshot = b""
        self._log_sequence = 0
        self._unlogged: list[bytes] = []

    def cut_off(self, call: str) -> CutOff:
        """What the call carries, for the log."""
        return CutOff(call, self._log_sequence, list(self._unlogged))

    def preserved(self, kept: CutOff) -> None:
        """What is in the log now need not be carried any more."""
        self._log_sequence, self._unlogged = kept.log_sequence, list(kept.unlogged)

    def adopt(self, *, n: int, snapshot: bytes, log_sequence: int) -> None:
        """Take over a call: `n` was its last committed turn."""
        self.n, self._snapshot, self._log_sequence = n + 1, snapshot, log_sequence

    def open(
        self, prompt: Prompt, heard: Heard | None, *, asked_at: float | None = None, confirmed: bool = True
    ) -> OpenTurn:
        """Open the next turn; the one before must be closed. `asked_at`: when the caller's words ended (now, if None).

        Not `confirmed`, the dialogue thinks and speaks, but writes nothing down and changes nothing until `confirm`.
        """
        if self.turn is not None:
            raise RuntimeError(f"turn {self.turn.n} is still open")
        due = (self._clock() if asked_at is None else asked_at) + ANSWER_MS / 1000
        turn = OpenTurn(self.n, self._attempt, prompt, heard, due, confirmed)
        self.turn = turn
        turn.stream = self._opener.open(
            Service.DIALOGUE,
            lambda: self._ask(turn),
            call=self._arrival.call,
            generation=self._arrival.generation,
            deadline_ms=TURN_MS,
            result_deadline_ms=lambda: ANSWER_MS,
            ends_input=True,
        )
        self._spawn(self._follow(turn, turn.stream), f"turn-{turn.n}.{turn.attempt}")
        return turn

    def confirm(self, *, asked_at: float) -> None:
        """The open turn's words were the caller's last, and ended at `asked_at`: it may do what it says."""
        turn = self.turn
        if turn is not None and not turn.is_confirmed:
            turn.is_confirmed = True
            turn.due = asked_at + ANSWER_MS / 1000
            if turn.stream is not None:
                turn.stream.send(Confirm())

    def begun(self, n: int, sentence: Sentence) -> None:
        """A sentence has begun to play: it is the reply's, whoever goes on with it."""
        if self.turn is not None and self.turn.n == n:
            self.turn.accepted.append(sentence)

    def interrupt(self, sentence: int, words: int) -> None:
        """The caller took the floor: the open turn says nothing more and ends."""
        turn = self.turn
        if turn is not None and not turn.is_quiet:
            turn.is_quiet = True
            if turn.committed is None and turn.stream is not None:
                turn.stream.send(Interrupt(sentence=sentence, words=words))

    def withdraw(self) -> None:
        """Nothing of the open turn was heard and the caller goes on: it will be opened again, with all the words."""
        turn, self.turn = self.turn, None
        if turn is not None and turn.stream is not None:
            turn.is_quiet = True
            self._attempt += 1
            turn.stream.cancel()

    def _ask(self, turn: OpenTurn) -> Turn:
        if turn.taken:
            turn.taken = {sentence.index for sentence in turn.accepted}
            self._replies.on_reopened(turn)
        prompt = turn.prompt
        return Turn(
            n=turn.n,
            kind=prompt.kind,
            now=self._instant(),
            attempt=turn.attempt,
            text=prompt.text,
            confidence=prompt.confidence,
            language=prompt.language,
            channel=self._channel,
            silences=prompt.silences,
            zone=self._arrival.zone,
            heard=turn.heard,
            snapshot=self._snapshot,
            log_sequence=self._log_sequence,
            unlogged=self._unlogged,
            accepted=turn.accepted,
            budget_ms=self._left_ms(turn),
            confirmed=turn.is_confirmed,
        )

    def _left_ms(self, turn: OpenTurn) -> int:
        return min(ANSWER_MS, max(0, round((turn.due - self._clock()) * 1000)))

    async def _follow(self, turn: OpenTurn, stream: ReplayableStream) -> None:
        structlog.contextvars.bind_contextvars(turn=turn.n)
        failure: StreamFailed | None = None
        try:
            async for result in stream:
                match result:
                    case Sentence() if not turn.is_quiet and result.index not in turn.taken:
                        turn.taken.add(result.index)
                        self._replies.on_sentence(turn, result)
                    case Committed() if self.turn is turn and turn.is_confirmed:
                        self._commit(turn, result)
        except StreamFailed as error:
            failure = error
            log.warning("turn_failed", code=error.code, turn=turn.n, attempt=turn.attempt)
        finally:
            stream.cancel()
        if self.turn is turn:
            self.turn = None
            if turn.committed is None:
                self._attempt += 1
            self._replies.on_turn_closed(turn, failure)

    def _commit(self, turn: OpenTurn, committed: Committed) -> None:
        turn.committed = committed
        self.n, self._attempt = committed.n + 1, 0
        self._snapshot = committed.snapshot
        self._log_sequence = committed.log_sequence
        self._unlogged = committed.unlogged
        self._replies.on_committed(turn, committed)
