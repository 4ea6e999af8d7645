"""Structured logs: short constant events with fields, for people or as JSON, never with callers' words.

Fields that could hold personal data are dropped by name as a second line of defence; the first is
not to log them. Tracebacks show lines of code and no values of variables, for the same reason. `call`
and `turn` are bound once per task through context variables; within a span its ids stand in each line.
"""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Callable

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

FORBIDDEN = frozenset(
    {"text", "words", "said", "email", "attendee_email", "name", "attendee_name", "phone", "caller", "from_", "prompt"}
)
LEVELS = logging.getLevelNamesMapping()
CONSOLE_ID_LENGTH = 12
"""People read logs side by side: ids of calls are cut to this length for them."""
LIBRARY_EVERY_S = 60.0
"""An exporter that cannot reach its collector complains at every attempt; once a minute is enough."""


class _Threshold:
    """The least level that is logged; may change while the process runs."""

    def __init__(self) -> None:
        self.level = self.configured = logging.INFO

    def __call__(self, _logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        if LEVELS.get(method.upper(), logging.CRITICAL) < self.level:
            raise structlog.DropEvent
        return event


_threshold = _Threshold()


def set_level(level: str | None) -> None:
    """Log from this level on; None: back to the one of the settings."""
    _threshold.level = LEVELS[level.upper()] if level else _threshold.configured


def listen_for_level_signals() -> None:
    """SIGUSR1: log everything. SIGUSR2: as configured again. For a running process that behaves oddly."""
    if hasattr(signal, "SIGUSR1"):
        signal.signal(signal.SIGUSR1, lambda *_: set_level("debug"))
        signal.signal(signal.SIGUSR2, lambda *_: set_level(None))


def set_up_logs(
    service: str, replica: str, *, level: str = "info", form: str = "console", ship: Processor | None = None
) -> None:
    """Configure structlog and the standard library's logging (for libraries) to stderr.

    `ship` is given each event as it will be written, to send it elsewhere too.
    """
    _threshold.configured = LEVELS[level.upper()]
    set_level(None)
    further: list[Processor] = [ship] if ship else []
    if form == "json":
        shape: list[Processor] = [
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_span,
            _tracebacks(),
            drop_personal,
            *further,
            structlog.processors.JSONRenderer(),
        ]
        structlog.contextvars.bind_contextvars(service=service, replica=replica)
    else:
        shape = [
            structlog.processors.TimeStamper(fmt="%H:%M:%S.%f", utc=False),
            drop_personal,
            *further,
            _shorten,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                pad_event_to=24,
                exception_formatter=structlog.dev.plain_traceback,  # the other one shows values of variables
            ),
        ]
    structlog.configure(
        processors=[
            _threshold,
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            *shape,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = _ToStructlog() if form == "json" else logging.StreamHandler(sys.stderr)
    handler.addFilter(_Seldom("opentelemetry"))
    logging.basicConfig(level=max(logging.WARNING, _threshold.configured), handlers=[handler])


def drop_personal(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank fields whose name says that they could hold something about a caller."""
    for key in FORBIDDEN & event.keys():
        event[key] = "<removed>"
    return event


def _add_span(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = trace.format_trace_id(span.trace_id)
        event["span_id"] = trace.format_span_id(span.span_id)
    return event


def _tracebacks() -> Processor:
    transform = structlog.tracebacks.ExceptionDictTransformer(show_locals=False, use_rich=False)
    return structlog.processors.ExceptionRenderer(transform)


def _shorten(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    call = event.get("call")
    if isinstance(call, str):
        event["call"] = call[:CONSOLE_ID_LENGTH]
    return event


class _ToStructlog(logging.Handler):
    """Libraries' lines in the form of our own."""

    def emit(self, record: logging.LogRecord) -> None:
        told = structlog.get_logger()
        told.log(record.levelno, "library", logger=record.name, message=self.format(record)[:2_000])


class _Seldom(logging.Filter):
    """Lets a line of the named library through once a minute, the others always."""

    def __init__(self, library: str, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._library = library
        self._now = now
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] != self._library:
            return True
        now = self._now()
        if now - self._last.get(record.name, -LIBRARY_EVERY_S) < LIBRARY_EVERY_S:
            return False
        self._last[record.name] = now
        return True
