"""Structured logs: short constant events with fields, for people or as JSON, never with callers' words.

Fields that could hold personal data are dropped by name as a second line of defence; the first is
not to log them. `call` and `turn` are bound once per task through context variables.
"""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import EventDict, WrappedLogger

FORBIDDEN = frozenset(
    {"text", "words", "said", "email", "attendee_email", "name", "attendee_name", "phone", "caller", "from_", "prompt"}
)


def _drop_personal(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for key in FORBIDDEN & event.keys():
        event[key] = "<removed>"
    return event


def set_up_logs(service: str, replica: str, *, level: str = "info", form: str = "console") -> None:
    """Configure structlog and the standard library's logging (for libraries) to stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso" if form == "json" else "%H:%M:%S.%f", utc=form == "json"),
        _drop_personal,
    ]
    renderer: structlog.typing.Processor
    if form == "json":
        shared += [structlog.processors.dict_tracebacks]
        renderer = structlog.processors.JSONRenderer()
        structlog.contextvars.bind_contextvars(service=service, replica=replica)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=24)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(logging.WARNING, logging.getLevelName(level.upper())), stream=sys.stderr)
