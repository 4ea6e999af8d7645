"""Measure the built-in knowledge search on questions with known articles.

    .venv/bin/python bench/knowledge.py questions.jsonl [--profile profiles/trial_success] [--wrong]

One question a line: `text`, `article` (id, or null where none answers), `kind`, and optionally
`previous` (the agent's last words) and `also_ok`. Prints top-1, top-3, the three outcomes and times.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from holdfast_common.contracts.tools import Sureness
from holdfast_tools.adapters.knowledge_folder import read
from holdfast_tools.domain.sureness import decide


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("questions", type=Path)
    parser.add_argument("--profile", type=Path, default=Path("profiles/trial_success"))
    parser.add_argument("--wrong", action="store_true", help="print each question that went wrong")
    arguments = parser.parse_args()
    begun = time.perf_counter()
    index, _ = read(arguments.profile)
    print(f"index built in {time.perf_counter() - begun:.2f} s")
    questions = [json.loads(line) for line in arguments.questions.read_text("utf-8").splitlines() if line.strip()]
    tally: dict[str, list[tuple[bool, bool, Sureness]]] = defaultdict(list)
    took_ms, p_yes, p_no = [], [], []
    for question in questions:
        begun = time.perf_counter()
        ranking = index.search(question["text"], question.get("previous", ""))
        sureness, probability = decide(ranking.evidence)
        took_ms.append((time.perf_counter() - begun) * 1000)
        right = {question["article"], *question.get("also_ok", [])} - {None}
        top1, top3 = ranking.articles[0] in right, bool(right & set(ranking.articles[:3]))
        (p_yes if right else p_no).append(probability)
        tally[question["kind"]].append((top1, top3, sureness))
        if arguments.wrong and (sureness != Sureness.UNSURE if not right else not top1 or sureness != Sureness.SURE):
            print(
                f"  {question['kind']:13} {sureness:9} {probability:.2f} {question['text']} "
                f"[{question['article']}] -> {ranking.articles[:3]}"
            )
    report(tally, took_ms, p_yes, p_no)


def report(
    tally: dict[str, list[tuple[bool, bool, Sureness]]], took_ms: list[float], p_yes: list[float], p_no: list[float]
) -> None:
    answerable = [row for kind, rows in tally.items() if kind != "out_of_scope" for row in rows]
    for kind, rows in [*tally.items(), ("answerable", answerable)]:
        outcome = {s: sum(row[2] == s for row in rows) / len(rows) for s in Sureness}
        ranks = (
            ""
            if kind == "out_of_scope"
            else (
                f"top-1 {sum(r[0] for r in rows) / len(rows):6.1%}  top-3 {sum(r[1] for r in rows) / len(rows):6.1%}  "
            )
        )
        print(
            f"{kind:13} {len(rows):4}  {ranks:30}answered {outcome[Sureness.SURE]:6.1%}  "
            f"asked back {outcome[Sureness.ASK_BACK]:6.1%}  refused {outcome[Sureness.UNSURE]:6.1%}"
        )
    given = [row for row in answerable if row[2] == Sureness.SURE]
    if given:
        print(f"answers given that are right: {sum(row[0] for row in given) / len(given):.1%}")
    if p_yes and p_no:
        yes, no = np.array(p_yes), np.array(p_no)
        print(f"AUROC covered / not: {(yes[:, None] > no[None]).mean():.3f}")
    print(f"search: p50 {np.quantile(took_ms, 0.5):.1f} ms, p95 {np.quantile(took_ms, 0.95):.1f} ms")


if __name__ == "__main__":
    main()
