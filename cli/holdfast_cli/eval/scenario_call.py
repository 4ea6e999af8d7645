"""One scenario played: turns as the gateway would open them, under a frozen clock, until the call is over."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from holdfast_common.contracts.dialogue import Committed, Heard, Sentence, Turn, TurnEntry, TurnKind
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.tools import Booking, BookingState
from holdfast_common.contracts.wire import decoder
from holdfast_common.memory_log import MemoryLog
from holdfast_common.profile import Profile

from holdfast_cli.eval.house import House, service
from holdfast_cli.eval.scenario_caller import Caller, heard_after
from holdfast_cli.eval.scenario_file import Line, Scenario
from holdfast_cli.eval.scenario_world import admission, bookings_of, call_id, fail_what_must, profile_of

MOST_TURNS = 80
TURN_S = 30.0
"""A turn that takes longer has hung."""


@dataclass
class Exchange:
    """What was said to the agent in one turn, what it said, and what stood in the calendar afterwards."""

    n: int
    kind: TurnKind
    said: str
    reply: list[Sentence]
    committed: Committed
    booked: int
    """Meetings of this call that the calendar holds."""
    barged_in: bool = False

    @property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.reply)


@dataclass
class Transcript:
    """A whole call, and what it left behind."""

    exchanges: list[Exchange] = field(default_factory=list)
    ended_by: str = ""
    bookings: list[Booking] = field(default_factory=list)
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    prompt: str = ""
    """What the agent's model is told, and nobody may hear."""
    said: list[str] = field(default_factory=list)
    """By voice: what the caller said, line by line, whatever was heard of it."""
    entries: list[TurnEntry] = field(default_factory=list)

    @property
    def sentences(self) -> list[tuple[Exchange, Sentence]]:
        return [(exchange, sentence) for exchange in self.exchanges for sentence in exchange.reply]

    @property
    def articles(self) -> list[str]:
        """In the order of their first use."""
        used = [x.committed.article for x in self.exchanges] + [s.notes.article for _, s in self.sentences]
        return list(dict.fromkeys(article for article in used if article))

    @property
    def last_entry(self) -> TurnEntry | None:
        spoken = [entry for entry in self.entries if not entry.intent and entry.kind is not TurnKind.ENDED]
        return spoken[-1] if spoken else None


async def play(scenario: Scenario, house: House, profile: Profile) -> Transcript:
    """The scenario's call from its first word to its last."""
    call = _Call(scenario, house, profile)
    try:
        await call.play()
        return await call.finished()
    finally:
        house.dismiss(call.id)


class _Call:
    """The gateway's and the caller's side of one call."""

    def __init__(self, scenario: Scenario, house: House, profile: Profile) -> None:
        self.id = call_id(scenario)
        self._scenario = scenario
        self._house = house
        self._profile = profile_of(profile, scenario)
        self._caller = Caller(scenario.caller.lines)
        self._log = MemoryLog()
        self._down: set[str] = set()
        self._transcript = Transcript()
        self._generation = 1
        self._n = self._sequence = self._silences = 0
        self._snapshot = b""
        self._unlogged: list[bytes] = []
        self._now = scenario.clock.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        house.admit(self.id, self._profile, self._log, **admission(scenario, self._down))

    async def play(self) -> None:
        await self._turn(TurnKind.OPENED)
        while not self._transcript.ended_by and len(self._transcript.exchanges) < MOST_TURNS:
            line = self._caller.next_line(self._last.reply)
            if line is None:
                await self._be_silent(1)
                if self._silences > self._profile.turns.max_silences:
                    break
            else:
                await self._do(line)

    async def finished(self) -> Transcript:
        """The transcript with what the call left in the calendar, the log and the records."""
        if self._transcript.ended_by in ("hangup", "caller", "drop"):
            await self._turn(TurnKind.ENDED)
            self._transcript.exchanges.pop()
        made = self._transcript
        made.bookings = await bookings_of(self.id, self._house, self._generation)
        decode = decoder(TurnEntry).decode
        made.entries = [decode(entry.data) for entry in self._log.entries]
        made.prompt = service("dialogue").prompt(self._profile)
        made.records = service("records").records_of(self.id, self._log.entries)
        return made

    @property
    def _last(self) -> Exchange:
        return self._transcript.exchanges[-1]

    async def _do(self, line: Line) -> None:
        if line.reconnect_after_s is not None:
            await self._resume()
            if line.say and not self._transcript.ended_by:
                await self._say(line)
            return
        if line.say or line.pick:
            await self._say(line)
        elif line.silence_ms:
            await self._be_silent(int(line.silence_ms / 1000 // self._profile.turns.silence_prompt_s))
        if line.drop_connection and not self._transcript.ended_by:
            following = self._caller.next_line([])
            if following is not None and following.reconnect_after_s is not None:
                await self._do(following)
            else:
                self._transcript.ended_by = "drop"
        elif line.hang_up and not self._transcript.ended_by:
            self._transcript.ended_by = "hangup"

    async def _say(self, line: Line) -> None:
        self._silences = 0
        heard = None
        if line.barge_in_ms is not None:
            heard = heard_after(self._last.reply, self._last.n, line.barge_in_ms)
        words = line.say or f"the {('first', 'second', 'third')[(line.pick or 1) - 1]} one"
        await self._turn(TurnKind.SPOKEN, words, heard=heard, language=line.lang or "en")
        self._last.barged_in = heard is not None

    async def _be_silent(self, times: int) -> None:
        for _ in range(times):
            if self._transcript.ended_by:
                return
            self._silences += 1
            await self._turn(TurnKind.SILENCE, silences=self._silences)

    async def _resume(self) -> None:
        """Another gateway takes the call over: it has nothing but the log."""
        self._generation += 1
        self._n, self._sequence, self._snapshot, self._unlogged = 0, 0, b"", []
        await self._turn(TurnKind.RESUMED)

    async def _turn(
        self,
        kind: TurnKind,
        text: str = "",
        *,
        heard: Heard | None = None,
        silences: int = 0,
        language: str = "en",
    ) -> None:
        fail_what_must(self._scenario, len(self._transcript.exchanges), self._down)
        turn = Turn(
            n=self._n,
            kind=kind,
            now=self._now,
            text=text,
            heard=heard,
            silences=silences,
            language=language,
            snapshot=self._snapshot,
            log_sequence=self._sequence,
            unlogged=self._unlogged,
        )
        reply, committed = await self._think(turn)
        self._n, self._snapshot = committed.n + 1, committed.snapshot
        self._sequence, self._unlogged = committed.log_sequence, committed.unlogged
        booked = sum(
            booking.state is BookingState.BOOKED
            for booking in await bookings_of(self.id, self._house, self._generation)
        )
        self._transcript.exchanges.append(Exchange(committed.n, kind, text, reply, committed, booked))
        if committed.ends_call and not self._transcript.ended_by:
            self._transcript.ended_by = "agent" if kind is TurnKind.SILENCE else "caller"

    async def _think(self, turn: Turn) -> tuple[list[Sentence], Committed]:
        stream = self._house.opener.open(
            Service.DIALOGUE, lambda: turn, call=self.id, generation=self._generation, ends_input=True
        )
        reply: list[Sentence] = []
        try:
            async with asyncio.timeout(TURN_S):
                async for result in stream:
                    if isinstance(result, Committed):
                        return reply, result
                    reply.append(result)
        finally:
            stream.cancel()
        raise RuntimeError(f"{self._scenario.id}: the dialogue ended turn {turn.n} without committing it")
