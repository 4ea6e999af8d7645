"""`holdfast up`: the whole system on this machine, kept alive until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ParamSpec, TypeVar

import structlog
from dotenv import dotenv_values
from holdfast_common.errors import EngineUnavailable, HoldfastError, SettingsError, all_of
from rich.console import Console

from holdfast_cli.supervise import nats_server, run_file, settings_check
from holdfast_cli.supervise.child import ChildRefusedError
from holdfast_cli.supervise.merged_log import MergedLog
from holdfast_cli.supervise.plan import MAX_GATEWAYS, Plan, parse_replicas
from holdfast_cli.supervise.readiness import engines, waiting_for
from holdfast_cli.supervise.supervisor import Supervisor

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_PORT = 8080
PARENT_CHECK_S = 0.5
SLOW_START_S = 30.0
"""After this long without being ready, say what is waited for."""
READY_LINE = "ready"
"""First word of the line that tells programs that calls can be taken; the address follows."""


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What was asked for on the command line."""

    home: Path = Path("var")
    name: str = "holdfast"
    profile: Path = Path("profiles/trial_success")
    port: int | None = None
    """None: PORT from the environment, else 8080 or any free one. 0: any free one."""
    replicas: str = ""
    gateways: int = 1
    scripted: bool = False
    auth_token: str = ""
    quiet: bool = False
    """The log goes to its file only; the terminal shows the ready line and problems."""
    exit_with_parent: bool = False
    extra: dict[str, str] | None = None

    @property
    def run_path(self) -> Path:
        return run_file.path_of(self.home, self.name)


def http_port(asked: int | None, environment: str | None) -> int:
    """The HTTP port: what was asked for, or a free one; raises SettingsError when the asked one is taken."""
    if asked is None and environment:
        if not environment.isdigit() or not 1 <= int(environment) <= 65_535:
            raise SettingsError([f"PORT: {environment!r} is no port number"])
        asked = int(environment)
    if asked is None:
        return nats_server.free_port(DEFAULT_PORT)
    if asked and _in_use(asked):
        raise SettingsError([f"port {asked} is taken by another program: stop it, or set PORT to another number"])
    return asked or nats_server.free_port()


def sibling_ports(gateways: int) -> tuple[int, ...]:
    """A free port for each gateway after the first; raises SettingsError for a number that makes no sense."""
    if not 1 <= gateways <= MAX_GATEWAYS:
        raise SettingsError([f"--gateways: {gateways} (a number from 1 to {MAX_GATEWAYS} is needed)"])
    ports: list[int] = []
    while len(ports) < gateways - 1:
        if (port := nats_server.free_port()) not in ports:
            ports.append(port)
    return tuple(ports)


def _in_use(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _number(text: str | None) -> int:
    """0 for anything else: the settings' own check tells what is wrong with it."""
    return int(text) if text and text.isdigit() else 0


def make_plan(options: UpOptions) -> Plan:
    """Check everything that can be checked without starting; raises SettingsError with one list of all problems."""
    told = {**dotenv_values(".env"), **os.environ}
    gathered = _Problems()
    gathered.of(_refuse_second, options)
    replicas = gathered.of(parse_replicas, options.replicas)
    port = gathered.of(http_port, options.port, told.get("PORT"))
    siblings = gathered.of(sibling_ports, options.gateways)
    binary = gathered.of(nats_server.binary)
    state_dir = options.home / "state"
    plan = Plan(
        bus=nats_server.Bus("nats://127.0.0.1:4222", "", "", Path()),
        nats_binary=binary or Path(),
        port=port or 0,
        profile=options.profile.resolve(),
        state_dir=state_dir.resolve(),
        replicas=replicas or {},
        sibling_ports=siblings or (),
        scripted=options.scripted,
        auth_token=options.auth_token or told.get("HOLDFAST_GATEWAY_TWILIO_AUTH_TOKEN") or "",
        public_url=told.get("HOLDFAST_GATEWAY_PUBLIC_BASE_URL") or "",
        health_port=_number(told.get("HOLDFAST_HEALTH_PORT")),
        extra=options.extra or {},
    )
    gathered.all += settings_check.problems(plan.environment(), options.profile)
    if gathered.all:
        raise SettingsError(gathered.all)
    # Written last: a start that is refused must not touch the files of one that runs.
    return replace(plan, bus=nats_server.prepare(options.home / "run", state_dir))


class _Problems:
    """Goes on after a step that failed, so that all of them are told at once."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def of(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return step(*args, **kwargs)
        except SettingsError as error:
            self.all += error.problems
        except EngineUnavailable as error:
            self.all.append(str(error))
        return None


def _refuse_second(options: UpOptions) -> None:
    with contextlib.suppress(run_file.NotRunningError):
        running = run_file.read(options.run_path)
        raise SettingsError([f"{running.name!r} already runs at {running.http_url} (process {running.pid})"])


async def run_up(options: UpOptions, plan: Plan, console: Console, started: float) -> int:
    """Run until a signal (or the parent's death); returns the exit status."""
    quiet_logs()
    with MergedLog(options.home / "log" / f"{options.name}.log", None if options.quiet else console) as log:
        supervisor = Supervisor(plan, name=options.name, pid=os.getpid(), run_path=options.run_path, sink=log)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, supervisor.stop.set)

        async def on_ready() -> None:
            tell_ready(supervisor, options, console, time.monotonic() - started)

        watchers = [asyncio.create_task(_tell_if_slow(supervisor, console), name="slow-start")]
        if options.exit_with_parent:
            watchers.append(asyncio.create_task(_stop_with_parent(supervisor.stop), name="parent"))
        status = 0
        try:
            await supervisor.run(on_ready)
        except* ChildRefusedError as refused:
            for error in all_of(refused, ChildRefusedError):
                console.print(f"[red]holdfast: {error} and would again.[/] Its last words:")
                console.print("\n".join(f"  {line}" for line in error.last_lines), markup=False, highlight=False)
            status = 2
        finally:
            for watcher in watchers:
                watcher.cancel()
    return status


def tell_ready(supervisor: Supervisor, options: UpOptions, console: Console, took_s: float) -> None:
    """The ready line, and for people what is in use and where a phone number would point."""
    url = supervisor.plan.http_url
    console.print(f"{READY_LINE} {url} after {took_s:.1f} s", style="bold green", highlight=False)
    if options.quiet:
        return
    for service, info in sorted(engines(supervisor.presence.beats).items()):
        for key, value in sorted(info.items()):
            console.print(f"  {service:<9} {key}: {value}", highlight=False, markup=False)
    for number, port in enumerate(supervisor.plan.sibling_ports, 2):
        console.print(f"  gateway-{number} http://127.0.0.1:{port}", highlight=False, markup=False)
    signed = "signed with the auth token" if supervisor.plan.auth_token else "unsigned: taken from this machine only"
    console.print(
        f"  browser   {url}\n"
        f"  Twilio    voice webhook POST <public address>/twilio/voice ({signed}).\n"
        f"            Make {url} reachable by https (a tunnel will do), set HOLDFAST_GATEWAY_PUBLIC_BASE_URL to that\n"
        f"            address and HOLDFAST_GATEWAY_TWILIO_AUTH_TOKEN to the account's token, and start again.\n"
        f"  a call    holdfast call --home {options.home}        log  {options.home / 'log' / (options.name + '.log')}",
        highlight=False,
        markup=False,
    )


def quiet_logs() -> None:
    """The libraries' own lines would stand between those of the services: warnings only."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


async def _tell_if_slow(supervisor: Supervisor, console: Console) -> None:
    await asyncio.sleep(SLOW_START_S)
    missing = waiting_for(supervisor.presence.beats, supervisor.pending())
    if missing:
        console.print(f"[yellow]still waiting for {', '.join(missing)}[/]")


async def _stop_with_parent(stop: asyncio.Event) -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_CHECK_S)
    stop.set()


def up(options: UpOptions) -> int:
    """The whole command; returns the exit status (2: settings do not hold)."""
    started = time.monotonic()
    console = Console(file=sys.stdout, force_terminal=None)
    try:
        plan = make_plan(options)
        return asyncio.run(run_up(options, plan, console, started))
    except SettingsError as error:
        print(f"holdfast: cannot start.\n{error}", file=sys.stderr)
        return 2
    except HoldfastError as error:
        print(f"holdfast: {error}", file=sys.stderr)
        return 1
