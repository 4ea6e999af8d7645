"""What asr's language model is worth, and the weights of its figure: python bench/turns/finality.py

Whole questions (the profile's phrasings, questions that nobody tuned on, the sentences of the turn-taking set's tuned
half) against all their beginnings; each text counts once as a whole and once, in parts, as beginnings. Told: the area
under the curve of the model with its figure (`asr/domain/finality.py`), of the gateway's table of words alone, and a
logistic regression of the same signs, each source left out in turn. About 5 minutes of one core.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from holdfast_asr.adapters.smollm import SmolLm
from holdfast_asr.domain.finality import BIAS, LEAST_WORDS, MOST_WORDS, PER_LENGTH, PER_NAT, finality
from holdfast_asr.domain.words import words_of
from holdfast_gateway.domain.finality import finality as by_table

ROOT = Path(__file__).resolve().parents[2]
PHRASINGS = ROOT / "profiles" / "trial_success" / "phrasings.txt"
UNSEEN = ROOT / "services" / "tools" / "tests" / "unseen_questions.jsonl"
SPEECH = ROOT / "bench" / "turns" / "speech.jsonl"
EVERY = 3
"""Of the profile's phrasings each third."""
ROUNDS = 30

Rows = np.ndarray[Any, np.dtype[np.float64]]


def texts() -> dict[str, list[list[str]]]:
    """Words of each text of more than two, by source."""
    asked = [q for line in PHRASINGS.read_text("utf-8").splitlines() for q in line.split(":", 1)[-1].split("|")]
    unseen = [json.loads(line)["text"] for line in UNSEEN.read_text("utf-8").splitlines()]
    rows = [json.loads(line) for line in SPEECH.read_text("utf-8").splitlines()]
    read = [
        " ".join(word for word, _, _ in row["words"][first:last])
        for row in rows
        if row["split"] == "tune" and row["kind"] == "sentence"
        for first, last in row["spans"]
    ]
    found = {"phrasings": asked[::EVERY], "unseen": unseen, "read": read}
    return {name: [w for text in said if len(w := words_of(text)) > 2] for name, said in found.items()}


def rows_of(model: SmolLm, said: list[list[str]]) -> Rows:
    """(log probability of the end, words, table's finality, is the end, weight) of every beginning."""
    found = []
    for words in said:
        parts = [words[:count] for count in range(1, len(words) + 1)]
        ends = [model.end_log_prob(" ".join(part)) for part in parts]
        for part, end in zip(parts, ends, strict=True):
            is_end = len(part) == len(words)
            found.append((end, len(part), by_table(part), is_end, 1.0 if is_end else 1 / (len(words) - 1)))
    return np.array(found)


def area(scores: Rows, rows: Rows) -> float:
    """Area under the curve, weighted: how often an end scores over a beginning."""
    order = np.argsort(scores, kind="stable")
    is_end, weight = rows[order, 3] > 0, rows[order, 4]
    below = np.cumsum(np.where(is_end, 0, weight))
    return float((np.where(is_end, weight, 0) * below).sum() / (weight[is_end].sum() * weight[~is_end].sum()))


def signs(rows: Rows) -> Rows:
    length = np.log(np.clip(rows[:, 1], LEAST_WORDS, MOST_WORDS))
    return np.stack([np.ones(len(rows)), rows[:, 0], length], axis=1)


def fitted(rows: Rows) -> Rows:
    """Weights of a logistic regression by Newton's method."""
    x, y, w = signs(rows), rows[:, 3], rows[:, 4]
    beta = np.zeros(x.shape[1])
    for _ in range(ROUNDS):
        p = 1 / (1 + np.exp(-x @ beta))
        beta += np.linalg.solve((x * (w * p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(len(beta)), x.T @ (w * (y - p)))
    return beta


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0] if __doc__ else None)
    parser.add_argument("--models", type=Path, default=ROOT / "var" / "eval" / "asr")
    model = SmolLm(parser.parse_args().models)
    found = {name: rows_of(model, said) for name, said in texts().items()}
    for name, rows in found.items():
        others = np.concatenate([r for other, r in found.items() if other != name])
        ours = np.array([finality(end, int(count)) for end, count, *_ in rows])
        table, other = area(rows[:, 2], rows), area(signs(rows) @ fitted(others), rows)
        print(
            f"{name}: {int(rows[:, 3].sum())} texts; area under the curve {area(ours, rows):.3f}, "
            f"table of words {table:.3f}, fitted on the others {other:.3f}"
        )
    print(
        "fitted on all:",
        np.round(fitted(np.concatenate(list(found.values()))), 2),
        "used:",
        (BIAS, PER_NAT, PER_LENGTH),
    )


if __name__ == "__main__":
    main()
