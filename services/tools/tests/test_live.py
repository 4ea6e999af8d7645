"""Two real replicas on a real bus, one of them killed while everybody wants the same time."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.tools import Booking, BookingsOfCall, BookingState, CalendarBook, CalendarStatus
from holdfast_common.nats_bus import connect_nats
from holdfast_common.stream.opener import StreamOpener

PROFILE = Path(__file__).parents[3] / "profiles" / "trial_success"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def processes(tmp_path: Path, database_url: str) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A nats-server and two tools replicas that start at once over one new database."""
    port = free_port()
    server = Path(sys.executable).with_name("nats-server")
    command = [str(server), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(tmp_path / "js")]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    nats = subprocess.Popen(command, **quiet)
    environment = os.environ | {
        "HOLDFAST_NATS_URL": f"nats://127.0.0.1:{port}",
        "HOLDFAST_PROFILE": str(PROFILE),
        "HOLDFAST_STATE_DIR": str(tmp_path / "state"),
        "HOLDFAST_TOOLS_DATABASE_URL": database_url,
        "HOLDFAST_TOOLS_NOW": "2026-11-23T10:00:00-05:00",
        "HOLDFAST_EXIT_WITH_PARENT": "true",
    }
    replicas = [
        subprocess.Popen(
            [sys.executable, "-m", "holdfast_tools"], env=environment | {"HOLDFAST_REPLICA": f"tools-{n}"}, **quiet
        )
        for n in range(2)
    ]
    yield f"nats://127.0.0.1:{port}", replicas
    for process in (*replicas, nats):
        process.kill()
        process.wait()


@pytest.mark.live
async def test_a_killed_replica_neither_loses_nor_doubles_a_booking(
    processes: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    """Six callers say yes to one time, each twice at once; a replica dies meanwhile: one meeting, one invitation."""
    url, replicas = processes
    bus = await connect_nats(url, name="test")
    opener = StreamOpener(bus, "gw-test")
    running = asyncio.create_task(opener.run())

    waiting: set[Any] = set()

    async def ask(message: Any, call: str) -> Any:
        stream = opener.open(Service.TOOLS, lambda: message, call=call, ends_input=True)
        waiting.add(stream)
        async for result in stream:
            waiting.discard(stream)
            return result
        raise AssertionError("no result")

    def wish(n: int) -> CalendarBook:
        return CalendarBook(
            key=f"k{n}", start="2026-11-24T19:30:00Z", duration_min=30, attendee_email=f"caller{n}@northwind.example"
        )

    try:
        async with asyncio.timeout(40):
            while len(opener.replicas(Service.TOOLS)) < 2:
                await asyncio.sleep(0.02)
            asked = [asyncio.create_task(ask(wish(n), f"c{n}")) for n in range(6) for _ in range(2)]
            await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            busiest = Counter(stream.replica for stream in waiting).most_common(1)[0][0]
            replicas[int(busiest.removeprefix("tools-"))].kill()
            results: list[Booking] = await asyncio.gather(*asked)

            for first, second in zip(results[::2], results[1::2], strict=True):
                assert first == second
                assert first == await ask(CalendarStatus(key=first.key), "console")
            booked = {result.key for result in results if result.state == BookingState.BOOKED}
            assert len(booked) == 1
            assert {result.state for result in results} == {BookingState.BOOKED, BookingState.TAKEN}
            (winner,) = booked
            listed = await ask(BookingsOfCall(call=f"c{winner[1:]}"), "console")
            assert [booking.key for booking in listed.bookings] == [winner]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await bus.close()
