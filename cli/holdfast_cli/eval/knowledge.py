"""`holdfast eval knowledge`: the search on labelled questions, each failure named."""

from __future__ import annotations

import json
import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import structlog
from holdfast_common.errors import SettingsError
from rich.console import Console
from rich.table import Table

ROWS = {
    "top1": "answerable: right article first",
    "top3": "answerable: right article among three",
    "answerable_refused": "answerable: refused",
    "answerable_asked_back": "answerable: asked back",
    "answers_right": "answers to answerable questions that are right",
    "out_of_scope_not_answered": "out of scope: not answered",
    "answers_right_of_all_given": "all answers given that are right",
}


def evaluate(path: Path, profile: Path, state: Path, *, by_words: bool, as_json: bool, out: Path | None) -> int:
    """Exit status: 0, or 2 where the file or the profile cannot be read."""
    structlog.configure(  # standard output is for the report
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )
    try:
        report = import_module("holdfast_tools.evaluation").evaluate(path, profile, state, by_words=by_words)
    except SettingsError as error:
        Console(stderr=True).print("\n".join(error.problems), markup=False)
        return 2
    text = json.dumps(report, indent=1)
    if out is not None:
        out.write_text(text + "\n", "utf-8")
    if as_json:
        print(text)
    else:
        _tell(report)
    return 0


def _tell(report: dict[str, Any]) -> None:
    console = Console()
    table = Table("of", f"{report['n']} questions")
    for key, what in ROWS.items():
        table.add_row(what, "-" if report[key] is None else f"{report[key]:.1%}")
    console.print(table)
    console.print(f"searched {report['search']}", markup=False)
    failed = [case for case in report["cases"] if not case["ok"]]
    if not failed:
        return
    wrong = Table("kind", "question", "article", "outcome", "found")
    for case in failed:
        found = ", ".join(f"{hit} {score:.2f}" for hit, score in zip(case["hits"], case["scores"], strict=True))
        outcome = case["outcome"] + (f" ({case['outside']})" if case["outside"] else "")
        wrong.add_row(case["kind"], case["text"], case["article"] or "none", outcome, found)
    console.print(wrong)
