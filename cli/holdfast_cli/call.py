"""`holdfast call`: one simulated caller against a running system."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import uvloop
from holdfast_common.errors import HoldfastError
from holdfast_common.nats_bus import NatsBus, connect_nats
from holdfast_common.stream.opener import StreamOpener
from rich.console import Console

from holdfast_cli.caller.audio import BadRecordingError
from holdfast_cli.caller.conversation import Lines, Manners
from holdfast_cli.caller.screen import TerminalScreen
from holdfast_cli.caller.script import Line, Script, load_script
from holdfast_cli.caller.session import CallReport, place_call
from holdfast_cli.caller.twiml import Carrier
from holdfast_cli.caller.typed import TypedLines
from holdfast_cli.caller.voice import Voice
from holdfast_cli.supervise import run_file
from holdfast_cli.up import quiet_logs

CONNECT_S = 5.0
PERSON_PATIENCE_S = 600.0
"""A person may take as long as the agent allows."""


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What was asked for on the command line."""

    home: Path = Path("var")
    name: str = "holdfast"
    script: Path | None = None
    lines: tuple[str, ...] = ()
    """Words to say, or paths of WAV files, in order."""
    folder: Path | None = None
    """Where a script's recordings lie; None: beside the script."""
    wav: Path | None = None
    auth_token: str = ""
    public_url: str = ""
    webhook: str = ""
    voice: str = "slt"


def as_script(lines: tuple[str, ...]) -> Script:
    """Plain lines, one after the other, then hang up."""
    made = [Line(wav=[str(text)], text=Path(text).stem) if text.endswith(".wav") else Line(say=text) for text in lines]
    return Script([*made, Line(hang_up=True)])


def typed_lines(console: Console) -> TypedLines:
    """A person at the terminal is the caller."""
    console.print("type what the caller says; an empty line hangs up", style="dim")
    lines = TypedLines()
    lines.read()
    return lines


async def open_bus(stack: AsyncExitStack, run: run_file.RunFile) -> tuple[NatsBus, StreamOpener]:
    """The running system's bus, and an opener of streams on it; both end with the stack."""
    async with asyncio.timeout(CONNECT_S):
        bus = await connect_nats(run.nats_url, name="holdfast-caller", user=run.nats_user, password=run.nats_password)
    stack.push_async_callback(bus.close)
    opener = StreamOpener(bus, f"caller-{id(stack):x}")
    task = asyncio.create_task(opener.run(), name="opener")
    stack.callback(task.cancel)
    return bus, opener


async def run_call(options: CallOptions, console: Console) -> CallReport:
    """Place the call; raises NotRunningError, SettingsError."""
    run = run_file.read(run_file.path_of(options.home, options.name))
    if options.script:
        script: Lines = load_script(options.script)
    else:
        script = as_script(options.lines) if options.lines else typed_lines(console)
    folder = options.folder or (options.script.parent if options.script else Path())
    quiet_logs()
    async with AsyncExitStack() as stack:
        bus, opener = await open_bus(stack, run)
        carrier = Carrier(
            webhook=options.webhook or f"{run.http_url}/twilio/voice",
            auth_token=options.auth_token or run.auth_token,
            public_url=options.public_url or run.public_url,
        )
        typing = isinstance(script, TypedLines)
        manners = Manners(patience_s=PERSON_PATIENCE_S) if typing else None
        voice = Voice(folder=folder, opener=opener, name=options.voice)
        return await place_call(
            carrier, script, voice, TerminalScreen(console), bus=bus, wav=options.wav, manners=manners
        )


def call(options: CallOptions) -> int:
    """The whole command; returns the exit status."""
    console = Console()
    try:
        report = uvloop.run(run_call(options, console))
    except (HoldfastError, BadRecordingError, TimeoutError) as error:
        print(f"holdfast: {error or type(error).__name__}", file=sys.stderr)
        return 1
    if report.error:
        console.print(f"the call failed: {report.error}", style="red", markup=False)
    ended = "finished" if report.finished else "not finished"
    console.print(
        f"{ended} after {report.seconds:.1f} s, {len(report.turns)} lines, {report.underruns} gaps in playout, "
        f"{report.late_frames} of our own frames late" + (f", recording {options.wav}" if options.wav else ""),
        markup=False,
        highlight=False,
    )
    return 0 if report.finished and not report.error else 1
