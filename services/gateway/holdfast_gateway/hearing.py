"""Hearing: what the floor decides about the caller's voice, done; and words made into turns.

Owns the ear, the floor and the caller's turn in the making of a leg with audio. What a turn means
and what becomes of the agent's reply is the conversation's business (`Conversation`, the call).
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from holdfast_common import telemetry
from holdfast_common.contracts.asr import Expectation, Final, Hypothesis
from holdfast_common.contracts.dialogue import TurnKind
from holdfast_common.contracts.watch import WatchEvent

from holdfast_gateway.domain.endpointing import weigh
from holdfast_gateway.domain.floor import Agent, Floor, Voice, Words
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
from holdfast_gateway.domain.guess import pays
from holdfast_gateway.domain.turns import CallerTurn
from holdfast_gateway.house import House
from holdfast_gateway.listening import Context, Ear
from holdfast_gateway.mouth import Mouth
from holdfast_gateway.ports import Arrival, AudioIn, Caption, Leg
from holdfast_gateway.spawn import Broke, Spawn
from holdfast_gateway.stages import Stages
from holdfast_gateway.telling import Teller
from holdfast_gateway.thinking import Prompt


class Conversation(Protocol):
    """Who is told what the caller does."""

    @property
    def is_replying(self) -> bool:
        """The agent speaks, or is about to."""
        ...

    def on_voice(self) -> None:
        """The caller has begun to speak, or goes on after what might have been the end."""
        ...

    def on_turn_over(self, voice_end: float) -> None:
        """The caller has finished; `voice_end` is when, by the loop's clock."""
        ...

    def on_guess(self, prompt: Prompt, stages: Stages, voice_end: float) -> None:
        """What the caller has said, if the pause that began at `voice_end` is the turn's end."""
        ...

    def on_words(self, prompt: Prompt, stages: Stages) -> None:
        """The words of a whole turn."""
        ...

    def on_no_words(self) -> None:
        """The turn was noise, or a sign of listening."""
        ...

    def on_interrupt(self) -> None:
        """The caller's words take the floor from the agent."""
        ...


class Hearing:
    """The caller's side of one leg with audio."""

    def __init__(
        self,
        leg: Leg,
        arrival: Arrival,
        house: House,
        conversation: Conversation,
        mouth: Mouth,
        teller: Teller,
        *,
        spawn: Spawn,
        broke: Broke,
    ) -> None:
        self._leg = leg
        self._arrival = arrival
        self._house = house
        self._conversation = conversation
        self._mouth = mouth
        self._teller = teller
        self._spawn = spawn
        self._now = asyncio.get_running_loop().time
        self._endpointing = house.rule.endpointing
        self._floor = Floor(leg.rate_hz, self._endpointing.endpoint_ms, house.rule.floor)
        self._ear = Ear(self._floor, house.batches(leg.rate_hz), leg.rate_hz, act=self._act, broke=broke)
        self._caller: CallerTurn | None = None
        self._stages = Stages()

    @property
    def is_silent(self) -> bool:
        return self._floor.is_silent

    @property
    def _expectation(self) -> Expectation:
        """What the agent's last sentence asks for."""
        return said.expectation if (said := self._mouth.said_last()) else Expectation.OPEN

    def hear(self, frame: AudioIn) -> None:
        self._ear.hear(frame)

    def agent(self, state: Agent) -> None:
        """The agent has begun or stopped to do something."""
        self._act(self._floor.agent(state, self._ear.now))

    def close(self) -> None:
        self._ear.close()
        if self._caller is not None and self._stages.trace is not None:
            self._stages.trace.end("call_over")

    # -- the floor

    def _act(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Began():
                    self._begin(action)
                case Paused(position=position):
                    self._floor.endpoint_ms = self._endpointing.unheard(self._expectation)
                    if self._house.rule.floor.pause_ms < self._floor.endpoint_ms:
                        self._ear.pause(position)
                case Asked(position=position):
                    self._ear.pause(position)
                case WentOn():
                    self._conversation.on_voice()
                case Ended(position=position):
                    self._ear.end(position)
                case TurnOver():
                    self._finish(action)
                case Hold():
                    self._mouth.hold()
                case Resume():
                    telemetry.BARGE_INS.add(1, {"outcome": "resumed"})
                    self._mouth.resume()
                case Interrupt():
                    telemetry.BARGE_INS.add(1, {"outcome": "interrupted"})
                    self._conversation.on_interrupt()

    def _begin(self, began: Began) -> None:
        if self._caller is None:
            self._caller, self._stages = CallerTurn(), Stages(trace=self._teller.begin_turn())
        self._caller.begin(began.utterance)
        self._floor.endpoint_ms = self._endpointing.expected(self._expectation)
        context = Context(self._leg.channel, self._arrival.language, self._mouth.said_last())
        utterance = self._ear.begin(began.utterance, began.start, context)
        assert self._stages.trace is not None
        with self._stages.trace.entered():
            utterance.open(self._house.opener, call=self._arrival.call, generation=self._arrival.generation)
            self._spawn(utterance.follow(self), f"utterance-{began.utterance}")
        self._conversation.on_voice()

    def _finish(self, over: TurnOver) -> None:
        if self._caller is None:
            return
        now = self._now()
        late_s = (over.decided - over.position) / self._leg.rate_hz
        self._caller.is_over = True
        self._stages.voice_end, self._stages.decided = now - late_s, now
        self._conversation.on_turn_over(now - late_s)
        self._take_words()

    # -- the recogniser

    def on_partial(self, utterance: int, text: str) -> None:
        if self._caller is not None:
            self._caller.partial(utterance, text)
            self._weigh_words()
            so_far = self._caller.text_so_far
            self._leg.show(Caption("caller", so_far, final=False))
            self._teller.watch(WatchEvent.PARTIAL, text=so_far)

    def on_hypothesis(self, utterance: int, hypothesis: Hypothesis, position: int) -> None:
        if self._caller is not None:
            self._caller.partial(utterance, hypothesis.text)
            is_latest = position == self._floor.voiced_to
            if is_latest:
                so_far, expectation = self._caller.text_so_far, self._expectation
                self._floor.endpoint_ms = self._endpointing.after(so_far, expectation, hypothesis.finality)
                self._act(self._floor.answered(weigh(so_far, expectation)))
            else:
                self._weigh_words()
            if is_latest and self._floor.voice is Voice.PAUSED:
                self._guess(utterance, hypothesis)

    def _guess(self, utterance: int, hypothesis: Hypothesis) -> None:
        """Let the conversation think ahead, if the words so far may be the whole turn's and it pays."""
        caller, silent_ms = self._caller, self._ear.silent_ms
        if caller is None or not self._house.rule.guesses or not pays(self._floor.endpoint_ms - silent_ms):
            return
        said = caller.said_if(utterance, Final(text=hypothesis.text, confidence=hypothesis.confidence))
        if said is not None and weigh(said.text, self._expectation) is not Words.NONE:
            prompt = Prompt(TurnKind.SPOKEN, said.text, said.confidence, self._arrival.language)
            self._conversation.on_guess(prompt, self._stages, self._now() - silent_ms / 1000)

    def on_final(self, utterance: int, final: Final) -> None:
        if self._caller is not None and self._caller.final(utterance, final):
            self._weigh_words()
            self._take_words()

    def _weigh_words(self) -> None:
        """Tell the floor what the words over the agent's voice amount to."""
        if self._caller is not None:
            self._act(self._floor.words(weigh(self._caller.text_so_far, self._expectation)))

    def _take_words(self) -> None:
        """The caller's turn is over and all its words are here: make a turn of it, or nothing."""
        caller = self._caller
        if caller is None or not caller.is_ready or not self._floor.is_silent:
            return
        self._caller = None
        said = caller.said()
        weight = weigh(said.text, self._expectation)
        if weight is Words.NONE or (weight is Words.BACK_CHANNEL and self._conversation.is_replying):
            if self._stages.trace is not None:
                self._stages.trace.end("no_words")
            self._act(self._floor.settled())
            self._conversation.on_no_words()
            return
        self._stages.words = self._now()
        self._leg.show(Caption("caller", said.text))
        self._teller.watch(WatchEvent.FINAL, text=said.text, confidence=said.confidence, engine=said.engine)
        self._conversation.on_words(Prompt(TurnKind.SPOKEN, said.text, said.confidence, said.language), self._stages)
