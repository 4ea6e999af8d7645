"""One turn is one trace through the gateway and what it opens, and no way out leaves a span open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from holdfast_common import subjects
from holdfast_common.bus import Lane
from holdfast_common.contracts.beat import Beat
from holdfast_common.contracts.dialogue import Sentence
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.wire import encode
from holdfast_common.logs import FORBIDDEN
from holdfast_common.memory_bus import MemoryBus, MemoryHub
from holdfast_common.stream.host import StreamHost
from holdfast_common.stream.opener import StreamOpener
from holdfast_common.telemetry_testing import SpanLedger, span_ledger
from holdfast_gateway.adapters.fake import voice
from opentelemetry.sdk.trace import ReadableSpan


@pytest.fixture
def spans() -> SpanLedger:
    ledger = span_ledger()
    ledger.clear()
    return ledger


@asynccontextmanager
async def system(script: Any, world: Any, **rule: Any) -> AsyncIterator[Any]:
    """A call over the real stream protocol: a real opener, and a host for each service."""
    hub = MemoryHub()
    opener = StreamOpener(MemoryBus(hub), "gw-1")
    tasks = [asyncio.create_task(opener.run())]
    served = {Service.ASR: script.asr, Service.DIALOGUE: script.dialogue, Service.TTS: script.tts}
    for service, handler in served.items():
        host = StreamHost(MemoryBus(hub), service, f"{service}-1", handler, capacity=lambda: 50)
        tasks += [asyncio.create_task(host.run()), asyncio.create_task(_beat(MemoryBus(hub), service))]
    await asyncio.sleep(0.1)
    call = world(script, opener=opener, **rule)
    try:
        yield call
        if not call.task.done():
            call.leg.hang_up()
        await call.task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _beat(bus: MemoryBus, service: Service) -> None:
    while True:
        beat = Beat(service=service, replica=f"{service}-1", version="1", boot="b", capacity_free=50)
        bus.publish(subjects.beat(service, f"{service}-1"), encode(beat), lane=Lane.CONTROL)
        await asyncio.sleep(0.1)


def turns(spans: SpanLedger) -> list[list[ReadableSpan]]:
    """The traces that have a turn as their root, in order."""
    return [trace for trace in spans.traces().values() if any(s.name == "turn" and s.parent is None for s in trace)]


def root(trace: list[ReadableSpan]) -> dict[str, Any]:
    return dict(next(span.attributes or {} for span in trace if span.parent is None))


def shape(trace: list[ReadableSpan]) -> list[tuple[str, str | None]]:
    """(span with its service, parent's name), sorted."""
    names = {s.context.span_id: s.name for s in trace if s.context}
    told = [
        (
            f"{s.name} {(s.attributes or {}).get('service', '')}".strip(),
            names[s.parent.span_id] if s.parent else None,
        )
        for s in trace
    ]
    return sorted(told, key=str)


def test_a_spoken_turn_is_one_trace_through_all_services(play, script, world, spans):
    """Listen, think and one speak a sentence, each with its serving side; sentences begun later belong to it too."""

    async def story():
        script.utterances = ["tell me about dana at example dot com"]
        script.reply = lambda turn: (
            [Sentence(index=i, text=f"This is sentence number {i}.") for i in range(4)] if turn.text else ["Hello."]
        )
        async with system(script, world) as call:
            await call.quiet()
            call.leg.speak(voice(1.2))
            await call.until(lambda: len(call.heard) == 5)
            await call.quiet()
            await asyncio.sleep(0.5)

    play(story)

    assert spans.open == []
    greeting, spoken, ended = turns(spans)
    assert [root(t)["kind"] for t in (greeting, spoken, ended)] == ["opened", "spoken", "ended"]
    assert shape(spoken) == sorted(
        [
            ("turn", None),
            ("listen asr", "turn"),
            ("serve asr", "listen"),
            ("think dialogue", "turn"),
            ("serve dialogue", "think"),
            *[("speak tts", "turn"), ("serve tts", "speak")] * 4,
        ],
        key=str,
    )
    assert len(spans.ended) == sum(len(t) for t in turns(spans)), "nothing belongs to no turn"
    facts = root(spoken)
    assert (facts["turn"], facts["attempt"], facts["route"], facts["outcome"]) == (1, 0, "scripted", "over")
    assert facts["stage.v2v_ms"] > facts["stage.endpointing_ms"] > 400
    assert [e.name for e in next(s for s in spoken if s.name == "turn").events] == [
        "voice_ended", "turn_over", "words_there", "first_sentence", "first_audio", "first_sound",
    ]  # fmt: skip
    for span in spans.ended:
        assert not FORBIDDEN & (span.attributes or {}).keys()
        assert "dana" not in span.to_json()


def test_noise_is_a_turn_without_words(play, script, world, spans):
    """Its trace ends and says so."""

    async def story():
        script.utterances = [""]
        async with system(script, world) as call:
            await call.quiet()
            call.leg.speak(voice(0.8))
            await asyncio.sleep(3)

    play(story)

    assert spans.open == []
    assert [root(t)["outcome"] for t in turns(spans)] == ["over", "no_words", "over"]


def test_a_withdrawn_turn_is_linked_from_its_next_attempt(play, script, world, spans):
    """The caller goes on before anything was heard: two attempts of one turn, the second points at the first."""

    async def story():
        script.utterances = ["i need help today", "to sign a document"]
        script.dialogue_s = 1.3
        async with system(script, world) as call:
            await call.quiet()
            call.leg.speak(voice(1.0) + bytes(2 * 8 * 700) + voice(1.2))
            await call.until(lambda: len(call.heard) == 2)
            await call.quiet()

    play(story)

    assert spans.open == []
    first, second = [t for t in turns(spans) if root(t).get("kind") == "spoken"]
    assert (root(first)["outcome"], root(first)["turn"], root(second)["turn"]) == ("withdrawn", 1, 1)
    span = next(s for s in second if s.name == "turn")
    assert [link.context.trace_id for link in span.links] == [first[0].context.trace_id]


def test_a_caller_who_hangs_up_in_mid_turn_leaves_no_span_open(play, script, world, spans):
    """While speaking, while the dialogue thinks, and while the agent speaks."""

    async def story(at_s: float) -> None:
        script.utterances = ["how do i sign"]
        script.dialogue_s = 0.5
        async with system(script, world) as call:
            await call.quiet()
            call.leg.speak(voice(1.2))
            await asyncio.sleep(at_s)

    for at_s in (0.6, 1.9, 2.6):
        script.turns.clear()
        play(lambda at_s=at_s: story(at_s))

        assert spans.open == []
        assert root(turns(spans)[-1])["kind"] == "ended"
        spans.clear()


def test_a_failing_dialogue_ends_the_turn_with_its_code(play, script, world, spans):
    """The trace of the turn is marked as failed."""

    async def story():
        script.utterances = ["hello"]

        def broken(turn: Any) -> list[Any]:
            if turn.text:
                raise ValueError("no idea")
            return ["Hello."]

        script.reply = broken
        async with system(script, world) as call:
            await call.quiet()
            call.leg.speak(voice(1.2))
            await asyncio.sleep(6)

    play(story)

    assert spans.open == []
    assert "internal" in {root(t)["outcome"] for t in turns(spans)}
