"""Sends traces, metrics and logs over OTLP, and shows metrics as Prometheus text. Imports the SDK: import late.

Everything leaves through bounded queues on background threads; a collector that is away or slow
costs telemetry, never a call: what does not fit is dropped, a request is given up after 3 s, and the
end of the process waits 2 s for the last of it. OpenTelemetry's own environment variables hold.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from opentelemetry import _logs, metrics, trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from structlog.typing import EventDict, Processor, WrappedLogger

REQUEST_TIMEOUT_S = 3.0
CLOSE_S = 2.0
METRICS_EVERY_MS = 15_000.0
LOGS_EVERY_MS = 5_000.0
"""As often as spans. OpenTelemetry's own 1 s is a request a second from each process that logs, 3 ms of CPU each."""
SIGNALS = ("traces", "metrics", "logs")
NOT_FIELDS = frozenset({"event", "level", "timestamp", "trace_id", "span_id"})
"""Of a log event; they have places of their own in a log record."""
SEVERITIES = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}

_page_lock = threading.Lock()
_has_page = False


@dataclass(slots=True)
class Export:
    """What was set up, for the one who has to end it."""

    signals: tuple[str, ...] = ()
    """Sent over OTLP."""
    ship: Processor | None = None
    """Of structlog: sends each event as a log record."""
    remarks: list[str] = field(default_factory=list)
    """What was asked for and is not done, for people."""
    closing: list[Callable[[], object]] = field(default_factory=list)

    def close(self) -> None:
        """Send what waits, 2 s at most; a collector that is away must not hold up an exit."""
        ending = threading.Thread(target=self._close, name="telemetry-close", daemon=True)
        ending.start()
        ending.join(CLOSE_S)

    def _close(self) -> None:
        for close in self.closing:
            close()


def set_up(service: str, replica: str, version: str, *, page: bool, environment: Mapping[str, str]) -> Export:
    """Make what is recorded go where the environment says, and with `page` be there for `page()`. Once a process."""
    resource = resource_of(service, replica, version, environment)
    export = Export()
    wanted = [signal for signal in SIGNALS if _is_wanted(signal, environment)]
    protocol = environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    if wanted and protocol != "http/protobuf":
        export.remarks.append(f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol} is not spoken here: http/protobuf is sent")
    export.signals = tuple(wanted)
    if "traces" in wanted:
        _send_traces(export, resource)
    if "metrics" in wanted or page:
        _keep_metrics(export, resource, send="metrics" in wanted, page=page)
    if "logs" in wanted:
        _send_logs(export, resource)
    return export


def resource_of(service: str, replica: str, version: str, environment: Mapping[str, str]) -> Resource:
    """Who we are; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES add to it and may rename us."""
    attributes = {"service.instance.id": replica, "service.version": version}
    if not environment.get("OTEL_SERVICE_NAME"):
        attributes["service.name"] = f"holdfast-{service}"
    return Resource.create(attributes)


def page() -> tuple[bytes, str]:
    """All instruments as Prometheus text and its content type, from any thread."""
    global _has_page  # noqa: PLW0603 - OpenTelemetry's provider is one a process, and so is this
    with _page_lock:
        if not _has_page:
            provider = metrics.get_meter_provider()
            if isinstance(provider, MeterProvider):
                provider.add_metric_reader(_prometheus())
            else:
                metrics.set_meter_provider(MeterProvider([_prometheus()], shutdown_on_exit=False))
            _has_page = True
    return generate_latest(), CONTENT_TYPE_LATEST


def _is_wanted(signal: str, environment: Mapping[str, str]) -> bool:
    own = f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"
    is_off = environment.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp").strip().lower() == "none"
    return not is_off and bool(environment.get(own) or environment.get("OTEL_EXPORTER_OTLP_ENDPOINT"))


def _timeout(signal: str) -> float | None:
    """Ours, unless the environment has one: OpenTelemetry's 10 s are long for something that may be lost."""
    names = ("OTEL_EXPORTER_OTLP_TIMEOUT", f"OTEL_EXPORTER_OTLP_{signal.upper()}_TIMEOUT")
    return None if any(os.environ.get(name) for name in names) else REQUEST_TIMEOUT_S


def _send_traces(export: Export, resource: Resource) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=_timeout("traces"))))
    trace.set_tracer_provider(provider)
    export.closing.append(provider.shutdown)


def _keep_metrics(export: Export, resource: Resource, *, send: bool, page: bool) -> None:
    global _has_page  # noqa: PLW0603 - see page()
    readers: list[MetricReader] = []
    if page:
        readers.append(_prometheus())
        _has_page = True
    if send:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415

        every_ms = None if os.environ.get("OTEL_METRIC_EXPORT_INTERVAL") else METRICS_EVERY_MS
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter(timeout=_timeout("metrics")), every_ms))
    provider = MeterProvider(readers, resource, shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    export.closing.append(provider.shutdown)


def _prometheus() -> PrometheusMetricReader:
    return PrometheusMetricReader(scope_info_enabled=False)


def _send_logs(export: Export, resource: Resource) -> None:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415

    provider = LoggerProvider(resource, shutdown_on_exit=False)
    every_ms = None if os.environ.get("OTEL_BLRP_SCHEDULE_DELAY") else LOGS_EVERY_MS
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(timeout=_timeout("logs")), every_ms))
    export.ship = shipping(provider.get_logger("holdfast"))
    export.closing.append(provider.shutdown)


def shipping(logger: _logs.Logger) -> Processor:
    """A structlog processor that also sends each event, with the ids of the span that it happened in."""

    def ship(_logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        if event.get("logger", "").startswith("opentelemetry"):
            return event  # about sending: it would be sent, and fail, and be told again
        level = event.get("level", method)
        now = time.time_ns()
        logger.emit(
            LogRecord(
                timestamp=now,
                observed_timestamp=now,
                severity_text=level,
                severity_number=SEVERITIES.get(level, SeverityNumber.ERROR),
                body=event.get("event", ""),
                attributes={key: _plain(value) for key, value in event.items() if key not in NOT_FIELDS},
            )
        )
        return event

    return ship


def _plain(value: object) -> str | int | float | bool:
    return value if isinstance(value, str | int | float | bool) else str(value)
