"""`holdfast load`: ring a running system up many times at once, and measure it from the phone's side."""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop
from holdfast_common.errors import HoldfastError
from holdfast_common.nats_bus import connect_nats
from rich.console import Console

from holdfast_cli.caller.audio import BadRecordingError
from holdfast_cli.caller.twiml import Carrier
from holdfast_cli.load import table
from holdfast_cli.load.arrivals import Arrivals, Crowd, reach
from holdfast_cli.load.cost import Cost
from holdfast_cli.load.result import Run, summary
from holdfast_cli.load.scenario import Speech, load_scenario, make_speech
from holdfast_cli.load.talk import Patience
from holdfast_cli.load.told import Told
from holdfast_cli.supervise import run_file
from holdfast_cli.up import quiet_logs

VOICE_PATH = "/twilio/voice"
CONNECT_S = 5.0
SETTLE_S = 0.5
"""The last calls' reports, and what ending them costs the system, belong to the run."""
PROGRESS_S = 10.0
LIMIT_BEYOND_S = 60.0

FINE, CALLS_FAILED, NOT_MEASURED, GENERATOR_WAS_THE_LIMIT = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What was asked for on the command line."""

    target: str = ""
    """Address of the system, of its webhook, or (ws) of a media socket; empty: the run of `name`."""
    home: Path = Path("var")
    name: str = "holdfast"
    calls: int = 1
    stagger_s: float = 3.0
    scenario: str = "questions"
    turns: int | None = None
    snr_db: float | None = None
    barge_in_share: float | None = None
    """Of the callers; the others let the agent finish. None: all as the scenario says."""
    min_s: float = 0.0
    answer_s: float = 6.0
    first_number: int = 0
    auth_token: str = ""
    public_url: str = ""
    pids: tuple[int, ...] = ()
    json_path: Path | None = None
    report_path: Path | None = None
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class _Target:
    """Whom to ring, and what is known of the system behind."""

    address: Carrier | str
    url: str
    run: run_file.RunFile | None = None


def target_of(options: LoadOptions) -> _Target:
    """Raises NotRunningError where no address is given and nothing runs, HoldfastError for a strange address."""
    if not options.target:
        run = run_file.read(run_file.path_of(options.home, options.name))
        token, public = options.auth_token or run.auth_token, options.public_url or run.public_url
        return _Target(Carrier(run.http_url + VOICE_PATH, token, public), run.http_url, run)
    parts = urlsplit(options.target)
    if parts.scheme in ("ws", "wss") and parts.hostname:
        return _Target(options.target, options.target)
    if parts.scheme in ("http", "https") and parts.hostname:
        url = options.target if parts.path.strip("/") else options.target.rstrip("/") + VOICE_PATH
        return _Target(Carrier(url, options.auth_token, options.public_url), url)
    raise HoldfastError(f"{options.target!r} is no address: http://host:port, a voice webhook, or ws://host/path")


def kinds_of(options: LoadOptions) -> list[Speech]:
    """What callers say, in turn: of 20 kinds, as many barge in as the share wants, spread evenly."""
    scenario, folder = load_scenario(options.scenario)
    speech = make_speech(scenario, folder, snr_db=options.snr_db, turns=options.turns)
    if options.barge_in_share is None:
        return [speech]
    if not any(turn.barge_in_s is not None for turn in speech.turns):
        raise HoldfastError(f"nobody barges in in {options.scenario!r}: take `barge-in`, or set barge_in_s in a turn")
    patient, kinds = speech.patient(), 20
    share = options.barge_in_share
    return [speech if int((i + 1) * share) > int(i * share) else patient for i in range(kinds)] if share else [patient]


def roots_of(options: LoadOptions, run: run_file.RunFile | None) -> dict[int, str]:
    """The server's processes, as far as they are told."""
    roots = {pid: f"process {pid}" for pid in options.pids}
    if run is not None and run.pid:
        roots |= {run.pid: "supervisor"} | {pid: name for name, pid in run.pids.items()}
    return roots


async def measure(options: LoadOptions, console: Console) -> dict[str, Any]:
    """The whole run; raises HoldfastError, BadRecordingError."""
    target, kinds = target_of(options), kinds_of(options)
    quiet_logs()
    await reach(target.url)
    arrivals = Arrivals(
        options.calls,
        options.stagger_s,
        limit_s=_longest_s(options, kinds),
        min_s=options.min_s,
        first_number=options.first_number,
    )
    crowd = Crowd(target.address, kinds, Patience(answer_s=options.answer_s), arrivals)
    roots = roots_of(options, target.run)
    cost = Cost(roots, lambda: crowd.live) if roots else None
    async with AsyncExitStack() as stack:
        told = await _listen(stack, target.run, crowd) if target.run is not None else None
        followers = [asyncio.create_task(_progress(crowd, console), name="progress")]
        if cost is not None:
            cost.begin()
            followers.append(asyncio.create_task(cost.follow(), name="cost"))
        for follower in followers:
            stack.callback(follower.cancel)
        gc.collect()
        gc.freeze()
        gc.disable()  # a collection among hundreds of calls takes as long as several frames
        began, own_cpu_s = time.monotonic(), _own_cpu_s()
        try:
            made = await crowd.run()
        finally:
            gc.enable()
        await asyncio.sleep(SETTLE_S)
        wall_s, own_cpu_s = time.monotonic() - began, _own_cpu_s() - own_cpu_s
        if cost is not None:
            cost.end()
    return summary(Run(made, crowd.most, wall_s, own_cpu_s, cost, told, settings_of(options)))


def settings_of(options: LoadOptions) -> dict[str, Any]:
    """What was asked for, without secrets and this machine's paths."""
    hidden = {"auth_token", "home", "json_path", "report_path", "pids", "public_url", "anyway"}
    return {key: value for key, value in asdict(options).items() if key not in hidden}


def load(options: LoadOptions) -> int:
    """The whole command; returns the exit status: 1 where calls failed, 2 where nothing could be measured, 3 where
    the generator itself was the limit."""
    console = Console(stderr=True)
    try:
        found = uvloop.run(measure(options, console))
    except (HoldfastError, BadRecordingError, TimeoutError) as error:
        print(f"holdfast: {error or type(error).__name__}", file=sys.stderr)
        return NOT_MEASURED
    if found["generator"]["was_the_limit"] and not options.anyway:
        print(f"holdfast: {table.too_slow(found['generator'])}", file=sys.stderr)
        return GENERATOR_WAS_THE_LIMIT
    Console().print(table.of(found))
    if options.json_path is not None:
        options.json_path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if options.report_path is not None:
        from holdfast_cli.load import report  # noqa: PLC0415 - draws, which takes a library that few need

        try:
            options.report_path.write_text(report.html(found), "utf-8")
        except HoldfastError as error:
            print(f"holdfast: {error}", file=sys.stderr)
            return NOT_MEASURED
    return CALLS_FAILED if found["calls"]["failed"] else FINE


async def _listen(stack: AsyncExitStack, run: run_file.RunFile, crowd: Crowd) -> Told:
    async with asyncio.timeout(CONNECT_S):
        bus = await connect_nats(run.nats_url, name="holdfast-load", user=run.nats_user, password=run.nats_password)
    stack.push_async_callback(bus.close)
    told = Told()
    await told.listen(bus, (call.call_sid for call in crowd.calls))
    return told


def _longest_s(options: LoadOptions, kinds: list[Speech]) -> float:
    """No call takes longer than its words, an answer's patience for each turn, and then some."""
    words_s = max(sum(len(turn.payloads) for turn in speech.turns) for speech in kinds) * 0.02
    turns = max(len(speech.turns) for speech in kinds)
    return words_s + turns * (options.answer_s + 15.0) + options.min_s + LIMIT_BEYOND_S


async def _progress(crowd: Crowd, console: Console) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(PROGRESS_S)
        console.print(
            f"{time.monotonic() - began:.0f} s: {crowd.live} calls live, {crowd.done} of {len(crowd.calls)} over",
            style="dim",
            highlight=False,
        )


def _own_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
