"""The caller speaks over the agent: held, then interrupted or resumed, and what was heard is known."""

from __future__ import annotations

import asyncio

from holdfast_common.contracts.asr import Expectation
from holdfast_common.contracts.dialogue import Heard, Notes, Proposal, Sentence, TurnKind
from holdfast_common.contracts.watch import WatchEvent
from holdfast_gateway.adapters.fake import voice

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen."


def long_greeting(turn):
    if turn.kind is TurnKind.OPENED:
        return [LONG, "And a second sentence."]
    return [f"You said {turn.text}."] if turn.text else []


def test_the_voice_is_held_after_the_set_time_of_speech(play, script, world):
    """200 ms of speech: what was not played is thrown away, 20 ms later at most."""

    async def story():
        script.reply = long_greeting
        script.utterances = ["stop please"]
        call = world(script)
        await call.until(lambda: call.leg.position() > 8_000)
        began = call.leg._loop.time()
        call.leg.speak(voice(1.5))
        await call.until(lambda: call.leg.clears)

        # The frame that ends now may carry the first of it already.
        assert 0.179 < call.leg.clears[0] - began < 0.245

        call.leg.hang_up()
        await call.task

    play(story)


def test_words_interrupt_and_the_next_turn_knows_what_was_heard(play, script, world):
    """A word is heard when half of it was played; the rest of the reply is never said."""

    async def story():
        script.reply = long_greeting
        script.commit_late_s = 5
        script.utterances = ["what about prices"]
        call = world(script)
        await call.until(lambda: call.leg.position() > 8_000)
        call.leg.speak(voice(1.5))
        await call.until(lambda: len(script.turns) == 2)
        position = call.leg.position()
        await call.until(lambda: len(call.heard) == 2)

        words = round(position / 1_600)
        assert script.turns[1].heard == Heard(turn=0, sentences=0, words_of_next=words, interrupted=True)
        assert [(i.sentence, i.words) for i in script.interrupts] == [(0, words)]
        assert call.heard == [LONG, "You said what about prices."]
        interrupted = [w for w in call.facts.watched if w.event is WatchEvent.INTERRUPTED]
        assert len(interrupted) == 1

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_sign_of_listening_is_talked_over(play, script, world):
    """After "mm-hm" the voice goes on at the word that was cut; there is no turn, and all of it was heard."""

    async def story():
        script.reply = long_greeting
        script.utterances = ["mm-hm", "thanks for that"]
        call = world(script)
        await call.until(lambda: call.leg.position() > 8_000)
        call.leg.speak(voice(0.4))
        await call.until(lambda: call.leg.clears)
        at = call.leg.position()
        held_at = call.leg.clears[0]
        await call.until(lambda: call.leg.played[-1].at > held_at)
        resumed = next(p for p in call.leg.played if p.at > held_at)
        await call.quiet()

        assert resumed.at - held_at < 0.95
        again = at % 1_600
        words = len((LONG + " And a second sentence.").split())
        assert call.leg.sent() == words * 1_600 + again
        assert len(script.turns) == 1

        call.leg.speak(voice(0.8))
        await call.until(lambda: len(script.turns) == 2)
        assert script.turns[1].heard is None

        call.leg.hang_up()
        await call.task

    play(story)


def test_noise_is_talked_over(play, script, world):
    """Nothing recognised: resumed, no turn."""

    async def story():
        script.reply = long_greeting
        script.utterances = [""]
        call = world(script)
        await call.until(lambda: call.leg.position() > 8_000)
        call.leg.speak(voice(0.4))
        await call.until(lambda: call.leg.clears)
        await call.until(lambda: len(call.heard) == 2)

        assert len(script.turns) == 1
        assert call.heard == [LONG, "And a second sentence."]

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_yes_over_a_yes_no_question_is_an_answer(play, script, world):
    """What counts as a sign of listening elsewhere is the answer here."""

    async def story():
        script.reply = lambda turn: (
            [Sentence(index=0, text=LONG, expectation=Expectation.YES_NO)]
            if turn.kind is TurnKind.OPENED
            else [f"You said {turn.text}."]
        )
        script.utterances = ["yes"]
        call = world(script)
        await call.until(lambda: call.leg.position() > 8_000)
        call.leg.speak(voice(0.4))
        await call.until(lambda: len(script.turns) == 2)

        assert script.turns[1].text == "yes"
        assert script.listened[0].expectation is Expectation.YES_NO

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_protected_sentence_is_held_but_said_to_its_end(play, script, world):
    """That it is a machine is told whatever the caller says; the answer follows it."""

    async def story():
        script.reply = lambda turn: (
            [Sentence(index=0, text=LONG, protected=True), "Never said."]
            if turn.kind is TurnKind.OPENED
            else [f"You said {turn.text}."]
        )
        script.utterances = ["what is this"]
        call = world(script)
        await call.until(lambda: call.leg.position() > 8_000)
        call.leg.speak(voice(1.2))
        await call.until(lambda: len(call.heard) == 2, limit_s=10)
        await call.quiet()

        assert call.heard == [LONG, "You said what is this."]
        assert call.leg.clears
        assert script.turns[1].heard == Heard(turn=0, sentences=1, words_of_next=0, interrupted=True)

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_yes_over_a_read_back_does_not_make_it_heard(play, script, world):
    """Who agrees before date and address were said has not agreed to them: the dialogue is told how far it came."""

    async def story():
        proposal = Proposal("p1", "book", "2026-11-24T19:30:00Z", 30, "dana@northwind.example")
        read_back = Sentence(
            index=0, text=LONG, protected=True, expectation=Expectation.YES_NO, notes=Notes(proposal=proposal)
        )
        script.reply = lambda turn: [read_back] if turn.kind is TurnKind.OPENED else [f"You said {turn.text}."]
        script.utterances = ["yes"]
        call = world(script)
        await call.until(lambda: call.leg.position() > 3_000)
        call.leg.speak(voice(1.0))
        await call.until(lambda: len(script.turns) == 2)
        heard = script.turns[1].heard

        assert heard is not None
        assert heard.sentences == 0
        assert 0 < heard.words_of_next < 5

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_late_recogniser_does_not_make_the_agent_talk_over_the_caller(play, script, world):
    """Without any word from the recogniser the voice stays held as long as the caller's goes on."""

    async def story():
        script.reply = long_greeting
        script.partials = False
        script.utterances = ["i have a long question"]
        call = world(script)
        await call.until(lambda: call.leg.position() > 8_000)
        call.leg.speak(voice(2.5))
        await call.until(lambda: len(script.turns) == 2)

        assert len(call.leg.clears) == 1
        during = [p for p in call.leg.played if p.at > call.leg.clears[0]]
        assert during == []

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_caller_who_goes_on_takes_the_turn_back(play, script, world):
    """Nothing audible yet: the attempt is withdrawn and the turn opened again with all the words."""

    async def story():
        script.dialogue_s = 1.3
        script.utterances = ["i need help today", "to sign a document"]
        call = world(script)
        await call.quiet()
        call.leg.speak(voice(1.0) + bytes(2 * 8 * 700) + voice(1.2))
        await call.until(lambda: len(call.heard) == 2)

        spoken = [(turn.n, turn.attempt, turn.text) for turn in script.turns[1:]]
        assert spoken == [(1, 0, "i need help today"), (1, 1, "i need help today to sign a document")]
        assert call.heard[1] == "You said i need help today to sign a document."

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_cough_while_the_agent_thinks_only_delays_it(play, script, world):
    """Speech that turns out to be nothing lets the reply go on; the attempt stands."""

    async def story():
        script.dialogue_s = 0.4
        script.utterances = ["how much is it", ""]
        call = world(script)
        await call.quiet()
        call.leg.speak(voice(1.0) + bytes(2 * 8 * 620) + voice(0.2))
        await call.until(lambda: len(call.heard) == 2)

        assert [(turn.n, turn.attempt) for turn in script.turns] == [(0, 0), (1, 0)]

        call.leg.hang_up()
        await call.task

    play(story)


def test_typing_interrupts_the_voice(play, script, world):
    """A browser leg has both: a typed line is always words."""

    async def story():
        script.reply = long_greeting
        call = world(script)
        await call.until(lambda: call.leg.position() > 8_000)
        call.leg.type("wait")
        await call.until(lambda: len(script.turns) == 2)
        await asyncio.sleep(1)

        assert call.leg.clears
        assert script.turns[1].heard is not None and script.turns[1].heard.interrupted
        assert call.heard == [LONG, "You said wait."]

        call.leg.hang_up()
        await call.task

    play(story)
