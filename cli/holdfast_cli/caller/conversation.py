"""The talk itself: wait until the agent has finished, find the line that fits, say it, note what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from holdfast_cli.caller.audio import Utterance
from holdfast_cli.caller.ears import Ears, Exchange, Judge, content
from holdfast_cli.caller.phone import LineLostError, Phone
from holdfast_cli.caller.script import AgentTurn, Line
from holdfast_cli.caller.voice import Voice


@dataclass(frozen=True, slots=True)
class Manners:
    """How long the caller waits for what, seconds."""

    settle_s: float = 0.6
    """Quiet after a committed reply before it is taken to be over."""
    blind_settle_s: float = 2.5
    """The same where nothing says that the turn is committed."""
    answer_s: float = 15.0
    """For the first sound of an answer."""
    reply_s: float = 40.0
    """For the end of one that has begun (a filler may be all that comes for 20 s)."""
    patience_s: float = 20.0
    """Without a fitting line: for the agent to say something further."""


@dataclass(slots=True)
class CallTurn:
    """One line of the caller and what came of it."""

    line: Line
    exchange: Exchange
    started_s: float
    """Seconds into the call at which the line began."""
    v2v_ms: float | None = None
    """Last voiced sample sent to first audible sample heard, by the caller's clock; None: no answer."""


class Lines(Protocol):
    """What is to be said: a script, or a person at the terminal."""

    @property
    def done(self) -> bool:
        """Nothing more is to be said."""
        ...

    @property
    def has_more(self) -> bool:
        """A line has come up although the agent has said nothing further."""
        ...

    def next(self, heard: AgentTurn) -> Line | None: ...
    def peek_barge_in(self) -> Line | None: ...


class Screen(Protocol):
    """Where the talk is shown as it happens."""

    def caller(self, at_s: float, line: Line) -> None: ...
    def answered(self, turn: CallTurn) -> None: ...
    def note(self, text: str) -> None: ...


class Conversation:
    """One scripted call."""

    def __init__(
        self,
        phone: Phone,
        ears: Ears,
        script: Lines,
        voice: Voice,
        screen: Screen,
        *,
        judge: Judge = content,
        on_say: Callable[[Line, Utterance], None] = lambda *_: None,
        manners: Manners | None = None,
    ) -> None:
        self.turns: list[CallTurn] = []
        self.greeting = ears.now
        self.finished = False
        """The caller came to the end of the script and hung up."""
        self._phone, self._ears, self._script, self._voice, self._screen = phone, ears, script, voice, screen
        self._judge = judge
        self._on_say = on_say
        self._manners = manners or Manners()

    async def run(self) -> None:
        """Talk until the script, the agent or the line ends the call."""
        if not await self._phone.on_the_line():
            return
        exchange = self.greeting
        while True:
            try:
                exchange = await self._talk(exchange)
                return
            except LineLostError:
                if not await self._phone.on_the_line():
                    # The agent says goodbye and hangs up: the end of the script as well as ours.
                    self.finished = self._script.done and self._ears.ended
                    return
                self._screen.note("the line was lost and is back")
                exchange = self._ears.next_line()

    async def _talk(self, exchange: Exchange) -> Exchange:
        await self._listen_out(exchange)
        while True:
            line = self._script.next(exchange.agent_turn(self._judge))
            if line is None:
                if not await self._wait_for_more(exchange):
                    self._screen.note("nothing left to say to that: hanging up")
                    self._phone.hang_up()
                    return exchange
                continue
            if line.hang_up:
                self.finished = True
                self._phone.hang_up()
                return exchange
            if line.silence_ms:
                await self._phone.until(lambda _: False, line.silence_ms / 1000)
                continue
            exchange = await self._say(line)

    async def _say(self, line: Line) -> Exchange:
        """Say a line and listen to what comes of it."""
        utterance = await self._voice.utterance(line)
        exchange = self._ears.next_line()
        turn = CallTurn(line, exchange, self.clock_s)
        self.turns.append(turn)
        self._screen.caller(turn.started_s, line)
        speaking = self._phone.say(utterance)
        self._on_say(line, utterance)
        try:
            await self._answer(turn, (await speaking).ended)
        finally:
            self._screen.answered(turn)
        return exchange

    async def _answer(self, turn: CallTurn, ended: float) -> None:
        """Wait for the reply to a line whose last voiced sample left at `ended`, and hear it out (or talk over it)."""
        playout = self._phone.playout
        if not await self._phone.until(lambda _: playout.onset is not None, self._manners.answer_s):
            return
        assert playout.onset is not None
        turn.v2v_ms = (playout.onset.heard - ended) * 1000
        interruption = self._script.peek_barge_in()
        if interruption is not None and interruption.barge_in_ms is not None:
            begin = playout.onset.heard + interruption.barge_in_ms / 1000
            await self._phone.until(lambda now: now >= begin, self._manners.answer_s)
        else:
            await self._listen_out(turn.exchange)

    async def _listen_out(self, exchange: Exchange) -> None:
        """Return when the agent has finished, by what the caller hears."""
        playout = self._phone.playout

        def finished(now: float) -> bool:
            if playout.onset is None:
                # A turn that had nothing to say (an agent without a greeting) is over as it is.
                return exchange.committed and not exchange.sentences
            quiet_s = now - playout.loud_until
            if exchange.committed:
                return quiet_s > self._manners.settle_s
            # Words may be taken back and joined to later ones, so that a turn told of never commits.
            over = bool(exchange.turns) and exchange.answered_last
            return (over or not self._ears.listening) and quiet_s > self._manners.blind_settle_s

        await self._phone.until(finished, self._manners.reply_s if playout.onset else self._manners.answer_s)

    async def _wait_for_more(self, exchange: Exchange) -> bool:
        """Say nothing until the agent has said something further."""
        before = len(exchange.sentences)

        def more(_: float) -> bool:
            return len(exchange.sentences) > before or self._script.has_more

        if not await self._phone.until(more, self._manners.patience_s):
            return False
        if len(exchange.sentences) > before:
            self._phone.playout.listen_for()
            await self._listen_out(exchange)
        return True

    @property
    def clock_s(self) -> float:
        """Seconds since the call began, by the audio sent."""
        started = self._phone.opened_at or 0.0
        return self._phone.spoken[-1].start - started if self._phone.spoken else 0.0
