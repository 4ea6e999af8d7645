"""A page about one load run: figures first, then plots as inline SVG. One file, nothing to fetch.

Drawn by matplotlib, which only this needs: the extra `holdfast-cli[report]`.
"""

from __future__ import annotations

import io
import itertools
from html import escape
from typing import TYPE_CHECKING, Any

from holdfast_common.errors import HoldfastError

from holdfast_cli.load.told import STAGES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#4c78a8", "#72b7b2", "#54a24b", "#eeca3b", "#f58518")
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }}
table {{ border-collapse: collapse }} td, th {{ padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top }}
th {{ font-weight: 600 }} svg {{ max-width: 100%; height: auto }} .warn {{ color: #b00020 }} .dim {{ color: #666 }}
</style>
<h1>{title}</h1>
<p class="dim">{about}</p>
{body}
</html>
"""


class NothingToDrawWithError(HoldfastError):
    """matplotlib is not installed."""


def html(found: dict[str, Any]) -> str:
    """The page; raises NothingToDrawWithError."""
    try:
        import matplotlib  # noqa: PLC0415 - an extra; seldom needed, slow to load

        matplotlib.use("svg")
    except ImportError as error:
        raise NothingToDrawWithError("--report draws with matplotlib: pip install 'holdfast-cli[report]'") from error
    parts = [_warnings(found), _figures(found)]
    samples = found["samples"]
    if samples["v2v_ms"]:
        parts.append(
            _section("Voice to voice", _distribution(samples["v2v_ms"], "ms from last voiced sample to answer"))
        )
    if samples["clear_ms"]:
        parts.append(_section("Barge-in to clear", _distribution(samples["clear_ms"], "ms from first voiced sample")))
    if found.get("stages_ms", {}).get("v2v", {}).get("n"):
        parts.append(_section("Where the time of a turn goes", _waterfall(found["stages_ms"])))
    if "server" in found:
        parts.append(_section("What it cost", _cost(found["server"])))
        parts.append(_section("Processes", _processes(found["server"]["processes"])))
    about = f"{found['at']}, {found['machine']}, load average {found['load_average']}. {escape(str(found['settings']))}"
    return PAGE.format(title=f"{found['calls']['asked']} simulated calls", about=about, body="\n".join(parts))


def _warnings(found: dict[str, Any]) -> str:
    if not found["generator"]["was_the_limit"]:
        return ""
    return '<p class="warn">The generator itself was too slow: times below are not the system\'s.</p>'


def _figures(found: dict[str, Any]) -> str:
    calls, turns, playout = found["calls"], found["turns"], found["playout"]
    rows = [
        (
            "calls",
            f"{calls['served']} served, {calls['refused']} refused, {calls['failed']} failed, {calls['minutes']} min",
        ),
        (
            "turns",
            f"{turns['spoken']} spoken, {turns['unanswered']} unanswered, {turns['premature']} answered too early",
        ),
        ("voice to voice", _times(found["v2v_ms"])),
        ("barge-in to clear", _times(found["barge_in"]["clear_ms"])),
        ("gaps in playout", f"{playout['gaps']}, {playout['gaps_20ms']} of them over 20 ms"),
        ("webhook answered", _times(found["set_up_ms"]["webhook"])),
        ("media socket open", _times(found["set_up_ms"]["media_open"])),
        ("first sound, where the agent greets", _times(found["set_up_ms"]["first_sound"])),
        ("refused after", _times(found["set_up_ms"]["refusal"])),
        ("told against heard", _times(found.get("told_against_heard_ms", {"n": 0}))),
    ]
    if server := found.get("server"):
        rows.append(("CPU", f"{server['cpu_s_per_call_minute']} s a call-minute, {server['cores']} cores"))
        rows.append(("memory", f"{server['memory_mb_per_call']} MB a call, {server['memory_peak_mb']} MB at most"))
    own = found["generator"]
    rows.append(("generator", f"{own['cores']} cores, {own['late_20ms_share']:.2%} of its frames 20 ms late or more"))
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table>{cells}</table>"


def _section(title: str, figure: Figure) -> str:
    """A heading and the figure as SVG without its XML prologue."""
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", bbox_inches="tight")
    svg = drawn.getvalue()
    return f"<h2>{escape(title)}</h2>\n{svg[svg.index('<svg') :]}"


def _axes(height_in: float, xlabel: str, ylabel: str = "") -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure  # noqa: PLC0415 - see html()

    figure = Figure(figsize=(9, height_in))
    axes = figure.subplots()
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _distribution(sorted_ms: list[float], xlabel: str) -> Figure:
    """How many were at most so late (empirical distribution), with the quantiles that people ask for."""
    figure, axes = _axes(3, xlabel, "share of turns")
    axes.ecdf(sorted_ms, color=COLOURS[0])
    for share in (0.5, 0.95):
        at = sorted_ms[min(len(sorted_ms) - 1, int(share * len(sorted_ms)))]
        axes.axvline(at, color="#999", linewidth=0.8)
        axes.annotate(f"p{share * 100:.0f} {at:.0f}", (at, 0.02), rotation=90, va="bottom", ha="right", color="#555")
    return figure


def _waterfall(stages_ms: dict[str, dict[str, float]]) -> Figure:
    """The stages one after the other, by their medians; a thin line to each stage's 95th percentile."""
    figure, axes = _axes(2.6, "ms since the last voiced sample (medians; lines: p95)")
    start = 0.0
    names = [name for name in STAGES if stages_ms[name]["n"]]
    for row, name in enumerate(names):
        p50, p95 = stages_ms[name]["p50"], stages_ms[name]["p95"]
        axes.barh(row, p50, left=start, color=COLOURS[row % len(COLOURS)])
        axes.plot([start + p50, start + p95], [row, row], color="#444", linewidth=1)
        axes.annotate(f"  {p50:.0f} / {p95:.0f}", (start + p95, row), va="center", color="#555")
        start += p50
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    return figure


def _cost(server: dict[str, Any]) -> Figure:
    """Cores used and memory held, over the run, beside the calls that were live."""
    line = server["timeline"]
    figure, axes = _axes(3, "seconds", "cores")
    between = list(itertools.pairwise(line))
    cores = [(b["cpu_s"] - a["cpu_s"]) / max(1e-3, b["s"] - a["s"]) for a, b in between]
    axes.step([b["s"] for _, b in between], cores, color=COLOURS[0], where="pre")
    axes.set_ylim(bottom=0)
    calls = axes.twinx()
    calls.set_ylabel("calls, MB")
    calls.plot([s["s"] for s in line], [s["calls"] for s in line], color=COLOURS[4], label="calls")
    calls.plot([s["s"] for s in line], [s["memory_mb"] for s in line], color=COLOURS[2], label="MB, all processes")
    calls.set_ylim(bottom=0)
    calls.legend(frameon=False, loc="lower right")
    return figure


def _processes(processes: dict[str, dict[str, float]]) -> Figure:
    """Processor seconds of each process, largest first."""
    ranked = sorted(processes.items(), key=lambda item: item[1]["cpu_s"])
    figure, axes = _axes(0.6 + 0.3 * len(ranked), "CPU seconds")
    axes.barh([name for name, _ in ranked], [cost["cpu_s"] for _, cost in ranked], color=COLOURS[0])
    return figure


def _times(spread: dict[str, float]) -> str:
    if not spread["n"]:
        return "-"
    return f"p50 {spread['p50']:.0f}, p95 {spread['p95']:.0f}, p99 {spread['p99']:.0f}, max {spread['max']:.0f} ms"
