"""When is the whole system ready? Every child of every service beats as healthy, and the gateway answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

import aiohttp
import msgspec
from holdfast_common import subjects
from holdfast_common.bus import Bus, BusMessage, Lane, Subscription
from holdfast_common.contracts.beat import Beat
from holdfast_common.contracts.registry import CONTRACTS
from holdfast_common.contracts.wire import decoder

HEALTH_TIMEOUT_S = 1.0
RETRY_S = 0.05


class Presence:
    """The latest beat of every replica. Belongs to one event loop."""

    def __init__(self) -> None:
        self.beats: dict[str, Beat] = {}
        self._decode = decoder(Beat).decode
        self._changed = asyncio.Event()

    async def follow(self, bus: Bus) -> Subscription:
        return await bus.subscribe(subjects.BEATS, self._on_beat, lane=Lane.CONTROL)

    def _on_beat(self, message: BusMessage) -> None:
        if message.subject.endswith(".gone"):
            return
        with contextlib.suppress(msgspec.MsgspecError):
            beat = self._decode(message.data)
            self.beats[beat.replica] = beat
            self._changed.set()

    def pids(self, service: str) -> list[int]:
        """Processes that have beaten for this service (the latest of each replica)."""
        return [beat.pid for beat in self.beats.values() if beat.service == service and beat.pid]

    async def changed(self) -> None:
        """Return at the next beat."""
        self._changed.clear()
        await self._changed.wait()


def waiting_for(beats: Mapping[str, Beat], pids: Mapping[str, int | None]) -> list[str]:
    """The children (by name, which is their replica id) that are not yet fit for calls, with the reason."""
    missing: list[str] = []
    for name, pid in pids.items():
        beat = beats.get(name)
        if beat is None or (beat.pid and beat.pid != pid):
            missing.append(f"{name} (has not reported)")
        elif not beat.healthy:
            missing.append(f"{name} (says it is not well)")
        elif beat.service in {s.value for s in CONTRACTS} and beat.capacity_free <= 0:
            missing.append(f"{name} (is warming up)")
    return missing


async def all_ready(presence: Presence, pids: Callable[[], Mapping[str, int | None]], http_url: str) -> None:
    """Return once everything is ready."""
    while waiting_for(presence.beats, pids()):
        await presence.changed()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HEALTH_TIMEOUT_S)) as session:
        # Nothing tells us when the page is there; the gateway is up within some of these.
        while not await _answers(session, f"{http_url}/api/health"):
            await asyncio.sleep(RETRY_S)


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as reply:
            return reply.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


def engines(beats: Mapping[str, Beat]) -> dict[str, dict[str, str]]:
    """What each service says is in use: {"asr": {"engine": ...}}. One replica speaks for its service."""
    return {beat.service: dict(beat.info) for beat in sorted(beats.values(), key=lambda b: b.replica, reverse=True)}
