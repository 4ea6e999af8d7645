"""Health of one process over HTTP, and what it says when its event loop hangs."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request

import pytest
from holdfast_common import health_server, telemetry
from holdfast_common.errors import SettingsError
from holdfast_common.health_server import HealthServer


def fetch(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


async def get(port: int, path: str) -> tuple[int, str]:
    return await asyncio.to_thread(fetch, port, path)


def counted(page: str, name: str) -> float:
    return next(float(line.removeprefix(f"{name} ")) for line in page.splitlines() if line.startswith(f"{name} "))


async def test_alive_is_not_ready() -> None:
    """A process that waits for the bus is well, and takes no work."""
    missing = ["the bus"]
    with HealthServer("127.0.0.1", 0, lambda: missing) as server:
        assert await get(server.port, "/health") == (200, '{"status": "ok"}')
        status, told = await get(server.port, "/ready")
        assert (status, json.loads(told)) == (503, {"ready": False, "missing": ["the bus"]})
        missing.clear()
        assert (await get(server.port, "/ready"))[0] == 200
        assert (await get(server.port, "/elsewhere"))[0] == 404


async def test_a_hanging_loop_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked from the loop itself, so that it cannot answer: the thread says so."""
    monkeypatch.setattr(health_server, "ANSWER_WITHIN_S", 0.05)
    with HealthServer("127.0.0.1", 0, list) as server:
        assert fetch(server.port, "/health") == (503, '{"status": "hung"}')
        assert fetch(server.port, "/ready")[0] == 503


async def test_metrics_are_shown_as_prometheus_text() -> None:
    """Counters with their labels, levels with what their owner says now."""
    with HealthServer("127.0.0.1", 0, list) as server:
        await get(server.port, "/metrics")  # counting begins, unless other tests of this process began it
        telemetry.RECORDS.add(1)
        _, before = await get(server.port, "/metrics")
        telemetry.RECORDS.add(1)
        telemetry.STREAMS.told_by(lambda: 3, service="asr")
        status, page = await get(server.port, "/metrics")

    assert status == 200
    assert counted(page, "holdfast_records_total") == counted(before, "holdfast_records_total") + 1
    assert 'holdfast_streams{service="asr"} 3.0' in page


async def test_a_taken_port_is_a_problem_of_the_settings() -> None:
    """Told with the name of the setting, before anything else is started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with (
            pytest.raises(SettingsError, match="HOLDFAST_HEALTH_PORT"),
            HealthServer("127.0.0.1", taken.getsockname()[1], list),
        ):
            pass
