"""Whose turn it is: the floor, as a pure machine over media time.

It is told what each 32 ms window was (`window`), that media time has passed (`frame`), what words
came (`words`) and what the agent is doing (`agent`); it answers with what is to be done. Time is
the sample count of the caller's audio, so a simulation runs as fast as it can and a stalled line
stalls the floor with it. It knows no words, no recogniser, no clock and no socket.

The voice (TRANSITIONS below is this drawing):

            ONSET: begin                      PAUSE: pause
    SILENT ─────────────► SPEAKING ──────────────────────────► PAUSED
      ▲                    ▲  │  ▲ │ FULL (15 s): end, begin      │ │ │
      │                    │  │  └─┘        ◄──── VOICE: on ──────┘ │ │
      │                    │  │                                     │ │
      │                    │  │ OVER: end, over          OVER: end, │ │ LONG (a pause after
      ├────────────────────┼──┴───────────────── over ◄─────────────┘ │ 12 s): end
      │      OVER: over    │ ONSET: begin                             ▼
      └────────────────────┴──────────────────────────────────────── LULL   (FULL in a young pause: LONG as well)

LULL: the utterance was ended, the turn goes on. LIMIT (a turn of 60 s) ends both from anywhere.

The agent's voice under it:

    FREE ──(speech for hold_ms while it speaks; any while it thinks or has just begun): Hold──► HELD
    HELD ──(words): Interrupt──► TAKEN              HELD ──(a back-channel, noise, nothing): Resume──► LET
    LET  ──(words after all): Interrupt──► TAKEN    TAKEN, LET ──(the caller's next turn)──► FREE
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from holdfast_gateway.domain.floor_actions import (
    Action,
    Asked,
    Began,
    Ended,
    Hold,
    Interrupt,
    Paused,
    Resume,
    TurnOver,
    WentOn,
)
from holdfast_gateway.domain.levels import Voiced

NEVER = 1 << 62
"""A sample that no call reaches."""


class Voice(StrEnum):
    SILENT = "silent"
    SPEAKING = "speaking"
    PAUSED = "paused"
    LULL = "lull"


class Event(StrEnum):
    ONSET = "onset"
    PAUSE = "pause"
    VOICE = "voice"
    LONG = "long"
    FULL = "full"
    OVER = "over"
    LIMIT = "limit"


class Agent(Enum):
    """What the agent is doing, from the floor's side."""

    QUIET = "quiet"
    THINKING = "thinking"
    """A reply is on its way; nothing sounds now."""
    SPEAKING = "speaking"


class Contest(StrEnum):
    FREE = "free"
    HELD = "held"
    LET = "let"
    TAKEN = "taken"


class Words(Enum):
    """What was recognised, as far as the floor cares."""

    NONE = 0
    BACK_CHANNEL = 1
    SOME = 2


@dataclass(frozen=True, slots=True)
class FloorRule:
    """Durations in ms of media time."""

    begin_windows: int = 2
    """Windows of speech in a row (32 ms each) that begin an utterance: "no" has four, a click one."""
    preroll_ms: int = 350
    """Audio given to the recogniser from before the first voiced sample."""
    pause_ms: int = 200
    hold_ms: int = 200
    begun_ms: int = 300
    """A reply has just begun for so long: who speaks then is going on with what they were saying."""
    recent_ms: int = 90
    """Voice this fresh is going on now (a window, the frame, silero's own delay)."""
    decide_ms: int = 700
    """A hold is decided this long after it, unless no words came at all and the voice goes on or the final is due."""
    ask_ms: int = 500
    """... and so long after it the recogniser is asked what it has, if it has said nothing and the voice goes on."""
    undecided_ms: int = 5_000
    """... of a recogniser that does not answer either."""
    veto_ms: int = 500
    """How long the detector alone may keep a turn open beyond the endpoint ..."""
    veto_to_ms: int = 1_000
    """... but only up to so much silence."""
    cut_pause_after_ms: int = 12_000
    cut_ms: int = 15_000
    turn_limit_ms: int = 60_000
    speech: float = 0.5


TRANSITIONS: dict[tuple[Voice, Event], tuple[Voice, tuple[str, ...]]] = {
    (Voice.SILENT, Event.ONSET): (Voice.SPEAKING, ("new_turn", "begin")),
    (Voice.LULL, Event.ONSET): (Voice.SPEAKING, ("begin",)),
    (Voice.SPEAKING, Event.PAUSE): (Voice.PAUSED, ("pause",)),
    (Voice.PAUSED, Event.VOICE): (Voice.SPEAKING, ("on",)),
    (Voice.PAUSED, Event.LONG): (Voice.LULL, ("end",)),
    (Voice.SPEAKING, Event.LONG): (Voice.LULL, ("end",)),
    (Voice.SPEAKING, Event.FULL): (Voice.SPEAKING, ("cut", "begin_at_cut")),
    (Voice.SPEAKING, Event.OVER): (Voice.SILENT, ("end", "over")),
    (Voice.PAUSED, Event.OVER): (Voice.SILENT, ("end", "over")),
    (Voice.LULL, Event.OVER): (Voice.SILENT, ("over",)),
    (Voice.SPEAKING, Event.LIMIT): (Voice.SILENT, ("cut", "limit")),
    (Voice.PAUSED, Event.LIMIT): (Voice.SILENT, ("end", "over")),
    (Voice.LULL, Event.LIMIT): (Voice.SILENT, ("over",)),
}


class Floor:
    """The floor of one leg with audio."""

    def __init__(self, rate_hz: int, endpoint_ms: int, rule: FloorRule | None = None) -> None:
        self.rule = rule or FloorRule()
        self.endpoint_ms = endpoint_ms
        """Silence that ends the turn; its owner moves it with what is expected and what was said."""
        self.voice = Voice.SILENT
        self.contest = Contest.FREE
        self._ms = rate_hz // 1000
        self._frame = 20 * self._ms
        self._agent = Agent.QUIET
        self._replied_at: int | None = -NEVER
        """When the reply to the caller's last turn began; None: it has not."""
        self._now = 0
        self._may_go_on = False
        self._run = 0
        """Windows of speech in a row."""
        self._onset: int | None = None
        """First voiced sample of the present run."""
        self._voiced_from = 0
        self._voiced_to = 0
        self._utterance = -1
        self._utterance_from = 0
        self._given_to = 0
        """No sample before this is given to another utterance."""
        self._turn_from = 0
        self._turn_is_new = False
        self._words = Words.NONE
        self._held_at = 0
        self._was_told = self._was_asked = False
        """The recogniser has said something since the hold, be it that there are no words; it was asked for that."""
        self._over_at = 0
        self._actions: list[Action] = []

    @property
    def is_silent(self) -> bool:
        """Nobody is in the middle of a turn."""
        return self.voice is Voice.SILENT

    @property
    def agent_speaks(self) -> bool:
        """The agent's voice sounds, or is held."""
        return self._agent is Agent.SPEAKING

    @property
    def voiced_to(self) -> int:
        """The last voiced sample so far."""
        return self._voiced_to

    @property
    def yields_at_once(self) -> bool:
        """Any voice would hold the agent now, however short: it thinks, or its reply has just begun."""
        is_free = self.contest is Contest.FREE and self._agent is not Agent.QUIET
        return is_free and (self._agent is Agent.THINKING or self._has_just_begun)

    @property
    def _has_just_begun(self) -> bool:
        return self._replied_at is not None and self._now - self._replied_at < self.rule.begun_ms * self._ms

    @property
    def needed_at(self) -> int:
        """Sample before which, as things stand, nothing is decided: verdicts on windows may wait until then."""
        rule, voice, at = self.rule, self.voice, NEVER
        if voice is Voice.SPEAKING:
            silent = self._voiced_to + min(rule.pause_ms, self.endpoint_ms) * self._ms
            at = min(silent, self._utterance_from + rule.cut_ms * self._ms)
        elif voice is Voice.PAUSED:
            silent = self._voiced_to + self.endpoint_ms * self._ms
            at = min(silent, self._utterance_from + rule.cut_pause_after_ms * self._ms)
        elif voice is Voice.LULL:
            at = self._voiced_to + self.endpoint_ms * self._ms
        if self._agent is not Agent.QUIET and self.contest is Contest.FREE:
            began = self._onset if voice is Voice.SILENT else self._voiced_from
            if began is not None:
                at = min(at, began + rule.hold_ms * self._ms)
        elif self.contest is Contest.HELD:
            at = min(at, self._held_at + rule.decide_ms * self._ms)
        return at

    def window(self, probability: float, voiced: Voiced | None, *, may_go_on: bool = False) -> list[Action]:
        """A window has its verdict. Windows come in order. `may_go_on`: the caller may still be heard in it."""
        self._may_go_on = may_go_on
        if probability >= self.rule.speech:
            self._run += 1
            if voiced and self._onset is None:
                # Speech counts from the frame in which it began: what is decided, is decided by frames.
                self._onset = voiced.start // self._frame * self._frame
        else:
            self._run, self._onset = 0, None
        if self.voice in (Voice.SILENT, Voice.LULL):
            if self._run >= self.rule.begin_windows and voiced and self._onset is not None:
                self._voiced_from, self._voiced_to = self._onset, voiced.end
                self._on(Event.ONSET)
        elif voiced:
            self._voiced_to = max(self._voiced_to, voiced.end)
            if self.voice is Voice.PAUSED and not self._quiet_for(self.rule.pause_ms):
                self._on(Event.VOICE)
        return self._take()

    def frame(self, now: int) -> list[Action]:
        """Media time is `now` (samples): a frame has come, and every window within it had its verdict."""
        self._now = now
        if self.voice is not Voice.SILENT:
            self._pass_time()
        self._weigh()
        return self._take()

    def words(self, words: Words) -> list[Action]:
        """What the recogniser has of the caller's present turn, or of the one just over."""
        self._words, self._was_told = max(self._words, words, key=lambda w: w.value), True
        if self._words is Words.SOME and self._agent is not Agent.QUIET and self.contest is not Contest.TAKEN:
            if self.contest is not Contest.HELD:
                self._hold()
            self._interrupt()
        return self._take()

    def answered(self, words: Words) -> list[Action]:
        """The recogniser has answered the present pause: a hold is decided on what it has."""
        actions = self.words(words)
        if self._agent is Agent.SPEAKING and self.contest is Contest.HELD and self.voice is not Voice.SPEAKING:
            self._resume()
        return actions + self._take()

    def settled(self) -> list[Action]:
        """The caller's turn is over and all its words were told: a hold is decided now."""
        if self.contest is Contest.HELD and self.voice is Voice.SILENT:
            self._resume()
        return self._take()

    def agent(self, state: Agent, now: int | None = None) -> list[Action]:
        """The agent has begun or stopped to do something, at this sample (None: at the last frame that was judged).

        A held voice still counts as speaking.
        """
        self._agent = state
        if state is Agent.SPEAKING and self._replied_at is None:
            self._replied_at = self._now if now is None else now
        if state is Agent.QUIET and self.contest is Contest.HELD:
            self._resume()
        return self._take()

    def _quiet_for(self, ms: int) -> bool:
        return self._now - self._voiced_to >= ms * self._ms

    def _pass_time(self) -> None:
        """Derive the event that the passing of time makes; the table says what it means."""
        rule = self.rule
        length = self._now - self._utterance_from
        if self._quiet_for(self.endpoint_ms) and not self._is_vetoed():
            self._on(Event.OVER)
        elif self._now - self._turn_from >= rule.turn_limit_ms * self._ms:
            self._on(Event.LIMIT)
        elif self.voice is not Voice.LULL and length >= rule.cut_ms * self._ms:
            # With the voice just gone there is nothing to go on with: the next utterance begins with the next sound.
            self._on(Event.LONG if self._quiet_for(rule.recent_ms) else Event.FULL)
        elif self.voice is Voice.SPEAKING and self._quiet_for(rule.pause_ms):
            self._on(Event.PAUSE)
        elif self.voice is Voice.PAUSED and length >= rule.cut_pause_after_ms * self._ms:
            self._on(Event.LONG)

    def _is_vetoed(self) -> bool:
        """The detector still hears speech where no level stands out: that may be a weak voice, for a while."""
        rule = self.rule
        until_ms = min(self.endpoint_ms + rule.veto_ms, max(self.endpoint_ms, rule.veto_to_ms))
        return self._may_go_on and not self._quiet_for(until_ms)

    def _weigh(self) -> None:
        """Hold the agent's voice, and let it go on where the hold was for nothing."""
        rule = self.rule
        talking = self.voice in (Voice.SPEAKING, Voice.PAUSED) and not self._quiet_for(rule.recent_ms)
        if self.contest is Contest.FREE and talking and self._agent is not Agent.QUIET:
            spoken = self._now - self._voiced_from >= rule.hold_ms * self._ms
            if spoken or self._has_just_begun or self._agent is Agent.THINKING:
                self._hold()
        elif self.contest is Contest.HELD:
            held = self._now - self._held_at
            # A recogniser that is late or away says nothing; talking over the caller then would be worse than waiting.
            going_on = self.voice is not Voice.SILENT or self._now - self._over_at < rule.decide_ms * self._ms
            is_open = going_on and self._words is Words.NONE and not self._was_told
            if is_open and self.voice is Voice.SPEAKING and held >= rule.ask_ms * self._ms and not self._was_asked:
                self._was_asked = True
                self._actions.append(Asked(self._utterance, self._now))
            waits = is_open and held < rule.undecided_ms * self._ms
            if held >= rule.decide_ms * self._ms and not waits:
                self._resume()

    def _on(self, event: Event) -> None:
        self.voice, steps = TRANSITIONS[self.voice, event]
        for step in steps:
            getattr(self, f"_do_{step}")()

    def _do_new_turn(self) -> None:
        self._turn_from = self._voiced_from
        self._turn_is_new = True
        if self.contest is not Contest.HELD:
            self.contest = Contest.FREE
        self._words = Words.NONE

    def _do_begin(self) -> None:
        start = max(0, self._voiced_from - self.rule.preroll_ms * self._ms)
        self._begin(max(start // self._frame * self._frame, self._given_to))

    def _do_begin_at_cut(self) -> None:
        self._begin(self._now)

    def _begin(self, start: int) -> None:
        self._utterance += 1
        self._utterance_from = start
        self._actions.append(Began(self._utterance, start, new_turn=self._turn_is_new))
        self._turn_is_new = False

    def _do_pause(self) -> None:
        self._actions.append(Paused(self._utterance, self._voiced_to))

    def _do_on(self) -> None:
        self._actions.append(WentOn(self._utterance))

    def _do_end(self) -> None:
        self._given_to = self._now
        self._actions.append(Ended(self._utterance, max(self._voiced_to, self._utterance_from)))

    def _do_cut(self) -> None:
        self._given_to = self._now
        self._actions.append(Ended(self._utterance, self._now))

    def _do_over(self) -> None:
        self._over_at = self._now
        if self._agent is not Agent.SPEAKING:  # over the agent's voice it was no turn that is replied to
            self._replied_at = None
        self._actions.append(TurnOver(self._voiced_to, self._now, forced=False))

    def _do_limit(self) -> None:
        self._run, self._onset, self._over_at = 0, None, self._now
        self._actions.append(TurnOver(self._now, self._now, forced=True))

    def _hold(self) -> None:
        self.contest = Contest.HELD
        self._held_at, self._was_told, self._was_asked = self._now, False, False
        self._actions.append(Hold())

    def _resume(self) -> None:
        self.contest = Contest.LET
        self._actions.append(Resume())

    def _interrupt(self) -> None:
        self.contest = Contest.TAKEN
        self._actions.append(Interrupt())

    def _take(self) -> list[Action]:
        actions, self._actions = self._actions, []
        return actions
