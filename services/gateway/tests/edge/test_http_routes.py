"""What everybody may ask for: the page, health, metrics; and what comes back for what nobody should."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from holdfast_common.contracts.beat import Beat
from holdfast_common.health import Finding, Health, State
from holdfast_common.settings import load_settings
from holdfast_gateway.edge_settings import EdgeSettings
from pydantic import ValidationError

WEB = Path(__file__).parents[4] / "web"


class Beats:
    """Presence of two speech services."""

    def beats(self, now: float, service: str | None = None) -> list[Beat]:
        ear = Beat(service="asr", replica="a-1", version="1", boot="b", capacity_free=2, pid=77)
        voice = Beat(service="tts", replica="t-1", version="1", boot="b", capacity_free=3, info={"engine": "flite"})
        return [ear, voice]


async def test_health_is_up_and_tells_nothing(edge: Any, http: ClientSession) -> None:
    async with http.get(edge.url + "/api/health") as answer:
        assert await answer.json() == {"status": "ok"}


async def test_detailed_health_names_engines_services_and_what_is_missing(
    open_edge: Callable[..., Any], http: ClientSession
) -> None:
    health = Health()
    health.register("bus", lambda: Finding(State.OK, "there"))
    edge = await open_edge(parts={"presence": Beats(), "health": health})
    async with http.get(edge.url + "/api/health/detailed") as answer:
        told = await answer.json()

    assert told["status"] == "degraded"
    assert told["missing"] == ["dialogue", "tools", "records"]
    assert told["voice"] == {"engine": "flite"}
    assert told["gateway"] == {"bus": {"state": "ok", "detail": "there"}}
    assert told["calls"] == {"taken": 0, "limit": 50}
    assert "77" not in str(told["services"]), "process ids are nobody's business"


def refused_while_draining(page: str) -> float:
    """What the page says; the counter is the process's, so other tests may have counted too."""
    line = re.search(r'^holdfast_refused_total\{reason="draining"\} (\S+)', page, flags=re.MULTILINE)
    return float(line[1]) if line else 0.0


async def test_metrics_count_what_was_refused(edge: Any, http: ClientSession, caller: Any) -> None:
    async with http.get(edge.url + "/api/metrics") as answer:
        before = await answer.text()
    await edge.drain(1)
    await caller.ring()
    async with http.get(edge.url + "/api/metrics") as answer:
        text = await answer.text()

    assert answer.content_type == "text/plain"
    assert refused_while_draining(text) == refused_while_draining(before) + 1
    assert "holdfast_seats 50.0" in text


async def test_every_answer_carries_the_security_headers(edge: Any, http: ClientSession) -> None:
    for path in ("/api/health", "/nowhere", "/twilio/voice"):
        async with http.get(edge.url + path) as answer:
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "aiohttp" not in answer.headers["Server"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", "/nowhere", None, 404, "not_found"),
        ("GET", "/static/../pyproject.toml", None, 404, "not_found"),
        ("POST", "/api/health", None, 405, "method_not_allowed"),
        ("GET", "/twilio/voice", None, 405, "method_not_allowed"),
        ("POST", "/twilio/voice", {"json": {}}, 415, "form_expected"),
        ("POST", "/twilio/voice", {"data": {"CallSid": "x" * 70_000}}, 413, "request_entity_too_large"),
        ("POST", "/twilio/voice", {"data": {"From": "+1"}}, 400, "call_sid_missing"),
        ("POST", "/twilio/voice", {"data": {"CallSid": "../../x"}}, 400, "call_sid_missing"),
    ],
)
async def test_errors_are_json_with_a_code(
    edge: Any, http: ClientSession, method: str, path: str, body: dict[str, Any] | None, status: int, error: str
) -> None:
    async with http.request(method, edge.url + path, **(body or {})) as answer:
        assert answer.status == status
        assert (await answer.json())["error"] == error


async def test_undecodable_forms_are_refused_without_a_trace(edge: Any, http: ClientSession) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    async with http.post(edge.url + "/twilio/voice", data=b"CallSid=\xff\xfe", headers=headers) as answer:
        assert answer.status == 400
        assert "Traceback" not in await answer.text()


async def test_one_address_cannot_ask_without_end(open_edge: Callable[..., Any], http: ClientSession) -> None:
    edge = await open_edge(requests_per_address_per_s=1)
    statuses = []
    for _ in range(6):
        async with http.get(edge.url + "/api/health") as answer:
            statuses.append(answer.status)

    assert statuses == [200] * 4 + [429] * 2


async def test_many_calls_at_once_are_no_flood_but_many_unsigned_requests_are(
    open_edge: Callable[..., Any], http: ClientSession, new_caller: Any
) -> None:
    edge = await open_edge(requests_per_address_per_s=1)
    for _ in range(6):
        assert (await new_caller(edge).ring())[0].tag == "Connect"
    statuses = []
    for _ in range(6):
        headers = {"X-Forwarded-For": "192.0.2.1"}
        async with http.post(edge.url + "/twilio/voice", data={"CallSid": "CA1"}, headers=headers) as answer:
            statuses.append(answer.status)

    assert statuses == [403] * 4 + [429] * 2


async def raw(edge: Any, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(data)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


async def test_a_head_without_end_is_cut_off(edge: Any) -> None:
    assert (await raw(edge, b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000)).startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET /ws/call HTTP/1.1\r\n\r\n",
        b"GET /twilio/media HTTP/1.0\r\nHost: h\r\n\r\n",
    ],
)
async def test_what_is_no_request_gets_an_answer_or_is_closed(edge: Any, data: bytes) -> None:
    answer = await raw(edge, data)

    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert b"Traceback" not in answer


async def test_a_head_in_pieces_is_understood(edge: Any) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    for piece in (b"GET /api/he", b"alth HTTP/1.1\r\nHo", b"st: h\r\n", b"\r\n"):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()

    assert answer.endswith(b'{"status": "ok"}')


async def test_the_page_is_served_and_asks_nobody_else_for_anything(
    open_edge: Callable[..., Any], http: ClientSession
) -> None:
    edge = await open_edge(web_dir=WEB)
    async with http.get(edge.url + "/") as answer:
        page = await answer.text()
    for name in ("app.js", "call.js", "voice.js", "voice-worklet.js", "style.css", "icon.svg"):
        async with http.get(f"{edge.url}/static/{name}") as answer:
            assert answer.status == 200
            text = (await answer.text()).replace("http://www.w3.org/2000/svg", "")
            assert "://" not in text.replace("${", ""), f"{name} names another place"
    assert "://" not in page
    assert "<script>" not in page


def test_wrong_settings_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from holdfast_common.errors import SettingsError

    monkeypatch.setenv("HOLDFAST_GATEWAY_PORT", "99999")
    monkeypatch.setenv("HOLDFAST_GATEWAY_PUBLIC_BASE_URL", "voice.example.com")
    monkeypatch.setenv("HOLDFAST_GATEWAY_ALLOWED_ORIGINS", "https://a.example, b.example")
    with pytest.raises(SettingsError) as caught:
        load_settings(EdgeSettings)

    assert len(caught.value.problems) == 3


def test_port_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "1234")
    assert EdgeSettings(_env_file=None).port == 1234  # type: ignore[call-arg]
    monkeypatch.setenv("HOLDFAST_GATEWAY_PORT", "4321")
    assert EdgeSettings(_env_file=None).port == 4321  # type: ignore[call-arg]


def test_an_origin_with_a_path_is_no_origin() -> None:
    with pytest.raises(ValidationError):
        EdgeSettings(_env_file=None, allowed_origins=["https://a.example/x"])  # type: ignore[call-arg]
