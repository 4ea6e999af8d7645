"""Scenarios: those that ship, files, noise, and what is wrong with a bad one."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from holdfast_cli.load.command import LoadOptions, kinds_of
from holdfast_cli.load.scenario import BadScenarioError, load_scenario, make_speech, shipped
from holdfast_common.errors import HoldfastError
from holdfast_common.pcm import rms_dbfs, ulaw_decode


def level_dbfs(payloads: tuple[str, ...]) -> float:
    return rms_dbfs(ulaw_decode(b"".join(base64.b64decode(p) for p in payloads)))


@pytest.mark.parametrize("name", shipped())
def test_what_ships_can_be_said(name: str):
    """Every utterance has frames of 160 mu-law bytes, and nobody barges in before there is an answer."""
    speech = make_speech(*load_scenario(name))

    assert {len(base64.b64decode(p)) for turn in speech.turns for p in turn.payloads} == {160}
    assert speech.turns[0].barge_in_s is None


def test_the_noise_is_so_much_below_the_voice_as_was_asked():
    """10 dB: measured on the pauses' frames against the words' frames."""
    speech = make_speech(*load_scenario("questions"), snr_db=10)

    voices = [level_dbfs(turn.payloads) for turn in speech.turns]

    # The words' frames hold voice and noise: 10.4 dB over the noise alone.
    assert np.mean(voices) - level_dbfs(speech.noise) == pytest.approx(10.4, abs=1.5)


def test_turns_go_round_the_scenario():
    """Seven turns of three lines."""
    speech = make_speech(*load_scenario("questions"), turns=7)

    assert [t.name for t in speech.turns] == ["trial", "more_time", "email"] * 2 + ["trial"]


def test_a_share_of_the_callers_barges_in_spread_evenly():
    """A quarter of twenty kinds."""
    kinds = kinds_of(LoadOptions(scenario="barge-in", barge_in_share=0.25))

    barging = [any(t.barge_in_s is not None for t in kind.turns) for kind in kinds]
    assert sum(barging) == 5
    assert all(sum(barging[i : i + 4]) == 1 for i in range(0, 20, 4))


def test_a_share_wants_a_scenario_in_which_somebody_barges_in():
    """Else nobody would, and nobody would notice."""
    with pytest.raises(HoldfastError, match="nobody barges in"):
        kinds_of(LoadOptions(scenario="questions", barge_in_share=0.5))


def test_an_unknown_name_lists_what_there_is():
    """So that the next try works."""
    with pytest.raises(BadScenarioError, match="barge-in, interrupting, questions"):
        load_scenario("nonsense")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("turns: []", "length >= 1"),
        ("turns: [{wav: a.wav, barge_in_s: -1}]", "barge_in_s"),
        ("turns: [{wav: a.wav, shout: true}]", "shout"),
        ("turns: {", "expected"),
    ],
)
def test_a_bad_file_is_told_with_its_place(tmp_path: Path, text: str, says: str):
    """The file's name and what does not hold."""
    path = tmp_path / "s.yaml"
    path.write_text(text)

    with pytest.raises(BadScenarioError, match=says) as told:
        load_scenario(str(path))

    assert str(path) in str(told.value)


def test_recordings_beside_the_file_come_first(tmp_path: Path):
    """One of its own, one of the sample speech."""
    shipped_speech, folder = load_scenario("questions")
    own = (folder.parent / "speech" / "trial.wav").read_bytes()
    (tmp_path / "mine.wav").write_bytes(own)
    path = tmp_path / "s.yaml"
    path.write_text("turns: [{wav: mine.wav}, {wav: trial.wav}]")

    speech = make_speech(*load_scenario(str(path)))

    assert speech.turns[0].payloads == speech.turns[1].payloads
    assert shipped_speech.turns
