"""`holdfast eval turns`: the labelled turn-taking set through the gateway's own ear and floor, and the figures.

The gateway's `replay` module is a process of its own, as services are to the command line everywhere. It runs
twice: with the true words at each pause, as an ideal recogniser gives them, and with words dropped and swapped
at the rate of a real one. How final words sound is said by asr's language model, a process of its own as well.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from holdfast_cli.eval import turn_set
from holdfast_cli.eval.turn_score import Events, score
from holdfast_cli.eval.turn_set import Item

REPLAY_TIMEOUT_S = 1_800
SPLITS = ("report", "tune")


@dataclass(frozen=True, slots=True)
class TurnsOptions:
    """What to score. `folder`: a set made elsewhere (`set.jsonl` and WAV files), scored as it is."""

    speech: Path
    profile: Path
    split: str = "report"
    folder: Path | None = None
    scale: float = 1.0
    models: Path | None = Path("var/eval/asr")
    """Where the language model's converted weights are kept; None: the gateway's table of words decides."""
    as_json: bool = False


def replayed(folder: Path, profile: Path, models: Path | None = None, *, misheard: bool) -> dict[str, Events]:
    """What the gateway decided in each scene; raises CalledProcessError when the replay fails."""
    command = [sys.executable, "-m", "holdfast_gateway.replay", str(folder), "--profile", str(profile)]
    if models is not None:
        judge = [sys.executable, "-m", "holdfast_asr.adapters.finality_worker", str(models)]
        command += ["--opinion", shlex.join(judge)]
    done = subprocess.run(
        [*command, "--misheard"] if misheard else command,
        check=True,
        stdout=subprocess.PIPE,
        timeout=REPLAY_TIMEOUT_S,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["id"]: [(what, position, at) for what, position, at in row["events"]] for row in rows}


def read_set(folder: Path, split: str) -> list[Item]:
    """The labels of a folder; items without a split count for each. Raises FileNotFoundError, or TypeError."""
    items = [Item(**json.loads(line)) for line in (folder / "set.jsonl").read_text("utf-8").splitlines()]
    return [item for item in items if item.split in (split, "")]


def measure(options: TurnsOptions) -> dict[str, Any]:
    """Build the set (unless one was given), play it, score it."""
    with tempfile.TemporaryDirectory(prefix="holdfast-turns-") as made:
        folder = options.folder or Path(made)
        if options.folder is None:
            turn_set.build(options.speech, folder, (options.split,), options.scale)
        items = read_set(folder, options.split)
        passes = {
            "true_words": score(items, replayed(folder, options.profile, options.models, misheard=False)),
            "misheard_words": score(items, replayed(folder, options.profile, options.models, misheard=True)),
        }
    return {
        "set": {
            "seed": turn_set.SEED if options.folder is None else None,
            "split": options.split,
            "scenes": len(items),
            "finality": "table of words" if options.models is None else "language model",
            "speakers": sorted({item.speaker for item in items}),
        },
        **passes,
    }


def _text(figure: Any) -> str:
    return "-" if figure is None else f"{figure:g}" if isinstance(figure, int | float) else str(figure)


def show(report: dict[str, Any], console: Console) -> None:
    """The figures as a table: one column for each pass."""
    table = Table(title=f"turns, {report['set']['split']} split, {report['set']['scenes']} scenes")
    for heading in ("", "true words", "misheard words"):
        table.add_column(heading, justify="left" if not heading else "right")

    def rows(name: str, one: dict[str, Any], other: dict[str, Any]) -> None:
        for key, figure in one.items():
            if isinstance(figure, dict):
                rows(f"{name} {key}", figure, other.get(key, {}))
            else:
                table.add_row(f"{name} {key}".replace("_", " "), _text(figure), _text(other.get(key)))

    for part, figures in report["true_words"].items():
        rows(part, figures, report["misheard_words"][part])
    console.print(table)


def turns(options: TurnsOptions) -> int:
    """Measure and print; the exit status."""
    try:
        report = measure(options)
    except (FileNotFoundError, TypeError, json.JSONDecodeError) as error:
        Console(stderr=True).print(f"turns: not a set: {error}", style="red", markup=False)
        return 2
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        Console(stderr=True).print(f"turns: the gateway's replay failed: {error}", style="red", markup=False)
        return 1
    if options.as_json:
        print(json.dumps(report, indent=1))
    else:
        show(report, Console())
    return 0
