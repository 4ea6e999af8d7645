"""Telemetry's share of CPU: two systems side by side, one that sends to a collector, the same calls in turn.

    .venv/bin/python bench/telemetry.py --load "python path/to/twilio_load.py --turn a.wav --turn b.wav" \
        --calls 20 --pairs 5 --out bench/results/2026-11-22-telemetry.json

`--load` is a load generator that takes `--webhook URL -n CALLS` and plays a phone (its process is not
counted). Both systems are `holdfast up --scripted`: six services and the bus, engines that cost nothing,
so that telemetry's share is the largest it can be. Counted is the CPU time (user and system) of each
system's whole process tree while its calls run, bus included; the collector is a process of its own.
Pairs alternate in order (off on, on off, ...), and the share is the median over pairs of
(on - off) / on. On a machine that others use too, --together runs both halves of a pair at the same time,
so that both are disturbed alike. With --idle nobody calls, for what telemetry costs beside no work.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

READY_WITHIN_S = 90.0
WAYS = ("off", "on")
KEPT = ("calls", "calls_failed", "turns_planned", "turns_unanswered", "v2v_ms")
"""Of what the load generator tells."""
UP = ("up", "--scripted", "--quiet", "--port", "0")


class System:
    """One `holdfast up --scripted` with its own home, bus and port."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("holdfast")), *UP, "--home", str(home)],
            env={**clean, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = ""

    def wait(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("ready"):
                self.url = line.split()[1]
                return
        raise RuntimeError("holdfast up ended before it was ready")

    def members(self) -> list[psutil.Process]:
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def cpu_s(self) -> dict[str, float]:
        """By process, user and system."""
        found = {}
        for member in self.members():
            times = member.cpu_times()
            words = member.cmdline()
            module = words[words.index("-m") + 1] if "-m" in words else Path(words[0]).name if words else "?"
            found[f"{module}:{member.pid}"] = times.user + times.system
        return found

    def rss_mb(self) -> float:
        return sum(member.memory_info().rss for member in self.members()) / 1e6

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def measure(system: System, load: list[str], calls: int, idle_s: float) -> dict[str, Any]:
    """One run: its CPU seconds by part, and what the phone's side measured."""
    before, began = system.cpu_s(), time.monotonic()
    told: dict[str, Any] = {}
    if idle_s:
        time.sleep(idle_s)
    else:
        done = subprocess.run(
            [*load, "--webhook", f"{system.url}/twilio/voice", "-n", str(calls)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        told = {key: value for key, value in json.loads(done.stdout).items() if key in KEPT}
    wall = time.monotonic() - began
    spent = {name: value - before.get(name, 0.0) for name, value in system.cpu_s().items()}
    parts: dict[str, float] = {}
    for name, value in spent.items():
        part = name.partition(":")[0].removeprefix("holdfast_")
        parts[part] = round(parts.get(part, 0.0) + value, 3)
    return {"cpu_s": round(sum(spent.values()), 3), "wall_s": round(wall, 1), "parts": parts, "load": told}


def collected(port: int) -> dict[str, int]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
        return json.loads(answer.read())


def run(options: argparse.Namespace) -> dict[str, Any]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sink = subprocess.Popen([sys.executable, "-m", "holdfast_common.telemetry_testing", str(options.port)])
        stack.callback(lambda: (sink.terminate(), sink.wait(5)))
        systems: dict[str, System] = {}
        for way in WAYS:
            told = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{options.port}"} if way == "on" else {}
            systems[way] = System(folder / way, told)
            stack.callback(systems[way].stop)
            systems[way].wait()
        load = shlex.split(options.load)
        pairs: list[dict[str, Any]] = []
        for number in range(-options.warm, options.pairs):
            order = WAYS if number % 2 == 0 else WAYS[::-1]
            with ThreadPoolExecutor(2 if options.together else 1) as workers:
                jobs = {w: workers.submit(measure, systems[w], load, options.calls, options.idle) for w in order}
                pair = {way: job.result() for way, job in jobs.items()}
            for way in order:
                print(f"{number:>3} {way:<3} {pair[way]['cpu_s']:.2f} s CPU {pair[way]['parts']}", file=sys.stderr)
            if number >= 0:
                pairs.append(pair)
        return {
            "pairs": pairs,
            "rss_mb": {way: round(systems[way].rss_mb(), 1) for way in WAYS},
            "collected": collected(options.port),
        }


def by_part(pairs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Median CPU seconds of each part, both ways: disk and bus vary more than telemetry costs."""
    parts = sorted({part for pair in pairs for way in WAYS for part in pair[way]["parts"]})
    return {
        part: {way: round(statistics.median(pair[way]["parts"].get(part, 0.0) for pair in pairs), 3) for way in WAYS}
        for part in parts
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--load", default="")
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--warm", type=int, default=1, help="pairs before those that count")
    parser.add_argument("--together", action="store_true")
    parser.add_argument("--idle", type=float, default=0.0, help="seconds without calls instead")
    parser.add_argument("--port", type=int, default=14318, help="of the collector")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    found = run(options)
    load = " ".join(Path(word).name for word in shlex.split(options.load))  # without this machine's folders
    off, on = ([pair[way]["cpu_s"] for pair in found["pairs"]] for way in WAYS)
    shares = [round(100 * (b - a) / b, 1) for a, b in zip(off, on, strict=True)]
    result = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.platform()}, {os.cpu_count()} CPUs",
        "command": f"bench/telemetry.py --load '{load}' --calls {options.calls} --pairs {options.pairs}"
        + (" --together" if options.together else ""),
        "load_average": os.getloadavg(),
        "calls": 0 if options.idle else options.calls,
        "cpu_s_off": off,
        "cpu_s_on": on,
        "share_percent": {"median": statistics.median(shares), "pairs": shares},
        "parts_median_cpu_s": by_part(found["pairs"]),
        **found,
    }
    text = json.dumps(result, indent=1)
    if options.out:
        options.out.write_text(text + "\n", "utf-8")
    print(json.dumps({k: v for k, v in result.items() if k != "pairs"}, indent=1))


if __name__ == "__main__":
    main()
