"""One stream through the handler: what goes in, what comes out."""

from __future__ import annotations

import asyncio

import pytest
from holdfast_asr.adapters.fake import FakeRecogniser, spoken
from holdfast_asr.adapters.scripted import Scripted
from holdfast_asr.handlers import Hearer
from holdfast_common.contracts.asr import EndOfUtterance, Expectation, Final, Hypothesis, Listen, Partial, Pause
from holdfast_common.contracts.wire import Audio
from holdfast_common.errors import StreamFailed
from holdfast_common.testing import FakeSession


def audio(text: str, position: int = 0) -> Audio:
    return Audio(spoken(text), 8_000, position)


def of(kind: type, session: FakeSession) -> list:
    return [result for result in session.results if isinstance(result, kind)]


async def test_the_first_input_may_hold_the_whole_utterance() -> None:
    """That is what a replay looks like."""
    session = FakeSession(Listen(rate_hz=8_000, audio=spoken("hello there")), EndOfUtterance(position=11))

    await Hearer(FakeRecogniser()).handle(session)

    final = of(Final, session)[0]
    assert (final.text, final.confidence, [w.text for w in final.words]) == ("hello there", 0.9, ["hello", "there"])


async def test_audio_may_come_in_pieces_of_any_length() -> None:
    session = FakeSession(
        Listen(rate_hz=8_000), audio("he"), audio("llo th"), audio("ere"), EndOfUtterance(position=11)
    )

    await Hearer(FakeRecogniser()).handle(session)

    assert of(Final, session)[0].text == "hello there"
    assert session.done_to == 11


async def test_what_is_known_of_the_answer_reaches_the_engine() -> None:
    engine = FakeRecogniser()
    listen = Listen(rate_hz=16_000, expectation=Expectation.EMAIL, hints=["dana"])

    await Hearer(engine).handle(FakeSession(listen, EndOfUtterance(position=0)))

    request = engine.begun[0].request
    assert (request.rate_hz, request.expectation, request.hints) == (16_000, Expectation.EMAIL, ("dana",))
    assert engine.begun[0].closed


async def test_a_pause_is_answered_and_the_caller_may_go_on() -> None:
    session = FakeSession(Listen(rate_hz=8_000, audio=spoken("i need")))
    async with asyncio.TaskGroup() as group:
        group.create_task(Hearer(FakeRecogniser()).handle(session))
        session.put(Pause(position=6))
        await session.wait_for(lambda results: any(isinstance(r, Hypothesis) for r in results))
        session.put(audio(" time", 6))
        session.put(EndOfUtterance(position=11))

    assert [(h.position, h.text) for h in of(Hypothesis, session)] == [(6, "i need")]
    assert of(Final, session)[0].text == "i need time"


async def test_a_later_pause_makes_the_earlier_one_moot() -> None:
    engine = FakeRecogniser()
    engine.held = asyncio.Event()
    session = FakeSession(Listen(rate_hz=8_000, audio=spoken("no")), Pause(position=2), Pause(position=3))
    async with asyncio.TaskGroup() as group:
        group.create_task(Hearer(engine).handle(session))
        session.put(EndOfUtterance(position=4))
        async with asyncio.timeout(5):
            while (4, True) not in (engine.begun[0].asked if engine.begun else []):
                await asyncio.sleep(0)
        engine.held.set()

    assert not of(Hypothesis, session)
    assert len(of(Final, session)) == 1


async def test_partials_say_which_words_are_settled_and_keep_their_pace() -> None:
    session = FakeSession(Listen(rate_hz=8_000, audio=spoken("how long")))
    async with asyncio.TaskGroup() as group:
        group.create_task(Hearer(FakeRecogniser(), partial_every_s=0.01).handle(session))
        await session.wait_for(lambda results: len(results) == 1)
        session.put(audio(" is it"))
        await session.wait_for(lambda results: len(results) == 2)
        session.put(EndOfUtterance(position=14))

    assert [(p.text, p.stable_words) for p in of(Partial, session)] == [("how long", 0), ("how long is it", 2)]


async def test_a_broken_engine_sends_the_stream_elsewhere() -> None:
    engine = FakeRecogniser()
    engine.broken = True
    session = FakeSession(Listen(rate_hz=8_000), EndOfUtterance(position=0))

    with pytest.raises(StreamFailed) as failure:
        await Hearer(engine).handle(session)

    assert failure.value.code == "engine"
    assert engine.begun[0].closed


@pytest.mark.parametrize("bad", [Listen(rate_hz=44_100), Listen(rate_hz=8_000, audio=b"odd")])
async def test_audio_that_cannot_be_is_refused_for_good(bad: Listen) -> None:
    with pytest.raises(StreamFailed) as failure:
        await Hearer(FakeRecogniser()).handle(FakeSession(bad, EndOfUtterance(position=0)))

    assert failure.value.code == "bad_input"


async def test_a_change_of_rate_within_an_utterance_is_refused() -> None:
    session = FakeSession(Listen(rate_hz=16_000), audio("x"))

    with pytest.raises(StreamFailed) as failure:
        await Hearer(FakeRecogniser()).handle(session)

    assert failure.value.code == "bad_input"


async def test_a_cancelled_stream_leaves_no_utterance_behind() -> None:
    engine = FakeRecogniser()
    session = FakeSession(Listen(rate_hz=8_000, audio=spoken("hi")))
    task = asyncio.ensure_future(Hearer(engine).handle(session))
    await session.wait_for(bool)

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert engine.begun[0].closed


async def test_the_scripted_engine_hears_its_text_and_guesses_it_after_300_ms() -> None:
    session = FakeSession(Listen(rate_hz=8_000, audio=bytes(2 * 2_000)))  # pre-roll: no words in it
    async with asyncio.TaskGroup() as group:
        group.create_task(Hearer(Scripted("how long is it")).handle(session))
        session.put(Audio(bytes(2 * 2_500), 8_000, 2_000))
        await session.wait_for(bool)
        session.put(EndOfUtterance(position=4_500))

    assert [(type(r), r.text) for r in session.results] == [(Partial, "how long is it"), (Final, "how long is it")]
    assert of(Final, session)[0].confidence == 1.0
