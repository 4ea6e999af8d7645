"""Every span and metric of the system by name, and the context that travels over the bus.

Recorded through the OpenTelemetry API only: without an SDK set up it costs next to nothing, and
`telemetry_export` sets one up where a place to send to, or a page to show, was asked for. No span or
metric carries words, addresses or numbers of callers.

One turn is one trace: the gateway begins `turn`; each stream that is opened within it is a span on
the opener's side (`listen`, `think`, `speak`; `act` within `think`) and one named `serve` on the side
of the replica that serves it, joined by the `traceparent` header of the message that opens it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context, metrics, propagate, trace
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import SpanKind, Status, StatusCode

from holdfast_common.contracts.registry import Service

TRACER = trace.get_tracer("holdfast")
METER = metrics.get_meter("holdfast")

# Spans.
SPAN_TURN = "turn"
SPAN_LISTEN = "listen"
SPAN_THINK = "think"
SPAN_SPEAK = "speak"
SPAN_ACT = "act"
SPAN_MODEL = "ask_model"
SPAN_SERVE = "serve"
HOP_OF = {
    Service.ASR: SPAN_LISTEN,
    Service.DIALOGUE: SPAN_THINK,
    Service.TTS: SPAN_SPEAK,
    Service.TOOLS: SPAN_ACT,
}
"""What a stream to a service is called on the opener's side."""

Value = str | int | float | bool

# Metrics. The bounds of a histogram lie close where the promise about it is.
REPLY_MS = (50, 100, 150, 200, 225, 250, 300, 400, 500, 700, 1_000, 1_200, 1_500, 2_000, 3_000, 5_000, 10_000)
WORK_MS = (1, 2, 5, 10, 20, 50, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_500, 5_000, 10_000)
LAG_MS = (20, 30, 50, 75, 100, 150, 200, 300, 500, 1_000, 2_000, 5_000)
CALL_S = (5, 15, 30, 60, 120, 180, 300, 450, 600, 900, 1_800, 3_600)


class Level:
    """A number that its owner is asked for when somebody looks: calls in progress, free capacity."""

    def __init__(self, name: str, *, unit: str = "", description: str) -> None:
        self._sources: dict[tuple[tuple[str, Value], ...], Callable[[], float]] = {}
        METER.create_observable_gauge(name, [self._look], unit=unit, description=description)

    def told_by(self, ask: Callable[[], float], **attributes: Value) -> None:
        """`ask` is cheap and may be called from another thread; the last one for the same attributes counts."""
        self._sources[tuple(sorted(attributes.items()))] = ask

    def _look(self, _options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(ask(), dict(attributes)) for attributes, ask in list(self._sources.items())]


V2V_MS = METER.create_histogram(
    "holdfast.voice_to_voice",
    unit="ms",
    description="Last voiced sample in to first audible sample out",
    explicit_bucket_boundaries_advisory=REPLY_MS,
)
STAGE_MS = METER.create_histogram(
    "holdfast.turn_stage",
    unit="ms",
    description="Where a turn's time went, by `stage`",
    explicit_bucket_boundaries_advisory=WORK_MS,
)
CALLS = Level("holdfast.calls", description="Calls in progress")
SEATS = Level("holdfast.seats", description="Calls that this gateway may hold")
REPLICAS = Level("holdfast.replicas", description="Replicas heard of late, by `service`")
CALLS_ENDED = METER.create_counter("holdfast.calls_ended", description="Calls that ended, by `reason`")
CALL_LENGTH_S = METER.create_histogram(
    "holdfast.call_length", unit="s", description="Length of a leg", explicit_bucket_boundaries_advisory=CALL_S
)
REFUSED = METER.create_counter("holdfast.refused", description="Requests refused at the edge, by `reason`")
STREAMS = Level("holdfast.streams", description="Streams being served, by `service`")
CAPACITY = Level("holdfast.capacity", description="Streams (gateway: calls) that could be taken more, by `service`")
STREAMS_OPENED = METER.create_counter("holdfast.streams_opened", description="Streams opened, by `service`")
STREAMS_REOPENED = METER.create_counter("holdfast.streams_reopened", description="Fail-overs, by `service`")
STREAMS_FAILED = METER.create_counter("holdfast.streams_failed", description="Streams without a result, by `code`")
PLACED_MS = METER.create_histogram(
    "holdfast.stream_placed",
    unit="ms",
    description="Opening a stream to its acceptance by a replica, by `service`",
    explicit_bucket_boundaries_advisory=WORK_MS,
)
STALE_MESSAGES = METER.create_counter("holdfast.stale_messages", description="Messages of older epochs, dropped")
UNSENT_MESSAGES = METER.create_counter("holdfast.unsent_messages", description="Messages lost while the bus was away")
BAD_MESSAGES = METER.create_counter("holdfast.bad_messages", description="Messages that fit no contract, dropped")
LOOP_LAG_MS = METER.create_histogram(
    "holdfast.loop_lag",
    unit="ms",
    description="How late the event loop's timer ran, where it was over 20 ms",
    explicit_bucket_boundaries_advisory=LAG_MS,
)
LOOP_LAG = Level("holdfast.loop_lag_worst", unit="ms", description="Worst lateness of the event loop of late")
DECODE_MS = METER.create_histogram(
    "holdfast.asr_final",
    unit="ms",
    description="End of utterance to final",
    explicit_bucket_boundaries_advisory=WORK_MS,
)
FIRST_AUDIO_MS = METER.create_histogram(
    "holdfast.tts_first_audio",
    unit="ms",
    description="Speak to first audio",
    explicit_bucket_boundaries_advisory=WORK_MS,
)
CACHE = METER.create_counter("holdfast.cache", description="Cache look-ups, by `cache` and `hit`")
TURNS = METER.create_counter("holdfast.turns", description="Turns committed, by `route`")
TOOL_CALLS = METER.create_counter("holdfast.tool_calls", description="Tool calls, by `tool` and `outcome`")
GUESSES = METER.create_counter(
    "holdfast.guesses", description="Turns opened in a young pause, by `outcome`: confirmed, withdrawn, wrong, dropped"
)
OUTSIDE_CALLS = METER.create_counter(
    "holdfast.outside_calls", description="Attempts to reach services outside, by `outside` and `outcome`"
)
OUTSIDE_RETRIES = METER.create_counter("holdfast.outside_retries", description="Attempts after the first, by `outside`")
OUTSIDE_MS = METER.create_histogram(
    "holdfast.outside_attempt",
    unit="ms",
    description="One attempt to reach a service outside, by `outside`",
    explicit_bucket_boundaries_advisory=WORK_MS,
)
BREAKER = Level("holdfast.breaker", description="Breaker of a service outside: 0 closed, 1 half-open, 2 open")
MODEL_ANSWERS = METER.create_counter(
    "holdfast.model_answers", description="Answers of the language model, by `outcome`: how it ended, or why it failed"
)
MODEL_FIRST_TOKEN_MS = METER.create_histogram(
    "holdfast.model_first_token",
    unit="ms",
    description="Asking the language model to its first text or proposal",
    explicit_bucket_boundaries_advisory=WORK_MS,
)
MODEL_TOKENS = METER.create_counter("holdfast.model_tokens", description="Tokens, by `direction`: in or out")
MODEL_COST = METER.create_counter("holdfast.model_cost", description="Cost of answers by the configured prices")
MODEL_REFUSED = METER.create_counter(
    "holdfast.model_refused", description="Sentences and proposals of the model not let through, by `kind`"
)
BARGE_INS = METER.create_counter("holdfast.barge_ins", description="Holds, by `outcome`: interrupted or resumed")
RECORDS = METER.create_counter("holdfast.records", description="Log entries stored")


def inject(within: Context | None = None) -> dict[str, str]:
    """Headers that carry the current trace, or the one of `within`."""
    headers: dict[str, str] = {}
    propagate.inject(headers, within)
    return headers


@contextmanager
def entered(within: Context) -> Iterator[None]:
    """What is done and started here belongs to the spans of `within`."""
    token = context.attach(within)
    try:
        yield
    finally:
        context.detach(token)


def start_hop(service: Service, **attributes: Value) -> trace.Span:
    """A client span for a stream to `service`, in the current trace; whoever starts it ends it."""
    attributes["service"] = service.value
    return TRACER.start_span(HOP_OF[service], kind=SpanKind.CLIENT, attributes=attributes)


@contextmanager
def span_from(headers: Mapping[str, str], name: str, **attributes: Value) -> Iterator[trace.Span]:
    """A server span within the trace that the headers carry.

    An exception leaves its type and nothing else: its message may hold what a caller said.
    """
    with (
        entered(propagate.extract(headers)),
        TRACER.start_as_current_span(
            name,
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span,
    ):
        try:
            yield span
        except Exception as error:
            mark_failed(span, type(error).__name__)
            raise


def mark_failed(span: trace.Span, code: str) -> None:
    """Mark a span as failed, with a constant code."""
    span.set_status(Status(StatusCode.ERROR, code))
    span.set_attribute("error.type", code)


def end(span: trace.Span, outcome: str, *, failed: bool = False, **attributes: Value) -> None:
    """End a span that was started without a `with`, and say how it went."""
    span.set_attributes({"outcome": outcome, **attributes})
    if failed:
        mark_failed(span, outcome)
    span.end()


OTLP_ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
)
"""OpenTelemetry's own variables: with any of them set, we send."""


def is_sent(environment: Mapping[str, str]) -> bool:
    """Does the environment name a place to send telemetry to? Without one no SDK is loaded."""
    disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not disabled and any(environment.get(name) for name in OTLP_ENDPOINTS)


def metrics_page() -> tuple[bytes, str]:
    """All instruments as Prometheus text, with its content type. Takes milliseconds: not on a media loop.

    A process that was not told beforehand counts from the first time that it is asked.
    """
    from holdfast_common import telemetry_export  # noqa: PLC0415 - the SDK is heavy

    return telemetry_export.page()
