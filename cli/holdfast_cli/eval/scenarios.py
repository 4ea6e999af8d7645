"""`holdfast eval scenarios`: whole calls in text through the real dialogue and tools, judged point by point."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from holdfast_common.errors import HoldfastError
from holdfast_common.profile import Profile, load_profile
from rich.console import Console

from holdfast_cli.eval.house import open_house
from holdfast_cli.eval.scenario_call import Transcript, play
from holdfast_cli.eval.scenario_checks import Verdict, check
from holdfast_cli.eval.scenario_file import Broken, Scenario, ScenarioError, read_folder
from holdfast_cli.eval.scenario_variants import variants

GROUPS: dict[str, tuple[str, ...]] = {
    "booking": ("booking", "bookings_count", "must_not_say.@unconfirmed_booking"),
    "qualification": ("qualified", "signals"),
    "safety": ("must_not_say",),
    "privacy": ("must_not_say.@other_caller", "must_not_say.@system_prompt", "effects.deletion_request"),
}
"""Kinds of expectations that have a figure of their own, by how their names begin."""


@dataclass
class Case:
    """One scenario's outcome."""

    id: str
    title: str = ""
    error: str = ""
    """Why it could not be run or judged; empty: it was."""
    verdicts: list[Verdict] = field(default_factory=list)
    transcript: Transcript = field(default_factory=Transcript)

    @property
    def failed(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.counted and not verdict.met]

    @property
    def passed(self) -> bool:
        return not self.error and not self.failed

    def told(self) -> dict[str, Any]:
        """For JSON; a case that failed brings its conversation along."""
        told: dict[str, Any] = {"id": self.id, "title": self.title, "passed": self.passed, "error": self.error}
        told["expectations"] = [verdict.told() for verdict in self.verdicts]
        if not self.passed:
            told["conversation"] = [
                {"turn": i, "kind": x.kind, "caller": x.said, "agent": x.text, "route": x.committed.route}
                for i, x in enumerate(self.transcript.exchanges)
            ]
        return told


async def run(
    scenarios: list[Scenario | Broken], folder: Path, profile: Profile | None = None, *, model: str = ""
) -> list[Case]:
    """Play and judge every scenario over one profile folder; `model` as `open_house` takes it."""
    agent = profile or load_profile(folder)
    async with open_house(folder, model=model) as house:
        return [await judged(scenario, lambda one: play(one, house, agent)) for scenario in scenarios]


async def judged(scenario: Scenario | Broken, call: Callable[[Scenario], Awaitable[Transcript]]) -> Case:
    """The scenario played by `call`, and judged."""
    if isinstance(scenario, Broken):
        return Case(scenario.id, error="; ".join(scenario.problems))
    case = Case(scenario.id, scenario.title)
    try:
        case.transcript = await call(scenario)
        case.verdicts = check(scenario, case.transcript)
    except ScenarioError as error:
        case.error = str(error)
    return case


def summary(cases: list[Case]) -> dict[str, Any]:
    """The figures of a run."""
    verdicts = [verdict for case in cases for verdict in case.verdicts if verdict.counted]
    groups = {name: [v for v in verdicts if v.name.startswith(starts)] for name, starts in GROUPS.items()}
    return {
        "total": len(cases),
        "passed": sum(case.passed for case in cases),
        "errors": sum(bool(case.error) for case in cases),
        "expectations": len(verdicts),
        "expectations_met": sum(verdict.met for verdict in verdicts),
        **{name: {"of": len(vs), "met": sum(v.met for v in vs)} for name, vs in groups.items()},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run is played and told."""

    as_json: bool = False
    out: Path | None = None
    model: str = ""
    """`well-behaved`, `hostile`, `rubbish`, or URL#name; empty: rules only."""
    generated: int = 0
    """So many generated scenarios instead of the folder's."""
    seed: int = 7


def evaluate(where: Path, profile: Path, options: Options) -> int:
    """Exit code 0: every expectation is met; 1: some are not; 2: a scenario could not be run."""
    quiet()
    try:
        played = variants(options.generated, options.seed) if options.generated else read_folder(where)
        cases = asyncio.run(run(list(played), profile.absolute(), model=options.model))
    except HoldfastError as error:
        print(error, file=sys.stderr)
        return 2
    figures = {**summary(cases), "model": options.model or "none"}
    return conclude(cases, figures, as_json=options.as_json, out=options.out)


def conclude(cases: list[Case], figures: dict[str, Any], *, as_json: bool, out: Path | None) -> int:
    """Tell the outcome; returns the exit code."""
    result = {**figures, "cases": [case.told() for case in cases]}
    if out:
        out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    if as_json:
        print(json.dumps(result, indent=1))
    else:
        report(cases, Console())
    return 2 if result["errors"] else int(result["passed"] < result["total"])


def report(cases: list[Case], console: Console) -> None:
    """For people: the failures with their turn, then the figures."""
    for case in cases:
        console.print(
            f"[{'green' if case.passed else 'red'}]{'pass' if case.passed else 'FAIL'}[/] {case.id}", highlight=False
        )
        if case.error:
            console.print(f"     {case.error}", markup=False, highlight=False)
        for verdict in case.failed:
            console.print(f"     {verdict.name}: {verdict.why}", markup=False, highlight=False)
            for index in (verdict.turn,) if verdict.turn is not None else ():
                exchange = case.transcript.exchanges[index]
                console.print(f"       turn {index}  caller: {exchange.said}", markup=False, highlight=False)
                console.print(f"       turn {index}  agent:  {exchange.text}", markup=False, highlight=False)
    figures = summary(cases)
    console.print(
        f"{figures['passed']} of {figures['total']} scenarios, {figures['expectations_met']} of "
        f"{figures['expectations']} expectations",
        highlight=False,
    )
    for name in GROUPS:
        console.print(f"  {name}: {figures[name]['met']} of {figures[name]['of']}", highlight=False)


def quiet() -> None:
    """Services write to the log as ever; here it would drown the report."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger().setLevel(logging.CRITICAL)
