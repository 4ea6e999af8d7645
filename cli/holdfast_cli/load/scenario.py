"""What simulated callers say: a scenario from a file or of those that ship, and its frames ready to send.

A scenario is a list of turns. A caller says a turn when the agent has been silent for a moment, or, with
`barge_in_s`, so many seconds after the agent's answer to the turn before began to sound. Utterances are cut to
their voiced frames, and their payloads are made once for all callers: a running call only sends strings.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec
import yaml
from holdfast_common.errors import HoldfastError
from holdfast_common.pcm import Floats

from holdfast_cli.caller.audio import NOISE_DBFS, noise_frames, read_wav, utterance, voice_dbfs

_SHIPPED = resources.files("holdfast_cli.load")


class BadScenarioError(HoldfastError):
    """There is no such scenario, or it does not hold."""


class ScenarioTurn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One utterance."""

    wav: Annotated[str, msgspec.Meta(min_length=1)]
    """A recording: beside the scenario's file, or one of the sample speech."""
    barge_in_s: Annotated[float, msgspec.Meta(ge=0, le=60)] | None = None
    """Said over the answer to the turn before, so long after that began to sound; None: after it."""


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    turns: Annotated[list[ScenarioTurn], msgspec.Meta(min_length=1, max_length=1_000)]


@dataclass(frozen=True, slots=True)
class Said:
    """One turn, ready: base64 mu-law payloads of 20 ms each, from the first voiced one to the last."""

    name: str
    payloads: tuple[str, ...]
    barge_in_s: float | None


@dataclass(frozen=True, slots=True)
class Speech:
    """All that one kind of caller sends."""

    turns: tuple[Said, ...]
    noise: tuple[str, ...]
    """Payloads of the line while nobody speaks; played round and round."""

    def patient(self) -> Speech:
        """The same caller, who lets the agent finish."""
        return Speech(tuple(Said(t.name, t.payloads, None) for t in self.turns), self.noise)


def shipped() -> list[str]:
    """Names of the scenarios that come with the product."""
    return sorted(entry.name.removesuffix(".yaml") for entry in (_SHIPPED / "scenarios").iterdir())


def load_scenario(name: str) -> tuple[Scenario, Path]:
    """A scenario by its file or shipped name, and the folder of its recordings; raises BadScenarioError."""
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        if name not in shipped():
            raise BadScenarioError(f"no scenario {name!r}: give a .yaml file, or one of {', '.join(shipped())}")
        path = Path(str(_SHIPPED / "scenarios" / f"{name}.yaml"))
    try:
        return msgspec.convert(yaml.safe_load(path.read_text("utf-8")), Scenario), path.parent
    except (OSError, yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise BadScenarioError(f"{path}: {error}") from error


def make_speech(scenario: Scenario, folder: Path, *, snr_db: float | None = None, turns: int | None = None) -> Speech:
    """Read the recordings and make all frames; raises BadRecordingError, BadScenarioError.

    `snr_db`: white noise under voice and pauses alike, so much below the voiced frames' mean level; None: the
    comfort noise of a quiet line. `turns`: so many, going round the scenario.
    """
    recordings = {turn.wav: _read(turn.wav, folder) for turn in scenario.turns}
    levels = [voice_dbfs(samples) for samples in recordings.values()]
    noise_dbfs = NOISE_DBFS if snr_db is None else sum(levels) / len(levels) - snr_db
    payloads = {wav: _voiced_payloads(samples, noise_dbfs) for wav, samples in recordings.items()}
    wanted = turns if turns is not None else len(scenario.turns)
    said = [scenario.turns[i % len(scenario.turns)] for i in range(wanted)]
    return Speech(
        tuple(
            Said(Path(turn.wav).stem, payloads[turn.wav], turn.barge_in_s if i else None) for i, turn in enumerate(said)
        ),
        tuple(base64.b64encode(frame).decode() for frame in noise_frames(noise_dbfs)),
    )


def _read(wav: str, folder: Path) -> Floats:
    own = folder / wav
    return read_wav(own if own.is_file() else Path(str(_SHIPPED / "speech" / wav)))


def _voiced_payloads(samples: Floats, noise_dbfs: float) -> tuple[str, ...]:
    made = utterance(samples, noise_dbfs)
    return tuple(base64.b64encode(f).decode() for f in made.frames[made.first_voiced : made.last_voiced + 1])
