"""Whose voice it is: the network itself, and who is told."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
import structlog
from holdfast_common.errors import EngineUnavailable
from holdfast_common.health import Finding, State
from holdfast_gateway.adapters.fake import LoudIsVoice, voice
from holdfast_gateway.adapters.foreground import Foreground, features
from holdfast_gateway.bootstrap import vad_finding
from holdfast_gateway.domain.floor import Floor
from holdfast_gateway.domain.floor_actions import Began, TurnOver
from holdfast_gateway.domain.levels import LAG_WINDOWS
from holdfast_gateway.listening import Ear
from holdfast_gateway.ports import AudioIn
from holdfast_gateway.voice import VadBatch

WINDOW = 256


def buzz(seconds: float, pitch_hz: float, rms: float, rate_hz: int = 8_000) -> np.ndarray:
    """Something voiced: harmonics of a pitch that moves, loud and soft four times a second."""
    at = np.arange(int(seconds * rate_hz)) / rate_hz
    phase = 2 * np.pi * pitch_hz * (at + 0.02 * np.sin(3 * at))
    sound = np.sum([np.sin(n * phase) / n for n in range(1, int(3_400 / pitch_hz))], axis=0) * (
        0.6 + 0.4 * np.sin(2 * np.pi * 4 * at)
    )
    return sound * rms / np.sqrt(np.mean(sound**2))


def crowd(seconds: float, rms: float, rate_hz: int = 8_000) -> np.ndarray:
    """Six of them at once."""
    rng = np.random.default_rng(5)
    voices = [np.roll(buzz(seconds, rng.uniform(90, 240), 1.0, rate_hz), rng.integers(20_000)) for _ in range(6)]
    return np.sum(voices, axis=0) * rms / 6**0.5


def windows_of(sound: np.ndarray, rate_hz: int = 8_000) -> np.ndarray:
    size = rate_hz * 32 // 1000
    return sound[: len(sound) // size * size].reshape(-1, size).astype(np.float32)


def told(sound: np.ndarray, rate_hz: int = 8_000) -> list[float]:
    """Odds of each window, the detector calling everything speech."""
    model, whole = Foreground(), windows_of(sound, rate_hz)
    return model.odds([model.open()] * len(whole), np.full(len(whole), 0.9, np.float32), whole)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
def test_a_voice_in_front_is_told_from_the_crowd_behind_it(rate_hz):
    """A crowd, then somebody 15 dB louder for a second, then the crowd again; at both rates."""
    sound = crowd(3.0, 0.02, rate_hz)
    sound[rate_hz : 2 * rate_hz] += buzz(1.0, 120, 0.11, rate_hz)
    odds = told(sound, rate_hz)
    second = 1000 // 32
    during = np.mean(odds[second + LAG_WINDOWS : 2 * second])
    after = np.mean(odds[2 * second + 8 : 3 * second])

    assert during > 0.0 > -1.0 > after


def test_both_rates_are_heard_alike():
    """The same sound at 16 kHz has the features it has at 8, whatever there is above 4 kHz."""
    at = np.arange(8_000) / 16_000
    hiss = 0.1 * np.sin(2 * np.pi * 6_000 * at)
    wide, narrow = windows_of(buzz(0.5, 130, 0.1, 16_000) + hiss, 16_000), windows_of(buzz(0.5, 130, 0.1))
    said = np.full(len(wide), 0.9, np.float32)

    assert np.abs(features(said, wide) - features(said, narrow)).mean() < 0.05


def test_a_stream_is_heard_the_same_alone_and_among_others_at_once_and_in_pieces():
    rng = np.random.default_rng(2)
    sound = rng.normal(0, 0.05, (12, WINDOW)).astype(np.float32)
    said = rng.uniform(size=12).astype(np.float32)
    alone, together = Foreground(), Foreground()
    row = alone.open()
    whole = alone.odds([row] * 12, said, sound)
    rows = [together.open(), together.open()]
    pieces = []
    for at in (0, 4, 8):
        part = slice(at, at + 4)
        both = [np.concatenate([x[part], x[part]]) for x in (said, sound)]
        pieces += together.odds([rows[0]] * 4 + [rows[1]] * 4, *both)[4:]

    assert pieces == pytest.approx(whole, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("hidden", lambda weights: weights[:-1]),
        ("gates", lambda weights: weights * np.nan),
        ("lag", lambda lag: lag + 1),
    ],
)
def test_weights_that_are_not_the_networks_are_refused_at_start(tmp_path, name, broken):
    """Cut short, spoilt, or of a network that tells of another window: with what to do."""
    with (files("holdfast_gateway") / "data" / "foreground.npz").open("rb") as file, np.load(file) as found:
        weights = dict(found)
    np.savez(tmp_path / "good.npz", **weights)
    np.savez(tmp_path / "bad.npz", **weights | {name: broken(weights[name])})
    Foreground(tmp_path / "good.npz")

    with pytest.raises(EngineUnavailable, match=r"install .* again"):
        Foreground(tmp_path / "bad.npz")


def test_a_file_that_was_cut_off_is_refused_at_start(tmp_path):
    whole = (files("holdfast_gateway") / "data" / "foreground.npz").read_bytes()
    for length in (0, 1_000):
        (tmp_path / "cut.npz").write_bytes(whole[:length])
        with pytest.raises(EngineUnavailable, match=r"install .* again"):
            Foreground(tmp_path / "cut.npz")


class Counted:
    """A model whose odds are the number of the row, or what it is told to say."""

    def __init__(self, *says: float) -> None:
        self.opened, self.closed, self.says = 0, 0, list(says)

    def open(self) -> int:
        self.opened += 1
        return self.opened

    def close(self, row: int) -> None:
        self.closed += 1

    def odds(self, rows, probabilities, windows):
        assert len(rows) == len(probabilities) == len(windows)
        return [self.says.pop(0) if self.says else float(row) for row in rows]


def test_only_lanes_that_ask_are_told_and_who_asks_again_begins_anew():
    """The model's rows are given back while nobody asks, and with the lane."""

    scheduled, judged = [], {}
    model = Counted()
    batch = VadBatch(LoudIsVoice(), scheduled.append, foreground=model)
    lanes = {name: batch.lane(lambda verdicts, _, name=name: judged.update({name: verdicts})) for name in "ab"}

    def hear() -> list[list[float | None]]:
        for lane in lanes.values():
            lane.hear(voice(0.064))
        scheduled.pop()()
        return [[verdict.foreground for verdict in judged[name]] for name in "ab"]

    assert hear() == [[1.0, 1.0], [2.0, 2.0]]
    lanes["a"].asks_foreground = False
    assert hear() == [[None, None], [2.0, 2.0]]
    lanes["a"].asks_foreground = True
    assert hear() == [[3.0, 3.0], [2.0, 2.0]]
    for lane in lanes.values():
        lane.close()
    assert model.closed == model.opened == 3


def test_an_error_in_it_costs_no_verdict_and_is_told_once():
    """From then on levels decide: nobody is asked for, and all lanes go on."""

    class Broken(Counted):
        def odds(self, rows, probabilities, windows):
            raise FloatingPointError("bug")

    scheduled, judged = [], []
    batch = VadBatch(LoudIsVoice(), scheduled.append, foreground=Broken())
    lane = batch.lane(lambda verdicts, _: judged.extend(verdicts))
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            lane.hear(voice(0.032))
            scheduled.pop()()

    assert [(verdict.probability, verdict.foreground) for verdict in judged] == [(0.95, None)] * 3
    assert [line["event"] for line in logs] == ["foreground_failed"]
    assert vad_finding(batch, wants_foreground=True).state is State.DEGRADED


def test_health_says_whether_the_network_is_in_use():
    batch = VadBatch(LoudIsVoice(), [].append, foreground=Counted())
    without = VadBatch(LoudIsVoice(), [].append)

    assert "foreground" in vad_finding(batch, wants_foreground=True).detail
    assert vad_finding(without, wants_foreground=False) == Finding(State.OK, "silero")


class Murmur(LoudIsVoice):
    """A detector that calls everything speech, as silero does in a crowd."""

    def probabilities(self, rows, windows):
        return [0.9] * len(rows)


@pytest.mark.parametrize(("odds", "is_over"), [(3.0, False), (-6.0, True)])
def test_in_a_crowd_a_turn_ends_when_the_voice_in_front_does(odds, is_over):
    """The same sound for 2 s more; only whose voice the network takes it for tells whether the turn goes on."""
    scheduled, actions = [], []
    floor = Floor(8_000, endpoint_ms=300)
    batch = VadBatch(Murmur(), scheduled.append, foreground=Counted(*[3.0] * 40, *[odds] * 200))
    ear = Ear(floor, batch, 8_000, act=actions.extend, broke=pytest.fail)
    ear.hear(AudioIn(voice(0.02, level=0.01), 0))
    for _ in range(160):
        ear.hear(AudioIn(voice(0.02, level=0.03), 0))
        while scheduled:
            scheduled.pop()()

    assert any(isinstance(action, Began) for action in actions)
    assert any(isinstance(action, TurnOver) for action in actions) is is_over


def test_on_a_quiet_line_nobody_asks_whose_voice_it_is():
    scheduled = []
    batch = VadBatch(LoudIsVoice(), scheduled.append, foreground=(model := Counted()))
    ear = Ear(Floor(8_000, endpoint_ms=300), batch, 8_000, act=lambda _: None, broke=pytest.fail)
    for _ in range(100):
        ear.hear(AudioIn(bytes(320), 0))
        while scheduled:
            scheduled.pop()()

    assert (model.opened, model.closed) == (1, 1)
