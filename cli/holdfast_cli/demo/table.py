"""The demo's result for people: a table of the turns, the booking, the verdict."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console
from rich.table import Table

from holdfast_cli.demo.result import DemoResult, TurnResult
from holdfast_cli.demo.wish import ZONE

STAGES = ("endpointing", "asr", "dialogue", "tts", "playout")
ANSWER_CHARS = 90


def show(result: DemoResult, console: Console) -> None:
    """Print everything that a person wants to see of a demo."""
    table = Table(title="the call, turn by turn", show_lines=True, expand=False)
    table.add_column("said / heard", ratio=4)
    table.add_column("route", ratio=2)
    table.add_column("answer", ratio=5)
    table.add_column("v2v ms", justify="right")
    table.add_column("of it: " + ", ".join(STAGES), ratio=2)
    for turn in result.turns:
        table.add_row(*_row(turn))
    console.print(table)
    for service, info in sorted(result.engines.items()):
        if info:
            console.print(f"  {service:<9} " + ", ".join(f"{k}: {v}" for k, v in info.items()), markup=False)
    if result.booking:
        start = datetime.fromisoformat(result.booking.start_utc).astimezone(ZONE)
        console.print(
            f"\nbooking in the ledger: {start:%A %d %B %Y at %H:%M} New York time, {result.booking.attendee_email}, "
            f"{result.booking.duration_min} minutes, reference {result.booking.reference}",
            markup=False,
        )
    console.print(
        f"knowledge answers p50 {result.v2v_ms.p50} ms, p95 {result.v2v_ms.p95} ms voice to voice; "
        f"word error rate {100 * result.wer:.1f} %; {result.gaps_in_playout} gaps in playout; "
        f"ready in {result.start_s} s, call of {result.call_s} s",
        markup=False,
        highlight=False,
    )
    for problem in result.problems:
        console.print(f"! {problem}", style="red", markup=False)
    console.print(
        "the caller got what was asked for" if result.ok else "the caller did not get what was asked for",
        style="bold green" if result.ok else "bold red",
    )


def _row(turn: TurnResult) -> tuple[str, str, str, str, str]:
    answer = turn.answer if len(turn.answer) <= ANSWER_CHARS else turn.answer[: ANSWER_CHARS - 3] + "..."
    stages = " ".join(f"{turn.stages[s]:.0f}" if s in turn.stages else "-" for s in STAGES)
    return (
        f"{turn.said}\n[dim]{turn.heard or '(nothing)'}[/]",
        turn.route + (f"\n{turn.article}" if turn.article else ""),
        answer,
        "-" if turn.v2v_ms is None else f"{turn.v2v_ms:.0f}",
        stages,
    )
