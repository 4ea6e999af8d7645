"""The talk of one call: what is said by whom, turn after turn.

Words, sentences and playout come in as plain method calls; what follows goes out the same way. The
decisions are elsewhere: whose turn it is in `domain.floor`, what was heard in `domain.playout`,
whether to think ahead in `domain.guess`.

One utterance: `Hearing` -> `on_guess`, `on_words` -> `_open_next` -> `Mind` -> `on_sentence` -> `Mouth`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Protocol

from holdfast_common.contracts.dialogue import Committed, Heard, Sentence, TurnKind
from holdfast_common.contracts.stream import ErrorCode
from holdfast_common.contracts.watch import WatchEvent
from holdfast_common.errors import StreamFailed

from holdfast_gateway.domain.duties import Duties
from holdfast_gateway.domain.floor import Agent
from holdfast_gateway.facts import instant
from holdfast_gateway.guessing import Guesses
from holdfast_gateway.hearing import Hearing
from holdfast_gateway.house import House
from holdfast_gateway.mouth import Mouth
from holdfast_gateway.ports import Arrival, Leg
from holdfast_gateway.showing import Shower
from holdfast_gateway.spawn import Broke, Spawn
from holdfast_gateway.speaking import Speaker
from holdfast_gateway.stages import Stages
from holdfast_gateway.telling import Teller
from holdfast_gateway.thinking import Mind, OpenTurn, Prompt

CALLERS = frozenset({TurnKind.SPOKEN, TurnKind.TYPED, TurnKind.DTMF})
"""Turns that are something the caller said."""


class Life(Protocol):
    """The call that the talk is part of."""

    @property
    def is_ending(self) -> bool: ...
    def end(self, reason: str, *, ended: bool = True) -> None: ...
    def hand_over(self, summary: str) -> None:
        """Everything was said: the call goes to a person now."""
        ...

    def stir(self) -> None:
        """Something happened that may change what is due."""
        ...

    def lost_reply(self) -> None:
        """A turn came to nothing: the caller is told so."""
        ...


@dataclass(slots=True)
class _Waiting:
    """A prompt that waits for its turn."""

    prompt: Prompt
    stages: Stages = field(default_factory=Stages)


class Talk:
    """Both sides of one call's conversation, over the leg's life."""

    def __init__(
        self, leg: Leg, arrival: Arrival, house: House, life: Life, duties: Duties, *, spawn: Spawn, broke: Broke
    ) -> None:
        self._leg = leg
        self._arrival = arrival
        self._rule = house.rule
        self._life = life
        self._duties = duties
        self._now = asyncio.get_running_loop().time
        self.teller = Teller(house.facts, leg, arrival)
        self.mind = Mind(house.opener, arrival, leg.channel, self, spawn=spawn, instant=instant)
        self.mouth: Mouth = Shower(leg, self)
        self.hearing: Hearing | None = None
        if leg.rate_hz:
            self.mouth = Speaker(leg, house.opener, self, self._rule.voice, arrival, spawn=spawn, broke=broke)
            self.hearing = Hearing(leg, arrival, house, self, self.mouth, self.teller, spawn=spawn, broke=broke)
        self._guesses = Guesses(self.mind, self.mouth)
        self._owed = ""
        """Words of a turn that was opened but never committed: the next one carries them."""
        self._queue: deque[_Waiting] = deque()
        self._last_turn: int | None = None
        """The last turn that said something."""
        self._interrupted_turn: int | None = None
        """The last turn whose reply the caller cut."""
        self.silences = 0
        """How often in a row the caller was asked whether they are there."""
        self.is_opened = False
        """A first turn was committed: the caller was greeted."""
        self.is_last = False
        """The call ends with what is being said."""
        self.hand_over = ""
        """The call goes to a person with what is being said: what they should know. Empty: it does not."""

    def close(self) -> None:
        """The call is over, whatever was going on."""
        self.mouth.close()
        if self.hearing is not None:
            self.hearing.close()
        self.forget_queue()
        self.teller.turns_over()

    # -- the caller

    @property
    def is_replying(self) -> bool:
        return self.mouth.is_busy or (self.mind.turn is not None and self.mind.turn.is_confirmed)

    @property
    def is_caller_silent(self) -> bool:
        return self.hearing is None or self.hearing.is_silent

    def on_voice(self) -> None:
        self._duties.quiet(None)
        self._guesses.drop("withdrawn")

    def on_turn_over(self, voice_end: float) -> None:
        if not self.mouth.is_busy:
            self._duties.patience.start(voice_end, self._now())
        elif self.mouth.has_protected:
            self.mouth.resume()
        self._life.stir()

    def on_guess(self, prompt: Prompt, stages: Stages, voice_end: float) -> None:
        self._guesses.drop("withdrawn")
        if self.mind.turn is not None or self.mouth.is_busy or self._queue or self._life.is_ending:
            return
        if stages.trace is not None:
            with stages.trace.entered():
                self._guesses.open(self._with_owed(prompt), self._heard_before(), stages, asked_at=voice_end)

    def on_words(self, prompt: Prompt, stages: Stages) -> None:
        asked_at = self._now() if stages.voice_end is None else stages.voice_end
        guess = self._guesses.take(self._with_owed(prompt), asked_at=asked_at)
        if guess is None:
            self.prompt(prompt, stages)
            return
        self._note_prompt(prompt)
        self._owed = ""
        self.teller.turn_opened(guess.turn, stages)
        for sentence in guess.sentences:
            self.on_sentence(guess.turn, sentence)
        self._tell_hearing()
        self._life.stir()

    def on_no_words(self) -> None:
        self._guesses.drop("dropped")
        if self.mind.turn is not None or self._queue:
            return
        if self._owed:  # words that made us take a turn back turned out to be none: open it again
            self.prompt(Prompt(TurnKind.SPOKEN, language=self._arrival.language), Stages())
        else:
            self._duties.patience.stop()
            self._rest()

    def on_interrupt(self) -> None:
        """The caller has the floor: take the turn back if nothing of it was heard, else cut it short."""
        self._guesses.drop("withdrawn")
        turn = self.mind.turn
        if turn is not None and self._may_withdraw(turn):
            self._owed = turn.prompt.text
            self.mouth.hold()  # what was handed out of it, too, must not be played
            self.mouth.drop(turn.n, begun=True)
            self.mind.withdraw()
            self.teller.turn_over(turn.n, "withdrawn")
            self.mouth.resume()
            self._tell_hearing()
            return
        if not self.is_replying:
            return
        self.mouth.interrupt()
        speaking = turn.n if turn is not None else self._last_turn
        if speaking is not None:
            heard = self.mouth.heard(speaking, interrupted=True)
            self._interrupted_turn = speaking
            self.teller.interrupted(speaking)
            self._tell_mind(heard)
            self.teller.watch(WatchEvent.INTERRUPTED, turn=speaking, heard=heard)
        if turn is not None:
            self._duties.interrupted(self._now())
        self.is_last, self.hand_over = False, ""
        self._tell_hearing()
        self._life.stir()

    def _may_withdraw(self, turn: OpenTurn) -> bool:
        """Nothing of it was heard, nor written down."""
        is_asked = turn.prompt.kind in CALLERS
        return is_asked and turn.committed is None and not turn.is_quiet and not self.mouth.was_audible(turn.n)

    def take_line(self, prompt: Prompt) -> None:
        """Something that needs no recogniser: a typed line, digits."""
        now = self._now()
        self.on_interrupt()
        if self.mouth.has_protected and self.is_caller_silent:
            self.mouth.resume()  # no end of speech will come that would
        self._duties.patience.start(now)
        self.prompt(prompt, Stages(voice_end=now, decided=now, words=now))

    # -- turns

    def prompt(self, prompt: Prompt, stages: Stages) -> None:
        """Queue the next turn, and open it if it may be."""
        self._note_prompt(prompt)
        stages.trace = stages.trace or self.teller.begin_turn()
        self._queue.append(_Waiting(prompt, stages))
        self._open_next()

    def _note_prompt(self, prompt: Prompt) -> None:
        """Somebody has something to say: no silence any more, and a reply is owed."""
        if prompt.kind in CALLERS:
            self.silences = 0
            self.is_last, self.hand_over = False, ""
        elif not self._duties.patience.is_running:
            self._duties.patience.start(self._now())
        self._duties.quiet(None)

    def _open_next(self) -> None:
        """Open the next turn once the one before is closed: a call has at most one."""
        self._life.stir()
        if self._queue:
            self._guesses.drop("withdrawn")
        if self.mind.turn is not None or not self._queue or self._life.is_ending:
            return
        waiting = self._queue.popleft()
        prompt = waiting.prompt
        if prompt.kind in CALLERS:
            prompt, self._owed = self._with_owed(prompt), ""
        self.open(prompt, waiting.stages)
        self._tell_hearing()

    def _with_owed(self, prompt: Prompt) -> Prompt:
        return replace(prompt, text=f"{self._owed} {prompt.text}".strip()[-2_000:]) if self._owed else prompt

    def open(self, prompt: Prompt, stages: Stages) -> None:
        """Open a turn now; none may be open."""
        stages.trace = stages.trace or self.teller.begin_turn()
        with stages.trace.entered():
            turn = self.mind.open(prompt, self._heard_before(), asked_at=stages.voice_end)
        self.teller.turn_opened(turn, stages)

    def forget_queue(self) -> None:
        """What waits will not be said any more, and what was guessed was no turn."""
        self._guesses.drop("dropped")
        for waiting in self._queue:
            if waiting.stages.trace is not None:
                waiting.stages.trace.end("call_over")
        self._queue.clear()

    def cut_short(self) -> None:
        """Tell the open turn to end: nothing more of it will be heard."""
        if (turn := self.mind.turn) is not None:
            self._tell_mind(self.mouth.heard(turn.n))

    def give_turn_up(self) -> None:
        """The turn that was interrupted does not end: go on without it."""
        turn = self.mind.turn
        if turn is not None and turn.is_quiet:
            if turn.committed is None:
                self._owe(turn)
            self.mind.withdraw()
            self.teller.turn_over(turn.n, "given_up")
            self._open_next()

    def _heard_before(self) -> Heard | None:
        """How little of the last reply was heard; None: all of it."""
        last = self._last_turn
        if last is None or self.mouth.all_heard(last):
            return None
        return self.mouth.heard(last, interrupted=self._interrupted_turn == last)

    def on_sentence(self, turn: OpenTurn, sentence: Sentence) -> None:
        if not turn.is_confirmed:
            self._guesses.sentence(sentence, self._now())
        elif turn.prompt.kind is not TurnKind.ENDED:
            self.teller.first_sentence(turn.n)
            self._last_turn = turn.n
            self.mouth.say(turn.n, sentence)
            self._tell_hearing()

    def on_reopened(self, turn: OpenTurn) -> None:
        if turn.is_confirmed:
            self.mouth.drop(turn.n, begun=False)
        else:
            self._guesses.reopened()

    def on_committed(self, turn: OpenTurn, committed: Committed) -> None:
        self.is_opened = True
        if committed.ends_call and not turn.is_quiet:
            self.is_last = True
        if committed.hand_over and not turn.is_quiet:
            self.hand_over = committed.hand_over
        self.teller.turn_committed(turn.n, committed, will_sound=bool(turn.taken) and not turn.is_quiet)

    def on_turn_closed(self, turn: OpenTurn, failure: StreamFailed | None) -> None:
        self._duties.interrupted(None)
        self._life.stir()
        if failure is not None and failure.code == ErrorCode.SUPERSEDED:
            self._life.end("superseded", ended=False)
            return
        if not turn.is_confirmed:
            self._guesses.drop("failed")
            return
        if turn.committed is None and not self._life.is_ending:
            self._owe(turn)
            self.teller.turn_over(turn.n, failure.code if failure else "uncommitted", failed=True)
            if failure is not None:
                self._life.lost_reply()
        elif turn.committed is not None and not turn.taken and not turn.is_quiet:
            self._duties.patience.stop()  # there was nothing to say: nothing is owed any more
        self._tell_hearing()
        self._open_next()
        if not self.is_replying:
            self._rest()

    def _owe(self, turn: OpenTurn) -> None:
        """Keep the words of a turn that came to nothing; one that the caller did not begin has none."""
        if turn.prompt.kind in CALLERS:
            self._owed = turn.prompt.text

    def _tell_mind(self, heard: Heard | None) -> None:
        self.mind.interrupt(heard.sentences if heard else 0, heard.words_of_next if heard else 0)

    # -- the mouth

    def on_begun(self, turn: int, sentence: Sentence) -> None:
        self.mind.begun(turn, sentence)
        self._tell_hearing()

    def on_sounding(self, turn: int, sentence: Sentence) -> None:
        self._duties.patience.stop()
        self.teller.watch(
            WatchEvent.SENTENCE,
            turn=turn,
            sentence=sentence.index,
            text=sentence.text,
            expectation=sentence.expectation,
            asks=sentence.asks,
            notes=sentence.notes,
        )

    def on_audio(self, turn: int) -> None:
        if self._guesses.owns(turn):
            self._guesses.audio(self._now())
        else:
            self.teller.first_audio(turn)

    def on_audible(self, turn: int, in_s: float) -> None:
        self.teller.first_sound(turn, in_s)

    def on_clip_audible(self, in_s: float) -> None:
        self.teller.clip_sounds(in_s)

    def on_quiet(self, *, spoke: bool) -> None:
        if spoke and self.is_replying:
            self._duties.patience.start(self._now())
        self._tell_hearing()
        if not self.is_replying:
            self._rest()
        self._life.stir()

    def _rest(self) -> None:
        """Nobody speaks and nothing is on its way: the call ends if it was to, or the silence begins."""
        if self._queue or self.mouth.is_busy or self._life.is_ending:
            return
        if self._last_turn is not None:
            self.teller.turn_heard(self._last_turn, self.mouth.heard(self._last_turn))
        self.teller.turns_over()
        if self.is_last:
            self._life.end("ended")
        elif self.hand_over:
            summary, self.hand_over = self.hand_over, ""
            self._life.hand_over(summary)
        elif self.is_caller_silent:
            self._duties.quiet(self._now())
            self._life.stir()

    def _tell_hearing(self) -> None:
        """The floor knows what the agent is doing."""
        if self.hearing is not None:
            speaking = Agent.SPEAKING if self.mouth.is_sounding else Agent.THINKING
            self.hearing.agent(speaking if self.is_replying else Agent.QUIET)
