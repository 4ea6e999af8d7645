"""A load run's figures for the terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table


def of(found: dict[str, Any]) -> Table:
    """What a person looks at first."""
    calls, turns, barge, playout = found["calls"], found["turns"], found["barge_in"], found["playout"]
    made = Table(show_header=False, box=None, pad_edge=False)
    made.add_row("calls", f"{calls['served']} served, {calls['refused']} refused, {calls['failed']} failed")
    for error, count in calls["errors"].items():
        made.add_row("", f"{count} x {error}")
    made.add_row(
        "turns", f"{turns['spoken']} spoken, {turns['unanswered']} unanswered, {turns['premature']} answered too early"
    )
    made.add_row("voice to voice", _times(found["v2v_ms"]))
    if barge["spoken"]:
        made.add_row("barge-in to clear", f"{_times(barge['clear_ms'])}; {barge['without_clear']} without")
    made.add_row("gaps in playout", f"{playout['gaps']}, {playout['gaps_20ms']} over 20 ms")
    made.add_row(
        "webhook, media open", f"{_times(found['set_up_ms']['webhook'])}; {_times(found['set_up_ms']['media_open'])}"
    )
    for title, key in (("first sound", "first_sound"), ("refused after", "refusal")):
        if found["set_up_ms"][key]["n"]:
            made.add_row(title, _times(found["set_up_ms"][key]))
    for stage, times in found.get("stages_ms", {}).items():
        if times["n"]:
            made.add_row(f"  told: {stage}", _times(times))
    if found.get("told_against_heard_ms", {}).get("n"):
        made.add_row("told against heard", _times(found["told_against_heard_ms"]))
    if server := found.get("server"):
        made.add_row(
            "server",
            f"{server['cpu_s']} CPU s, {server['cpu_s_per_call_minute']} a call-minute, {server['cores']} cores; "
            f"{server['memory_peak_mb']} MB at most, {server['memory_mb_per_call']} a call",
        )
        for name, cost in server["processes"].items():
            made.add_row(f"  {name}", f"{cost['cpu_s']} CPU s, {cost['memory_mb']} MB")
    own = found["generator"]
    made.add_row("this generator", f"{own['cores']} cores, {own['late_20ms_share']:.2%} of frames 20 ms late or more")
    return made


def too_slow(own: dict[str, Any]) -> str:
    """Why there are no figures."""
    return (
        f"the generator was the limit, so there is nothing to tell of the system: {own['late_20ms_share']:.1%} of its "
        f"frames went out 20 ms late or more (p99 {own['late_ms_p99']} ms), and it used {own['cores']:.2f} of a core. "
        "Give it a core of its own (taskset), ask for fewer calls, or look at the figures with --anyway"
    )


def _times(spread: dict[str, float]) -> str:
    if not spread["n"]:
        return "-"
    return f"p50 {spread['p50']:.0f}, p95 {spread['p95']:.0f}, max {spread['max']:.0f} ms"
