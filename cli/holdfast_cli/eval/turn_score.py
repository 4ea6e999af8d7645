"""What the turn-taking set says: callers cut off, answers late, barge-ins missed, voices stopped for nothing.

From the labels of `turn_set` and the decisions of the gateway's replay; pure.

- cut off: a turn was declared over after the caller had begun and before the true end;
- replied to: of the callers cut off, those who did not go on before the reply to the first part began (it begins with
  the final words, 150 ms after the decision; who goes on before has both parts taken as one turn, and hears nothing);
- over the caller: how long that reply sounded while the caller had gone on, until it was held;
- answer delay: from the true end to the declaration (of those not cut off);
- not heard: no turn was declared over by the end of the recording;
- barge-in missed: no interruption from the first voiced sample to one second after the true end;
- false interrupt: a sign of listening or a noise ended the agent's reply; false hold: it only stopped it for a moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any

from holdfast_cli.eval.turn_set import Item

Events = list[tuple[str, int, int]]
"""(what, position ms, decided ms) in order."""
BARGE_IN_AFTER_MS = 1_000
RESUMED_WITHIN_MS = 900


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of one utterance."""

    was_cut: bool
    delay_ms: int | None
    """None: cut off, or never declared over."""


def decided(events: Events, what: str) -> list[int]:
    return [at for name, _, at in events if name == what]


def heard(item: Item, events: Events) -> Heard:
    """How an utterance of the turn, end and short tasks was taken."""
    begin, end = item.voiced[0][0], item.voiced[-1][1]
    overs = [(position, at) for name, position, at in events if name == "turnover" and position > begin]
    if any(at < end for _, at in overs):
        return Heard(True, None)
    return Heard(False, overs[0][1] - end if overs else None)


def replied_to(item: Item, events: Events) -> int | None:
    """Ms for which a reply sounded over a caller who was cut off; None: it never began, both parts were one turn."""
    begin, end = item.voiced[0][0], item.voiced[-1][1]
    overs = [at for name, position, at in events if name == "turnover" and position > begin]
    cut = next(at for at in overs if at < end)
    reply = next((at for at in decided(events, "reply") if at >= cut), None)
    if reply is None or any(cut < at <= reply for at in overs):
        return None
    goes_on = min((start for start, _ in item.voiced if start > cut), default=cut)
    held = next((at for at in decided(events, "hold") if at >= reply), end)
    return max(0, held - max(reply, goes_on))


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that this share of them does not exceed (nearest rank); None of none."""
    ordered = sorted(values)
    return ordered[max(0, ceil(len(ordered) * share) - 1)] if ordered else None


def _rate(hits: int, of: int) -> float | None:
    return round(100 * hits / of, 1) if of else None


def delays(found: Sequence[Heard], *, beyond_ms: int = 0) -> dict[str, Any]:
    """Counts and percentiles of utterances; delays beyond a set silence."""
    late = [h.delay_ms - beyond_ms for h in found if h.delay_ms is not None]
    return {
        "utterances": len(found),
        "cut_off_percent": _rate(sum(h.was_cut for h in found), len(found)),
        "not_heard_percent": _rate(sum(not h.was_cut and h.delay_ms is None for h in found), len(found)),
        "delay_ms_p50": median(late) if late else None,
        "delay_ms_p95": percentile(late, 0.95),
    }


def turns(pairs: Sequence[tuple[Item, Events]]) -> dict[str, Any]:
    """The turn task: all together, then by noise, by what was said and by whether it paused inside."""
    of = [(item, heard(item, events)) for item, events in pairs if item.task == "turn"]
    report = delays([h for _, h in of])
    cut = [pair for pair in pairs if pair[0].task == "turn" and heard(*pair).was_cut]
    over = [ms for pair in cut if (ms := replied_to(*pair)) is not None]
    report["cut_off_and_replied_to_percent"] = _rate(len(over), len(of))
    report["over_the_caller_ms_p50"], report["over_the_caller_ms_p95"] = percentile(over, 0.5), percentile(over, 0.95)
    report["paused_inside_percent"] = _rate(sum(len(i.voiced) > 1 for i, _ in of), len(of))
    report["by_snr_db"] = {
        f"{snr:.0f}": delays([h for i, h in of if i.snr_db == snr]) for snr in sorted({i.snr_db for i, _ in of})
    }
    report["by_kind"] = {kind: delays([h for i, h in of if i.kind == kind]) for kind in sorted({i.kind for i, _ in of})}
    report["paused_inside"] = delays([h for i, h in of if len(i.voiced) > 1])
    return report


def ends(pairs: Sequence[tuple[Item, Events]]) -> dict[str, Any]:
    """The end task by signal to noise: delay beyond the set silence, and early ends (cut off)."""
    of = [(item, heard(item, events)) for item, events in pairs if item.task == "end"]
    return {
        f"{snr:.0f}": delays([h for i, h in of if i.snr_db == snr], beyond_ms=200)
        for snr in sorted({i.snr_db for i, _ in of}, reverse=True)
    }


def barge_ins(pairs: Sequence[tuple[Item, Events]]) -> dict[str, Any]:
    """True ones: missed, and from the first voiced sample to the hold."""
    of = [(item, events) for item, events in pairs if item.task == "barge_in"]
    missed, holds = 0, []
    for item, events in of:
        begin, end = item.voiced[0][0], item.voiced[-1][1] + BARGE_IN_AFTER_MS
        missed += not any(begin <= at <= end for at in decided(events, "interrupt"))
        first = next((at for at in decided(events, "hold") if at >= begin), None)
        if first is not None:
            holds.append(first - begin)
    return {
        "barge_ins": len(of),
        "missed_percent": _rate(missed, len(of)),
        "hold_ms_p50": median(holds) if holds else None,
        "hold_ms_p95": percentile(holds, 0.95),
    }


def disturbances(pairs: Sequence[tuple[Item, Events]]) -> dict[str, Any]:
    """Signs of listening and noises under the agent's voice."""
    report: dict[str, Any] = {}
    total = [(item, events) for item, events in pairs if item.task in ("back_channel", "noise")]
    for task in ("back_channel", "noise", "all"):
        of = total if task == "all" else [pair for pair in total if pair[0].task == task]
        holds = [(at, events) for _, events in of for at in decided(events, "hold")]
        resumed = [min((r - at for r in decided(events, "resume") if r >= at), default=None) for at, events in holds]
        report[task] = {
            "scenes": len(of),
            "false_interrupts_percent": _rate(sum(bool(decided(e, "interrupt")) for _, e in of), len(of)),
            "false_holds_percent": _rate(sum(bool(decided(e, "hold")) for _, e in of), len(of)),
            "resumed_ms_p95": percentile([r for r in resumed if r is not None], 0.95),
            "resumed_late_percent": _rate(sum(r is not None and r > RESUMED_WITHIN_MS for r in resumed), len(resumed)),
        }
    return report


def score(items: Sequence[Item], events: dict[str, Events]) -> dict[str, Any]:
    """All figures of one pass over the set."""
    pairs = [(item, events[item.id]) for item in items]
    shorts = [heard(item, e) for item, e in pairs if item.task == "short"]
    return {
        "turns": turns(pairs),
        "ends_at_200_ms_of_silence": ends(pairs),
        "one_word_answers": delays(shorts),
        "barge_ins": barge_ins(pairs),
        "disturbances": disturbances(pairs),
    }
