"""What one call tells: events for whoever watches, facts for the log, the stages of each turn."""

from __future__ import annotations

import asyncio
from typing import Any

from holdfast_common import telemetry
from holdfast_common.contracts.dialogue import Committed, Heard, MediaEntry
from holdfast_common.contracts.watch import Watch, WatchEvent

from holdfast_gateway.facts import Facts, instant
from holdfast_gateway.ports import Arrival, Leg
from holdfast_gateway.stages import Stages
from holdfast_gateway.thinking import OpenTurn
from holdfast_gateway.tracing import TurnTrace


class Teller:
    """The voice of one call towards people and records; never waits."""

    def __init__(self, facts: Facts, leg: Leg, arrival: Arrival) -> None:
        self._facts = facts
        self._leg = leg
        self._arrival = arrival
        self._now = asyncio.get_running_loop().time
        self._stages: dict[int, Stages] = {}
        self._committed: dict[int, Committed] = {}
        """Turns whose report waits for their first sound."""
        self._unwritten: dict[int, dict[str, float]] = {}
        """Stages of turns that are reported and go to the log with what was heard of them: one entry a turn."""
        self._traces: dict[int, Stages] = {}
        """Turns that were opened and are not over."""
        self._withdrawn: TurnTrace | None = None
        self._clips_at: list[float] = []
        """When clips sounded since the last reply did."""

    def watch(self, event: WatchEvent, **fields: Any) -> None:
        self._facts.tell(Watch(call=self._arrival.call, event=event, at=instant(), **fields))

    def fact(self, event: str, **fields: Any) -> None:
        self._facts.tell(
            MediaEntry(
                call=self._arrival.call,
                generation=self._arrival.generation,
                at=instant(),
                event=event,
                leg=self._leg.kind,
                channel=self._leg.channel,
                **fields,
            )
        )

    def begin_turn(self) -> TurnTrace:
        """Something begins that will be a turn, or nothing: whoever asks ends it, or hands it on with its stages."""
        return TurnTrace(self._arrival.call, self._arrival.generation)

    def turn_opened(self, turn: OpenTurn, stages: Stages) -> None:
        """A call has at most one open turn, so what was before is over."""
        self.turns_over()
        self._stages[turn.n] = self._traces[turn.n] = stages
        if stages.trace is not None:
            stages.trace.note(turn=turn.n, attempt=turn.attempt, kind=turn.prompt.kind.value)
            if turn.attempt and self._withdrawn is not None:
                stages.trace.follows(self._withdrawn)

    def interrupted(self, n: int) -> None:
        if n in self._traces and (trace := self._traces[n].trace) is not None:
            trace.note(interrupted=True)

    def turn_over(self, n: int, outcome: str, *, failed: bool = False) -> None:
        """It will not be heard of again; `outcome` is a constant."""
        stages = self._traces.pop(n, None)
        if stages is not None and stages.trace is not None:
            if outcome == "withdrawn":
                self._withdrawn = stages.trace
            stages.trace.note(**{f"stage.{name}_ms": ms for name, ms in stages.ms().items()})
            stages.trace.end(outcome, failed=failed, moments=stages.moments())

    def turns_over(self) -> None:
        """Everything that was said is heard, or was cut."""
        for n in list(self._traces):
            self.turn_over(n, "over")
        for n in list(self._unwritten):
            self.turn_heard(n, None)

    def turn_heard(self, n: int, heard: Heard | None) -> None:
        """Nothing more of it will sound: what the log should know of it is known."""
        stages = self._unwritten.pop(n, {})
        if stages or heard is not None:
            self.fact("turn", turn=n, heard=heard, stages_ms=stages)

    def first_sentence(self, n: int) -> None:
        stages = self._stages.get(n)
        if stages is not None and stages.sentence is None:
            stages.sentence = self._now()

    def first_audio(self, n: int) -> None:
        stages = self._stages.get(n)
        if stages is not None and stages.audio is None:
            stages.audio = self._now()

    def first_sound(self, n: int, in_s: float) -> None:
        stages = self._stages.get(n)
        if stages is not None and stages.audible is None:
            stages.audible = self._now() + in_s
            stages.bridged(self._clips_at)
            self._clips_at.clear()
            took = stages.ms()
            if "v2v" in took:
                telemetry.V2V_MS.record(took["v2v"])
            if n in self._committed:
                self._report(n)

    def clip_sounds(self, in_s: float) -> None:
        """A clip's first audible sample goes out in a moment: it bridges the wait for whatever is said next."""
        self._clips_at.append(self._now() + in_s)

    def turn_committed(self, n: int, committed: Committed, *, will_sound: bool) -> None:
        """Report it, with its stages: at once, or when it sounds."""
        telemetry.TURNS.add(1, {"route": committed.route})
        if n in self._traces and (trace := self._traces[n].trace) is not None:
            trace.note(route=committed.route)
        self._committed[n] = committed
        stages = self._stages.get(n)
        if stages is None or stages.audible is not None or not will_sound:
            self._report(n)

    def _report(self, n: int) -> None:
        committed = self._committed.pop(n)
        stages = self._stages.pop(n, Stages()).ms()
        for name, ms in stages.items():
            telemetry.STAGE_MS.record(ms, {"stage": name})
        self.watch(
            WatchEvent.TURN,
            turn=n,
            route=committed.route,
            article=committed.article,
            answered=committed.answered,
            stages_ms=stages,
        )
        self._unwritten[n] = stages
