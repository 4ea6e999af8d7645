"""Thinking ahead: a turn opened in a young pause is confirmed, withdrawn or dropped, and never heard early."""

from __future__ import annotations

import asyncio

from holdfast_common.contracts.asr import EndOfUtterance, Expectation, Final, Hypothesis, Pause
from holdfast_common.contracts.dialogue import Confirm, Sentence, TurnKind
from holdfast_common.contracts.registry import Service
from holdfast_gateway.adapters.fake import voice
from holdfast_gateway.domain.guess import Guessed, holds, pays


def opened(script):
    """Turns of the caller's, as (attempt, confirmed, text)."""
    return [(turn.attempt, turn.confirmed, turn.text) for turn in script.turns if turn.kind is TurnKind.SPOKEN]


def turn_streams(call):
    return [stream for stream in call.opener.opened if stream.service is Service.DIALOGUE]


def test_a_reply_thought_ahead_sounds_as_soon_as_the_turn_is_over(play, script, world):
    """The dialogue takes 250 ms, the voice 50: both lie within the silence that ends the turn, and cost nothing."""

    async def story():
        script.dialogue_s, script.tts_s = 0.25, 0.05
        script.utterances = ["how do i sign"]
        call = world(script)
        await call.quiet()
        began = call.leg._loop.time()
        call.leg.speak(voice(1.2))
        await call.until(lambda: len(call.heard) == 2)
        sounded = next(p.at for p in call.leg.played if p.at > began)

        assert sounded - began < 1.2 + 0.5 + 0.05
        assert opened(script) == [(0, False, "how do i sign")]
        assert [type(message) for message in turn_streams(call)[1].sent] == [Confirm]
        stages = next(w.stages_ms for w in call.facts.watched if w.turn == 1 and w.stages_ms)
        assert stages["dialogue"] == stages["tts"] == 0
        assert abs(stages["v2v"] - sum(ms for name, ms in stages.items() if name != "v2v")) < 1

        call.leg.hang_up()
        await call.task

    play(story)


def test_nothing_of_a_guess_is_played_before_the_turn_is_over(play, script, world):
    """The sentence is there after 200 ms of silence and waits for the 700 that end the turn."""

    async def story():
        script.dialogue_s = 0.0
        script.reply = lambda turn: (
            [Sentence(index=0, text="Who are you?", expectation=Expectation.NAME)]
            if turn.kind is TurnKind.OPENED
            else ["Nice to meet you.", "Go on."]
        )
        script.utterances = ["dana miller"]
        call = world(script, endpoint_ms=700)
        await call.quiet()
        began = call.leg._loop.time()
        call.leg.speak(voice(1.0))
        await call.until(lambda: len(script.spoken) == 2)
        first_asked = call.leg._loop.time()
        await call.until(lambda: len(call.heard) == 3)
        sounded = next(p.at for p in call.leg.played if p.at > began)

        assert first_asked - began < 1.3
        assert 1.67 <= sounded - began < 1.75
        assert [speak.text for speak in script.spoken] == ["Who are you?", "Nice to meet you.", "Go on."]

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_caller_who_goes_on_withdraws_the_guess_unheard(play, script, world):
    """A pause of 350 ms within a sentence: the attempt is cancelled, the next carries all the words."""

    async def story():
        texts = iter(["i need", "i need a document"])

        async def asr(session):
            last = ""
            async for item in session:
                match item:
                    case Pause(position=position):
                        last = next(texts, last)
                        await session.send(Hypothesis(position=position, text=last, confidence=0.9))
                    case EndOfUtterance():
                        await session.send(Final(text=last, confidence=0.9))
                        return

        call = world(script)
        call.opener.handlers[Service.ASR] = asr
        await call.quiet()
        call.leg.speak(voice(1.0) + bytes(2 * 8 * 350) + voice(1.0))
        await call.until(lambda: len(call.heard) == 2)

        assert opened(script) == [(0, False, "i need"), (1, False, "i need a document")]
        assert turn_streams(call)[1].cancelled and not turn_streams(call)[1].sent
        assert call.heard[1] == "You said i need a document."
        entries = [entry for entry in call.facts.watched if entry.turn == 1 and entry.stages_ms]
        assert len(entries) == 1

        call.leg.hang_up()
        await call.task

    play(story)


def test_other_final_words_make_another_attempt(play, script, world):
    """What was guessed is never said; the turn is opened with the words that were said."""

    async def story():
        async def asr(session):
            async for item in session:
                match item:
                    case Pause(position=position):
                        await session.send(Hypothesis(position=position, text="how do i sing", confidence=0.9))
                    case EndOfUtterance():
                        await session.send(Final(text="how do i sign", confidence=0.9))
                        return

        call = world(script)
        call.opener.handlers[Service.ASR] = asr
        await call.quiet()
        call.leg.speak(voice(1.0))
        await call.until(lambda: len(call.heard) == 2)

        assert opened(script) == [(0, False, "how do i sing"), (1, True, "how do i sign")]
        assert call.heard[1] == "You said how do i sign."

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_guess_on_what_was_no_turn_is_dropped(play, script, world):
    """The final has no words after all: nothing is said, and the call goes on."""

    async def story():
        async def asr(session):
            async for item in session:
                match item:
                    case Pause(position=position):
                        await session.send(Hypothesis(position=position, text="the", confidence=0.6))
                    case EndOfUtterance():
                        await session.send(Final(text="", confidence=0.0))
                        return

        call = world(script)
        call.opener.handlers[Service.ASR] = asr
        await call.quiet()
        call.leg.speak(voice(0.5))
        await asyncio.sleep(3)

        assert [stream.cancelled for stream in turn_streams(call)] == [True] * len(turn_streams(call))
        assert len(call.heard) == 1

        call.leg.hang_up()
        ending = await call.task
        assert ending.ended and script.turns[-1].kind is TurnKind.ENDED

    play(story)


def test_a_call_that_ends_while_guessing_commits_its_end_only(play, script, world):
    """The guess is taken back; the last turn is the end."""

    async def story():
        script.dialogue_s = 0.3
        script.utterances = ["how do i sign"]
        call = world(script)
        await call.quiet()
        call.leg.speak(voice(1.0))
        await call.until(lambda: opened(script))
        call.leg.hang_up()
        await call.task

        assert [turn.kind for turn in script.turns] == [TurnKind.OPENED, TurnKind.SPOKEN, TurnKind.ENDED]
        assert (script.turns[-1].n, script.turns[-1].attempt) == (1, 1)

    play(story)


def test_a_typed_line_takes_the_place_of_a_guess(play, script, world):
    """Digits in a pause: the guess goes, the digits are the turn, the words are the next."""

    async def story():
        script.utterances = ["my number please"]
        call = world(script)
        await call.quiet()
        call.leg.speak(voice(1.0))
        await call.until(lambda: opened(script))
        call.leg.type("12")
        await call.until(lambda: len(call.heard) >= 3)

        kinds = [(turn.kind, turn.confirmed) for turn in script.turns]
        assert (TurnKind.TYPED, True) in kinds
        assert call.heard[1:] == ["You said 12.", "You said my number please."]

        call.leg.hang_up()
        await call.task

    play(story)


def test_guessing_can_be_switched_off(play, script, world):
    """Then every turn is opened with its final words."""

    async def story():
        script.utterances = ["how do i sign"]
        call = world(script, guesses=False)
        await call.quiet()
        call.leg.speak(voice(1.0))
        await call.until(lambda: len(call.heard) == 2)

        assert opened(script) == [(0, True, "how do i sign")]

        call.leg.hang_up()
        await call.task

    play(story)


def test_the_reply_interrupted_before_is_told_to_every_attempt(play, script, world):
    """What was heard of the last reply goes with the guess, and again with the attempt that follows it."""

    async def story():
        script.reply = lambda turn: ["one two three four five six seven eight nine ten"] if not turn.text else ["Fine."]
        script.commit_late_s = 3
        texts = iter(["stop it", "stop it please"])

        async def asr(session):
            last = ""
            async for item in session:
                match item:
                    case Pause(position=position):
                        last = next(texts, last)
                        await session.send(Hypothesis(position=position, text=last, confidence=0.9))
                    case EndOfUtterance():
                        await session.send(Final(text=last, confidence=0.9))
                        return

        call = world(script)
        call.opener.handlers[Service.ASR] = asr
        await call.until(lambda: call.leg.position() > 6_000)
        call.leg.speak(voice(0.8) + bytes(2 * 8 * 350) + voice(0.8))
        await call.until(lambda: len(call.heard) == 2)

        heard = [turn.heard for turn in script.turns if turn.kind is TurnKind.SPOKEN]
        assert len({(h.sentences, h.words_of_next, h.interrupted) for h in heard}) == 1
        assert heard[0].interrupted

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_guess_holds_only_for_the_same_words_as_sure_as_before():
    """Case and points do not count; a word, the other side of "unsure", another language do."""
    guess = Guessed("How do I sign?", 0.9, "en")

    assert holds(guess, Guessed("how do i sign", 0.7, "en"))
    assert not holds(guess, Guessed("how do i sing", 0.9, "en"))
    assert not holds(guess, Guessed("how do i sign it", 0.9, "en"))
    assert not holds(guess, Guessed("how do i sign", 0.4, "en"))
    assert not holds(guess, Guessed("how do i sign", 0.9, "de"))


def test_it_does_not_pay_when_the_turn_is_all_but_over_or_expected_to_go_on():
    assert not pays(20)
    assert pays(300)
    assert not pays(1_300)
