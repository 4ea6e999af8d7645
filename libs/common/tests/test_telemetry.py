"""One turn is one trace over the bus; every instrument is used; nothing is loaded unless it is asked for."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from holdfast_common import subjects, telemetry
from holdfast_common.bus import Lane
from holdfast_common.contracts.beat import Beat
from holdfast_common.contracts.dialogue import Committed, Sentence, Turn, TurnKind
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.stream import ErrorCode
from holdfast_common.contracts.tools import KnowledgeHits, KnowledgeSearch, Sureness
from holdfast_common.contracts.wire import encode
from holdfast_common.errors import StreamFailed
from holdfast_common.logs import FORBIDDEN
from holdfast_common.memory_bus import MemoryBus, MemoryHub
from holdfast_common.stream.api import Handler, Session
from holdfast_common.stream.host import StreamHost
from holdfast_common.stream.opener import StreamOpener
from holdfast_common.telemetry_testing import OtlpSink, SpanLedger, span_ledger
from opentelemetry.trace import StatusCode

ROOT = Path(__file__).parents[3]


@pytest.fixture
def spans() -> SpanLedger:
    ledger = span_ledger()
    ledger.clear()
    return ledger


@asynccontextmanager
async def opener_on(hub: MemoryHub, name: str) -> AsyncIterator[StreamOpener]:
    opener = StreamOpener(MemoryBus(hub), name)
    task = asyncio.create_task(opener.run())
    yield opener
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def replica_on(hub: MemoryHub, service: Service, handler: Handler) -> AsyncIterator[None]:
    bus = MemoryBus(hub)
    host = StreamHost(bus, service, f"{service}-1", handler, capacity=lambda: 9)

    async def beat() -> None:
        while True:
            message = Beat(service=service, replica=f"{service}-1", version="1", boot="b", capacity_free=9)
            bus.publish(subjects.beat(service, f"{service}-1"), encode(message), lane=Lane.CONTROL)
            await asyncio.sleep(0.1)

    tasks = [asyncio.create_task(host.run()), asyncio.create_task(beat())]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def a_turn() -> Turn:
    return Turn(n=3, kind=TurnKind.SPOKEN, now="2026-03-02T15:00:00Z", text="my e-mail is dana at example dot com")


async def test_one_turn_over_two_hops_is_one_trace(spans: SpanLedger) -> None:
    """Opener and host on both hops: each span is the child of the one that caused it, and none stays open."""
    hub = MemoryHub()

    async def think(session: Session) -> None:
        stream = dialogues_opener.open(
            Service.TOOLS, lambda: KnowledgeSearch(text=session.first.text), call=session.call, ends_input=True
        )
        async for _ in stream:
            stream.cancel()
        await session.send(Sentence(index=0, text="It is noted."))
        await session.send(Committed(n=3, snapshot=b"", log_sequence=1))

    async def act(session: Session) -> None:
        await session.send(KnowledgeHits(sureness=Sureness.UNSURE))

    async with (
        opener_on(hub, "gw") as opener,
        opener_on(hub, "dialogue") as dialogues_opener,
        replica_on(hub, Service.DIALOGUE, think),
        replica_on(hub, Service.TOOLS, act),
    ):
        with telemetry.TRACER.start_as_current_span(telemetry.SPAN_TURN):
            stream = opener.open(Service.DIALOGUE, a_turn, call="call-1", ends_input=True)
        results = [result async for result in stream]

    assert len(results) == 2
    assert spans.open == []
    (trace,) = spans.traces().values()
    names = {span.context.span_id: f"{span.name} {(span.attributes or {}).get('service', '')}" for span in trace}
    parents = {names[s.context.span_id]: names[s.parent.span_id] if s.parent else None for s in trace}
    assert parents == {
        "turn ": None,
        "think dialogue": "turn ",
        "serve dialogue": "think dialogue",
        "act tools": "serve dialogue",
        "serve tools": "act tools",
    }
    hop = next(span for span in trace if span.name == "think")
    assert [event.name for event in hop.events] == ["accepted", "first_result"]


async def test_no_span_holds_what_a_caller_said(spans: SpanLedger) -> None:
    """Neither by a forbidden name, nor in any value, nor in the message of an exception."""
    hub = MemoryHub()

    async def think(session: Session) -> None:
        raise ValueError(f"cannot make anything of {session.first.text!r}")

    async with opener_on(hub, "gw") as opener, replica_on(hub, Service.DIALOGUE, think):
        stream = opener.open(Service.DIALOGUE, a_turn, call="call-1", ends_input=True)
        with pytest.raises(StreamFailed):
            _ = [result async for result in stream]

    assert spans.open == []
    assert {span.name for span in spans.ended} == {"think", "serve"}
    assert all(span.status.status_code is StatusCode.ERROR for span in spans.ended)
    for span in spans.ended:
        assert not FORBIDDEN & (span.attributes or {}).keys()
        assert "dana" not in span.to_json()


async def test_a_failed_stream_ends_its_span_with_the_code(spans: SpanLedger) -> None:
    """`bad_input` stands in the span of either side."""
    hub = MemoryHub()

    async def think(_session: Session) -> None:
        raise StreamFailed(ErrorCode.BAD_INPUT, "a snapshot of dana at example dot com")

    async with opener_on(hub, "gw") as opener, replica_on(hub, Service.DIALOGUE, think):
        with pytest.raises(StreamFailed):
            _ = [r async for r in opener.open(Service.DIALOGUE, a_turn, call="call-1", ends_input=True)]

    assert {(s.name, (s.attributes or {})["error.type"]) for s in spans.ended} == {
        ("think", "bad_input"),
        ("serve", "bad_input"),
    }


async def test_a_stream_that_is_cancelled_or_left_behind_ends_its_span(spans: SpanLedger) -> None:
    """With nobody to serve it, by its owner and by the end of the opener."""
    async with opener_on(MemoryHub(), "gw") as opener:
        opener.open(Service.TTS, a_turn, call="call-1").cancel()
        opener.open(Service.ASR, a_turn, call="call-1")
        await asyncio.sleep(0)

    assert [(s.name, (s.attributes or {})["outcome"]) for s in spans.ended] == [
        ("speak", "cancelled"),
        ("listen", "stopped"),
    ]


def test_every_instrument_and_span_is_used_somewhere() -> None:
    """What is named in telemetry.py is recorded by some code; a name without facts would be a lie on a dashboard."""
    source = (ROOT / "libs/common/holdfast_common/telemetry.py").read_text("utf-8")
    named = re.findall(r"^([A-Z0-9_]+) = (?:METER\.|Level\()", source, flags=re.MULTILINE)
    named += ["SPAN_TURN", "SPAN_SERVE"]
    files = [p for part in ("libs", "services") for p in (ROOT / part).rglob("holdfast_*/**/*.py")]
    code = "\n".join(p.read_text("utf-8") for p in files if p.name != "telemetry.py")

    assert len(named) > 20
    assert [name for name in named if not re.search(rf"telemetry\.{name}\b", code)] == []


def script(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, with no telemetry settings but these."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "HOLDFAST_"))}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )


A_PROCESS = """
import os, signal, sys
import holdfast_common.runtime as runtime
from holdfast_common.contracts.registry import Service
from holdfast_common.settings import CommonSettings

async def never(*_args, **_more):
    os.kill(os.getpid(), signal.SIGTERM)
    await runtime.asyncio.Event().wait()

runtime.connect_nats = never
runtime.run(Service.ASR, CommonSettings(replica="asr-7", log_format="json"), wire=None)
heavy = ("opentelemetry.sdk", "opentelemetry.exporter", "google.protobuf", "prometheus_client", "requests",
         "http.server", "rich", "aiohttp")
print(sorted(name for name in heavy if name in sys.modules))
"""


def test_nothing_is_loaded_when_nothing_is_asked_for() -> None:
    """A whole life of a process without telemetry settings: no SDK, exporter, HTTP server, rich or aiohttp."""
    assert script(A_PROCESS).stdout == "[]\n"


def test_a_disabled_sdk_is_not_loaded_either() -> None:
    """OTEL_SDK_DISABLED is the operator's last word."""
    loaded = script(A_PROCESS, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_SDK_DISABLED="true")
    assert loaded.stdout == "[]\n"


SENDER = """
import os
import structlog
from holdfast_common import telemetry, telemetry_export
from holdfast_common.logs import set_up_logs

export = telemetry_export.set_up("asr", "asr-7", "1.2", page=False, environment=os.environ)
set_up_logs("asr", "asr-7", form="json", ship=export.ship)
log = structlog.get_logger()
with telemetry.span_from({"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, "serve"):
    log.info("decoded", call="call-1", text="my name is dana", took_ms=12)
    secret = "dana at example dot com"
    try:
        raise KeyError(1)
    except KeyError:
        log.exception("broken")
telemetry.DECODE_MS.record(180.0)
telemetry.CAPACITY.told_by(lambda: 4, service="asr")
export.close()
"""


@pytest.fixture(scope="module")
def sent() -> tuple[OtlpSink, str]:
    """What a process sent to its collector, and what it wrote to its own log."""
    with OtlpSink() as sink:
        process = script(SENDER, OTEL_EXPORTER_OTLP_ENDPOINT=sink.url, OTEL_RESOURCE_ATTRIBUTES="deployment=test")
    return sink, process.stderr


def test_traces_metrics_and_logs_reach_a_collector(sent: tuple[OtlpSink, str]) -> None:
    """As protobuf over HTTP, named after the service, in the trace that came with the message."""
    got = sent[0].collected

    assert [(service, span.name) for service, span in got.spans] == [("holdfast-asr", "serve")]
    assert got.spans[0][1].trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert {"holdfast.asr_final", "holdfast.capacity"} <= {metric.name for _, metric in got.metrics}
    assert [record.body.string_value for _, record in got.logs] == ["decoded", "broken"]
    assert {record.trace_id.hex() for _, record in got.logs} == {"0af7651916cd43dd8448eb211c80319c"}


def test_histograms_have_bounds_where_the_promises_are(sent: tuple[OtlpSink, str]) -> None:
    """OpenTelemetry's own bounds would put everything between 100 and 250 ms into one bucket."""
    metric = next(metric for _, metric in sent[0].collected.metrics if metric.name == "holdfast.asr_final")

    assert list(metric.histogram.data_points[0].explicit_bounds) == list(telemetry.WORK_MS)


def test_logs_hold_the_span_and_nothing_personal(sent: tuple[OtlpSink, str]) -> None:
    """Neither in the process's own log nor in what is sent; tracebacks without values of variables."""
    sink, written = sent

    assert '"trace_id": "0af7651916cd43dd8448eb211c80319c"' in written
    assert "KeyError" in written
    for told in (written, *(str(record) for _, record in sink.collected.logs)):
        assert "dana" not in told


def test_a_collector_that_is_away_holds_nothing_up() -> None:
    """Recording goes on, the process ends by itself and complains without an error status."""
    ended = script(SENDER + "print('over')", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")

    assert ended.stdout == "over\n"


def test_levels_of_a_running_process_follow_signals() -> None:
    """SIGUSR1 shows debug lines, SIGUSR2 hides them again."""
    told = script(
        """
import os, signal, structlog
from holdfast_common.logs import listen_for_level_signals, set_up_logs
set_up_logs("asr", "asr-7", form="json")
listen_for_level_signals()
log = structlog.get_logger()
log.debug("one")
os.kill(os.getpid(), signal.SIGUSR1)
log.debug("two")
os.kill(os.getpid(), signal.SIGUSR2)
log.debug("three")
log.info("four")
"""
    ).stderr

    assert re.findall(r'"event": "(\w+)"', told) == ["two", "four"]
