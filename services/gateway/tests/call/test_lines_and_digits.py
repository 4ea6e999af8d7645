"""The caller types a line or presses a key while the agent speaks: what no end of speech will ever tell."""

from __future__ import annotations

import asyncio

from holdfast_common.contracts.dialogue import Sentence, TurnKind
from holdfast_common.contracts.registry import Service
from holdfast_common.errors import StreamFailed

NOTICE = Sentence(index=0, text="You are talking to a machine that is still being tried out.", protected=True)


def test_a_key_pressed_over_a_protected_sentence_does_not_silence_the_agent(play, script, world):
    """The notice is said to its end, and the answer follows."""

    async def story():
        script.reply = lambda turn: [NOTICE] if turn.kind is TurnKind.OPENED else ["You pressed a key."]
        call = world(script)
        await call.until(lambda: call.leg.position() > 4_000)
        call.leg.dial("1")
        await call.until(lambda: "You pressed a key." in call.heard)

        assert call.heard[0] == NOTICE.text

        call.leg.hang_up()
        await call.task

    play(story)


def test_lines_typed_over_one_protected_sentence_are_all_answered(play, script, world):
    """It may outlast the turns that are begun meanwhile."""

    async def story():
        read_back = Sentence(index=0, text=" ".join(["word"] * 40), protected=True)
        script.reply = lambda turn: [read_back] if turn.kind is TurnKind.OPENED else [f"You said {turn.text}."]
        call = world(script)
        await call.until(lambda: call.leg.position() > 4_000)
        for line in ("one", "two", "three"):
            call.leg.type(line)
            await asyncio.sleep(1)
        await call.until(lambda: "You said three." in call.heard)

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_reply_taken_back_on_its_way_to_the_ear_is_not_played(play, script, world):
    """Handed to the leg, not yet heard: it is thrown away there, and one reply answers both lines."""

    async def story():
        call = world(script)
        await call.quiet()
        script.commit_late_s = 3.0
        position, reached = call.leg.position, call.leg.position()
        call.leg.position = lambda: reached
        call.leg.type("one")
        await call.until(lambda: call.leg.sent() > reached)
        call.leg.type("two")
        await call.until(lambda: call.leg.clears)
        call.leg.position = position
        await call.until(lambda: "You said one two." in call.heard)

        assert [(turn.text, turn.attempt) for turn in script.turns[1:]] == [("one", 0), ("one two", 1)]
        assert len(call.leg.clears) == 1

        call.leg.hang_up()
        await call.task

    play(story)


def test_words_of_a_failed_turn_outlast_a_silence_that_fails_too(play, script, world):
    """Nobody thinks for a while: what the caller said is asked for again in the first turn that can be."""

    async def story():
        async def fails(session):
            asked.append(session.first.kind)
            raise StreamFailed("engine", "broken")

        asked: list[TurnKind] = []
        call = world(script, silence_s=4.0)
        await call.quiet()
        fine = call.opener.handlers[Service.DIALOGUE]
        call.opener.handlers[Service.DIALOGUE] = fails
        call.leg.type("one")
        await call.until(lambda: asked == [TurnKind.TYPED, TurnKind.SILENCE])
        call.opener.handlers[Service.DIALOGUE] = fine
        call.leg.type("two")
        await call.until(lambda: len(call.heard) == 2)

        assert call.heard[1] == "You said one two."

        call.leg.hang_up()
        await call.task

    play(story)
