"""Replicas die in mid-word: nothing is lost, nothing is doubled; with everything away the caller is told."""

from __future__ import annotations

import asyncio

import numpy as np
from holdfast_common.contracts.dialogue import TurnKind
from holdfast_common.contracts.registry import Service
from holdfast_common.errors import StreamFailed
from holdfast_gateway.adapters.fake import voice


def open_streams(call, service):
    return [stream for stream in call.opener.opened if stream.service is service and not stream.cancelled]


def test_a_recogniser_that_dies_in_mid_utterance_costs_no_word(play, script, world):
    """The utterance is heard again from its start, by the next one; there is one turn."""

    async def story():
        script.partials = False
        script.utterances = ["lost", "how do i sign"]
        call = world(script)
        await call.quiet()
        call.leg.speak(voice(1.5))
        await asyncio.sleep(0.8)
        open_streams(call, Service.ASR)[0].reopen()
        await call.until(lambda: len(call.heard) == 2)

        assert script.turns[1].text == "how do i sign"
        assert len(script.turns) == 2 and len(script.heard_ms) == 1
        assert script.heard_ms[0] >= 1_500

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_dialogue_that_dies_says_the_rest_elsewhere(play, script, world):
    """Sentences that have begun to play go along as accepted; none is said twice, none is lost."""

    async def story():
        script.reply = lambda turn: ["First sentence here.", "Second sentence here.", "Third sentence here."]
        script.commit_late_s = 3.0
        call = world(script)
        await call.until(lambda: call.leg.position() > 3_000)
        open_streams(call, Service.DIALOGUE)[0].reopen()
        await call.quiet()

        assert [s.text for s in script.turns[1].accepted][:1] == ["First sentence here."]
        assert script.turns[1].n == 0
        assert call.heard == ["First sentence here.", "Second sentence here.", "Third sentence here."]

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_voice_that_dies_goes_on_in_the_same_sentence(play, script, world):
    """The next synthesiser starts at the word whose beginning we have; the sound has no hole and no doubled word."""

    async def story():
        dying = asyncio.Event()
        whole = script.tts

        async def dies_after_four_words(session):
            if session.epoch == 1 and not dying.is_set():
                original = session.send_audio
                count = 0

                async def send_audio(pcm, *, rate_hz, position):
                    nonlocal count
                    count += 1
                    await original(pcm[: 2 * 1_000] if count == 4 else pcm, rate_hz=rate_hz, position=position)
                    if count == 4:
                        dying.set()
                        await asyncio.sleep(100)

                session.send_audio = send_audio
            await whole(session)

        script.reply = lambda turn: ["one two three four five six seven eight."]
        call = world(script)
        call.opener.handlers[Service.TTS] = dies_after_four_words
        await dying.wait()
        await asyncio.sleep(0.2)
        open_streams(call, Service.TTS)[0].reopen()
        await call.quiet()

        assert script.spoken[1].from_word == 3
        assert call.leg.sent() == 8 * 1_600
        sound = np.frombuffer(b"".join(p.pcm for p in call.leg.played), "<i2")
        levels = np.abs(sound[: 8 * 1_600].reshape(-1, 80)).max(axis=1)
        assert levels.min() > 3_000
        assert call.heard == ["one two three four five six seven eight."]

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_caller_is_not_left_in_silence(play, script, world):
    """With the dialogue hanging: filler, apology, offer, and a goodbye that ends the call."""

    async def story():
        call = world(script)
        await call.quiet()
        script.utterances = ["hello"]
        script.dialogue_s = 100.0
        call.leg.speak(voice(0.8))
        began = call.leg._loop.time() + 0.8
        ending = await call.task

        texts = [(c.text.split()[0], c.text) for c in call.leg.captions if c.role == "agent"][1:]
        assert [first for first, _ in texts] == ["One", "Sorry,", "I'm", "I'm"]
        assert ending.ended
        assert 20 <= call.leg._loop.time() - began < 25

    play(story)


def test_a_turn_that_failed_is_asked_again_with_its_words(play, script, world):
    """The words stay here until they are committed."""

    async def story():
        call = world(script)
        await call.quiet()
        fine = call.opener.handlers[Service.DIALOGUE]

        async def fails(session):
            raise StreamFailed("engine", "broken")

        call.opener.handlers[Service.DIALOGUE] = fails
        script.utterances = ["my name is dana", "are you there"]
        call.leg.speak(voice(1.0))
        await asyncio.sleep(3)
        call.opener.handlers[Service.DIALOGUE] = fine
        call.leg.speak(voice(1.0))
        await call.until(lambda: len(script.turns) == 2)

        assert script.turns[1].text == "my name is dana are you there"
        assert script.turns[1].n == 1 and script.turns[1].attempt > 0

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_superseded_call_is_forgotten(play, script, world):
    """Another gateway holds it: no goodbye, nothing committed."""

    async def story():
        async def superseded(session):
            raise StreamFailed("superseded", "generation 2")

        call = world(script)
        call.opener.handlers[Service.DIALOGUE] = superseded
        ending = await call.task

        assert not ending.ended and ending.reason == "superseded"
        assert script.turns == []

    play(story)


def test_a_call_taken_over_goes_on_where_the_log_stands(play, script, world):
    """Generation 2: the last committed turn is read, and the first turn is `resumed`."""

    async def story():
        from holdfast_common.contracts.dialogue import TurnEntry
        from holdfast_common.contracts.wire import encode

        script.reply = lambda turn: ["We were cut off."] if turn.kind is TurnKind.RESUMED else []
        call = world(script, generation=2)
        entry = TurnEntry(
            call="call-1", n=4, generation=1, kind=TurnKind.SPOKEN, at="2026-11-22T10:00:00Z", snapshot=b"four"
        )
        sequence = await call.log.append_turn("call-1", encode(entry), expected_last=0)
        await call.quiet()

        turn = script.turns[0]
        assert (turn.kind, turn.n, turn.snapshot, turn.log_sequence) == (TurnKind.RESUMED, 5, b"four", sequence)
        assert call.heard == ["We were cut off."]

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_bug_in_one_call_lets_that_caller_go(play, script, world):
    """The desk tells it and closes the leg; nothing is raised at the edge."""

    async def story():
        call = world(script)
        await call.quiet()
        call.leg.position = None  # type: ignore[assignment]
        ending = await call.task

        assert (ending.ended, ending.reason) == (False, "internal")
        assert call.leg.closed == "internal"

    play(story)


def test_a_greeting_that_failed_is_said_later(play, script, world):
    """A call whose first turn could not be opened is opened again when it falls silent, not asked "are you there"."""

    async def story():
        async def fails(session):
            raise StreamFailed("engine", "broken")

        call = world(script, silence_s=4.0)
        fine = call.opener.handlers[Service.DIALOGUE]
        call.opener.handlers[Service.DIALOGUE] = fails
        await asyncio.sleep(1)
        call.opener.handlers[Service.DIALOGUE] = fine
        await call.quiet()

        assert [(turn.kind, turn.n) for turn in script.turns] == [(TurnKind.OPENED, 0)]
        assert call.heard == ["Hello, this is a test."]

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_turn_taken_back_for_nothing_is_opened_again(play, script, world):
    """A partial looked like words and took the turn back; the final says that there were none."""

    async def story():
        from holdfast_common.contracts.asr import EndOfUtterance, Final, Partial
        from holdfast_common.contracts.wire import Audio

        async def mistaken(session):
            samples = 0
            async for item in session:
                if isinstance(item, Audio):
                    samples += item.samples
                    if samples == item.samples:
                        await session.send(Partial(text="the"))
                elif isinstance(item, EndOfUtterance):
                    await session.send(Final(text="", confidence=0.0))
                    return

        script.dialogue_s = 0.6
        script.utterances = ["how much is it"]
        call = world(script)
        await call.quiet()
        call.leg.speak(voice(1.0))
        await call.until(lambda: len(script.turns) == 2)
        call.opener.handlers[Service.ASR] = mistaken
        call.leg.speak(voice(0.3))
        await call.until(lambda: len(call.heard) == 2)

        again = [(turn.n, turn.attempt, turn.text) for turn in script.turns[1:]]
        assert again == [(1, 0, "how much is it"), (1, 1, "how much is it")]

        call.leg.hang_up()
        await call.task

    play(story)


def test_a_lost_call_that_cannot_be_written_off_harms_no_other(play, script, world):
    """The desk tells it and goes on with the next."""

    async def story():
        first, second = world(script), world(script)
        second.desk._lost = first.desk._lost
        desk = asyncio.create_task(first.desk.run())
        await first.quiet()
        first.desk.calls["call-1"]._open = None  # type: ignore[assignment]
        first.leg.lose()
        await first.task
        await second.quiet()
        second.leg.lose()
        await second.task
        await asyncio.sleep(60)

        assert not desk.done()
        assert [turn.kind for turn in script.turns][-1] is TurnKind.ENDED

        desk.cancel()

    play(story)


def test_a_bug_in_a_timer_ends_that_call_and_no_other(play, script, world):
    """The playout timer of one call raises: its caller is let go, the other is answered."""

    async def story():
        script.reply = lambda turn: [f"Sentence number {n} of a long reply." for n in range(4)]
        broken, fine = world(script), world(script)
        await broken.until(lambda: broken.leg.sent() > 0)

        def breaks(pcm):
            raise ValueError("a bug of ours")

        broken.leg.play = breaks
        ending = await broken.task

        assert (ending.ended, ending.reason) == (False, "internal")
        assert broken.leg.closed == "internal"
        await fine.quiet()
        fine.leg.hang_up()
        assert (await fine.task).ended

    play(story)
