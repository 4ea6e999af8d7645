"""One scenario played by voice: the caller's lines are spoken into the gateway, and everything else is heard.

The caller is a patient person: they wait for the agent to finish (unless the scenario has them talk over it), say a
line again when it was not heard at all or the agent asks for it again, answer what is asked again, and put right what
is read back wrong (`spoken_person` says what they go by). Who the second person on the line is, the scenario says
(`speaker`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC
from typing import Any

from holdfast_common.contracts.dialogue import Committed, Sentence, Turn, TurnEntry, TurnKind
from holdfast_common.contracts.tools import BookingState
from holdfast_common.contracts.wire import decoder
from holdfast_common.memory_log import MemoryLog
from holdfast_common.pcm import from_float
from holdfast_common.profile import Profile

from holdfast_cli.eval.dialogue_tap import DialogueTap
from holdfast_cli.eval.house import service
from holdfast_cli.eval.scenario_call import Exchange, Transcript
from holdfast_cli.eval.scenario_caller import Caller, slots_asked
from holdfast_cli.eval.scenario_file import Line, Scenario, ScenarioError
from holdfast_cli.eval.scenario_world import admission, bookings_of, call_id, fail_what_must, profile_of
from holdfast_cli.eval.spoken_house import SpokenHouse
from holdfast_cli.eval.spoken_line import QUIET_LINE_DB
from holdfast_cli.eval.spoken_line import Line as PhoneLine
from holdfast_cli.eval.spoken_person import Person

LOOK_S = 0.05
SETTLED_S = 0.4
"""The agent has finished when nothing has sounded or been thought for so long."""
PATIENCE_S = 90.0
"""Longest wait for the agent to finish."""
ANSWER_S = 25.0
"""Longest wait for anything to come of a line: the agent's own patience is shorter."""
REACTION_S = 0.3
MOST_AGAIN = 2
"""How often a line is said again."""
GIVES_UP_AFTER = 8
"""Who is not understood so often in a row hangs up."""
MOST_EXCHANGES = 80


async def play(scenario: Scenario, spoken: SpokenHouse, profile: Profile) -> Transcript:
    """The scenario's call from its first sound to its last."""
    call = _SpokenCall(scenario, spoken, profile)
    try:
        return await call.play()
    finally:
        spoken.house.dismiss(call.id)


class _SpokenCall:
    """The caller's side of one spoken call."""

    def __init__(self, scenario: Scenario, spoken: SpokenHouse, profile: Profile) -> None:
        self.id = call_id(scenario)
        self._scenario = scenario
        self._spoken = spoken
        self._profile = profile_of(profile, scenario)
        self._caller = Caller(scenario.caller.lines)
        self._people: list[str] = []
        self._mind = Person(scenario)
        self._log = MemoryLog()
        self._down: set[str] = set()
        self._made = Transcript()
        now = scenario.clock.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._tap = DialogueTap(now, self._take, self._before_turn)
        spoken.house.admit(
            self.id, self._profile, self._log, around=self._tap.around, **admission(scenario, self._down)
        )
        self._told = 0
        """Exchanges that the caller has reacted to."""
        self._generation = 0
        self._leg: Any = None
        self._serving: asyncio.Task[Any]

    async def play(self) -> Transcript:
        async with self._spoken.gateway(self._profile, self._log) as gateway:
            self._gateway = gateway
            await self._dial()
            try:
                await self._talk()
                await self._hang_up()
            finally:
                self._serving.cancel()
                await asyncio.gather(self._serving, return_exceptions=True)
        return await self._finished()

    async def _talk(self) -> None:
        await self._until_answered()
        while not self._made.ended_by and len(self._made.exchanges) < MOST_EXCHANGES:
            if self._in_vain():
                self._made.ended_by = "hangup"
                break
            reply = self._new_reply()
            if (words := self._beyond_the_lines(reply)) is not None:
                await self._say(words, person=self._person(""))
            elif (line := self._next_line(reply)) is not None:
                self._mind.said(line)
                await self._do(line)
            elif self._over:
                self._notice_end()
            elif not await self._until(lambda: self._over, self._profile.turns.silence_prompt_s * 2 + ANSWER_S):
                await self._until_answered()
                if sum(x.kind is TurnKind.SILENCE for x in self._made.exchanges[-3:]) >= 3:
                    break

    # -- what the caller does

    async def _do(self, line: Line) -> None:
        if line.reconnect_after_s is not None:
            await asyncio.sleep(line.reconnect_after_s)
            await self._dial()
            await self._until_answered()
        if line.say or line.pick:
            words = line.say or f"the {('first', 'second', 'third')[(line.pick or 1) - 1]} one"
            if line.barge_in_ms is None:
                await self._say(words, person=self._person(line.speaker))
            else:
                await self._until_sounding()
                await asyncio.sleep(line.barge_in_ms / 1000)
                await self._say(words, person=self._person(line.speaker))
                self._made.exchanges[-1].barged_in = True
        elif line.silence_ms:
            await asyncio.sleep(line.silence_ms / 1000)
            await self._until_quiet()
        if line.drop_connection and not self._over:
            self._leg.lose()
            await asyncio.wait({self._serving})
            following = self._caller.next_line([])
            if following is not None and following.reconnect_after_s is not None:
                await self._do(following)
            else:
                self._made.ended_by = "drop"
        elif line.hang_up and not self._over:
            self._made.ended_by = "hangup"

    async def _say(self, words: str, person: int = 0) -> None:
        """Speak, and wait for what comes of it; again where nobody understood."""
        for _ in range(1 + MOST_AGAIN):
            await asyncio.sleep(REACTION_S)
            before = len(self._made.exchanges)
            self._leg.speak(from_float(await self._spoken.say(words, person)))
            self._made.said.append(words)
            await self._until(lambda: not self._leg.is_speaking or self._over, PATIENCE_S)
            await self._until(lambda before=before: len(self._made.exchanges) > before or self._over, ANSWER_S)
            await self._until_answered()
            new = self._made.exchanges[before:]
            unheard = bool(new) and all(x.kind is TurnKind.SILENCE for x in new)
            asked_again = "repeat" in slots_asked([s for x in new for s in x.reply])
            if self._over or not (unheard or asked_again):
                return

    def _beyond_the_lines(self, reply: list[Sentence]) -> str | None:
        """A wrong read-back is put right at once; what was asked is answered unless a line waits for it."""
        coming = self._caller.coming(reply)
        if coming is not None and coming.barge_in_ms is not None:
            return None
        correction = self._mind.puts_right(reply)
        if correction is not None:
            return correction
        waits = coming is not None and coming.when is not None and "confirm_booking" not in slots_asked(reply)
        return None if waits else self._mind.answers(reply)

    def _in_vain(self) -> bool:
        """The agent has understood nothing for a long time."""
        last = self._made.exchanges[-GIVES_UP_AFTER:]
        return len(last) == GIVES_UP_AFTER and all("repeat" in slots_asked(x.reply) for x in last)

    def _next_line(self, reply: list[Sentence]) -> Line | None:
        """As in text; but who is asked for more, and still has something on their mind, says that."""
        unsaid = self._caller.unsaid()
        if unsaid is not None and "anything_else" in slots_asked(reply):
            return self._caller.take(unsaid)
        return self._caller.next_line(reply)

    def _person(self, speaker: str) -> int:
        if speaker not in self._people:
            self._people.append(speaker)
        return self._people.index(speaker)

    # -- the connection

    async def _dial(self) -> None:
        audio = self._scenario.audio
        noise = str(audio.get("noise") or "none")
        snr_db = QUIET_LINE_DB if noise == "none" else float(audio.get("snr_db") or 20.0)
        line = PhoneLine(await self._spoken.noise(noise), snr_db)
        self._generation += 1
        self._leg, self._serving = self._gateway.place(self.id, generation=self._generation, line=line)

    async def _hang_up(self) -> None:
        if self._made.ended_by == "drop":
            return
        self._made.ended_by = self._made.ended_by or "hangup"
        self._leg.hang_up()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.wait({self._serving})

    # -- what the caller hears

    @property
    def _over(self) -> bool:
        return self._serving.done()

    @property
    def _is_sounding(self) -> bool:
        return self._leg.position() < self._leg.sent()

    async def _until_sounding(self) -> None:
        await self._until(lambda: self._is_sounding or self._over, ANSWER_S)

    async def _until_quiet(self) -> None:
        """Until the agent has finished: nothing is thought or sounds any more."""
        quiet = 0.0
        for _ in range(int(PATIENCE_S / LOOK_S)):
            if self._over or quiet >= SETTLED_S:
                return
            await asyncio.sleep(LOOK_S)
            quiet = 0.0 if self._tap.open or self._is_sounding else quiet + LOOK_S

    async def _until_answered(self) -> None:
        await self._until(lambda: bool(self._made.exchanges) or self._over, ANSWER_S)
        if self._waits_for_barge_in():
            await self._until_sounding()
            return
        await self._until_quiet()
        self._notice_end()

    def _notice_end(self) -> None:
        if self._over and not self._made.ended_by:
            last = self._made.exchanges[-1] if self._made.exchanges else None
            self._made.ended_by = "agent" if last is None or last.kind is TurnKind.SILENCE else "caller"

    def _waits_for_barge_in(self) -> bool:
        line = self._caller.coming(self._unheard_reply())
        return line is not None and line.barge_in_ms is not None

    async def _until(self, condition: Callable[[], bool], limit_s: float) -> bool:
        for _ in range(int(limit_s / LOOK_S)):
            if condition():
                return True
            await asyncio.sleep(LOOK_S)
        return False

    def _unheard_reply(self) -> list[Sentence]:
        return [sentence for exchange in self._made.exchanges[self._told :] for sentence in exchange.reply]

    def _new_reply(self) -> list[Sentence]:
        reply = self._unheard_reply()
        self._told = len(self._made.exchanges)
        return reply

    # -- what is written down

    def _before_turn(self) -> None:
        fail_what_must(self._scenario, len(self._made.exchanges), self._down)

    async def _take(self, turn: Turn, reply: list[Sentence], committed: Committed) -> None:
        if turn.kind is TurnKind.ENDED:
            return
        booked = await bookings_of(self.id, self._spoken.house, self._generation)
        count = sum(booking.state is BookingState.BOOKED for booking in booked)
        self._made.exchanges.append(Exchange(committed.n, turn.kind, turn.text, reply, committed, count))

    async def _finished(self) -> Transcript:
        made = self._made
        if not made.exchanges:
            raise ScenarioError(f"{self._scenario.id}: no turn came of the call")
        made.bookings = await bookings_of(self.id, self._spoken.house, self._generation)
        decode = decoder(TurnEntry).decode
        made.entries = [decode(e.data) for e in self._log.entries if e.subject.endswith(".turns")]
        made.prompt = service("dialogue").prompt(self._profile)
        made.records = service("records").records_of(self.id, self._log.entries)
        return made
