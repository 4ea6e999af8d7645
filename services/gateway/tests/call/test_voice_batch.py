"""All legs of a rate are judged together, in the order of their own windows; silero hears speech and not noise."""

from __future__ import annotations

from contextvars import copy_context

import numpy as np
import pytest
import structlog
from holdfast_gateway.adapters.fake import LoudIsVoice, voice
from holdfast_gateway.domain.floor import Agent, Floor
from holdfast_gateway.domain.floor_actions import Hold, TurnOver
from holdfast_gateway.domain.levels import Voiced
from holdfast_gateway.listening import Ear
from holdfast_gateway.ports import AudioIn
from holdfast_gateway.voice import GATHER_S, VadBatch


class Recorder(LoudIsVoice):
    """Remembers the size of each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def probabilities(self, rows, windows):
        self.sizes.append(len(rows))
        return super().probabilities(rows, windows)


def silero(rate_hz):
    from holdfast_gateway.adapters.silero import Silero

    return Silero(rate_hz)


def silero_onnx(rate_hz):
    from holdfast_gateway.adapters.silero_onnx import OnnxSilero

    return OnnxSilero(rate_hz)


def batch_of(model):
    """A batch whose callbacks run when the test says so."""
    scheduled = []
    return VadBatch(model, scheduled.append), scheduled


def test_windows_that_are_ready_together_are_judged_together():
    """Three legs hand in a window before the loop comes round: one run of the model."""
    model = Recorder()
    batch, scheduled = batch_of(model)
    judged = []
    for name in "abc":
        lane = batch.lane(lambda verdicts, start, name=name: judged.append((name, *verdicts, start)))
        lane.hear(voice(0.032) if name == "b" else bytes(512))
    assert len(scheduled) == 1
    scheduled[0]()

    assert model.sizes == [3]
    assert [(name, verdict.probability, start) for name, verdict, start in judged] == [
        ("a", 0.02, 0),
        ("b", 0.95, 0),
        ("c", 0.02, 0),
    ]


def test_a_leg_that_was_stalled_gets_all_its_verdicts_at_once():
    """In order, in one run of the model; what is no whole window yet waits for its rest."""
    model = Recorder()
    batch, scheduled = batch_of(model)
    judged = []
    lane = batch.lane(lambda verdicts, start: judged.append(([verdict.probability for verdict in verdicts], start)))
    lane.hear(bytes(1024) + voice(0.032) + bytes(20))
    scheduled.pop()()
    assert not lane.is_waiting
    lane.hear(voice(0.032)[20:])
    scheduled.pop()()

    assert judged == [([0.02, 0.02, 0.95], 0), ([0.95], 768)]
    assert model.sizes == [3, 1]


def test_a_leg_whose_call_is_broken_makes_no_other_deaf():
    """What its owner raises stays with it: the others get this window and the next."""
    batch, scheduled = batch_of(Recorder())
    judged = []

    def broken(*_window):
        raise RuntimeError("bug")

    lanes = [batch.lane(broken), batch.lane(lambda verdicts, start: judged.append((len(verdicts), start)))]
    for _ in range(2):
        for lane in lanes:
            lane.hear(bytes(512))
        scheduled.pop()()

    assert judged == [(1, 0), (1, 256)]


def test_a_leg_that_left_is_not_judged():
    """Closing gives its state back; a verdict that comes too late is dropped."""
    model = Recorder()
    batch, scheduled = batch_of(model)
    judged = []
    lane = batch.lane(lambda *window: judged.append(window))
    lane.hear(bytes(512))
    lane.close()
    scheduled[0]()

    assert judged == [] and model.open_rows == 0


@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
def test_silero_hears_no_speech_in_noise_and_in_nothing(rate_hz):
    """The real model, both rates, several streams in one batch, rows grown and reused."""
    from holdfast_gateway.adapters.silero import Silero

    model = Silero(rate_hz)
    rows = [model.open() for _ in range(10)]
    noise = np.random.default_rng(0).normal(0, 0.003, (10, 30, model.window)).astype(np.float32)
    for window in range(30):
        probabilities = model.probabilities(rows, noise[:, window])
    for row in rows:
        model.close(row)

    assert len(probabilities) == 10
    assert max(probabilities) < 0.35
    assert model.open() in rows


def test_a_row_of_silero_does_not_depend_on_its_neighbours():
    """One stream alone or among others: the same probabilities."""
    from holdfast_gateway.adapters.silero import Silero

    model = Silero(8_000)
    sound = np.random.default_rng(1).normal(0, 0.05, (20, 256)).astype(np.float32)
    alone, one, other = model.open(), model.open(), model.open()
    together, single = [], []
    for window in sound:
        single += model.probabilities([alone], window[None])
        together.append(model.probabilities([one, other], np.stack([window, window[::-1]]))[0])

    assert single == pytest.approx(together, abs=1e-5)


@pytest.mark.parametrize("make", [silero, silero_onnx])
def test_windows_judged_together_say_what_they_say_one_by_one(make):
    """Streams that bring none, one or many windows to a run, in any order of rows."""
    together, single = make(8_000), make(8_000)
    rows = [(together.open(), single.open()) for _ in range(5)]
    rng = np.random.default_rng(4)
    for _ in range(4):
        counts = rng.permutation([0, 1, 2, 3, 70])
        sound = rng.normal(0, 0.05, (counts.sum(), 256)).astype(np.float32)
        owners = np.repeat(np.arange(5), counts)[::-1]
        found = together.probabilities([rows[owner][0] for owner in owners], sound)
        one_by_one = [
            single.probabilities([rows[owner][1]], window[None])[0] for owner, window in zip(owners, sound, strict=True)
        ]
        assert found == pytest.approx(one_by_one, abs=1e-5)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
def test_silero_in_numpy_says_what_its_file_says(rate_hz):
    """The same weights run by onnxruntime, over a second of syllables in noise: single precision apart, nothing."""
    from holdfast_gateway.adapters.silero import BLOCK, Silero
    from holdfast_gateway.adapters.silero_onnx import OnnxSilero

    legs = BLOCK + 3  # more than one block
    rng = np.random.default_rng(2)
    at = np.arange(rate_hz) / rate_hz
    hum = sum(np.sin(2 * np.pi * 140 * k * at) / k for k in range(1, 12)) * np.maximum(0, np.sin(2 * np.pi * 4 * at))
    ours, theirs = Silero(rate_hz), OnnxSilero(rate_hz)
    rows = [(ours.open(), theirs.open()) for _ in range(legs)]
    sound = np.stack([np.roll(0.1 * hum, -k * 50) for k in range(legs)]) + rng.normal(0, 0.003, (legs, rate_hz))
    windows = sound[:, : rate_hz // ours.window * ours.window].reshape(legs, -1, ours.window).astype(np.float32)
    worst, loudest = 0.0, 0.0
    for one in windows.swapaxes(0, 1):
        mine = np.array(ours.probabilities([a for a, _ in rows], one))
        worst = max(worst, float(np.abs(mine - theirs.probabilities([b for _, b in rows], one)).max()))
        loudest = max(loudest, float(mine.max()))

    assert worst < 4e-6
    assert loudest > 0.5, "some of it must sound like speech, or the comparison says little"


def test_a_file_that_is_no_such_network_is_told_at_start(tmp_path):
    """A package with another network, or a broken file, is no voice detector, and the message says what to do."""
    from holdfast_common.errors import EngineUnavailable
    from holdfast_gateway.adapters.silero import Weights, model_path

    cut = tmp_path / "cut.onnx"
    cut.write_bytes(model_path().read_bytes()[:5_000])
    for content in (b"", b"\xff" * 40, b"not a model at all"):
        (tmp_path / "bad.onnx").write_bytes(content)
        with pytest.raises(EngineUnavailable, match="VAD_RUNTIME"):
            Weights.load(8_000, tmp_path / "bad.onnx")
    with pytest.raises(EngineUnavailable, match="VAD_RUNTIME"):
        Weights.load(8_000, cut)


class Clock:
    """Timers that the test lets run out."""

    def __init__(self):
        self.timers = []

    def __call__(self, wait_s, work):
        self.timers.append((wait_s, work))
        return self

    def cancel(self):
        self.timers.pop()


def waiting_batch(lanes):
    scheduled, clock, verdicts = [], Clock(), []
    batch = VadBatch(LoudIsVoice(), scheduled.append, clock)
    return [batch.lane(lambda *window: verdicts.append(window)) for _ in range(lanes)], scheduled, clock, verdicts


def test_a_window_waits_for_those_of_other_calls():
    """One at a time costs eight times as much."""
    lanes, scheduled, clock, verdicts = waiting_batch(2)
    for lane in lanes:
        lane.hear(bytes(512))

    assert scheduled == []
    [(wait_s, work)] = clock.timers
    assert wait_s == GATHER_S
    work()
    assert len(verdicts) == 2


def test_a_call_that_needs_a_verdict_now_does_not_wait():
    """The end of the pass judges what waits, the others' windows with it, and the timer has nothing left to do."""
    lanes, scheduled, clock, verdicts = waiting_batch(2)
    for lane in lanes:
        lane.hear(bytes(512))
    lanes[1].hurry()
    lanes[0].hurry()

    [work] = scheduled
    work()
    assert len(verdicts) == 2
    assert clock.timers == []


def test_a_window_waits_for_the_next_of_the_same_call():
    """Two windows in one run cost little more than one."""
    [lane], scheduled, clock, verdicts = waiting_batch(1)
    lane.hear(bytes(512))
    lane.hear(bytes(512))

    [(_, work)] = clock.timers
    work()
    [(both, start)] = verdicts
    assert (len(both), start, scheduled) == (2, 0, [])


def test_what_is_done_about_a_window_is_done_in_the_context_of_its_call():
    """One call's window begins the batch that judges another's too: their logs and tasks stay apart."""
    batch, scheduled = batch_of(LoudIsVoice())
    found = []

    def ear(call):
        with structlog.contextvars.bound_contextvars(call=call):
            floor = Floor(8_000, 500)
            seen = lambda actions: found.append((call, structlog.contextvars.get_contextvars()["call"]))  # noqa: E731
            return Ear(floor, batch, 8_000, act=seen, broke=pytest.fail)

    ears = [ear("one"), ear("other")]
    for one in ears:
        one.hear(AudioIn(voice(0.096), 0))
    copy_context().run(scheduled.pop())

    assert sorted(found) == [("one", "one"), ("other", "other")]


@pytest.mark.parametrize("agent", [Agent.THINKING, Agent.SPEAKING])
def test_a_voice_that_holds_the_agent_at_once_is_judged_at_once(agent):
    """While any voice would hold the agent, what is loud waits for no other call's windows; silence does."""
    scheduled, clock, actions = [], Clock(), []
    floor = Floor(8_000, 500)
    ear = Ear(floor, VadBatch(LoudIsVoice(), scheduled.append, clock), 8_000, act=actions.extend, broke=pytest.fail)

    def hear(sound):
        for at in range(0, len(sound), 320):
            ear.hear(AudioIn(sound[at : at + 320], 0))
            while scheduled:
                scheduled.pop()()

    hear(voice(0.2) + bytes(16 * 700))
    for _, work in clock.timers:
        work()
    floor.agent(agent, ear.now)
    assert floor.is_silent and floor.yields_at_once
    ear.hear(AudioIn(bytes(640), 0))
    assert scheduled == [] and clock.timers
    hear(voice(0.08))

    assert Hold() in actions


def test_a_reply_begins_where_the_leg_is_not_where_the_last_verdict_was():
    """Verdicts lag: a reply that begins now has just begun for its 300 ms from now on."""
    floor = Floor(8_000, 500)
    for start in range(0, 1_024, 256):
        floor.window(0.9, Voiced(start, start + 256))
    floor.window(0.02, None)
    assert any(isinstance(action, TurnOver) for action in floor.frame(8_000))
    floor.agent(Agent.SPEAKING, 8_480)
    floor.frame(8_480 + 299 * 8)
    assert floor.yields_at_once
    floor.frame(8_480 + 300 * 8)
    assert not floor.yields_at_once
