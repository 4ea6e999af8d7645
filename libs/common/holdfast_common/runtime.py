"""How every service runs: settings -> bootstrap -> run.

    def main() -> None:                                  # __main__.py of a service
        common, settings = load_or_exit(CommonSettings, AsrSettings)
        run(Service.ASR, common, lambda runtime: bootstrap.wire(runtime, settings))

`run` connects to the bus (and waits for it), enters the service's wiring, serves its streams,
beats, answers health, drains on SIGTERM and ends when the parent dies (where that is asked).
"""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast_common import lean  # noqa: F401 - before structlog and nats
from holdfast_common.rhythm import until_next

# isort: split
import structlog

from holdfast_common import subjects, telemetry
from holdfast_common.bus import Bus, Lane
from holdfast_common.call_log import CallLog
from holdfast_common.contracts.beat import Beat, Goodbye
from holdfast_common.contracts.registry import OPENS, Service
from holdfast_common.contracts.wire import encode
from holdfast_common.errors import BusUnavailable, LogUnavailable, SettingsError, all_of
from holdfast_common.health import Finding, Health, State
from holdfast_common.jetstream_log import JetStreamLog
from holdfast_common.lateness import Lateness
from holdfast_common.logs import listen_for_level_signals, set_up_logs
from holdfast_common.nats_bus import NatsBus, connect_nats
from holdfast_common.placement import Presence
from holdfast_common.settings import CommonSettings, replica_id
from holdfast_common.stream.api import Handler, Opener
from holdfast_common.stream.host import StreamHost
from holdfast_common.stream.opener import StreamOpener

if TYPE_CHECKING:
    from holdfast_common.telemetry_export import Export

log = structlog.get_logger()

BEAT_EVERY_S = 0.25
KEEPERS_OF_THE_LOG = frozenset({Service.GATEWAY, Service.DIALOGUE, Service.RECORDS})
"""Who write or read the call log; the bus lets nobody else near it (infra/nats/users.conf)."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a service is given to wire itself with."""

    service: Service
    replica: str
    common: CommonSettings
    bus: Bus
    opener: Opener
    log: CallLog
    health: Health
    presence: Presence
    """Who else is there: `presence.beats(loop.time())`."""
    lag_ms: Callable[[], float] = lambda: 0.0
    """How late this process's event loop runs, worst of the last second."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a service gives back."""

    handler: Handler | None = None
    """Serves one stream; None for services that open streams but serve none."""
    capacity: Callable[[], int] = lambda: 0
    """Streams that it takes at once, now (0 while warming up)."""
    info: Callable[[], dict[str, str]] = dict
    """Goes out with each beat: engine in use and why, for people."""
    tasks: tuple[Callable[[], Awaitable[None]], ...] = field(default=())
    """Run beside the streams for the service's life; one that raises ends the service."""
    drain: Callable[[], Awaitable[None]] | None = None
    """Called on SIGTERM before the streams are waited for."""


Wire = Callable[[Runtime], AbstractAsyncContextManager[Wiring]]
"""Bootstrap of a service: enters engines and databases, leaves them in reverse."""


def run(service: Service, common: CommonSettings, wire: Wire) -> None:
    """Run one service until SIGTERM; returns when it has drained, exits with 2 on bad settings."""
    replica = replica_id(service, common.replica)
    export = _telemetry(service, replica, common)
    set_up_logs(service, replica, level=common.log_level, form=common.log_format, ship=export.ship if export else None)
    listen_for_level_signals()
    for remark in export.remarks if export else ():
        log.warning("telemetry", remark=remark)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_Process(service, replica, common, wire).live())
    except (SettingsError, ExceptionGroup) as error:
        wrong = all_of(error, SettingsError)
        for problem in wrong:
            print(f"holdfast: {service} cannot start.\n{problem}", file=sys.stderr)
        if not wrong:
            raise
        raise SystemExit(2) from None
    finally:
        if export is not None:
            export.close()


def _telemetry(service: Service, replica: str, common: CommonSettings) -> Export | None:
    """Set up where a place to send to or a page was asked for; without either, nothing is even imported."""
    if not common.health_port and not telemetry.is_sent(os.environ):
        return None
    try:
        from holdfast_common import telemetry_export  # noqa: PLC0415 - the SDK is heavy
    except ImportError as error:
        print(f"holdfast: {service}: no telemetry ({error}): install holdfast-common[telemetry]", file=sys.stderr)
        return None
    return telemetry_export.set_up(
        service, replica, common.version, page=bool(common.health_port), environment=os.environ
    )


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


class _Stop(Exception):
    """Ends the process's task group in good order."""


class _Process:
    """One replica of one service, from connecting to leaving."""

    def __init__(self, service: Service, replica: str, common: CommonSettings, wire: Wire) -> None:
        self._service = service
        self._replica = replica
        self._common = common
        self._wire = wire
        self._boot = secrets.token_hex(4)
        self._stopping = asyncio.Event()
        self._draining = False
        self._host: StreamHost | None = None
        self._bus: NatsBus | None = None
        self._health: Health | None = None
        self._late: Lateness | None = None
        self._wiring: Wiring | None = None
        """None until everything that it takes is there."""

    async def live(self) -> None:
        """Connect, serve, drain, leave."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        watch = asyncio.create_task(self._watch_parent(), name="parent")  # ends with this coroutine, below
        try:
            with self._health_page():
                await self._connected()
        finally:
            watch.cancel()

    async def _connected(self) -> None:
        common = self._common
        connecting = asyncio.ensure_future(
            connect_nats(
                common.nats_url,
                name=self._replica,
                user=common.nats_user,
                password=common.nats_password.get_secret_value(),
            )
        )
        stop = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({connecting, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not connecting.done():
            connecting.cancel()
            return
        self._bus = bus = connecting.result()
        try:
            await self._serve(bus)
        finally:
            await bus.close()

    def _health_page(self) -> AbstractContextManager[object]:
        """Up before the bus is: a process that waits for it is alive."""
        if not self._common.health_port:
            return nullcontext()
        from holdfast_common.health_server import HealthServer  # noqa: PLC0415 - most processes serve none

        return HealthServer(self._common.health_host, self._common.health_port, self._missing)

    def _missing(self) -> list[str]:
        """What keeps this replica from taking work now; a full one is not unready."""
        missing = []
        if self._bus is None or not self._bus.connected:
            missing.append("the bus")
        if self._wiring is None:
            missing.append("its parts")
        elif self._wiring.handler is not None and self._wiring.capacity() <= 0:
            missing.append("a warm engine")
        if self._health is not None:
            missing += [name for name, finding in self._health.report().items() if finding.state is State.DOWN]
        if self._draining or self._stopping.is_set():
            missing.append("time: it is leaving")
        return missing

    async def _serve(self, bus: NatsBus) -> None:
        common = self._common
        presence = Presence()
        late = self._late = Lateness(asyncio.get_running_loop().time)
        opener = StreamOpener(bus, self._replica, presence, services=OPENS[self._service], late=late.woken)
        calls = JetStreamLog(
            bus.control,
            partitions=common.log_partitions,
            max_age_h=common.log_max_age_h,
            replicas=common.log_replicas,
        )
        health = self._health = Health()
        health.register("bus", lambda: Finding(State.OK if bus.connected else State.DEGRADED, common.nats_url))
        runtime = Runtime(
            self._service, self._replica, common, bus, opener, calls, health, presence, lambda: late.worst_ms
        )
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(opener.run(), name="opener")
                if self._service in KEEPERS_OF_THE_LOG:
                    group.create_task(self._prepare_log(calls), name="log")
                async with self._wire(runtime) as wiring:
                    self._wiring = wiring
                    group.create_task(self._beat(bus, wiring, health, late), name="beat")
                    if wiring.handler is not None:
                        self._host = StreamHost(
                            bus,
                            self._service,
                            self._replica,
                            wiring.handler,
                            capacity=wiring.capacity,
                            late=late.woken,
                        )
                        group.create_task(self._host.run(), name="host")
                    self._tell_levels(wiring, late)
                    for work in wiring.tasks:
                        group.create_task(_awaited(work), name="work")
                    # What is there now stays: the collector need not walk through it again with every call.
                    gc.collect()
                    gc.freeze()
                    log.info("started", service=self._service, replica=self._replica, **wiring.info())
                    await self._stopping.wait()
                    await self._drain(bus, wiring)
                    raise _Stop
        except* _Stop:
            log.info("stopped", service=self._service, replica=self._replica)

    def _tell_levels(self, wiring: Wiring, late: Lateness) -> None:
        service, host = self._service.value, self._host
        telemetry.LOOP_LAG.told_by(lambda: late.worst_ms, service=service)
        telemetry.CAPACITY.told_by(lambda: host.free if host else wiring.capacity(), service=service)
        if host is not None:
            telemetry.STREAMS.told_by(lambda: host.active, service=service)

    async def _drain(self, bus: Bus, wiring: Wiring) -> None:
        self._draining = True
        log.info("draining", service=self._service, streams=self._host.active if self._host else 0)
        try:
            async with asyncio.timeout(self._common.drain_s):
                if wiring.drain is not None:
                    await wiring.drain()
                if self._host is not None:
                    self._host.draining = True
                    await self._beat_once(bus, wiring, healthy=True)
                    await self._host.drained()
        except TimeoutError:
            log.warning("drain_gave_up", after_s=self._common.drain_s)
        goodbye = Goodbye(service=self._service, replica=self._replica)
        self._say(bus, subjects.gone(self._service, self._replica), encode(goodbye))

    async def _beat(self, bus: Bus, wiring: Wiring, health: Health, late: Lateness) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._beat_once(bus, wiring, healthy=health.state() is not State.DOWN)
            wait_s = until_next(BEAT_EVERY_S, now := loop.time())
            await asyncio.sleep(wait_s)
            late.woken(loop.time() - now - wait_s)

    async def _beat_once(self, bus: Bus, wiring: Wiring, *, healthy: bool) -> None:
        host = self._host
        beat = Beat(
            service=self._service,
            replica=self._replica,
            version=self._common.version,
            boot=self._boot,
            capacity_free=host.free if host else wiring.capacity(),
            active=host.active if host else 0,
            draining=self._draining,
            loop_lag_ms=round(self._late.worst_ms, 1) if self._late else 0.0,
            healthy=healthy,
            info={key: value[:200] for key, value in wiring.info().items()},
            pid=os.getpid(),
        )
        self._say(bus, subjects.beat(self._service, self._replica), encode(beat))

    @staticmethod
    def _say(bus: Bus, subject: str, data: bytes) -> None:
        try:
            bus.publish(subject, data, lane=Lane.CONTROL)
        except BusUnavailable:
            log.debug("beat_lost")

    async def _prepare_log(self, calls: JetStreamLog) -> None:
        while True:
            try:
                await calls.prepare()
            except LogUnavailable as error:
                log.warning("call_log_waiting", error=str(error))
                await asyncio.sleep(0.5)
            else:
                return

    async def _watch_parent(self) -> None:
        """A killed `holdfast up` must leave nothing behind."""
        parent = os.getppid()
        while self._common.exit_with_parent:
            await asyncio.sleep(until_next(0.5, asyncio.get_running_loop().time()))
            if os.getppid() != parent:
                log.warning("parent_is_gone")
                os._exit(3)


async def _awaited(work: Callable[[], Awaitable[None]]) -> None:
    await work()
