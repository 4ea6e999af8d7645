"""`holdfast eval scenarios --voice`: the same calls, spoken and heard, several at once, faster than real time.

The callers are the voices of this machine over a telephone line with the scenario's noise; the recogniser is
the embedded one. What is judged is judged as in text. Besides, the words heard are held against the words
said, and bookings are counted apart by whether the address was said in words or in letters: the embedded
recogniser does not hear bare letters.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

from holdfast_common.contracts.dialogue import TurnKind
from holdfast_common.errors import HoldfastError
from holdfast_common.profile import Profile, load_profile
from rich.console import Console
from rich.progress import Progress

from holdfast_cli.demo.words import word_error_rate
from holdfast_cli.eval.sample_clock import SampleLoop
from holdfast_cli.eval.scenario_file import Broken, Scenario, read_folder
from holdfast_cli.eval.scenarios import GROUPS, Case, conclude, judged, quiet, summary
from holdfast_cli.eval.spoken_call import play
from holdfast_cli.eval.spoken_house import open_spoken_house

AT_ONCE = 4
"""Calls side by side: enough to keep two decoders busy."""
LETTERS = re.compile(r"\b(?:[a-z] ){2,}[a-z]\b|\b[a-z] as in\b|\bdouble [a-z]\b", re.IGNORECASE)
"""A caller spells."""


async def run(scenarios: list[Scenario | Broken], folder: Path, profile: Profile, cache: Path) -> list[Case]:
    """Play by voice and judge every scenario, in the order given."""
    seats = asyncio.Semaphore(AT_ONCE)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("calls", total=len(scenarios))
        async with open_spoken_house(folder, profile, cache) as spoken:

            async def one(scenario: Scenario | Broken) -> Case:
                async with seats:
                    case = await judged(scenario, lambda it: play(it, spoken, profile))
                progress.advance(bar)
                return case

            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(scenario)) for scenario in scenarios]
    return [task.result() for task in tasks]


def spoken_summary(cases: list[Case], scenarios: list[Scenario | Broken]) -> dict[str, Any]:
    """The figures of text, and those that only a voice has. Rates are over whole calls."""
    spelled = {s.id for s in scenarios if isinstance(s, Scenario) and _spells(s)}
    to_book = {s.id for s in scenarios if isinstance(s, Scenario) and s.expect.booking is not None}
    said = [" ".join(case.transcript.said) for case in cases]
    heard = [" ".join(x.said for x in case.transcript.exchanges if x.kind is TurnKind.SPOKEN) for case in cases]
    booked = {case.id: _met(case, GROUPS["booking"]) for case in cases if case.id in to_book}
    in_words = [right for name, right in booked.items() if name not in spelled]
    in_letters = [right for name, right in booked.items() if name in spelled]
    careful = [_met(case, (*GROUPS["qualification"], *GROUPS["safety"], *GROUPS["privacy"])) for case in cases]
    return {
        **summary(cases),
        "word_error_rate": round(word_error_rate(said, heard), 3),
        "qualification_and_safety_right": _share(careful),
        "bookings_in_words": {"of": len(in_words), "right": sum(in_words), "share": _share(in_words)},
        "bookings_spelled": {"of": len(in_letters), "right": sum(in_letters), "share": _share(in_letters)},
    }


def evaluate(where: Path, profile: Path, cache: Path, *, as_json: bool, out: Path | None = None) -> int:
    """As in text: 0, every expectation is met; 1, some are not; 2, a scenario could not be run."""
    quiet()
    folder = profile.absolute()
    try:
        scenarios = read_folder(where)
        with asyncio.Runner(loop_factory=SampleLoop) as runner:
            cases = runner.run(run(scenarios, folder, load_profile(folder), cache))
    except HoldfastError as error:
        print(error, file=sys.stderr)
        return 2
    figures = spoken_summary(cases, scenarios)
    code = conclude(cases, figures, as_json=as_json, out=out)
    if not as_json:
        words, letters = figures["bookings_in_words"], figures["bookings_spelled"]
        print(f"  words heard wrong: {figures['word_error_rate']:.1%}")
        print(f"  qualification, safety and privacy right: {figures['qualification_and_safety_right']:.0%} of calls")
        print(f"  bookings right, address in words: {words['right']} of {words['of']}")
        print(f"  bookings right, address in letters: {letters['right']} of {letters['of']}")
    return code


def _spells(scenario: Scenario) -> bool:
    return any(LETTERS.search(str(line.say)) for line in scenario.caller.lines)


def _met(case: Case, starts: tuple[str, ...]) -> bool:
    return not case.error and all(v.met for v in case.verdicts if v.counted and v.name.startswith(starts))


def _share(right: list[bool]) -> float:
    return round(sum(right) / len(right), 3) if right else 1.0
