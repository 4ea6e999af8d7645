"""Legs by themselves: frames in, few and timely messages out, marks by generation, fuzzed input."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from holdfast_common.contracts.asr import Channel
from holdfast_common.pcm import ulaw_decode
from holdfast_common.virtual_time import VirtualLoop
from holdfast_gateway.adapters import twilio_messages as wire
from holdfast_gateway.adapters.browser_leg import BrowserLeg
from holdfast_gateway.adapters.browser_messages import clean_line, known_language, known_zone
from holdfast_gateway.adapters.event_queue import MAX_AUDIO, MAX_OTHERS, EventQueue
from holdfast_gateway.adapters.playout_sender import PlayoutSender
from holdfast_gateway.adapters.tokens import BadToken, Pass
from holdfast_gateway.adapters.twilio_leg import TwilioLeg
from holdfast_gateway.domain.framing import FrameCutter
from holdfast_gateway.ports import AudioIn, Dtmf, PositionMoved, Typed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


class FakeSocket:
    """Remembers what a leg said."""

    def __init__(self) -> None:
        self.texts: list[dict[str, Any]] = []
        self.binaries: list[bytes] = []
        self.closes: list[tuple[Any, str]] = []

    def send_text(self, data: bytes) -> None:
        self.texts.append(json.loads(data))

    def send_binary(self, data: bytes) -> None:
        self.binaries.append(data)

    def close(self, code: Any, reason: str) -> None:
        self.closes.append((code, reason))

    async def wait_closed(self) -> None:
        pass

    def said(self, event: str) -> list[dict[str, Any]]:
        return [m for m in self.texts if m["event"] == event]


def admit(token: str, sid: str) -> Pass:
    if token != "good":
        raise BadToken("token_invalid")
    return Pass("call-1", sid, 1)


START = {
    "event": "start",
    "sequenceNumber": "1",
    "streamSid": "MZ1",
    "start": {
        "callSid": "CA1",
        "customParameters": {"token": "good"},
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
    },
}


def started(start_timeout_s: float = 5.0) -> tuple[TwilioLeg, FakeSocket]:
    socket = FakeSocket()
    leg = TwilioLeg(admit, lambda _leg, _pass: None, start_timeout_s=start_timeout_s)
    leg.on_open(socket)
    leg.on_text(b'{"event":"connected"}')
    leg.on_text(json.dumps(START).encode())
    return leg, socket


def media(sequence: int, ulaw: bytes) -> bytes:
    body = {"payload": base64.b64encode(ulaw).decode()}
    return json.dumps({"event": "media", "sequenceNumber": str(sequence), "streamSid": "MZ1", "media": body}).encode()


@given(st.lists(st.binary(max_size=700), max_size=20))
def test_any_lengths_become_frames_of_20_ms_and_nothing_is_lost(chunks: list[bytes]) -> None:
    cutter = FrameCutter(8000)
    frames = [frame for chunk in chunks for frame in cutter.cut(ulaw_decode(chunk))]

    assert all(len(frame) == 320 for frame in frames)
    assert b"".join(frames) + cutter.flush() == ulaw_decode(b"".join(chunks))


async def test_frames_reach_the_call_logic_whatever_the_message_lengths() -> None:
    leg, _ = started()
    leg.on_text(media(2, b"\x80" * 100))
    leg.on_text(media(3, b"\x80" * 300))
    leg.on_text(b'{"event":"stop","sequenceNumber":"4","streamSid":"MZ1"}')
    events = [event async for event in leg.events()]

    assert [len(e.pcm) for e in events if isinstance(e, AudioIn)] == [320, 320, 160]
    assert leg.channel is Channel.PHONE
    assert leg.rate_hz == 8000


def test_the_first_audio_leaves_at_once_and_the_rest_in_messages_of_up_to_200_ms() -> None:
    """In virtual time: on a machine that is slow the far end would have run dry, and got shorter messages."""

    async def story() -> None:
        leg, socket = started()
        frame = bytes(320)
        leg.play(frame)
        assert len(socket.said("media")) == 1, "before anybody else had a turn"
        for _ in range(99):
            leg.play(frame)
        await asyncio.sleep(0.1)
        lengths = [len(base64.b64decode(m["media"]["payload"])) for m in socket.said("media")]

        assert lengths == [160] + [1600] * 9 + [1440]
        assert leg.sent() == 16_000
        leg.on_gone("done")

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(story())


class HandClock:
    """An event loop's timers, turned by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self._due: list[tuple[float, Callable[[], None], list[bool]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> Any:
        entry = (self.now + delay, callback, [True])
        self._due.append(entry)

        class Handle:
            def cancel(self) -> None:
                entry[2][0] = False

        return Handle()

    def turn_to(self, until: float) -> None:
        while ready := [e for e in self._due if e[2][0] and e[0] <= until]:
            entry = min(ready, key=lambda e: e[0])
            self._due.remove(entry)
            self.now = max(self.now, entry[0])
            entry[1]()
        self.now = until


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 4_000)), min_size=1, max_size=40))
def test_waiting_for_one_another_never_lets_the_far_end_run_dry(arrivals: list[tuple[int, int]]) -> None:
    """Chunks of any length after any pauses (ms): nothing waits for over 60 ms, and nothing waits at
    all (but for a burst of 5 ms) once the far end has less than 200 ms to play."""
    clock = HandClock()
    sent, dry_at = [0], [0.0]

    def send(pcm: bytes, _end: int, _generation: int) -> None:
        assert len(pcm) <= 3_200
        sent.append(sent[-1] + len(pcm) // 2)
        dry_at[0] = max(dry_at[0], clock.now) + len(pcm) / 16_000

    sender = PlayoutSender(8000, send, lambda: None, loop=clock)
    handed, waits_since = 0, clock.now
    for pause_ms, samples in arrivals:
        for _ in range(pause_ms):
            clock.turn_to(clock.now + 0.001)
            waited = clock.now - waits_since if handed > sent[-1] else 0.0
            assert waited <= 0.062
            assert waited <= 0.007 or dry_at[0] > clock.now
        if handed == sent[-1]:
            waits_since = clock.now
        handed += samples
        sender.play(bytes(2 * samples))
    clock.turn_to(clock.now + 0.1)

    assert sent[-1] == handed == sender.sent()


async def test_marks_of_before_a_clear_say_nothing() -> None:
    leg, socket = started()
    leg.play(bytes(3200))
    reached = leg.clear()
    old = next(m["mark"]["name"] for m in socket.said("mark") if m["mark"]["name"].startswith("0."))
    leg.on_text(
        json.dumps({"event": "mark", "sequenceNumber": "2", "streamSid": "MZ1", "mark": {"name": old}}).encode()
    )

    assert leg.position() == reached == leg.sent()
    assert socket.said("clear")
    leg.play(bytes(320))
    assert socket.said("mark")[-1]["mark"]["name"] == f"1.{reached + 160}"
    leg.on_gone("done")


async def test_what_waits_is_not_sent_after_a_clear() -> None:
    leg, socket = started()
    leg.play(bytes(3200))
    leg.play(bytes(320))
    leg.clear()
    before = len(socket.said("media"))
    await asyncio.sleep(0.1)

    assert len(socket.said("media")) == before


async def test_who_says_nothing_is_closed_in_time() -> None:
    socket = FakeSocket()
    leg = TwilioLeg(admit, lambda _leg, _pass: None, start_timeout_s=0.01)
    leg.on_open(socket)
    await asyncio.sleep(0.05)

    assert socket.closes[0][1] == "no_start_in_time"


async def test_a_leg_that_is_gone_ends_its_events_and_swallows_what_is_played() -> None:
    leg, socket = started()
    leg.on_gone("lost")
    leg.play(bytes(320))

    assert [event async for event in leg.events()] == []
    assert socket.said("media") == []
    await leg.close("ended")


# -- the queue
async def test_stale_audio_gives_way_and_words_do_not() -> None:
    queue = EventQueue()
    queue.put(Dtmf("1"))
    for i in range(MAX_AUDIO + 10):
        queue.put(AudioIn(b"", i))
    queue.end()
    events = [event async for event in queue]

    assert events[0] == Dtmf("1")
    assert events[1] == AudioIn(b"", 10)
    assert len(events) == 1 + MAX_AUDIO
    assert queue.dropped == 10


async def test_audio_is_heard_at_once_but_never_before_what_came_earlier() -> None:
    """A digit that waits is read before the frame that came behind it; nobody is woken for the frames around."""
    queue = EventQueue()
    heard: list[int] = []
    queue.hear_at_once(lambda frame: heard.append(frame.capture_us))
    queue.put(AudioIn(b"", 1))
    queue.put(Dtmf("1"))
    queue.put(AudioIn(b"", 2))
    assert heard == [1]

    assert [await anext(queue), await anext(queue)] == [Dtmf("1"), AudioIn(b"", 2)]
    queue.put(AudioIn(b"", 3))
    queue.hear_at_once(None)
    queue.put(AudioIn(b"", 4))
    assert heard == [1, 3]
    assert await anext(queue) == AudioIn(b"", 4)


async def test_a_flood_of_lines_is_told() -> None:
    queue = EventQueue()
    accepted = [queue.put(Typed(str(i))) for i in range(MAX_OTHERS + 1)]

    assert accepted == [True] * MAX_OTHERS + [False]


async def test_reports_of_position_do_not_pile_up() -> None:
    queue = EventQueue()
    for _ in range(1_000):
        assert queue.put(PositionMoved())
    queue.end()

    assert [event async for event in queue] == [PositionMoved()]


# -- fuzz
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=12), children, max_size=4),
    max_leaves=12,
)
_keys = st.sampled_from(
    ["event", "sequenceNumber", "streamSid", "start", "media", "mark", "dtmf", "stop", "payload", "name", "t", "text"]
)
_values = st.sampled_from(
    ["media", "start", "connected", "mark", "dtmf", "stop", "MZ1", "1", "2", "hello", "typed", "played", "bye"]
)
_nearly = st.dictionaries(_keys, _values | _json | st.dictionaries(_keys, _values | _json, max_size=5), max_size=8)
_messages = st.lists(st.binary(max_size=200) | (_nearly | _json).map(lambda v: json.dumps(v).encode()), max_size=12)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_messages)
async def test_no_message_breaks_the_phone_leg(messages: list[bytes]) -> None:
    leg, socket = started()
    for message in messages:
        leg.on_text(message)
    leg.on_gone("done")

    assert all(reason for _, reason in socket.closes)
    assert socket.said("media") == []


class OpenDoor:
    """Lets every page in."""

    def __init__(self) -> None:
        self.attached: list[BrowserLeg] = []

    def admit_page(self, token: str, origin: str) -> Pass:
        return Pass("call-1", "k", 1)

    admit_resumed = admit_page

    def resume_token(self, granted: Pass) -> str:
        return "resume"

    def attach(self, leg: BrowserLeg, granted: Pass, *, zone: str, language: str) -> None:
        self.attached.append(leg)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.booleans(), _messages, st.lists(st.binary(max_size=2_000), max_size=4))
async def test_no_message_breaks_the_page_leg(live: bool, messages: list[bytes], audio: list[bytes]) -> None:
    socket = FakeSocket()
    leg = BrowserLeg(OpenDoor(), "http://h")
    leg.on_open(socket)  # type: ignore[arg-type]
    if live:
        leg.on_text(b'{"t":"hello","token":"x"}')
    for message in messages:
        leg.on_text(message)
    for data in audio:
        leg.on_binary(data)
    leg.on_gone("done")

    assert all(reason for _, reason in socket.closes)


@given(st.binary(max_size=300))
def test_the_decoder_says_what_is_wrong_or_gives_a_message(data: bytes) -> None:
    from holdfast_common.errors import ContractError

    try:
        message = wire.decode(data)
    except ContractError as error:
        assert len(str(error)) < 500
    else:
        assert message is None or type(message).__name__.lower() in wire.KNOWN


# -- small judgements
@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("  two\twords\n", "two words"),
        ("a\x00b\x1b[31m", "ab[31m"),
        ("\u202eevil", "evil"),
        ("dana@example.com", "dana@example.com"),
        ("\u00fcber \U0001f44d", "\u00fcber \U0001f44d"),
    ],
)
def test_typed_lines_lose_what_is_not_text(typed: str, clean: str) -> None:
    assert clean_line(typed) == clean


def test_only_known_zones_and_languages_are_passed_on() -> None:
    assert known_zone("America/New_York") == "America/New_York"
    assert known_zone("../../etc/passwd") == ""
    assert known_language("de-AT") == "de"
    assert known_language("<b>") == "en"


async def test_half_a_second_of_silence_in_the_playout_is_no_gap_in_the_count() -> None:
    """Position and sent stay in step over pauses between sentences."""
    sent: list[int] = []
    sender = PlayoutSender(8000, lambda _pcm, end, _generation: sent.append(end), lambda: None)
    sender.play(bytes(320))
    await asyncio.sleep(0.05)
    assert sender.position() == sender.sent() == 160
    sender.play(bytes(320))
    assert sent == [160, 320]
    sender.stop()
