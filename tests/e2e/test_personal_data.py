"""Whole calls leave nothing of the caller in logs and spans: no name, no address, no words."""

from __future__ import annotations

import json
from pathlib import Path

from holdfast_cli.eval.leaks import leaks, personal
from holdfast_cli.eval.scenario_file import read_folder
from holdfast_cli.eval.scenarios import run
from holdfast_common.telemetry_testing import span_ledger
from structlog.testing import capture_logs

ROOT = Path(__file__).parents[2]
PROFILE = ROOT / "profiles" / "trial_success"
SCENARIOS = ROOT / "tests" / "scenarios"


async def test_no_name_address_or_word_of_a_caller_is_in_logs_and_spans() -> None:
    files = sorted(SCENARIOS.glob("*/*.yaml"))
    scenarios = [scenario for path in files for scenario in read_folder(path)]
    spans = span_ledger()
    spans.clear()

    with capture_logs() as logged:
        cases = await run(scenarios, PROFILE)

    strings = {text for case in cases for text in personal(case.transcript)}
    told = [json.dumps(event, default=str) for event in logged]
    traced = [span.to_json() for trace in spans.traces().values() for span in trace]
    assert len(cases) == len(files) > 60
    assert not [case.id for case in cases if case.error]
    assert len(strings) > 1_000
    assert len(told) > 50
    assert len(traced) > 50
    assert leaks([*told, *traced], strings) == []


def test_the_search_finds_what_is_there() -> None:
    strings = {"dana.miller@northwind.example", "miller"}

    assert leaks(['{"event": "x", "to": "Dana.Miller@northwind.example"}'], strings) == sorted(strings)
    assert leaks(['{"event": "millers"}'], {"miller"}) == []
