"""The opener's side of one replayable stream: what to do next. Pure; time is a parameter in seconds.

                       nobody there: ask again every 200 ms
                      +-----------+
                      v           |        busy, draining, no answer in 250 ms: next replica
    start -> PLACING -+-> OPENING -+-----------------------------------------------+
                ^           | accepted                                             |
                |           v                                                      |
                +------- STREAMING <--- probe ok, something heard ---+             |
                ^           | silent 500 ms                          |             |
                |           v                                        |             |
                +------- SUSPECT ---- probe failed ---> FROZEN (bus down: clocks   |
                  probe ok and silent 800 ms            stand still) --- bus back -+-> STREAMING
    End -> DONE; final error, deadline -> FAILED

Every opening is a new epoch, and everything of older epochs is dropped. All inputs are kept; a new
epoch gets the first input, built anew by the owner, and then the kept ones in messages of up to
1 s of audio, at most two unacknowledged, until it has caught up. A hole in either direction re-opens.

Idea of replay from a position with fenced epochs: as in log-shipping replication; the timers are
measured (no false fail-over in a busy process at 500/800 ms).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from holdfast_common.contracts.stream import RETRYABLE, ErrorCode
from holdfast_common.stream.actions import (
    Action,
    AskPlacement,
    AskProbe,
    Fail,
    Finish,
    SendCancel,
    SendInput,
    SendOpen,
)

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class StreamTimes:
    """All times of the stream protocol, in seconds."""

    open_answer: float = 0.25
    ask_again: float = 0.2
    suspect: float = 0.5
    dead: float = 0.8
    unacknowledged: float = 1.2
    """An input that was not acknowledged for so long was lost (acknowledgements come every 200 ms)."""
    replay_window: int = 2
    replay_chunk: float = 1.0
    """Seconds of audio in one replay message."""
    engine_backoff: float = 0.2
    """Wait before the second re-open after an engine failure, twice that before the third; the first is at once."""
    slow_factor: float = 4.0
    """A result may take this many times its deadline while its replica's work visibly goes on."""
    takeover_factor: float = 2.0
    """... and this many times its deadline where the replica took over from one that broke in the middle of it."""
    max_engine_failures: int = 4
    """Replicas that may break under a stream before it counts as the stream's own fault."""


class Phase(Enum):
    PLACING = auto()
    OPENING = auto()
    STREAMING = auto()
    SUSPECT = auto()
    FROZEN = auto()
    DONE = auto()
    FAILED = auto()


Choose = Callable[[frozenset[str]], str | None]
"""Names a replica outside the excluded ones where possible; None: nobody takes a stream."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the machine needs to know of a kept input."""

    audio_s: float = 0.0
    """Its length where it is audio; 0: a signal, which is never joined with anything."""
    rate_hz: int = 0


class StreamMachine:
    """One stream. Each method takes an event and returns what to do, in order."""

    def __init__(
        self,
        now: float,
        choose: Choose,
        *,
        deadline_s: float,
        result_deadline_s: Callable[[], float] | None = None,
        ends_input: bool = False,
        times: StreamTimes | None = None,
    ) -> None:
        self.phase = Phase.PLACING
        self.epoch = 0
        self.replica: str | None = None
        self.reopened = 0
        """Times that the stream had to be opened again after it had been accepted."""
        self._choose = choose
        self._times = times or StreamTimes()
        self.deadline = now + deadline_s
        """When the stream is given up whatever happens."""
        self._result_deadline_s = result_deadline_s
        self._input_ended = ends_input
        self._result_due = NEVER
        self._late = False
        self._done_to = 0
        self._result_at_most = NEVER
        self._engine_failures = 0
        self._kept: list[Kept] = []
        self._sent_to = 0
        """Kept inputs sent in this epoch."""
        self._behind_to = 0
        """Kept inputs that existed when this epoch was accepted: up to here it is replay."""
        self._next_input = 0
        self._unacknowledged: deque[tuple[int, float]] = deque()
        self._next_output = 0
        self._heard_at = now
        self._phase_due = NEVER
        self._excluded: frozenset[str] = frozenset()

    @property
    def over(self) -> bool:
        return self.phase in (Phase.DONE, Phase.FAILED)

    @property
    def due(self) -> float:
        """When `tick` has something to do, at the earliest."""
        if self.phase is Phase.FROZEN or self.over:
            return NEVER if self.over else self.deadline
        oldest = self._unacknowledged[0][1] + self._times.unacknowledged if self._unacknowledged else NEVER
        return min(self._phase_due, self._result_due, self.deadline, oldest)

    # What the owner and the driver do

    def place(self, now: float) -> list[Action]:
        """It is this stream's turn to be placed."""
        if self.phase is not Phase.PLACING:
            return []
        replica = self._choose(self._excluded)
        if replica is None or replica in self._excluded:
            self._excluded = frozenset()
            self._phase_due = now + self._times.ask_again
            return []
        self.phase = Phase.OPENING
        self.replica = replica
        self.epoch += 1
        self._sent_to = self._next_input = self._next_output = 0
        self._done_to = 0
        self._unacknowledged.clear()
        self._phase_due = now + self._times.open_answer
        return [SendOpen(replica, self.epoch)]

    def add_input(self, kept: Kept, now: float, *, ends_input: bool = False) -> list[Action]:
        """The owner has one more input; it is kept for replay and sent when its turn comes."""
        self._kept.append(kept)
        if ends_input:
            self._input_ended = True
            if self.phase in (Phase.STREAMING, Phase.SUSPECT):
                self._arm_result(now)
        return self._send_more(now)

    def cancel(self) -> list[Action]:
        """The owner has no more use for it."""
        if self.over:
            return []
        actions = self._leave()
        self.phase = Phase.DONE
        return actions

    # What the replica says; the driver drops older epochs before it comes here

    def accepted(self, now: float) -> list[Action]:
        if self.phase is not Phase.OPENING:
            return []
        self.phase = Phase.STREAMING
        self._excluded = frozenset()
        self._behind_to = len(self._kept)
        self._hear(now)
        if self._input_ended:
            self._arm_result(now)
        return self._send_more(now)

    def refused(self, now: float) -> list[Action]:
        """Busy or draining: the next one, at once."""
        if self.phase is not Phase.OPENING or self.replica is None:
            return []
        return self._try_another(now, told=True)

    def output(self, sequence: int, now: float, *, is_result: bool) -> tuple[bool, list[Action]]:
        """A numbered message of this epoch. Says whether to deliver it."""
        if self.phase not in (Phase.STREAMING, Phase.SUSPECT, Phase.FROZEN):
            return False, []
        if sequence != self._next_output:
            return False, self._reopen(now) if sequence > self._next_output else []
        self._next_output += 1
        if self.phase is Phase.FROZEN:
            self._thaw(now)
        self._hear(now)
        if is_result and self._result_due < NEVER:
            self._arm_result(now)
        return True, []

    def acknowledged(self, received_to: int, now: float, done_to: int = 0) -> list[Action]:
        """The replica's next expected input sequence number, and how far its work is.

        Work that goes on is slow, not hung: it moves the result's deadline, up to `slow_factor` times.
        """
        if done_to > self._done_to:
            self._done_to = done_to
            if self._result_due < NEVER and self._result_deadline_s is not None:
                self._result_due = min(self._result_at_most, now + self._result_deadline_s())
        while self._unacknowledged and self._unacknowledged[0][0] < received_to:
            self._unacknowledged.popleft()
        return self._send_more(now)

    def ended(self) -> list[Action]:
        """The replica has said everything."""
        if self.over:
            return []
        self.phase = Phase.DONE
        return [Finish()]

    def failed(self, code: ErrorCode, message: str, now: float) -> list[Action]:
        """The replica cannot go on."""
        if self.over:
            return []
        if code not in RETRYABLE:
            return self._fail(code, message)
        if code is not ErrorCode.GAP:
            self._engine_failures += 1
            if self._engine_failures >= self._times.max_engine_failures:
                return self._fail(code, f"{message} ({self._engine_failures} replicas)")
            if self.replica:
                self._excluded |= {self.replica}
            actions = self._reopen(now, told=True)
            if self._engine_failures > 1:
                # Everybody's engine fails: give whatever they share (a database, a device) a moment.
                self._phase_due = now + self._times.engine_backoff * (self._engine_failures - 1)
                return []
            return actions
        return self._reopen(now, told=True)

    def replica_gone(self, now: float) -> list[Action]:
        """It left, or was started anew."""
        if self.phase in (Phase.OPENING, Phase.STREAMING, Phase.SUSPECT):
            return self._reopen(now, told=True)
        return []

    # Time and the bus

    def tick(self, now: float) -> list[Action]:
        """Clocks that have run out."""
        if self.over or now < self.due:
            return []
        if now >= self.deadline:
            return [*self._leave(), *self._fail(ErrorCode.DEADLINE, "the stream's time is over")]
        if now >= self._result_due and self.phase is not Phase.FROZEN:
            if self._late:
                return [*self._leave(), *self._fail(ErrorCode.DEADLINE, "no result in time, twice")]
            self._late = True
            return self._reopen(now)
        if self._unacknowledged and now >= self._unacknowledged[0][1] + self._times.unacknowledged:
            return self._reopen(now)
        if now < self._phase_due:
            return []
        match self.phase:
            case Phase.PLACING:
                self._phase_due = NEVER
                return [AskPlacement()]
            case Phase.OPENING:
                return self._try_another(now)
            case Phase.STREAMING:
                self.phase = Phase.SUSPECT
                self._phase_due = self._heard_at + self._times.dead
                return [AskProbe()]
            case Phase.SUSPECT:
                # Dead by its silence, unless it is the bus that is silent: the probe must answer first.
                self._phase_due = now + self._times.ask_again
                return [AskProbe()]
            case _:
                return []

    def probed(self, ok: bool, now: float) -> list[Action]:
        """The bus was asked. Results are shared by all streams of the process."""
        if not ok:
            if self.phase in (Phase.STREAMING, Phase.SUSPECT, Phase.OPENING):
                if self.phase is Phase.OPENING:
                    return self._reopen(now)
                self.phase = Phase.FROZEN
            return []
        if self.phase is Phase.FROZEN:
            self._thaw(now)
        elif self.phase is Phase.SUSPECT and now - self._heard_at >= self._times.dead:
            return self._reopen(now)
        return []

    def restart_clocks(self, now: float) -> None:
        """Our own loop was late, or the bus was away: silence until now proves nothing."""
        if self.phase in (Phase.STREAMING, Phase.SUSPECT):
            self._hear(now)
        elif self.phase is Phase.OPENING:
            self._phase_due = now + self._times.open_answer
        self._unacknowledged = deque((sequence, now) for sequence, _ in self._unacknowledged)
        if self._result_due < NEVER:
            self._arm_result(now)

    # Inside

    def _thaw(self, now: float) -> None:
        """The bus is back."""
        self.phase = Phase.STREAMING
        if self._input_ended and self._result_due == NEVER:  # the input ended meanwhile
            self._arm_result(now)
        self.restart_clocks(now)

    def _hear(self, now: float) -> None:
        self._heard_at = now
        self.phase = Phase.STREAMING
        self._phase_due = now + self._times.suspect

    def _arm_result(self, now: float) -> None:
        """A result is due from now on. Who takes over from a replica that broke has all of its work to do first."""
        if self._result_deadline_s is not None:
            takes_over = self.reopened > 0 and not self._late
            deadline_s = self._result_deadline_s() * (self._times.takeover_factor if takes_over else 1.0)
            self._result_due = now + deadline_s
            self._result_at_most = now + self._times.slow_factor * self._result_deadline_s()

    def _send_more(self, now: float) -> list[Action]:
        actions: list[Action] = []
        while self.phase in (Phase.STREAMING, Phase.SUSPECT) and self._sent_to < len(self._kept):
            behind = self._sent_to < self._behind_to
            if behind and len(self._unacknowledged) >= self._times.replay_window:
                break
            end = self._chunk_end() if behind else self._sent_to + 1
            assert self.replica is not None
            actions.append(SendInput(self.replica, self.epoch, self._next_input, self._sent_to, end, behind))
            self._unacknowledged.append((self._next_input, now))
            self._next_input += 1
            self._sent_to = end
            if self._behind_to <= self._sent_to < len(self._kept) and len(self._kept) - self._sent_to > 1:
                self._behind_to = len(self._kept)  # still more than one message behind: stay rationed
        return actions

    def _chunk_end(self) -> int:
        first = self._kept[self._sent_to]
        end, seconds = self._sent_to + 1, first.audio_s
        while first.audio_s and end < len(self._kept):
            following = self._kept[end]
            seconds += following.audio_s
            if not following.audio_s or following.rate_hz != first.rate_hz or seconds > self._times.replay_chunk + 1e-6:
                break
            end += 1
        return end

    def _leave(self) -> list[Action]:
        if self.replica is not None and self.phase not in (Phase.PLACING, Phase.DONE, Phase.FAILED):
            return [SendCancel(self.replica, self.epoch)]
        return []

    def _try_another(self, now: float, *, told: bool = False) -> list[Action]:
        """This opening came to nothing. Not answering costs a cancel: it may have been slow, not deaf."""
        actions = [] if told else self._leave()
        if self.replica:
            self._excluded |= {self.replica}
        self.phase = Phase.PLACING
        self._phase_due = NEVER
        return [*actions, *self.place(now)]

    def _reopen(self, now: float, *, told: bool = False) -> list[Action]:
        actions = [] if told else self._leave()
        if self.replica and not told:
            self._excluded |= {self.replica}
        self.reopened += 1
        self.phase = Phase.PLACING
        self._phase_due = now + self._times.ask_again
        self._result_due = NEVER
        self._unacknowledged.clear()
        return [*actions, AskPlacement()]

    def _fail(self, code: ErrorCode, message: str) -> list[Action]:
        self.phase = Phase.FAILED
        return [Fail(code, message)]
