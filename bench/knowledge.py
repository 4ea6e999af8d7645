"""How long one search takes on one core, with the profile's articles and with thousands.

    .venv/bin/python bench/knowledge.py [--articles 5000] [--times 200] [--json FILE]

On a busy machine the processor's own time (`cpu_`) says more than the clock. What is right is measured
by `holdfast eval knowledge`; this is about time alone. The many articles are generated
with a fixed seed from the words of the profile's, each with a title, four questions and four sentences.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from holdfast_tools.adapters.kept_vectors import KeptVectors
from holdfast_tools.adapters.knowledge_contents import read
from holdfast_tools.adapters.minilm import MiniLm
from holdfast_tools.domain.knowledge import KnowledgeIndex
from holdfast_tools.domain.ways import Ways, texts_to_embed

STATE = Path("var/knowledge")


def generated(source: list[Ways], count: int) -> list[Ways]:
    """Articles of the same length and vocabulary as the source's, with words of their own mixed in."""
    draw = random.Random(7)
    words = sorted({word for ways in source for text in (*ways.asked, *ways.body) for word in text.lower().split()})
    own = ["".join(draw.choices("bcdfglmnprst", k=1) + draw.choices("aeiou", k=1)) for _ in range(60)]

    def text(size: int, names: list[str]) -> str:
        return " ".join(draw.choice(names) if draw.random() < 0.3 else draw.choice(words) for _ in range(size))

    found: list[Ways] = []
    for number in range(count):
        names = ["".join(draw.choices(own, k=3)) for _ in range(3)]
        asked = tuple(text(8, names) for _ in range(4))
        body = tuple(f"{text(14, names)}. {text(14, names)}." for _ in range(2))
        found.append(Ways(f"a{number}", text(4, names), asked, body))
    return found


def measure(index: KnowledgeIndex, model: MiniLm | None, asked: list[str], times: int) -> dict[str, float]:
    draw = random.Random(3)
    took: list[tuple[float, float]] = []
    for question in draw.choices(asked, k=times + 20):
        begun, begun_cpu = time.perf_counter(), time.process_time()
        questions = index.questions(question)
        index.rank(questions, None if model is None else model.embed_now([q.text for q in questions]))
        took.append(((time.perf_counter() - begun) * 1000, (time.process_time() - begun_cpu) * 1000))
    (p50, cpu_p50), (p95, cpu_p95) = np.quantile(np.array(took[20:]), [0.5, 0.95], axis=0).round(2).tolist()
    return {"p50_ms": p50, "p95_ms": p95, "cpu_p50_ms": cpu_p50, "cpu_p95_ms": cpu_p95}


def vectors(model: MiniLm, articles: list[Ways], missing: list[str]) -> np.ndarray:
    """Real ones for the profile, kept ones where there are; for thousands of articles random ones."""
    texts = texts_to_embed(articles, missing)
    if len(texts) < 5000:
        kept = KeptVectors(STATE).vectors(model.name, texts)
        if len(kept) == len(set(texts)):
            return np.stack([kept[text] for text in texts])
        return model.embed_now(texts)
    rows = np.random.default_rng(5).normal(size=(len(texts), 384)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--profile", type=Path, default=Path("profiles/trial_success"))
    parser.add_argument("--articles", type=int, default=5000)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--json", type=Path, default=None)
    arguments = parser.parse_args()
    contents, model = read(arguments.profile), MiniLm(STATE)
    own, missing = list(contents.ways), list(dict.fromkeys(contents.not_covered))
    report: dict[str, dict[str, object]] = {}
    for name, articles in ((f"{len(own)}", own), (f"{arguments.articles}", generated(own, arguments.articles))):
        asked = [text for ways in articles for text in ways.asked]
        begun = time.perf_counter()
        index = KnowledgeIndex(articles, missing, vectors=vectors(model, articles, missing))
        built = time.perf_counter() - begun
        report[name] = {"by_meaning": measure(index, model, asked, arguments.times), "built_s": round(built, 1)}
        del index
        if articles is own:  # by words thousands of articles take a minute to index
            by_words = measure(KnowledgeIndex(articles, missing), None, asked, arguments.times)
            report[name] = {**report[name], "by_words": by_words}
        print(name, "articles:", json.dumps(report[name]))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
