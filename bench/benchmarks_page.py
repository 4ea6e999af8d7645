"""docs/benchmarks.md from the newest results in bench/results: `python bench/calls.py page`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BUSY_LOAD = 3.0
"""Two cores, well used by the bench itself, show about 2."""
ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench/results"
PAGE = ROOT / "docs/benchmarks.md"

HEAD = """# Benchmarks

Written by `bench/calls.py`; do not edit. Measured from the phone's side by `holdfast load`
([cli/README.md](../cli/README.md)): simulated callers on the Twilio protocol who talk, listen, are played to in real
time, and speak over answers. Engines are scripted, so that only the platform is measured; 200 ms of every latency is
the silence that ends a turn. In its last 80 ms Holdfast already thinks of a reply, of which nothing is played before
the silence is over.

| word | is |
|---|---|
| voice to voice | last voiced frame of the caller sent, to first audible audio of the answer received |
| barge-in to clear | first voiced frame said over the agent, to `clear` received; 200 ms of speech are wanted first |
| CPU s per call-minute | processor seconds of all server processes, idle time included, by minutes of call |
| memory per further call | growth of the processes' PSS from the smallest level to the largest, by calls |
| gaps | holes over 20 ms inside the agent's speech |

Cells are the median over the runs, with the range where it differs. A run in which the callers themselves were late
(1 % of their frames by 20 ms or more) counts only where there is no other; such a row is marked `*`, and its times are
an upper bound: they hold the callers' own lateness.
"""

REPEAT = """
## Repeat it

    make bench           # this system: 5 to 400 calls, and 200 arrivals at 50 seats; about 10 minutes
    make bench-peers     # the frameworks, in environments of their own under var/peers; about 10 minutes
    make bench LEVELS=5,20b RUNS=3      # parts; what this commit has measured stays measured (AGAIN=1: anew)

Two cores are enough: all server processes are pinned to one, the callers to the other. Nothing else should run. The
adapters are [bench/peers](../bench/peers): the frameworks' own voice detection, turn handling, pacing and serialisers,
with recogniser, language model and synthesiser replaced by stubs that take no time; 200 ms endpointing, 200 ms to
interrupt.
"""


def write() -> None:
    PAGE.write_text(text(), "utf-8")


def text() -> str:
    """The page, from whatever results there are."""
    parts = [HEAD]
    if ours := newest("platform"):
        parts.append(_platform(ours))
    if theirs := newest("peers"):
        parts.append(_peers(theirs, ours))
    return "\n".join([*parts, REPEAT]).replace("\n\n\n", "\n\n")


def newest(what: str) -> dict[str, Any] | None:
    found = sorted(RESULTS.glob(f"*-{what}.json"))
    return json.loads(found[-1].read_text()) if found else None


def _platform(result: dict[str, Any]) -> str:
    rows = "\n".join(_row(row) for row in result["levels"])
    stages = "\n".join(_stages(row) for row in result["levels"] if row["stages_p50_ms"])
    further = result["memory_mb_per_further_call"]
    return f"""
## This system

{_about(result)}: six services and NATS, each a process of its own, all on one core.

{TABLE}
{rows}

Memory per further call, all processes together: {further if further is not None else "-"} MB.

Where the time goes, as the system tells it of itself (medians, ms), and how far that is from what the callers got
(p95, ms):

| calls | endpointing | asr | dialogue | tts | playout | voice to voice, told | told against heard |
|---|---|---|---|---|---|---|---|
{stages}

{_admission(result["admission"])}
"""


COLUMNS = (
    "calls",
    "voice to voice p50 / p95 ms",
    "barge-in to clear p50 / p95 ms",
    "CPU s per call-minute",
    "cores",
    "failed, unanswered, early",
    "gaps",
)
TABLE = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


def _row(row: dict[str, Any]) -> str:
    mark = "" if row["punctual_runs"] else "*"
    clear = f"{_cell(row['clear_p50_ms'], 0)} / {_cell(row['clear_p95_ms'], 0)}" if row["clear_p50_ms"] else "-"
    v2v = f"{_cell(row['v2v_p50_ms'], 0)} / {_cell(row['v2v_p95_ms'], 0)}"
    bad = f"{row['calls_failed']}, {row['turns_unanswered']}, {row['turns_premature']} of {row['turns']}"
    return (
        f"| {row['level'].removesuffix('b')}{mark} | {v2v} | {clear} | "
        f"{_cell(row['cpu_s_per_call_minute'], 2)} | {_cell(row['cores'], 2)} | {bad} | {row['gaps_20ms']} |"
    )


def _stages(row: dict[str, Any]) -> str:
    stages = row["stages_p50_ms"]
    cells = [_cell(stages.get(s), 0) for s in ("endpointing", "asr", "dialogue", "tts", "playout", "v2v")]
    return f"| {row['level'].removesuffix('b')} | {' | '.join(cells)} | {_cell(row['told_against_heard_p95_ms'], 0)} |"


def _admission(result: dict[str, Any]) -> str:
    told = [
        f"{run['served']} served, {run['refused']} refused, {run['failed']} failed; refused after "
        f"{run['refused_after_ms']['p50']:.0f} ms (p50), {run['refused_after_ms']['max']:.0f} ms (last)"
        for run in result["runs"]
    ]
    return f"{result['callers']} callers at once at {result['seats']} seats: " + ". Again: ".join(told) + "."


def _peers(result: dict[str, Any], ours: dict[str, Any] | None) -> str:
    tables = []
    for peer, found in result["peers"].items():
        rows = "\n".join(_row(row) for row in found["levels"])
        further = found["memory_mb_per_further_call"]
        tables.append(
            f"### {result['versions'].get(peer, peer)}\n\n{TABLE}\n{rows}\n\n"
            f"Memory per further call: {further if further is not None else '-'} MB."
        )
    return (
        f"\n## The leading frameworks\n\n{_about(result)}: each in one process, without a bus, on one core.\n\n"
        + "\n\n".join(tables)
    )


def _about(result: dict[str, Any]) -> str:
    loads = [row["load_average"][0] for row in _levels(result) if row["load_average"]]
    busy = f", load average {min(loads):.1f}-{max(loads):.1f}" if loads else ""
    if loads and max(loads) > BUSY_LOAD:
        busy += " (other work ran beside it: everything here is slower and dearer than on a quiet machine)"
    return f"{result['at'][:10]}, {result['machine']}, {result['pinned']}{busy}, commit {result['commit']}"


def _levels(result: dict[str, Any]) -> list[dict[str, Any]]:
    return result["levels"] if "levels" in result else [r for p in result["peers"].values() for r in p["levels"]]


def _cell(spread: list[float] | None, digits: int) -> str:
    if spread is None:
        return "-"
    median, least, most = (f"{value:.{digits}f}" for value in spread)
    return median if least == most else f"{median} ({least}-{most})"
