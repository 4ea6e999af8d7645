"""Where telemetry goes in tests and measurements: spans kept in memory, and a collector that only counts.

    spans = span_ledger()                    # the process's, set up at first use
    python -m holdfast_common.telemetry_testing 4318     # a collector; GET / tells what it got

Ships with the product and imports the SDK: never imported by a service.
"""

from __future__ import annotations

import gzip
import json
import sys
import threading
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider


class SpanLedger(SpanProcessor):
    """Every span of this process, begun and ended."""

    def __init__(self) -> None:
        self.begun: list[Span] = []
        self.ended: list[ReadableSpan] = []

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self.begun.append(span)

    def on_end(self, span: ReadableSpan) -> None:
        self.ended.append(span)

    def clear(self) -> None:
        self.begun.clear()
        self.ended.clear()

    @property
    def open(self) -> list[str]:
        """Names of spans that were begun and not ended."""
        ended = {span.context.span_id for span in self.ended if span.context}
        return [span.name for span in self.begun if span.get_span_context().span_id not in ended]

    def traces(self) -> dict[int, list[ReadableSpan]]:
        """Ended spans by trace, each in the order of its beginnings."""
        found: dict[int, list[ReadableSpan]] = {}
        for span in sorted(self.ended, key=lambda s: s.start_time or 0):
            assert span.context is not None
            found.setdefault(span.context.trace_id, []).append(span)
        return found


@cache
def span_ledger() -> SpanLedger:
    """The process's one ledger: OpenTelemetry takes a provider once and for good."""
    ledger = SpanLedger()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(ledger)
    trace.set_tracer_provider(provider)
    return ledger


@dataclass
class Collected:
    """What a collector was sent."""

    spans: list[tuple[str, Any]] = field(default_factory=list)
    """(service.name, span)."""
    metrics: list[tuple[str, Any]] = field(default_factory=list)
    logs: list[tuple[str, Any]] = field(default_factory=list)
    requests: int = 0
    bytes: int = 0

    def take(self, path: str, body: bytes) -> None:
        self.requests += 1
        self.bytes += len(body)
        match path:
            case "/v1/traces":
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    for scope in resource.scope_spans:
                        self.spans += [(_service(resource), span) for span in scope.spans]
            case "/v1/metrics":
                for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                    for scope in resource.scope_metrics:
                        self.metrics += [(_service(resource), metric) for metric in scope.metrics]
            case "/v1/logs":
                for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
                    for scope in resource.scope_logs:
                        self.logs += [(_service(resource), record) for record in scope.log_records]

    def counts(self) -> dict[str, int]:
        return {
            "requests": self.requests,
            "bytes": self.bytes,
            "spans": len(self.spans),
            "traces": len({span.trace_id for _, span in self.spans}),
            "metrics": len({metric.name for _, metric in self.metrics}),
            "logs": len(self.logs),
        }


def _service(resource: Any) -> str:
    return next((a.value.string_value for a in resource.resource.attributes if a.key == "service.name"), "")


class OtlpSink:
    """A collector on a free port (or the given one) of this machine, for as long as it is entered."""

    def __init__(self, port: int = 0) -> None:
        self.collected = Collected()
        collected, lock = self.collected, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # connections are kept, as a real collector does

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                with lock:
                    collected.take(self.path, body)
                self._answer(b"")

            def do_GET(self) -> None:
                with lock:
                    self._answer(json.dumps(collected.counts()).encode())

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> OtlpSink:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self) -> None:
        """Until interrupted."""
        self._server.serve_forever()


if __name__ == "__main__":
    OtlpSink(int(sys.argv[1])).serve()
