"""Build the images, start the composed system, have the demo's caller ring it, and kill a container meanwhile.

    make images && make compose-up
    .venv/bin/python bench/composed.py --kill asr --out bench/results/compose.json

    --build            builds the images first and says how long it took; remove them before, for a clean store
    --compose COMMAND  `docker compose` or what stands for it; --engine docker or podman
    --services NAMES   starts only these (where some image cannot be had)

The caller is the one of `make demo`, over the published port, signed with the system's own auth token; the
booking is read back from the ledger. With --kill the replica that hears is killed in mid-sentence (SIGKILL).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from holdfast_cli.call import open_bus
from holdfast_cli.caller.audio import Utterance
from holdfast_cli.caller.screen import TerminalScreen
from holdfast_cli.caller.script import Line, load_script
from holdfast_cli.caller.session import place_call
from holdfast_cli.caller.twiml import Carrier
from holdfast_cli.caller.voice import Voice
from holdfast_cli.demo.command import bookings_of
from holdfast_cli.demo.result import DemoResult, demo_result
from holdfast_cli.demo.wish import wish
from holdfast_cli.supervise import run_file
from holdfast_cli.supervise.readiness import Presence, engines
from holdfast_cli.up import quiet_logs
from holdfast_common.contracts.registry import Service
from rich.console import Console

SERVICES = tuple(service.value for service in Service)
READY_LIMIT_S = 180.0
INTO_THE_LINE = 0.5
"""Share of the caller's line after which the kill comes."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The container engine, and compose."""

    engine: str
    compose: tuple[str, ...]
    project: str = "holdfast"

    def run(self, *command: str) -> str:
        return subprocess.run((self.engine, *command), check=True, capture_output=True, text=True).stdout

    def up(self, services: tuple[str, ...]) -> None:
        subprocess.run((*self.compose, "up", "-d", *services), check=True, stdout=subprocess.DEVNULL)

    def containers(self, service: str) -> list[str]:
        """Ids of the running containers of a service."""
        label = f"label=com.docker.compose.service={service}"
        return self.run("ps", "-q", "--filter", label).split()

    def replica(self, container: str) -> str:
        """The replica id that the container's process made up at its start, from its log."""
        made = subprocess.run((self.engine, "logs", container), check=True, capture_output=True, text=True)
        return (re.findall(r'"replica": "([^"]+)"', made.stdout + made.stderr) or [""])[-1]

    def size_mb(self, image: str) -> float:
        return round(int(self.run("image", "inspect", "--format", "{{.Size}}", image)) / 1e6, 1)

    def memory_mb(self, container: str) -> float:
        """Proportional set size of all processes in the container."""
        pids = self.run("top", container, "hpid").split()[1:]
        kilobytes = 0
        for pid in pids:
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8"), re.MULTILINE)
            kilobytes += int(found.group(1)) if found else 0
        return round(kilobytes / 1000, 1)


class ContainerKill:
    """Kills the container that hears the caller, once, in the middle of the line that the script marks."""

    def __init__(self, stack: Stack, presence: Presence, service: str, tell: TerminalScreen) -> None:
        self.killed: list[str] = []
        self._stack = stack
        self._presence = presence
        self._service = service
        self._tell = tell
        self._task: asyncio.Task[None] | None = None

    def on_say(self, line: Line, utterance: Utterance) -> None:
        if line.kill and self._task is None and self._service:
            self._task = asyncio.create_task(self._run(utterance.seconds * INTO_THE_LINE), name="kill")

    async def _run(self, after_s: float) -> None:
        replicas = await asyncio.to_thread(
            lambda: {self._stack.replica(c): c for c in self._stack.containers(self._service)}
        )
        await asyncio.sleep(after_s)
        busy = [b.replica for b in self._presence.beats.values() if b.service == self._service and b.active]
        victim = next((replicas[r] for r in busy if r in replicas), next(iter(replicas.values())))
        await asyncio.to_thread(self._stack.run, "kill", victim)
        self.killed.append(self._service)
        note = f"{self._service} container {victim[:12]} killed ({len(replicas)} were there), the call goes on"
        self._tell.note(note)


async def ready(presence: Presence) -> float:
    """Seconds until every service has a healthy replica with room."""
    began = time.monotonic()
    async with asyncio.timeout(READY_LIMIT_S):
        while True:
            well = {
                b.service for b in presence.beats.values() if b.healthy and (b.capacity_free or b.service == "records")
            }
            if well >= set(SERVICES):
                return time.monotonic() - began
            await presence.changed()


async def ring(
    stack: Stack, kill: str, voice: str, folder: Path, wav: Path, console: Console
) -> tuple[DemoResult, float]:
    """The demo's call against the composed system."""
    wanted = wish(datetime.now(UTC))
    script = load_script(folder / "script.yaml", {"day": wanted.day})
    run = run_file.read(run_file.path_of(Path("var"), "compose"))
    async with AsyncExitStack() as opened:
        while True:  # the server may still be starting
            try:
                bus, opener = await open_bus(opened, run)
                break
            except TimeoutError:
                continue
        presence = Presence()
        await presence.follow(bus)
        ready_s = await ready(presence)
        console.print(f"every service beats ({ready_s:.1f} s after the bus); the caller rings", style="green")
        screen = TerminalScreen(console)
        breaks = ContainerKill(stack, presence, kill, screen)
        report = await place_call(
            Carrier(f"{run.http_url}/twilio/voice", auth_token=run.auth_token, public_url=run.public_url),
            script,
            Voice(folder=folder / "lines" / voice),
            screen,
            bus=bus,
            judge=wanted.verdict,
            on_say=breaks.on_say,
            wav=wav,
        )
        bookings = await bookings_of(opener, report.call)
        result = demo_result(
            wanted,
            report,
            bookings,
            engines=engines(presence.beats),
            killed=breaks.killed,
            voice=voice,
            start_s=ready_s,
        )
        return result, ready_s


def build(stack: Stack, base: str) -> dict[str, Any]:
    """`make images`, timed; sizes of the images and what each adds to the base."""
    began = time.monotonic()
    subprocess.run(("make", "images", f"ENGINE={stack.engine}"), check=True)
    took = time.monotonic() - began
    base_mb = stack.size_mb(base)
    sizes = {service: stack.size_mb(f"holdfast/{service}:latest") for service in SERVICES}
    return {
        "command": f"make images ENGINE={stack.engine}",
        "minutes": round(took / 60, 2),
        "base": {"image": base, "mb": base_mb},
        "images_mb": sizes,
        "above_base_mb": {service: round(mb - base_mb, 1) for service, mb in sizes.items()},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--engine", default="docker")
    parser.add_argument("--compose", default="docker compose")
    parser.add_argument("--services", default="", help="separated by commas; empty: all")
    parser.add_argument("--base", default="docker.io/library/python:3.11-slim-bookworm")
    parser.add_argument("--build", action="store_true")
    parser.add_argument("--kill", default="", help="service of which a container is killed meanwhile")
    parser.add_argument("--voice", default="slt")
    parser.add_argument("--folder", type=Path, default=Path("demo"))
    parser.add_argument("--out", type=Path, default=Path("var/composed.json"))
    arguments = parser.parse_args()
    stack = Stack(arguments.engine, tuple(shlex.split(arguments.compose)))
    console = Console()
    quiet_logs()
    written: dict[str, Any] = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.platform()}, {os.cpu_count()} cores",
        "command": "bench/composed.py " + shlex.join(sys.argv[1:]),
    }
    if arguments.build:
        written["build"] = build(stack, arguments.base)
    began = time.monotonic()
    stack.up(tuple(filter(None, arguments.services.split(","))))
    up_s = time.monotonic() - began
    wav = arguments.out.with_suffix(".wav")
    result, ready_s = uvloop.run(ring(stack, arguments.kill, arguments.voice, arguments.folder, wav, console))
    wav.unlink(missing_ok=True)
    memory = {s: [stack.memory_mb(c) for c in stack.containers(s)] for s in (*SERVICES, "nats", "postgres")}
    written |= {
        "compose_up_s": round(up_s, 1),
        "every_service_ready_s": round(up_s + ready_s, 1),
        "memory_after_the_call_mb_pss": memory,
        "call": json.loads(msgspec.json.encode(result)),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(written, indent=2) + "\n", "utf-8")
    console.print(f"{'ok' if result.ok else result.problems}; written: {arguments.out}", markup=False)
    return 0 if result.ok else 1


if __name__ == "__main__":
    sys.exit(main())
