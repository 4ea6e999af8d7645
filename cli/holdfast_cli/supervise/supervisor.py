"""Starts the whole system, keeps it alive and takes it down: nothing is left behind.

A shutdown goes in order: services first (they may still have something to append to the log),
then the bus.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import nats.errors
from holdfast_common.bus import Subscription
from holdfast_common.nats_bus import NatsBus, connect_nats

from holdfast_cli.supervise import run_file
from holdfast_cli.supervise.child import Child, LineSink
from holdfast_cli.supervise.plan import Plan
from holdfast_cli.supervise.readiness import Presence, all_ready
from holdfast_cli.supervise.run_file import RunFile


class Supervisor:
    """One run of a plan. Use `run`; it ends when `stop` is set, or raises what made it give up."""

    def __init__(self, plan: Plan, *, name: str, pid: int, run_path: Path, sink: LineSink) -> None:
        self.plan = plan
        self.presence = Presence()
        self.stop = asyncio.Event()
        self._name = name
        self._pid = pid
        self._run_path = run_path
        self._nats = Child(plan.nats(), sink, on_change=self._write)
        self._services = [Child(spec, sink, on_change=self._write) for spec in plan.services()]
        self._ready = False

    async def run(self, on_ready: Callable[[], Awaitable[None]]) -> None:
        """Start everything, call `on_ready` once, hold until `stop`, leave no process behind.

        Raises ChildRefusedError (in an ExceptionGroup) when a service refuses its settings.
        """
        try:
            async with _held([self._nats]):
                bus = await connect_nats(
                    self.plan.bus.url, name="holdfast-up", user=self.plan.bus.user, password=self.plan.bus.password
                )
                try:
                    await self._run_services(bus, on_ready)
                finally:
                    await bus.close()
        finally:
            self._run_path.unlink(missing_ok=True)

    async def _run_services(self, bus: NatsBus, on_ready: Callable[[], Awaitable[None]]) -> None:
        beats = await self.presence.follow(bus)
        async with _held(self._services) as group:
            announce = group.create_task(self._announce(on_ready, beats), name="announce")
            await self.stop.wait()
            announce.cancel()

    async def _announce(self, on_ready: Callable[[], Awaitable[None]], beats: Subscription) -> None:
        await all_ready(self.presence, lambda: {c.spec.name: c.pid for c in self._services}, self.plan.http_url)
        self._ready = True
        self._write()
        await on_ready()
        # Thirty a second, which nobody here reads any more.
        with contextlib.suppress(nats.errors.Error):
            await beats.unsubscribe()

    def pending(self) -> dict[str, int | None]:
        """The service processes by replica id."""
        return {child.spec.name: child.pid for child in self._services}

    def _write(self) -> None:
        bus = self.plan.bus
        children = [self._nats, *self._services]
        run_file.write(
            self._run_path,
            RunFile(
                name=self._name,
                pid=self._pid,
                nats_url=bus.url,
                nats_user=bus.user,
                nats_password=bus.password,
                http_url=self.plan.http_url,
                profile=str(self.plan.profile),
                state_dir=str(self.plan.state_dir),
                auth_token=self.plan.auth_token,
                public_url=self.plan.public_url,
                pids={child.spec.name: child.pid for child in children if child.pid},
                ready=self._ready,
            ),
        )


@contextlib.asynccontextmanager
async def _held(children: list[Child]):
    """The children run while the block does; afterwards all of them have ended."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(child.run(), name=child.spec.name) for child in children]
        try:
            yield group
        finally:
            for task in tasks:
                task.cancel()
