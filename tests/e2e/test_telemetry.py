"""A real call through real processes that send telemetry: each turn is one trace, each process has its page."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from holdfast_cli.caller.screen import SilentScreen
from holdfast_cli.caller.script import Line, Script
from holdfast_cli.caller.session import place_call
from holdfast_cli.caller.twiml import Carrier
from holdfast_cli.caller.voice import Voice
from holdfast_cli.supervise import run_file
from holdfast_common.nats_bus import connect_nats
from holdfast_common.telemetry_testing import OtlpSink

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
PROCESSES = 6


def free_ports(count: int) -> int:
    """The first of so many free ports in a row."""
    for base in range(21_000, 29_000, count):
        with ExitStack() as taken:
            try:
                for port in range(base, base + count):
                    taken.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return base
    raise RuntimeError("no free ports")


class System:
    """`holdfast up --scripted` with a collector and health pages."""

    def __init__(self, home: Path, collector: str) -> None:
        self.home = home
        self.health_port = free_ports(PROCESSES)
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "holdfast_cli", "up", "--quiet", "--scripted", "--port", "0"),
                *("--home", str(home), "--profile", str(ROOT / "profiles/trial_success")),
            ],
            env={
                **os.environ,
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
                "HOLDFAST_HEALTH_PORT": str(self.health_port),
            },
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self.process.stdout is not None
        assert any(line.startswith("ready") for line in self.process.stdout)
        self.run = run_file.read(run_file.path_of(home, "holdfast"))

    def fetch(self, place: int, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port + place}{path}", timeout=5) as answer:
            return answer.read().decode()

    def stop(self) -> None:
        """In good order: what waits to be sent is sent."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=40)


@pytest.fixture
def collector() -> Iterator[OtlpSink]:
    with OtlpSink() as sink:
        yield sink


async def test_a_turn_of_a_real_call_is_one_trace_through_all_its_processes(
    tmp_path: Path, collector: OtlpSink
) -> None:
    """Words to asr, the turn to dialogue, sentences to tts: one trace; and every process is ready and counts."""
    system = System(tmp_path, collector.url)
    try:
        bus = await connect_nats(
            system.run.nats_url, name="test", user=system.run.nats_user, password=system.run.nats_password
        )
        report = await place_call(
            Carrier(f"{system.run.http_url}/twilio/voice"),
            Script([Line(wav=["greet"], text="hello there"), Line(hang_up=True)]),
            Voice(folder=ROOT / "demo/lines/slt"),
            SilentScreen(),
            bus=bus,
        )
        await bus.close()
        ready = [json.loads(system.fetch(place, "/ready"))["ready"] for place in range(PROCESSES)]
        pages = [system.fetch(place, "/metrics") for place in range(PROCESSES)]
    finally:
        system.stop()

    assert report.error == ""
    assert ready == [True] * PROCESSES
    assert any('holdfast_turns_total{route="scripted"}' in page for page in pages)
    assert sum("holdfast_streams{" in page for page in pages) == 4

    spans = collector.collected.spans
    kinds = {
        span.trace_id: next((a.value.string_value for a in span.attributes if a.key == "kind"), "")
        for service, span in spans
        if span.name == "turn"
    }
    whole = {
        ("holdfast-gateway", "turn"),
        ("holdfast-gateway", "listen"),
        ("holdfast-asr", "serve"),
        ("holdfast-gateway", "think"),
        ("holdfast-dialogue", "serve"),
        ("holdfast-gateway", "speak"),
        ("holdfast-tts", "serve"),
    }
    # A comma in the recording may end a turn early: with scripted engines 200 ms of silence do.
    spoken = next(
        trace
        for trace, kind in kinds.items()
        if kind == "spoken" and {(service, span.name) for service, span in spans if span.trace_id == trace} == whole
    )
    known = {span.span_id for _, span in spans if span.trace_id == spoken}
    assert all(span.parent_span_id in known for _, span in spans if span.trace_id == spoken and span.name != "turn")
    told = {record.body.string_value for _, record in collector.collected.logs if record.trace_id == spoken}
    assert "turn_committed" in told
