"""The demo's result: what was wished for, what was got, and whether that is the same. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import msgspec
from holdfast_common.contracts.tools import Booking, BookingState

from holdfast_cli.caller.conversation import CallTurn
from holdfast_cli.caller.session import CallReport
from holdfast_cli.demo.wish import Wish
from holdfast_cli.demo.words import word_error_rate


class TurnResult(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the caller and what came of it."""

    said: str
    heard: str
    route: str
    article: str
    answer: str
    v2v_ms: float | None
    """By the caller's clock."""
    stages: dict[str, float]
    """By the gateway's clock, ms: endpointing, asr, dialogue, tts, playout."""
    question: str = ""
    """The article that should answer this line."""


class BookingResult(msgspec.Struct, frozen=True, kw_only=True):
    start_utc: str
    attendee_email: str
    state: str
    duration_min: int
    reference: str


class Percentiles(msgspec.Struct, frozen=True, kw_only=True):
    p50: float | None
    p95: float | None


class DemoResult(msgspec.Struct, frozen=True, kw_only=True):
    """`var/demo/result.json`."""

    ok: bool
    problems: list[str]
    """Why it is not ok, for people."""
    turns: list[TurnResult]
    booking: BookingResult | None
    v2v_ms: Percentiles
    """Of the answered knowledge questions."""
    engines: dict[str, dict[str, str]]
    wer: float
    expected: dict[str, str]
    killed: list[str]
    """Services that were killed, in order."""
    voice: str
    call_s: float
    start_s: float
    """From nothing to ready."""
    gaps_in_playout: int
    late_caller_frames: int


def turn_result(turn: CallTurn) -> TurnResult:
    """The record of one line; a line that the gateway took as two turns is one record."""
    exchange = turn.exchange
    last = exchange.turns[-1] if exchange.turns else None
    articles = [t.article for t in exchange.turns if t.article]
    return TurnResult(
        said=turn.line.words,
        heard=" ".join(filter(None, exchange.heard)),
        route=last.route if last else "",
        article=articles[-1] if articles else "",
        answer=" ".join(s.text for s in exchange.sentences),
        v2v_ms=None if turn.v2v_ms is None else round(turn.v2v_ms, 1),
        stages={name: round(ms, 1) for name, ms in last.stages_ms.items()} if last else {},
        question=turn.line.question,
    )


def percentiles(values: Sequence[float]) -> Percentiles:
    """Of few values: the median, and the value that 95 % do not exceed (for under 20, the largest)."""
    if not values:
        return Percentiles(p50=None, p95=None)
    ordered = sorted(values)
    # The nearest-rank rule: with two questions an interpolated percentile would be invented.
    rank = max(0, -(-95 * len(ordered) // 100) - 1)
    return Percentiles(p50=round(statistics.median(ordered), 1), p95=round(ordered[rank], 1))


def problems(wish: Wish, turns: Sequence[TurnResult], bookings: Sequence[Booking], report: CallReport) -> list[str]:
    """Everything in which the call was not what the caller wanted."""
    found: list[str] = []
    if report.error:
        found.append(f"the call broke: {report.error}")
    for question in dict.fromkeys(t.question for t in turns if t.question):
        for text in dict.fromkeys(t.said for t in turns if t.question == question):
            got = [t.article for t in turns if t.said == text]
            if question not in got:
                found.append(f"{text!r} should be answered from {question}, not {got[-1] or 'nothing'}")
    if not any(t.question for t in turns):
        found.append("no question was asked")
    booked = [b for b in bookings if b.state is BookingState.BOOKED]
    if len(booked) != 1:
        found.append(f"{len(booked)} meetings booked (1 wished for)")
    for booking in booked:
        if booking.start != wish.start_utc:
            found.append(f"booked for {booking.start}, not {wish.start_utc}")
        if booking.attendee_email != wish.email:
            found.append(f"booked for {booking.attendee_email}, not {wish.email}")
    return found


def demo_result(
    wish: Wish,
    report: CallReport,
    bookings: Sequence[Booking],
    *,
    engines: dict[str, dict[str, str]],
    killed: Sequence[str],
    voice: str,
    start_s: float,
) -> DemoResult:
    """Everything put together."""
    turns = [turn_result(turn) for turn in report.turns]
    wrong = problems(wish, turns, bookings, report)
    booked = next((b for b in reversed(bookings) if b.state is BookingState.BOOKED), None)
    answered = [t.v2v_ms for t in turns if t.question and t.article == t.question and t.v2v_ms is not None]
    return DemoResult(
        ok=not wrong,
        problems=wrong,
        turns=turns,
        booking=BookingResult(
            start_utc=booked.start,
            attendee_email=booked.attendee_email,
            state=booked.state.value,
            duration_min=booked.duration_min,
            reference=booked.reference,
        )
        if booked
        else None,
        v2v_ms=percentiles(answered),
        engines=engines,
        wer=round(word_error_rate([t.said for t in turns], [t.heard for t in turns]), 4),
        expected={"start_utc": wish.start_utc, "attendee_email": wish.email, "day": wish.day},
        killed=list(killed),
        voice=voice,
        call_s=round(report.seconds, 1),
        start_s=round(start_s, 1),
        gaps_in_playout=report.underruns,
        late_caller_frames=report.late_frames,
    )
