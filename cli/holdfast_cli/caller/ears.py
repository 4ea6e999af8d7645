"""What the caller understands: the agent's sentences and what they ask for, from the call's watch subject.

A person knows from the words what is being asked; a simulated caller is told by the events that any
console may see. *When* something was said is still taken from the caller's own playout buffer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
from holdfast_common import subjects
from holdfast_common.bus import Bus, BusMessage, Lane
from holdfast_common.contracts.dialogue import Proposal
from holdfast_common.contracts.watch import Watch, WatchEvent
from holdfast_common.contracts.wire import decoder
from holdfast_common.hashing import call_id

from holdfast_cli.caller.script import AgentTurn

Judge = Callable[[Proposal], str]
"""What the caller thinks of a booking that is read back: `right`, or what is wrong with it."""


def content(_: Proposal) -> str:
    """The caller who is happy with everything."""
    return "right"


@dataclass(slots=True)
class Exchange:
    """What became of one line of the caller, or (the first one) of the greeting."""

    heard: list[str] = field(default_factory=list)
    """The words of the caller's turns as they went to the dialogue."""
    sentences: list[Watch] = field(default_factory=list)
    turns: list[Watch] = field(default_factory=list)
    """Committed turns: route, article, stages."""
    finals: set[int] = field(default_factory=set)
    answered_last: bool = True
    """No words have come after the last committed turn."""
    interrupted: bool = False

    def agent_turn(self, judge: Judge) -> AgentTurn:
        """For the script: what was said and asked."""
        proposals = [s.notes.proposal for s in self.sentences if s.notes.proposal is not None]
        return AgentTurn(
            sentences=tuple(s.text for s in self.sentences),
            asks=frozenset(s.asks for s in self.sentences if s.asks),
            offers_times=any(s.notes.openings for s in self.sentences),
            proposes=judge(proposals[-1]) if proposals else "",
            articles=frozenset(a for s in (*self.sentences, *self.turns) for a in (s.article, s.notes.article) if a),
        )

    @property
    def committed(self) -> bool:
        """Every turn that the caller's words opened is over."""
        done = {turn.turn for turn in self.turns}
        return bool(done) and self.finals <= done


class Ears:
    """Listens to one call."""

    def __init__(self, call_sid: str, on_event: Callable[[Watch], None] = lambda _: None) -> None:
        self.call = call_id("twilio", call_sid)
        self.now = Exchange()
        """The exchange that is going on."""
        self.ended = False
        self.listening = False
        self.proposals: list[Proposal] = []
        self._on_event = on_event
        self._decode = decoder(Watch).decode

    async def listen(self, bus: Bus) -> None:
        await bus.subscribe(subjects.watch(self.call), self.take, lane=Lane.CONTROL)
        self.listening = True

    def next_line(self) -> Exchange:
        """The caller begins a new line: what comes from here on belongs to it. Returns its exchange."""
        self.now = Exchange()
        return self.now

    def take(self, message: BusMessage) -> None:
        """One event of the call."""
        with contextlib.suppress(msgspec.MsgspecError):
            event = self._decode(message.data)
            self._sort(event)
            self._on_event(event)

    def _sort(self, event: Watch) -> None:
        match event.event:
            case WatchEvent.FINAL:
                self.now.heard.append(event.text)
                self.now.finals.add(event.turn)
                self.now.answered_last = False
            case WatchEvent.SENTENCE:
                self.now.sentences.append(event)
                if event.notes.proposal is not None:
                    self.proposals.append(event.notes.proposal)
            case WatchEvent.TURN:
                self.now.turns.append(event)
                self.now.answered_last = True
            case WatchEvent.INTERRUPTED:
                self.now.interrupted = True
            case WatchEvent.ENDED:
                self.ended = True
            case _:
                pass
