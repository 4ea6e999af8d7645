"""How every service runs: settings -> bootstrap -> run.

    def main() -> None:                                  # __main__.py of a service
        common, settings = load_or_exit(CommonSettings, AsrSettings)
        run(Service.ASR, common, lambda runtime: bootstrap.wire(runtime, settings))

`run` connects to the bus (and waits for it), enters the service's wiring, serves its streams,
beats, answers health, drains on SIGTERM and ends when the parent dies (where that is asked).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from holdfast_common.bus import Bus
from holdfast_common.call_log import CallLog
from holdfast_common.contracts.registry import Service
from holdfast_common.health import Health
from holdfast_common.settings import CommonSettings
from holdfast_common.stream.api import Handler, Opener


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
