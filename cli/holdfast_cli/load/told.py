"""What the system says of its own turns, to hold against what the callers got: their stages, from the watch events."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from holdfast_common import subjects
from holdfast_common.bus import Bus, BusMessage, Lane
from holdfast_common.contracts.watch import Watch, WatchEvent
from holdfast_common.contracts.wire import decoder
from holdfast_common.hashing import call_id

from holdfast_cli.load.talk import TurnTaken

STAGES = ("endpointing", "asr", "dialogue", "tts", "playout")


@dataclass(slots=True)
class ToldTurn:
    """One committed turn by the system's own account."""

    n: int
    stages_ms: dict[str, float]


@dataclass(slots=True)
class Told:
    """Listens to all calls of the bus; keeps the turns of ours."""

    turns: dict[str, list[ToldTurn]] = field(default_factory=dict)
    """By call id."""

    async def listen(self, bus: Bus, call_sids: Iterable[str]) -> None:
        self.turns = {call_id("twilio", sid): [] for sid in call_sids}
        decode = decoder(Watch).decode

        def on_event(message: BusMessage) -> None:
            with contextlib.suppress(msgspec.MsgspecError):
                event = decode(message.data)
                if event.event is WatchEvent.TURN and event.call in self.turns and event.stages_ms:
                    self.turns[event.call].append(ToldTurn(event.turn, event.stages_ms))

        await bus.subscribe(subjects.WATCH_ALL, on_event, lane=Lane.CONTROL)

    def of(self, call_sid: str) -> list[ToldTurn]:
        return self.turns.get(call_id("twilio", call_sid), [])

    def beside(self, call_sid: str, turns: Iterable[TurnTaken]) -> list[tuple[float, float]]:
        """Pairs of voice-to-voice latency in ms, as told and as heard.

        Reports and spoken turns are told apart by their order alone, so a call of which there are more or fewer
        reports than turns gives none.
        """
        spoken = [turn for turn in turns if turn.ended is not None]
        reports = sorted((t for t in self.of(call_sid) if "v2v" in t.stages_ms), key=lambda told: told.n)
        if len(reports) != len(spoken):
            return []
        return [
            (told.stages_ms["v2v"], (turn.answered - turn.ended) * 1_000)
            for told, turn in zip(reports, spoken, strict=True)
            if turn.ended is not None and turn.answered is not None and not turn.premature
        ]
