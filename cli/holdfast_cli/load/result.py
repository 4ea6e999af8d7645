"""From what each call came to, to figures: one dictionary that is the JSON, the table and the report."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from holdfast_cli.load.arrivals import CallMade, Outcome
from holdfast_cli.load.cost import Cost
from holdfast_cli.load.told import STAGES, Told

HEARD_GAP_S = 0.02
"""A gap that a listener notices; shorter ones are counted apart."""
LATE_MS = 20
MAX_LATE_SHARE = 0.01
MAX_CORE_SHARE = 0.9
"""Of the processor time that a single thread can have: beyond, the generator waits for itself."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as it was measured."""

    calls: Sequence[CallMade]
    most_at_once: int
    wall_s: float
    own_cpu_s: float
    cost: Cost | None
    told: Told | None
    settings: dict[str, Any]


def summary(run: Run) -> dict[str, Any]:
    """All figures of a run; times in ms unless the name says otherwise."""
    made = run.calls
    found: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.platform()}, {os.cpu_count()} CPUs",
        "load_average": round(os.getloadavg()[0], 2),
        "settings": run.settings,
        "calls": _calls(run),
        "set_up_ms": {
            "webhook": spread(_ms(c.dialled, c.told) for c in made if c.outcome is not Outcome.REFUSED),
            "refusal": spread(_ms(c.dialled, c.told) for c in made if c.outcome is Outcome.REFUSED),
            "media_open": spread(_ms(c.dialled, c.opened) for c in made),
            "first_sound": spread(_ms(c.dialled, c.first_heard) for c in made if _greeted(c)),
        },
        **_turns(made),
        "playout": _playout(made),
        "generator": generator(run),
    }
    if run.told is not None:
        found |= _told(made, run.told)
    if run.cost is not None:
        found["server"] = _server(run, run.cost)
    return found


def spread(values: Any) -> dict[str, float]:
    """n, min, p50, p95, p99 and max of the numbers; absent ones (None) do not count."""
    known = [v for v in values if v is not None]
    if not known:
        return {"n": 0}
    p50, p95, p99 = (round(float(p), 1) for p in np.percentile(known, [50, 95, 99]))
    return {
        "n": len(known),
        "min": round(min(known), 1),
        "p50": p50,
        "p95": p95,
        "p99": p99,
        "max": round(max(known), 1),
    }


def generator(run: Run) -> dict[str, Any]:
    """How punctual we were ourselves, and whether we, not the system, set the limit."""
    late: Counter[int] = Counter()
    for call in run.calls:
        late.update(call.traffic.late_ms)
    frames = max(1, late.total())
    share = sum(n for ms, n in late.items() if ms >= LATE_MS) / frames
    core = run.own_cpu_s / max(1e-9, run.wall_s)
    return {
        "cpu_s": round(run.own_cpu_s, 2),
        "cores": round(core, 3),
        "late_20ms_share": round(share, 5),
        "late_ms_p99": _percentile(late, 0.99),
        "late_ms_max": max(late, default=0),
        "was_the_limit": share > MAX_LATE_SHARE or core > MAX_CORE_SHARE,
    }


def _calls(run: Run) -> dict[str, Any]:
    outcomes = Counter(c.outcome for c in run.calls)
    return {
        "asked": len(run.calls),
        **{outcome.value: outcomes.get(outcome, 0) for outcome in Outcome},
        "errors": dict(Counter(c.error for c in run.calls if c.error)),
        "most_at_once": run.most_at_once,
        "minutes": round(sum(c.talked_s for c in run.calls) / 60, 3),
        "wall_s": round(run.wall_s, 1),
    }


def _turns(made: Sequence[CallMade]) -> dict[str, Any]:
    turns = [t for c in made for t in c.turns]
    # Turns that a failed call never reached are not unanswered.
    spoken = [t for t in turns if t.ended is not None]
    clean = [t for t in spoken if t.answered is not None and not t.premature]
    barges = [t for t in turns if t.is_barge_in and t.began is not None]
    v2v = [_ms(t.ended, t.answered) for t in clean]
    clears = [_ms(t.began, t.cleared) for t in barges]
    return {
        "turns": {
            "planned": len(turns),
            "spoken": len(spoken),
            "unanswered": sum(t.answered is None for t in spoken),
            "premature": sum(t.premature for t in spoken),
        },
        "v2v_ms": spread(v2v),
        "v2v_sounded_ms": spread(_ms(t.ended, t.sounded) for t in clean),
        "barge_in": {
            "spoken": len(barges),
            "without_clear": sum(t.cleared is None for t in barges),
            "clear_ms": spread(clears),
        },
        "samples": {
            "v2v_ms": sorted(round(v, 1) for v in v2v if v is not None),
            "clear_ms": sorted(round(v, 1) for v in clears if v is not None),
        },
    }


def _playout(made: Sequence[CallMade]) -> dict[str, Any]:
    gaps = [gap for c in made for gap in c.gaps_s]
    return {
        "gaps": len(gaps),
        "gaps_20ms": sum(gap > HEARD_GAP_S for gap in gaps),
        "gap_ms_total": round(sum(gaps) * 1_000, 1),
        "gap_ms_max": round(max(gaps, default=0.0) * 1_000, 1),
    }


def _told(made: Sequence[CallMade], told: Told) -> dict[str, Any]:
    stages = [t.stages_ms for c in made for t in told.of(c.call_sid) if "v2v" in t.stages_ms]
    pairs = [pair for c in made for pair in told.beside(c.call_sid, c.turns)]
    return {
        "stages_ms": {name: spread(s.get(name) for s in stages) for name in (*STAGES, "v2v")},
        "told_against_heard_ms": spread(abs(ours - theirs) for theirs, ours in pairs),
    }


def _server(run: Run, cost: Cost) -> dict[str, Any]:
    minutes = sum(c.talked_s for c in run.calls) / 60
    grown_mb = cost.memory_peak_mb - cost.memory_before_mb
    return {
        "cpu_s": round(cost.cpu_s, 2),
        "cpu_s_per_call_minute": round(cost.cpu_s / minutes, 3) if minutes else None,
        "cores": round(cost.cpu_s / max(1e-9, run.wall_s), 3),
        "memory_before_mb": round(cost.memory_before_mb, 1),
        "memory_peak_mb": round(cost.memory_peak_mb, 1),
        "memory_mb_per_call": round(grown_mb / max(1, run.most_at_once), 2),
        "processes": cost.by_process(),
        "timeline": [
            {"s": round(s.at_s, 1), "calls": s.calls, "cpu_s": round(s.cpu_s, 2), "memory_mb": round(s.memory_mb, 1)}
            for s in cost.samples
        ],
    }


def _greeted(call: CallMade) -> bool:
    """The agent spoke first: its first sound is part of the set-up."""
    began = call.turns[0].began if call.turns else None
    return call.first_heard is not None and (began is None or call.first_heard < began)


def _ms(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else (end - start) * 1_000


def _percentile(counts: Counter[int], share: float) -> int:
    """Of a histogram."""
    left = share * counts.total()
    for value in sorted(counts):
        left -= counts[value]
        if left <= 0:
            return value
    return max(counts, default=0)
