"""Runs the demo: a system of its own, one call in real time, the result in words, JSON and sound."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import uvloop
import yaml
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.tools import Booking, Bookings, BookingsOfCall
from holdfast_common.errors import HoldfastError
from holdfast_common.profile import load_profile
from holdfast_common.stream.api import Opener
from rich.console import Console

from holdfast_cli.call import open_bus
from holdfast_cli.caller.screen import TerminalScreen
from holdfast_cli.caller.script import Script, load_script
from holdfast_cli.caller.session import CallReport, place_call
from holdfast_cli.caller.twiml import Carrier
from holdfast_cli.caller.voice import Voice
from holdfast_cli.demo.breaks import Breaks, Kill
from holdfast_cli.demo.result import DemoResult, demo_result
from holdfast_cli.demo.table import show
from holdfast_cli.demo.wish import Wish, wish
from holdfast_cli.model_server.server import Knobs, serving
from holdfast_cli.supervise import run_file
from holdfast_cli.supervise.leash import kernel_leash
from holdfast_cli.supervise.readiness import Presence, engines
from holdfast_cli.up import READY_LINE, quiet_logs

CALLERS = ("slt", "rms", "awb")
OTHER_VOICE = "slt"
"""Of the agent, when the caller has the agent's own."""
START_LIMIT_S = 90.0
STOP_LIMIT_S = 15.0
LEDGER_LIMIT_S = 10.0
TALK_S = 110
"""About what the call takes; told before it begins."""
NAME = "demo"


class DemoFailedError(HoldfastError):
    """The system for the demo did not come up."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What was asked for on the command line."""

    voice: str = "slt"
    kill: Kill = "asr"
    home: Path = Path("var/demo")
    profile: Path = Path("profiles/trial_success")
    folder: Path = Path("demo")
    model: str = ""
    """Behaviour of a stand-in language model; empty: none."""


@asynccontextmanager
async def running_system(
    options: DemoOptions, profile: Path, environment: dict[str, str]
) -> AsyncIterator[run_file.RunFile]:
    """`holdfast up` as a process of its own (its log must not disturb the caller's clock), gone afterwards."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "holdfast_cli", "up", "--quiet", "--exit-with-parent"),
        *("--home", str(options.home), "--name", NAME, "--port", "0", "--profile", str(profile)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=kernel_leash(),
        env={**os.environ, **environment},
    )
    try:
        assert process.stdout is not None
        said: list[str] = []
        try:
            async with asyncio.timeout(START_LIMIT_S):
                while raw := await process.stdout.readline():
                    said.append(raw.decode("utf-8", "replace").rstrip())
                    if said[-1].startswith(READY_LINE):
                        break
                else:
                    raise DemoFailedError("the system did not start:\n" + "\n".join(said))
        except TimeoutError:
            raise DemoFailedError(
                f"not ready after {START_LIMIT_S:.0f} s; log: {options.home}/log\n" + "\n".join(said)
            ) from None
        yield run_file.read(run_file.path_of(options.home, NAME))
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_LIMIT_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def model_for(options: DemoOptions, stack: AsyncExitStack) -> dict[str, str]:
    """The environment that points the dialogue at a stand-in model of our own; empty where none was asked for."""
    if not options.model:
        return {}
    server = await stack.enter_async_context(serving(Knobs(behaviour=options.model, first_token_ms=200, token_ms=20)))
    return {
        "HOLDFAST_DIALOGUE_MODEL_BASE_URL": server.url,
        "HOLDFAST_DIALOGUE_MODEL_NAME": options.model,
    }


async def bookings_of(opener: Opener, call: str) -> list[Booking]:
    """Read the call's meetings back from the ledger."""
    stream = opener.open(Service.TOOLS, lambda: BookingsOfCall(call=call), call=call, ends_input=True)
    async with asyncio.timeout(LEDGER_LIMIT_S):
        async for item in stream:
            if isinstance(item, Bookings):
                return list(item.bookings)
    return []


def agent_profile(options: DemoOptions) -> Path:
    """The profile, with another voice where the caller has the agent's own."""
    if load_profile(options.profile).voice.flite != options.voice:
        return options.profile
    copy = options.home / "profile"
    shutil.copytree(options.profile, copy, dirs_exist_ok=True)
    path = copy / "profile.yaml"
    raw = yaml.safe_load(path.read_text("utf-8"))
    raw.setdefault("voice", {})["flite"] = OTHER_VOICE
    path.write_text(yaml.safe_dump(raw, allow_unicode=True, sort_keys=False), "utf-8")
    return copy


async def run_demo(options: DemoOptions, wanted: Wish, script: Script, console: Console) -> DemoResult:
    """Start, call, judge, stop."""
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        environment = await model_for(options, stack)
        run = await stack.enter_async_context(running_system(options, agent_profile(options), environment))
        start_s = time.monotonic() - started
        console.print(f"ready in {start_s:.1f} s at {run.http_url}; the caller rings", style="green")
        bus, opener = await open_bus(stack, run)
        presence = Presence()
        await presence.follow(bus)
        screen = TerminalScreen(console)
        breaks = Breaks(options.kill, presence.pids, screen.note)
        stack.callback(breaks.stop)
        report: CallReport = await place_call(
            Carrier(f"{run.http_url}/twilio/voice", auth_token=run.auth_token),
            script,
            Voice(folder=options.folder / "lines" / options.voice),
            screen,
            bus=bus,
            judge=wanted.verdict,
            on_say=breaks.on_say,
            wav=options.home / "call.wav",
        )
        try:
            bookings = await bookings_of(opener, report.call)
        except (HoldfastError, TimeoutError) as error:
            screen.note(f"the ledger could not be read: {error or 'no answer'}")
            bookings = []
        return demo_result(
            wanted,
            report,
            bookings,
            engines=engines(presence.beats),
            killed=breaks.killed,
            voice=options.voice,
            start_s=start_s,
        )


def demo(options: DemoOptions) -> int:
    """The whole command; returns the exit status."""
    console = Console()
    quiet_logs()
    console.print(
        f"demo: starts nats and six services (a few seconds), then a call of about {TALK_S} s in real time; "
        f"caller {options.voice}, killed meanwhile: {options.kill}",
        markup=False,
        highlight=False,
    )
    try:
        wanted = wish(datetime.now(UTC))
        script = load_script(options.folder / "script.yaml", {"day": wanted.day})
        # A ledger of its own for each run: the same opening is booked every time.
        shutil.rmtree(options.home / "state", ignore_errors=True)
        result = uvloop.run(run_demo(options, wanted, script, console))
    except (HoldfastError, ValueError) as error:
        print(f"holdfast demo: {error}", file=sys.stderr)
        return 1
    path = options.home / "result.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    show(result, console)
    console.print(f"written: {path}, {options.home / 'call.wav'}", markup=False, highlight=False)
    return 0 if result.ok else 1
