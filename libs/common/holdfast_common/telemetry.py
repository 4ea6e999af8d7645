"""Every span and metric of the system by name, and the context that travels over the bus.

Recorded through the OpenTelemetry API only: without an SDK set up it costs next to nothing; export
is a matter of deployment. No span or metric carries words, addresses or numbers of callers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context, metrics, propagate, trace
from opentelemetry.trace import SpanKind

TRACER = trace.get_tracer("holdfast")
METER = metrics.get_meter("holdfast")

# Spans: one per message hop, one trace per turn.
SPAN_TURN = "turn"
SPAN_LISTEN = "listen"
SPAN_THINK = "think"
SPAN_SPEAK = "speak"
SPAN_ACT = "act"
SPAN_SERVE = "serve"

V2V_MS = METER.create_histogram(
    "holdfast.voice_to_voice", unit="ms", description="Last voiced sample in to first audible sample out"
)
STAGE_MS = METER.create_histogram("holdfast.turn_stage", unit="ms", description="Where a turn's time went, by `stage`")
CALLS = METER.create_up_down_counter("holdfast.calls", description="Calls in progress")
CALLS_ENDED = METER.create_counter("holdfast.calls_ended", description="Calls that ended, by `reason`")
REFUSED = METER.create_counter("holdfast.refused", description="Requests refused at the edge, by `reason`")
STREAMS_OPENED = METER.create_counter("holdfast.streams_opened", description="Streams opened, by `service`")
STREAMS_REOPENED = METER.create_counter("holdfast.streams_reopened", description="Fail-overs, by `service`")
STREAMS_FAILED = METER.create_counter("holdfast.streams_failed", description="Streams without a result, by `code`")
STALE_MESSAGES = METER.create_counter("holdfast.stale_messages", description="Messages of older epochs, dropped")
BAD_MESSAGES = METER.create_counter("holdfast.bad_messages", description="Messages that fit no contract, dropped")
LOOP_LAG_MS = METER.create_histogram("holdfast.loop_lag", unit="ms", description="How late the event loop's timer ran")
DECODE_MS = METER.create_histogram("holdfast.asr_final", unit="ms", description="End of utterance to final")
FIRST_AUDIO_MS = METER.create_histogram("holdfast.tts_first_audio", unit="ms", description="Speak to first audio")
CACHE = METER.create_counter("holdfast.cache", description="Cache look-ups, by `cache` and `hit`")
TURNS = METER.create_counter("holdfast.turns", description="Turns committed, by `route`")
TOOL_CALLS = METER.create_counter("holdfast.tool_calls", description="Tool calls, by `tool` and `outcome`")
BARGE_INS = METER.create_counter("holdfast.barge_ins", description="Holds, by `outcome`: interrupted or resumed")
RECORDS = METER.create_counter("holdfast.records", description="Log entries stored")


def inject() -> dict[str, str]:
    """Headers that carry the current trace."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


@contextmanager
def span_from(headers: Mapping[str, str], name: str, **attributes: str | int | float | bool) -> Iterator[trace.Span]:
    """A server span within the trace that the headers carry."""
    token = context.attach(propagate.extract(headers))
    try:
        with TRACER.start_as_current_span(name, kind=SpanKind.SERVER, attributes=attributes) as span:
            yield span
    finally:
        context.detach(token)
