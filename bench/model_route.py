"""Measure the language model's place: how soon the next route speaks when it fails, and how rarely it is needed.

    .venv/bin/python bench/model_route.py faults [--out FILE]
    .venv/bin/python bench/model_route.py questions questions.jsonl [--out FILE]

`faults`: the real dialogue and tools in this process, a stand-in endpoint over HTTP. Each fault gets a call
of its own: an unsure question (the model is asked), then a plain one (the conversation must go on). Times
count from the opening of the turn to its first sentence.
`questions`: one question a line (`text`, `article` or null, `kind`), each in a call of its own, the endpoint
well-behaved: which route answered?
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from holdfast_cli.eval.house import House, open_house
from holdfast_cli.model_server.server import Knobs, ModelServer, serving
from holdfast_common.contracts.dialogue import Committed, Sentence, Turn, TurnKind
from holdfast_common.contracts.registry import Service
from holdfast_common.memory_log import MemoryLog
from holdfast_common.profile import load_profile

PROFILE = Path("profiles/trial_success").absolute()
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
UNSURE = "who gets the finished copy when two people sign in turns"
PLAIN = "how long does the free trial last"
ERROR_S, HANG_S = 1.5, 3.5
HANGS = ("hang", "mid_hang", "slow")


@dataclass
class Answer:
    first_s: float
    sentences: list[Sentence]
    committed: Committed


async def turn(house: House, call: str, n: int, text: str, before: Committed | None = None) -> Answer:
    """One spoken turn of a call that the house has admitted."""
    opened = Turn(
        n=n,
        kind=TurnKind.SPOKEN,
        now=NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
        text=text,
        snapshot=before.snapshot if before else b"",
        log_sequence=before.log_sequence if before else 0,
    )
    stream = house.opener.open(Service.DIALOGUE, lambda: opened, call=call, generation=1, ends_input=True)
    began, first_s, sentences = time.perf_counter(), 0.0, []
    try:
        async for result in stream:
            if isinstance(result, Committed):
                return Answer(first_s, sentences, result)
            first_s = first_s or time.perf_counter() - began
            sentences.append(result)
    finally:
        stream.cancel()
    raise RuntimeError("the turn ended without being committed")


async def one_fault(name: str, house: House, server: ModelServer, knobs: dict[str, Any]) -> dict[str, Any]:
    for key, value in knobs.items():
        setattr(server.knobs, key, value)
    call = f"fault-{name}"
    profile = load_profile(PROFILE)
    house.admit(call, profile, MemoryLog(), now=NOW, free=[], down=set(), rivals={})
    if name == "nobody_there":
        server.asked.append({})
    failed = await turn(house, call, 0, UNSURE)
    after = await turn(house, call, 1, PLAIN, failed.committed)
    limit_s = HANG_S if name in HANGS else ERROR_S
    return {
        "fault": name,
        "first_sentence_s": round(failed.first_s, 3),
        "limit_s": limit_s,
        "within": bool(server.asked) and bool(failed.sentences) and (name == "none" or failed.first_s <= limit_s),
        "route": failed.committed.route,
        "said": failed.sentences[0].text if failed.sentences else "",
        "asked": len(server.asked),
        "goes_on": after.committed.route == "knowledge" and bool(after.sentences),
    }


FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "500": {"fault": "500"},
    "401": {"fault": "401"},
    "429": {"fault": "429"},
    "quota": {"fault": "quota"},
    "not_json": {"fault": "not_json"},
    "empty": {"fault": "empty"},
    "mid_error": {"fault": "mid_error"},
    "mid_cut": {"fault": "mid_cut"},
    "mid_hang": {"fault": "mid_hang"},
    "hang": {"fault": "hang"},
    "slow": {"first_token_ms": 5_000.0},
    "rubbish": {"behaviour": "rubbish"},
    "hostile": {"behaviour": "hostile"},
    "nobody_there": {},
}


async def faults(_arguments: argparse.Namespace) -> dict[str, Any]:
    rows = []
    for name, knobs in FAULTS.items():
        async with serving(Knobs()) as server:
            url = "http://127.0.0.1:9/v1" if name == "nobody_there" else server.url
            async with open_house(PROFILE, model=f"{url}#any") as house:
                rows.append(await one_fault(name, house, server, knobs))
        print("{fault:13} {first_sentence_s:6.3f} s  {route:10} goes on: {goes_on}  {said}".format(**rows[-1]))
    return {"faults": rows, "all_within": all(row["within"] and row["goes_on"] for row in rows)}


async def questions(arguments: argparse.Namespace) -> dict[str, Any]:
    lines = [json.loads(line) for line in arguments.file.read_text("utf-8").splitlines() if line.strip()]
    profile = load_profile(PROFILE)
    routes: dict[str, Counter[str]] = {"in_scope": Counter(), "out_of_scope": Counter()}
    answered: Counter[str] = Counter()
    by_model: Counter[str] = Counter()
    async with open_house(PROFILE, model="well-behaved") as house:
        for number, question in enumerate(lines):
            call = f"question-{number}"
            house.admit(call, profile, MemoryLog(), now=NOW, free=[], down=set(), rivals={})
            before = None
            if question.get("previous"):  # the article whose words came before is asked about first
                before = (await turn(house, call, 0, question["previous"])).committed
            answer = await turn(house, call, 1 if before else 0, question["text"], before)
            done = answer.committed
            kind = "in_scope" if question["article"] else "out_of_scope"
            routes[kind][done.route] += 1
            answered[kind] += done.answered and done.route != "model"
            by_model[kind] += done.answered and done.route == "model"
            house.dismiss(call)
    total = routes["in_scope"].total()
    return {
        "questions": len(lines),
        "routes": {kind: dict(counts.most_common()) for kind, counts in routes.items()},
        "in_scope_answered_without_a_model": round(answered["in_scope"] / max(1, total), 3),
        "in_scope_answered_by_the_model": round(by_model["in_scope"] / max(1, total), 3),
        "out_of_scope_answered_by_the_model": by_model["out_of_scope"],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path)
    kinds = parser.add_subparsers(required=True)
    kinds.add_parser("faults").set_defaults(run=faults)
    about_questions = kinds.add_parser("questions")
    about_questions.add_argument("file", type=Path)
    about_questions.set_defaults(run=questions)
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    run: Callable[[argparse.Namespace], Coroutine[Any, Any, dict[str, Any]]] = arguments.run
    result = asyncio.run(run(arguments))
    command = "bench/model_route.py " + " ".join(Path(a).name if "/" in a else a for a in sys.argv[1:])
    result |= {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}",
        "command": command,
    }
    print(json.dumps({k: v for k, v in result.items() if k != "faults"}, indent=1))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    return 0 if result.get("all_within", True) else 1


if __name__ == "__main__":
    raise SystemExit(main())
