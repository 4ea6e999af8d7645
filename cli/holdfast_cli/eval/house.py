"""Dialogue and tools in this process, joined by streams over the bus in memory: no server, no speech.

The services are found by name (`holdfast_<service>.in_process`), as `holdfast up` starts theirs: this
program knows what they say on the bus, not how they are made.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from holdfast_common import subjects
from holdfast_common.bus import Bus, Lane
from holdfast_common.call_log import CallLog
from holdfast_common.contracts.beat import Beat
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.wire import encode
from holdfast_common.memory_bus import MemoryBus, MemoryHub
from holdfast_common.profile import Profile
from holdfast_common.stream.api import Handler, Opener, Session
from holdfast_common.stream.host import StreamHost
from holdfast_common.stream.opener import StreamOpener

from holdfast_cli.model_server.answers import BEHAVIOURS
from holdfast_cli.model_server.server import Knobs, serving

Around = Callable[[Handler], Handler]

CAPACITY = 1_000
LEARNT = Path("var/knowledge")
"""Where what the search learns of a profile is kept from one run to the next."""
BEAT_EVERY_S = 0.2


class House:
    """Serves calls side by side, each with a profile, a calendar and faults of its own."""

    def __init__(
        self,
        folder: Path,
        hub: MemoryHub,
        opener: Opener,
        tools_opener: Opener,
        database: Any,
        model: Any = None,
    ) -> None:
        self.hub = hub
        """The bus that joins the services."""
        self.opener = opener
        """Where a gateway opens its turns."""
        self._folder = folder
        self.tools_opener = tools_opener
        """Where a dialogue opens its tool calls."""
        self._database = database
        self._model = model
        """Of the dialogue's `in_process.model_at`; None: rules only."""
        self._dialogues: dict[str, Handler] = {}
        self._tools: dict[str, Handler] = {}

    def admit(
        self, call: str, profile: Profile, log: CallLog, *, around: Around = lambda handler: handler, **calendar: Any
    ) -> None:
        """Serve this call from now on; `calendar` goes to the tools (see their `in_process.serve`).

        `around` may set something between the call and its dialogue, to see or change what goes through.
        """
        down = calendar.get("down", ())
        model = self._model
        if calendar.pop("model_fails", False) and model is None:
            model = service("dialogue").model_that_is_away()
        self._dialogues[call] = around(
            service("dialogue").serve(profile, self.tools_opener, log, model=model, down=down)
        )
        self._tools[call] = service("tools").serve(profile, self._folder, self._database, calendar=call, **calendar)

    def dismiss(self, call: str) -> None:
        self._dialogues.pop(call, None)
        self._tools.pop(call, None)

    async def think(self, session: Session) -> None:
        await self._dialogues[session.call](session)

    async def act(self, session: Session) -> None:
        await self._tools[session.call](session)


def service(name: str) -> Any:
    """A service's door into another process."""
    return import_module(f"holdfast_{name}.in_process")


@asynccontextmanager
async def open_house(
    folder: Path,
    also: Sequence[tuple[Service, Handler]] = (),
    *,
    around_tools: Around = lambda handler: handler,
    model: str = "",
) -> AsyncIterator[House]:
    """A house over one profile folder, ready to take calls; `also`: more services that its calls shall find.

    `model`: a behaviour of the stand-in, or the address of an OpenAI-compatible endpoint (`URL#name`); empty: none.
    """
    hub = MemoryHub()
    async with AsyncExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-eval-"))
        await service("tools").learn(folder, LEARNT)
        database = await stack.enter_async_context(service("tools").ledger_in(Path(home)))
        gateway, dialogue = StreamOpener(MemoryBus(hub), "gateway-1"), StreamOpener(MemoryBus(hub), "dialogue-1")
        house = House(folder, hub, gateway, dialogue, database, await _model(stack, model))
        tasks = [
            asyncio.create_task(work())
            for work in (
                gateway.run,
                dialogue.run,
                *_replica(hub, Service.DIALOGUE, house.think),
                *_replica(hub, Service.TOOLS, around_tools(house.act)),
                *(work for kind, handler in also for work in _replica(hub, kind, handler)),
            )
        ]
        stack.push_async_callback(_stop, tasks)
        async with asyncio.timeout(10):
            needed = (Service.DIALOGUE, *(kind for kind, _ in also))
            while not (all(map(gateway.replicas, needed)) and dialogue.replicas(Service.TOOLS)):
                await asyncio.sleep(0.01)
        yield house


async def _model(stack: AsyncExitStack, asked: str) -> Any:
    """The language model that was asked for, at an endpoint of its own where it is a stand-in."""
    if not asked:
        return None
    url, _, name = asked.partition("#")
    if asked in BEHAVIOURS:
        server = await stack.enter_async_context(serving(Knobs(behaviour=asked)))
        url, name = server.url, asked
    model = service("dialogue").model_at(url, name)
    stack.push_async_callback(model.aclose)
    return model


def _replica(hub: MemoryHub, kind: Service, handler: Handler) -> list[Callable[[], Any]]:
    bus = MemoryBus(hub)
    name = f"{kind}-1"
    host = StreamHost(bus, kind, name, handler, capacity=lambda: CAPACITY)

    async def beat() -> None:
        while True:
            await _beat(bus, kind, name, host.free)
            await asyncio.sleep(BEAT_EVERY_S)

    return [host.run, beat]


async def _beat(bus: Bus, kind: Service, name: str, free: int) -> None:
    message = Beat(service=kind, replica=name, version="evaluation", boot=name, capacity_free=free)
    bus.publish(subjects.beat(kind, name), encode(message), lane=Lane.CONTROL)


async def _stop(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
