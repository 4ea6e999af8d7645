"""A whole simulated call against a gateway that is none: real sockets on loopback, an in-memory bus."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from holdfast_cli.caller.audio import Utterance, read_wav, utterance
from holdfast_cli.caller.conversation import Lines, Manners
from holdfast_cli.caller.fake_gateway import FakeGateway, Reply
from holdfast_cli.caller.screen import SilentScreen
from holdfast_cli.caller.script import Line, Script, When
from holdfast_cli.caller.session import CallReport, place_call
from holdfast_cli.caller.twiml import Carrier
from holdfast_cli.caller.typed import TypedLines
from holdfast_common.memory_bus import MemoryBus

HUM = (0.4 * np.sin(np.arange(2_400) * 2 * np.pi * 200 / 8_000)).astype(np.float32)


BRISK = Manners(settle_s=0.05, blind_settle_s=0.5, answer_s=3, reply_s=3, patience_s=1)


class Hum:
    """A voice that hums for 0.3 s, whatever the words."""

    async def utterance(self, line: Line) -> Utterance:
        return utterance(HUM)


async def talk(gateway: FakeGateway, script: Lines, *, auth_token: str = "", wav: Path | None = None) -> CallReport:
    async with gateway.serve() as address:
        carrier = Carrier(f"{address}/twilio/voice", auth_token=auth_token)
        return await place_call(carrier, script, Hum(), SilentScreen(), bus=gateway.bus, wav=wav, manners=BRISK)  # type: ignore[arg-type]


def loud(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Samples of a recording at which the caller, and the agent, are loud."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8_000)
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).astype(float)
    left, right = (np.flatnonzero(np.abs(both[:, side]) > 3_000) for side in (0, 1))
    return left, right


async def test_the_caller_answers_what_is_asked_and_hangs_up():
    """Greeting, a line, the question it provokes, its answer, the end of the script."""
    gateway = FakeGateway(
        MemoryBus(), [Reply("what is your address", asks="email", heard="book it"), Reply("thanks", heard="dana")]
    )
    script = Script([Line(say="book"), Line(say="dana", when=When(agent_asks=["email"])), Line(hang_up=True)])

    report = await talk(gateway, script)

    assert report.finished
    assert report.error == ""
    assert [t.line.words for t in report.turns] == ["book", "dana"]
    assert [t.exchange.heard for t in report.turns] == [["book it"], ["dana"]]
    assert gateway.over
    assert gateway.starts[0]["customParameters"] == {"token": "t0ken"}


async def test_latency_is_what_the_recording_shows(tmp_path: Path):
    """From the caller's last voiced sample to the agent's first audible one, however busy the machine."""
    gateway = FakeGateway(MemoryBus(), [Reply("yes")])
    path = tmp_path / "call.wav"

    report = await talk(gateway, Script([Line(say="hello"), Line(hang_up=True)]), wav=path)

    left, right = loud(path)
    answered = right[right > left[-1]][0]
    assert report.turns[0].v2v_ms == pytest.approx((answered - left[-1]) / 8, abs=40)
    assert answered - left[-1] >= 8 * 180  # the fake answers after 200 ms of quiet


async def test_marks_come_back_after_their_audio():
    """Greeting and reply: both played to their end before the caller goes on."""
    gateway = FakeGateway(MemoryBus(), [Reply("yes")])

    await talk(gateway, Script([Line(say="hello"), Line(hang_up=True)]))

    assert gateway.marks == ["t0", "t1"]


async def test_the_agent_may_end_the_call():
    """Its goodbye is heard, the socket closes, the carrier is told to hang up."""
    gateway = FakeGateway(MemoryBus(), [Reply("goodbye", closes=True)])

    report = await talk(gateway, Script([Line(say="bye"), Line(hang_up=True)]))

    assert report.error == ""
    assert gateway.over


async def test_a_lost_line_is_taken_up_again():
    """The carrier asks where to go, connects again, and the call goes on with the next line."""
    gateway = FakeGateway(MemoryBus(), [Reply("", drops=True), Reply("yes")])

    report = await talk(gateway, Script([Line(say="one"), Line(say="two"), Line(hang_up=True)]))

    assert report.finished
    assert len(gateway.starts) == 2
    assert [t.line.words for t in report.turns] == ["one", "two"]


async def test_a_person_can_type_the_lines():
    """Each is said once the agent has finished; an empty one hangs up."""
    gateway = FakeGateway(MemoryBus(), [Reply("yes")])
    lines = TypedLines()
    typed = iter(["how long is the trial\n", "\n"])
    lines.read(lambda: next(typed))

    report = await talk(gateway, lines)

    assert report.finished
    assert [t.line.words for t in report.turns] == ["how long is the trial"]


async def test_requests_are_signed_when_there_is_a_token():
    """And only then."""
    signed, plain = (FakeGateway(MemoryBus(), [Reply("yes")]) for _ in range(2))
    script = [Line(hang_up=True)]

    await talk(signed, Script(script), auth_token="secret")
    await talk(plain, Script(script))

    assert signed.signatures[0]
    assert plain.signatures == [""]


async def test_a_call_that_nobody_answers_is_reported_not_raised():
    """The error names the address."""
    report = await place_call(
        Carrier("http://127.0.0.1:9/twilio/voice"),
        Script([Line(hang_up=True)]),
        Hum(),  # type: ignore[arg-type]
        SilentScreen(),
    )

    assert not report.finished
    assert "127.0.0.1:9" in report.error


async def test_the_recording_has_the_caller_left_and_the_agent_right(tmp_path: Path):
    """Both voices, each on its own side, at the time they sounded."""
    gateway = FakeGateway(MemoryBus(), [Reply("yes")])
    path = tmp_path / "call.wav"

    await talk(gateway, Script([Line(say="hello"), Line(hang_up=True)]), wav=path)

    left, right = loud(path)
    assert right[0] < left[0]  # the greeting comes first
    assert len(left) > 500
    assert len(right) > 500


def test_recordings_are_band_limited_to_the_telephone(tmp_path: Path):
    """6 kHz of a 16 kHz file is gone, not folded down."""
    path = tmp_path / "tone.wav"
    t = np.arange(16_000) / 16_000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((20_000 * np.sin(2 * np.pi * 6_000 * t)).astype("<i2").tobytes())

    samples = read_wav(path)

    assert np.abs(samples[800:-800]).max() < 0.01


def test_voice_begins_and_ends_where_it_is_loud():
    """Silence around an utterance is not part of it for latencies."""
    padded = np.concatenate([np.zeros(1_600), HUM, np.zeros(1_600)]).astype(np.float32)

    said = utterance(padded)

    assert said.first_voiced == pytest.approx(10, abs=1)
    assert said.last_voiced == pytest.approx(24, abs=1)
    assert len(said.frames) == 35
