"""How many calls one core carries, how soon they are answered, and what they cost: ours, and the leading frameworks'.

    python bench/calls.py platform                  # `make bench`: all levels, two runs each, about 10 minutes
    python bench/calls.py platform --levels 5,20b   # a part; what is measured already stays measured
    python bench/calls.py admission                 # 200 at once at a cap of 50
    python bench/calls.py peers                     # `make bench-peers`: livekit-agents and pipecat, about 10 minutes
    python bench/calls.py page                      # docs/benchmarks.md again, from the newest results

Everything of the server's side (all six services and NATS; or the framework) is pinned to the first core, the callers
(`holdfast load`) to the second, where the machine allows that. Engines are scripted: no time is theirs, and 200 ms of
it is the silence that ends a turn. A level is a number of calls, `b` behind it: the last line barges in.

Each run's figures go to var/bench/<what>/<commit>/, so that an interrupted bench goes on where it stopped (--again
begins anew); together they are bench/results/<date>-<what>.json.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform as machine_facts
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import benchmarks_page

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench/results"
HOLDFAST = (sys.executable, "-m", "holdfast_cli")
LEVELS = {"platform": "5,10,20b,100,200,400", "peers": "5,10,20b,30,50"}
PEERS = ("livekit", "pipecat")
READY_S = 180.0
RUN_S = 240.0
STOP_S = 15.0
SETTLE_S = 2.0
"""Between two runs: what the last one left behind is cleared away."""
AVERAGE_OVER_S = 0.025
"""Callers ring so far apart, 3 s in all at least."""


@dataclass(frozen=True, slots=True)
class Level:
    """So many calls at once."""

    name: str

    @property
    def calls(self) -> int:
        return int(self.name.removesuffix("b"))

    @property
    def scenario(self) -> str:
        return "barge-in" if self.name.endswith("b") else "questions"


# -- processes
def pinned(core: int) -> dict[str, Any]:
    """Popen arguments that keep a process and its children on one core; nothing where that cannot be."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) < 2:
        return {}
    return {"preexec_fn": lambda: os.sched_setaffinity(0, {cores[core]})}


def is_pinned() -> bool:
    return bool(pinned(0))


@contextlib.contextmanager
def running(
    command: tuple[str, ...], log: Path, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server on the first core, ended by SIGTERM, then SIGKILL."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, cwd=ROOT, env={**os.environ, **(env or {})}, **pinned(0)
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(what: str, ready: Any, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + READY_S
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"{what} did not start; its log: {log}\n{log.read_text(errors='replace')[-1500:]}")
        time.sleep(0.2)


@contextlib.contextmanager
def platform_running(where: Path, **environment: str) -> Iterator[tuple[str, ...]]:
    """Our whole system with scripted engines; the arguments with which `holdfast load` finds it."""
    home, log = where / "home", where / "up.log"
    shutil.rmtree(home, ignore_errors=True)
    command = (*HOLDFAST, "up", "--scripted", "--quiet", "--home", str(home), "--port", "0")
    with running(command, log, environment) as process:
        wait_for("holdfast up", lambda: b"ready" in log.read_bytes(), process, log)
        time.sleep(SETTLE_S)
        yield ("--home", str(home))


@contextlib.contextmanager
def peer_running(peer: str, where: Path) -> Iterator[tuple[str, ...]]:
    """A framework behind the same protocol, in its own environment."""
    python, log = ROOT / f"var/peers/{peer}/bin/python", where / f"{peer}.log"
    if not python.exists():
        raise SystemExit(f"{peer} is not installed: `make bench-peers` makes its environment")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def listens() -> bool:
        with socket.socket() as knock:
            knock.settimeout(0.5)
            return knock.connect_ex(("127.0.0.1", port)) == 0

    with running((str(python), f"bench/peers/{peer}_server.py", str(port)), log) as process:
        wait_for(peer, listens, process, log)
        yield (f"ws://127.0.0.1:{port}/ws", "--pid", str(process.pid))


def load(target: tuple[str, ...], out: Path, *more: str) -> dict[str, Any]:
    """One run of the simulated callers on the second core."""
    command = (*HOLDFAST, "load", *target, "--anyway", "--json", str(out), *more)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=RUN_S, check=False, **pinned(1))
    if not out.exists():
        raise SystemExit(f"no result ({done.returncode}): {' '.join(command)}\n{done.stderr[-1500:]}")
    return json.loads(out.read_text())


# -- parts
def measure(levels: list[Level], runs: int, parts: Path, starting: Any) -> None:
    """All runs that are not there yet, on one server for all of them, smallest level first."""
    todo = [
        (level, n) for level in levels for n in range(1, runs + 1) if not (parts / f"{level.name}-{n}.json").exists()
    ]
    if not todo:
        return
    with starting() as target:
        load(target, parts / "warm-up.out", "-n", "2", "--turns", "1", "--stagger", "0")
        for level, n in todo:
            print(f"  {level.name} calls, run {n}: ", end="", flush=True)
            stagger = max(3.0, level.calls * AVERAGE_OVER_S)
            options = ("-n", str(level.calls), "--scenario", level.scenario, "--stagger", str(stagger))
            unfinished = parts / "unfinished.out"
            unfinished.unlink(missing_ok=True)
            found = load(target, unfinished, *options, "--first-number", str(n * 10_000))
            unfinished.rename(parts / f"{level.name}-{n}.json")
            late = " (generator late)" if found["generator"]["was_the_limit"] else ""
            print(f"voice to voice p50 {found['v2v_ms'].get('p50')}, p95 {found['v2v_ms'].get('p95')} ms{late}")
            time.sleep(SETTLE_S)


def gathered(levels: list[Level], parts: Path) -> list[dict[str, Any]]:
    """Each level's figures: median and range over its runs."""
    rows = []
    for level in levels:
        runs = [json.loads(p.read_text()) for p in sorted(parts.glob(f"{level.name}-*.json"))]
        if not runs:
            continue
        punctual = [run for run in runs if not run["generator"]["was_the_limit"]]
        rows.append(
            {"level": level.name, "runs": len(runs), "punctual_runs": len(punctual)} | figures(punctual or runs)
        )
    return rows


def figures(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """`[median, least, most]` of what varies, sums of what must not happen."""
    server = [run["server"] for run in runs]
    return {
        "v2v_p50_ms": middle(run["v2v_ms"].get("p50") for run in runs),
        "v2v_p95_ms": middle(run["v2v_ms"].get("p95") for run in runs),
        "clear_p50_ms": middle(run["barge_in"]["clear_ms"].get("p50") for run in runs),
        "clear_p95_ms": middle(run["barge_in"]["clear_ms"].get("p95") for run in runs),
        "cpu_s_per_call_minute": middle(one["cpu_s_per_call_minute"] for one in server),
        "cores": middle(one["cores"] for one in server),
        "memory_peak_mb": middle(one["memory_peak_mb"] for one in server),
        "memory_mb_per_call": middle(one["memory_mb_per_call"] for one in server),
        "told_against_heard_p95_ms": middle(run.get("told_against_heard_ms", {}).get("p95") for run in runs),
        "generator_cores": middle(run["generator"]["cores"] for run in runs),
        "generator_late_20ms_share": middle(run["generator"]["late_20ms_share"] for run in runs),
        "load_average": middle(run["load_average"] for run in runs),
        "calls_failed": sum(run["calls"]["failed"] for run in runs),
        "calls_refused": sum(run["calls"]["refused"] for run in runs),
        "turns": sum(run["turns"]["spoken"] for run in runs),
        "turns_unanswered": sum(run["turns"]["unanswered"] for run in runs),
        "turns_premature": sum(run["turns"]["premature"] for run in runs),
        "gaps_20ms": sum(run["playout"]["gaps_20ms"] for run in runs),
        "stages_p50_ms": {
            stage: middle(run["stages_ms"][stage].get("p50") for run in runs) for stage in runs[0].get("stages_ms", {})
        },
    }


def middle(values: Any) -> list[float] | None:
    known = [value for value in values if value is not None]
    return [round(statistics.median(known), 3), min(known), max(known)] if known else None


def per_further_call_mb(rows: list[dict[str, Any]]) -> float | None:
    """What the system grew by from the smallest to the largest level, for each call more."""
    sized = [(Level(r["level"]).calls, r["memory_peak_mb"][0]) for r in rows if r["memory_peak_mb"]]
    if len(sized) < 2 or sized[0][0] == sized[-1][0]:
        return None
    (few, small), (many, large) = sized[0], sized[-1]
    return round((large - small) / (many - few), 3)


# -- results
def about(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": f"{cpu_name()}, {os.cpu_count()} cores, {machine_facts.platform()}",
        "python": machine_facts.python_version(),
        "pinned": "server on one core, callers on another" if is_pinned() else "not pinned",
        "command": f"bench/calls.py {options.what} --levels {options.levels} --runs {options.runs}",
    }


def cpu_name() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return machine_facts.processor() or machine_facts.machine()


def commit() -> str:
    done = subprocess.run(
        ("git", "describe", "--always", "--dirty"), cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def write(what: str, result: dict[str, Any]) -> None:
    path = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-{what}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written: {path.relative_to(ROOT)}")


def bench_platform(options: argparse.Namespace, parts: Path) -> None:
    levels = [Level(name) for name in options.levels.split(",")]
    roomy = {"HOLDFAST_GATEWAY_MAX_CALLS": "1000"}
    measure(levels, options.runs, parts, lambda: platform_running(parts, **roomy))
    measured = [Level(n) for n in LEVELS["platform"].split(",") if n not in options.levels.split(",")] + levels
    rows = gathered(sorted(measured, key=lambda level: level.calls), parts)
    result = {**about(options), "levels": rows, "memory_mb_per_further_call": per_further_call_mb(rows)}
    bench_admission(options, parts)
    result["admission"] = json.loads((parts / "admission.json").read_text())
    write("platform", result)


def bench_admission(options: argparse.Namespace, parts: Path) -> None:
    """200 callers at once, 50 seats: the figures of every run into admission.json."""
    done = parts / "admission.json"
    if done.exists():
        return
    runs = []
    with platform_running(parts / "admission", HOLDFAST_GATEWAY_MAX_CALLS="50") as target:
        for n in range(options.runs):
            time.sleep(SETTLE_S)
            out = parts / "admission.out"
            more = ("-n", "200", "--stagger", "0", "--turns", "1", "--first-number", str(10_000 * n))
            run = load(target, out, *more)
            calls, set_up = run["calls"], run["set_up_ms"]
            runs.append(
                {name: calls[name] for name in ("served", "refused", "failed")}
                | {"refused_after_ms": set_up["refusal"], "media_open_ms": set_up["media_open"]}
            )
            print(f"  200 at once, 50 seats: {calls['served']} served, {calls['refused']} refused, {set_up['refusal']}")
    done.write_text(json.dumps({"callers": 200, "seats": 50, "runs": runs}, indent=1))


def bench_peers(options: argparse.Namespace, parts: Path) -> None:
    levels = [Level(name) for name in options.levels.split(",")]
    found = {}
    for peer in PEERS:
        folder = parts / peer
        folder.mkdir(exist_ok=True)
        if peer in options.peers.split(","):
            print(peer)
            measure(levels, options.runs, folder, lambda peer=peer, folder=folder: peer_running(peer, folder))
        rows = gathered([Level(n) for n in LEVELS["peers"].split(",")], folder)
        if rows:
            found[peer] = {"levels": rows, "memory_mb_per_further_call": per_further_call_mb(rows)}
    write("peers", {**about(options), "versions": versions(), "peers": found})


def versions() -> dict[str, str]:
    """What the peers' locks pin."""
    wanted = {"livekit": "livekit-agents", "pipecat": "pipecat-ai"}
    found = {}
    for peer, package in wanted.items():
        for line in (ROOT / f"bench/peers/{peer}.in").read_text().splitlines():
            if line.startswith(package):
                found[peer] = f"{package} {line.partition('==')[2]}"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("platform", "admission", "peers", "page"))
    parser.add_argument("--levels", default="", help="such as 5,10,20b; else all of them")
    parser.add_argument("--runs", type=int, default=2, help="of each level")
    parser.add_argument("--peers", default=",".join(PEERS), help="which of them")
    parser.add_argument("--again", action="store_true", help="measure anew what this commit has measured")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    if options.what != "page":
        options.levels = options.levels or LEVELS.get(options.what, "")
        folder = "peers" if options.what == "peers" else "platform"
        # The peers do not change with our commits.
        parts = ROOT / "var/bench" / (folder if folder == "peers" else f"{folder}/{commit()}")
        if options.again:
            shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir(parents=True, exist_ok=True)
        {"platform": bench_platform, "admission": bench_admission, "peers": bench_peers}[options.what](options, parts)
    benchmarks_page.write()


if __name__ == "__main__":
    main()
