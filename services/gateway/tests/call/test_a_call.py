"""A caller and the agent: greeting, question, answer, goodbye."""

from __future__ import annotations

import asyncio

import pytest
from holdfast_common.contracts.dialogue import TurnKind
from holdfast_common.contracts.watch import WatchEvent
from holdfast_gateway.adapters.fake import voice
from holdfast_gateway.domain.endpointing import Endpointing


def test_the_greeting_is_spoken_as_soon_as_the_leg_is_there(play, script, world):
    """The first turn is `opened`, and its sentence reaches the ear."""

    async def story():
        call = world(script)
        await call.quiet()

        assert call.leg.said == ["Hello, this is a test."]
        assert script.turns[0].kind is TurnKind.OPENED
        assert call.leg.played[0].at < 0.1

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_question_is_answered_with_its_words(play, script, world):
    """One utterance: one asr stream with pre-roll, one turn, one reply; the snapshot goes along."""

    async def story():
        script.utterances = ["how do i sign"]
        call = world(script)
        await call.quiet()
        began = call.leg._loop.time()
        call.leg.speak(voice(1.2))
        await call.until(lambda: len(call.heard) == 2)

        assert call.heard[1] == "You said how do i sign."
        assert script.turns[1].kind is TurnKind.SPOKEN
        assert script.turns[1].snapshot == b"after 0"
        assert script.turns[1].log_sequence == 10
        assert script.turns[1].heard is None
        assert 1200 <= script.heard_ms[0] <= 1200 + 350 + 600
        answered = call.leg._loop.time() - began
        assert 1.69 < answered < 1.75

        call.leg.hang_up()
        await call.task

    play(story)


@pytest.mark.parametrize(("finality", "waited_s"), [(3.0, 0.5), (1.0, 0.875), (-9.0, 1.3)])
def test_the_less_final_the_recogniser_thinks_the_words_the_longer_is_waited(play, script, world, finality, waited_s):
    """It is told what the agent said last, and says how final the answer sounds."""

    async def story():
        script.utterances, script.finality = ["we send contracts"], finality
        call = world(script, endpointing=Endpointing(500, {}, middle_ms=500))
        await call.quiet()
        began = call.leg._loop.time()
        call.leg.speak(voice(1.2))
        await call.until(lambda: len(call.heard) == 2)

        assert script.listened[0].asked == "Hello, this is a test."
        assert call.leg._loop.time() - began - 1.2 == pytest.approx(waited_s, abs=0.05)

        call.leg.hang_up()
        await call.task

    play(story)


def test_the_latency_of_a_turn_is_told_with_its_stages(play, script, world):
    """Voice to voice is the sum of its stages, from the last voiced sample."""

    async def story():
        script.utterances = ["hello there"]
        call = world(script)
        await call.quiet()
        call.leg.speak(voice(1.0))
        await call.until(lambda: any(w.event is WatchEvent.TURN and w.turn == 1 for w in call.facts.watched))

        stages = next(w.stages_ms for w in call.facts.watched if w.event is WatchEvent.TURN and w.turn == 1)
        assert 500 <= stages["endpointing"] <= 530
        parts = sum(ms for name, ms in stages.items() if name != "v2v")
        assert abs(stages["v2v"] - parts) < 1

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_turn_is_one_entry_of_the_log(play, script, world):
    """Where its time went and what was heard of it, when it was; a turn of which there is neither is none."""

    async def story():
        script.utterances = ["hello there", "how do i sign"]
        call = world(script)
        await call.quiet()
        for n in (1, 2):
            call.leg.speak(voice(1.0))
            await call.until(lambda n=n: any(w.event is WatchEvent.TURN and w.turn == n for w in call.facts.watched))
            await call.quiet()
        call.leg.hang_up()
        await call.task

        spoken = [entry for entry in call.facts.entries if entry.event == "turn" and entry.turn in (1, 2)]
        assert [entry.turn for entry in spoken] == [1, 2]
        assert all(entry.heard is not None and "v2v" in entry.stages_ms for entry in spoken)
        assert all(entry.heard or entry.stages_ms for entry in call.facts.entries if entry.event == "turn")

    play(story)


def test_the_stages_of_a_turn_that_is_never_heard_out_are_kept(play, script, world):
    async def story():
        script.utterances = ["hello there"]
        call = world(script)
        await call.quiet()
        call.leg.speak(voice(1.0))
        await call.until(lambda: any(w.event is WatchEvent.TURN and w.turn == 1 for w in call.facts.watched))
        call.leg.hang_up()
        await call.task

        assert [entry.turn for entry in call.facts.entries if "v2v" in entry.stages_ms] == [1]

    play(story)


def test_a_filler_before_a_late_reply_is_told_beside_the_latency(play, script, world):
    """What the caller heard first is known, and the reply's own latency is not made to look shorter by it."""

    async def story():
        call = world(script)
        await call.clips.run(call.opener)
        await call.quiet()
        script.utterances, script.dialogue_s = ["hello there"], 2.0
        call.leg.speak(voice(1.0))
        began = call.leg._loop.time()
        await call.until(lambda: any(w.event is WatchEvent.TURN and w.turn == 1 for w in call.facts.watched))

        stages = next(w.stages_ms for w in call.facts.watched if w.event is WatchEvent.TURN and w.turn == 1)
        first = next(played.at for played in call.leg.played if played.at > began)
        assert abs(stages["filler"] - (first - began - 1.0) * 1000) < 25
        assert 1_200 <= stages["filler"] < 1_250
        assert stages["v2v"] > 2_000

        call.leg.hang_up()
        await call.task

    play(story)


def test_no_filler_gets_in_the_way_of_a_reply_that_is_nearly_there(play, script, world):
    """Its sentence came in time and is being synthesised: a clip would only make it later."""

    async def story():
        call = world(script)
        await call.clips.run(call.opener)
        await call.quiet()
        script.utterances, script.dialogue_s, script.tts_s = ["hello there"], 0.6, 0.5
        call.leg.speak(voice(1.0))
        await call.until(lambda: len(call.heard) == 2)

        stages = next(w.stages_ms for w in call.facts.watched if w.event is WatchEvent.TURN and w.turn == 1)
        assert "filler" not in stages
        assert 1_200 < stages["v2v"] < 1_600

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_synthesiser_that_takes_long_is_bridged_by_a_filler_all_the_same(play, script, world):
    async def story():
        call = world(script)
        await call.clips.run(call.opener)
        await call.quiet()
        script.utterances, script.tts_s = ["hello there"], 3.0
        call.leg.speak(voice(1.0))
        await call.until(lambda: len(call.heard) == 2)

        stages = next(w.stages_ms for w in call.facts.watched if w.event is WatchEvent.TURN and w.turn == 1)
        assert 1_600 <= stages["filler"] < 1_650

        call.leg.hang_up()
        await call.task

    play(story)


def test_an_agent_without_a_greeting_waits_for_the_caller(play, script, world):
    """A turn that had nothing to say owes nothing: no filler, no apology."""

    async def story():
        script.reply = lambda turn: []
        call = world(script)
        await call.until(lambda: any(w.event is WatchEvent.TURN for w in call.facts.watched))
        await asyncio.sleep(6.5)

        assert [caption.text for caption in call.leg.captions] == []

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_caller_who_hangs_up_is_written_down(play, script, world):
    """`ended` is the last turn, committed before the desk lets go."""

    async def story():
        call = world(script)
        await call.quiet()
        call.leg.hang_up()
        ending = await call.task

        assert ending.ended and ending.reason == "hung_up"
        assert [turn.kind for turn in script.turns] == [TurnKind.OPENED, TurnKind.ENDED]

    play(story)


def test_a_lost_leg_is_no_end(play, script, world):
    """A caller who may come back is not written off at once."""

    async def story():
        call = world(script)
        await call.quiet()
        call.leg.lose()
        ending = await call.task

        assert not ending.ended
        assert [turn.kind for turn in script.turns] == [TurnKind.OPENED]

    play(story)


def test_a_lost_call_is_written_off_when_nobody_comes_back(play, script, world):
    async def story():
        call = world(script)
        desk = asyncio.create_task(call.desk.run())
        await call.quiet()
        call.leg.lose()
        await call.task
        await asyncio.sleep(40)
        desk.cancel()

        assert [turn.kind for turn in script.turns] == [TurnKind.OPENED, TurnKind.ENDED]

    play(story)


def test_the_agent_ends_the_call_after_its_last_sentence(play, script, world):
    """Everything is heard, `ended` is committed, then the socket is closed."""

    async def story():
        script.ends_call = lambda turn: turn.kind is TurnKind.SPOKEN
        script.utterances = ["goodbye"]
        call = world(script)
        await call.quiet()
        call.leg.speak(voice(0.8))
        ending = await call.task

        assert ending.ended and ending.reason == "ended"
        assert script.turns[-1].kind is TurnKind.ENDED
        assert script.turns[-1].heard is None
        assert call.leg.closed == "ended"
        assert call.heard[-1] == "You said goodbye."

    play(story)


def test_silence_is_asked_about_and_ends_at_last(play, script, world):
    """Each silence is a turn of its own, counted; a dialogue that never ends the call does not hold it for ever."""

    async def story():
        script.reply = lambda turn: ["Are you there?"] if turn.kind is TurnKind.SILENCE else ["Hello."]
        call = world(script, silence_s=5.0, max_silences=2)
        ending = await call.task

        silences = [turn.silences for turn in script.turns if turn.kind is TurnKind.SILENCE]
        assert silences == [1, 2, 3]
        assert ending.reason == "silent" and ending.ended

    play(story)


def test_sound_without_words_is_no_turn(play, script, world):
    """A cough is heard, and forgotten."""

    async def story():
        script.utterances = [""]
        call = world(script)
        await call.quiet()
        call.leg.speak(voice(0.4))
        await asyncio.sleep(3)

        assert len(script.listened) == 1
        assert [turn.kind for turn in script.turns] == [TurnKind.OPENED]

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_typed_line_is_a_turn(play, script, world):
    """A leg without audio shows sentences; they count as heard at once; nothing is synthesised."""

    async def story():
        call = world(script, rate_hz=0)
        await call.until(lambda: call.leg.said)
        call.leg.type("what is a template")
        await call.until(lambda: len(call.leg.said) == 2)
        call.leg.hang_up()
        await call.task

        assert call.leg.said[1] == "You said what is a template."
        assert script.turns[1].kind is TurnKind.TYPED
        assert script.turns[1].heard is None
        assert script.spoken == [] and script.listened == []

    play(story)


def test_digits_in_a_row_are_one_answer(play, script, world):
    async def story():
        call = world(script)
        await call.quiet()
        for digit in "42":
            call.leg.dial(digit)
            await asyncio.sleep(0.3)
        await call.until(lambda: len(script.turns) == 2)

        assert (script.turns[1].kind, script.turns[1].text) == (TurnKind.DTMF, "42")

        call.leg.hang_up()
        await call.task

    play(story)


def test_the_longest_call_ends(play, script, world):
    async def story():
        call = world(script, longest_call_s=30.0, silence_s=100.0)
        ending = await call.task

        assert ending == type(ending)(ended=True, reason="too_long")

    play(story)


def test_the_recogniser_is_told_the_end_of_what_the_agent_said_last(play, script, world):
    """A message has bounds; a sentence need not."""

    async def story():
        script.reply = lambda turn: ["Welcome. " * 30 + "And how can I help?"] if not turn.text else []
        script.utterances = ["hello"]
        call = world(script)
        await call.quiet()
        call.leg.speak(voice(1.0))
        await call.until(lambda: bool(script.listened))

        assert len(script.listened[0].asked) == 200
        assert script.listened[0].asked.endswith("And how can I help?")

        call.leg.hang_up()
        await call.task

    play(story)
