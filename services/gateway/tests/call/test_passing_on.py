"""A call goes to a person, or the carrier's own voice speaks for one of ours that is away."""

from __future__ import annotations

import asyncio

from holdfast_common.contracts.dialogue import TurnKind
from holdfast_common.errors import StreamFailed
from holdfast_gateway.adapters.fake import voice
from holdfast_gateway.domain.patience import Step
from holdfast_gateway.ports import CarrierSays, ToPerson


def hands_over(turn):
    return "caller: Dana" if turn.kind is TurnKind.SPOKEN else ""


async def no_voice(session):
    raise StreamFailed("engine", "no voice")


def test_a_caller_is_handed_over_once_they_were_told_so(play, script, world):
    """The words are played to their end; the call is not over, because nobody may answer."""

    async def story():
        script.utterances = ["a person please"]
        script.hand_over = hands_over
        call = world(script, carrier=True)
        await call.quiet()
        call.leg.speak(voice(1.5))
        ending = await call.task

        assert call.heard[-1] == "You said a person please."
        assert call.leg.position() == call.leg.sent()
        assert call.leg.passed_on == [ToPerson("caller: Dana")]
        assert (ending.ended, ending.reason) == (False, "handed_over")
        assert TurnKind.ENDED not in [turn.kind for turn in script.turns]

    play(story)


def test_a_caller_who_speaks_meanwhile_is_not_handed_over(play, script, world):
    async def story():
        script.utterances = ["a person please", "no wait"]
        script.hand_over = lambda turn: "caller: Dana" if turn.text == "a person please" else ""
        script.reply = lambda turn: ["One moment, I will put you through to somebody of the team right now."]
        call = world(script, carrier=True)
        await call.quiet()
        call.leg.speak(voice(1.5))
        await call.until(lambda: len(script.turns) == 2 and call.leg.sent() - call.leg.position() > 0)
        await asyncio.sleep(0.8)
        call.leg.speak(voice(1.5))
        await call.until(lambda: script.turns[-1].text == "no wait")
        await call.quiet()

        assert call.leg.passed_on == []
        assert call.leg.closed is None
        call.leg.hang_up()
        await call.task

    play(story)


def test_a_leg_that_cannot_be_put_through_is_told_so(play, script, world):
    async def story():
        script.utterances = ["a person please"]
        script.hand_over = hands_over
        call = world(script)
        await call.quiet()
        call.leg.speak(voice(1.5))
        await call.until(lambda: script.turns[-1].kind is TurnKind.RESUMED)
        call.leg.hang_up()
        await call.task

    play(story)


def test_a_call_that_was_handed_over_for_good_is_written_off(play, script, world):
    """Nobody came back: the end is written down, once."""

    async def story():
        script.utterances = ["a person please"]
        script.hand_over = hands_over
        call = world(script, carrier=True)
        desk = asyncio.create_task(call.desk.run())
        await call.quiet()
        call.leg.speak(voice(1.5))
        await call.task
        await asyncio.sleep(40)

        assert [turn.kind for turn in script.turns].count(TurnKind.ENDED) == 1
        desk.cancel()

    play(story)


def test_without_any_voice_the_carrier_says_sorry_and_the_caller_returns(play, script, world):
    async def story():
        script.tts = no_voice
        call = world(script, carrier=True)
        ending = await call.task

        (said,) = call.leg.passed_on
        assert isinstance(said, CarrierSays) and said.returns
        assert said.text in call.clips._texts[Step.APOLOGY]
        assert not ending.ended

    play(story)


def test_a_voice_that_stays_away_is_the_end_by_the_carriers_voice(play, script, world):
    async def story():
        script.tts = no_voice
        script.reply = lambda turn: ["Here I am again."]
        call = world(script, carrier=True, generation=2)
        ending = await call.task

        (said,) = call.leg.passed_on
        assert isinstance(said, CarrierSays) and not said.returns
        assert said.text in call.clips._texts[Step.GOODBYE]
        assert ending.ended

    play(story)


def test_clips_of_our_own_come_before_the_carriers_voice(play, script, world):
    async def story():
        call = world(script, carrier=True)
        for step in Step:
            for text in call.clips._texts[step]:
                call.clips._audio[text, 8_000] = voice(1.0)
        script.tts = no_voice
        ending = await call.task

        assert call.leg.passed_on == []
        assert ending.ended

    play(story)
