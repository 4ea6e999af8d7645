"""What waiting by words costs and saves: python bench/turns/waits.py QUESTIONS

QUESTIONS is a text of callers' questions (profiles/*/phrasings.txt: an article, a colon, questions between bars).
Told: how many callers are cut off if each pauses with the set's chance at one random word for 400 to 1,200 ms, and how
long is waited after whole questions. No audio: the recogniser is ideal, and nobody pauses by themselves. With
`--search` other shapes of `endpointing._PATIENCE` are drawn, and those that cut least for each mean wait are told; of
four such shapes that one was taken which did best on both halves of the turn-taking set.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np
from holdfast_common.contracts.asr import Expectation
from holdfast_gateway.domain import endpointing
from holdfast_gateway.domain.endpointing import Endpointing
from holdfast_gateway.domain.finality import finality

PAUSES = 0.43
"""Pauses for each utterance of the turn-taking set: one in 23 %, two in 10 %."""
SHORTEST_MS, LONGEST_MS = 400, 1_200
DRAWS = 20_000


def questions(path: Path) -> list[list[str]]:
    """Words of each question of more than two."""
    texts = [text for line in path.read_text("utf-8").splitlines() for text in line.split(":", 1)[-1].split("|")]
    found = [re.sub(r"[^a-z' ]", "", text.lower()).split() for text in texts]
    return [words for words in found if len(words) > 2]


class Told:
    """Cuts and waits over some questions; what rules other than the words' finality decide stays as it is."""

    def __init__(self, asked: list[list[str]], rule: Endpointing) -> None:
        self._rule = rule
        self._ends = [self._one(words) for words in asked]
        self._stops = [self._one(words[:count]) for words in asked for count in range(1, len(words))]
        self._weights = np.array([1 / (len(words) - 1) for words in asked for _ in words[1:]]) * PAUSES / len(asked)

    def _one(self, words: list[str]) -> tuple[float, float]:
        """(finality, the wait that another rule decides or nan)."""
        wait = self._rule.after(" ".join(words), Expectation.OPEN)
        span = self._rule.patient_ms - self._rule.endpoint_ms
        meant = self._rule.endpoint_ms + endpointing._between(endpointing._PATIENCE, finality(words)) * span
        return finality(words), float("nan") if abs(meant - wait) <= 1 else wait

    def waits(self, of: list[tuple[float, float]], points: tuple[tuple[float, float], ...]) -> np.ndarray:
        scores, others = np.array(of).T
        shares = np.interp(scores, [x for x, _ in points], [y for _, y in points])
        meant = self._rule.endpoint_ms + shares * (self._rule.patient_ms - self._rule.endpoint_ms)
        return np.where(np.isnan(others), meant, others)

    def __call__(self, points: tuple[tuple[float, float], ...]) -> tuple[float, float, float, float]:
        """(% of callers cut off; median, 95th percentile and mean of the wait after a whole question, ms)."""
        stops, ends = self.waits(self._stops, points), self.waits(self._ends, points)
        cut = np.clip((LONGEST_MS - stops) / (LONGEST_MS - SHORTEST_MS), 0, 1) @ self._weights
        return 100 * float(cut), *(float(q) for q in np.quantile(ends, (0.5, 0.95))), float(ends.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0] if __doc__ else None)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--search", action="store_true")
    options = parser.parse_args()
    asked = questions(options.questions)
    told = Told(asked, Endpointing(470, {}))
    form = "cut off {:.1f} %, waits p50 {:.0f}, p95 {:.0f}, mean {:.0f} ms"
    print(f"{len(asked)} questions, as it is: " + form.format(*told(endpointing._PATIENCE)))
    if options.search:
        rng = np.random.default_rng(0)
        drawn = [
            tuple(zip(np.sort(rng.uniform(-1, 2.2, 4)), (1.0, *sorted(rng.uniform(0, 1, 2))[::-1], 0.0), strict=True))
            for _ in range(DRAWS)
        ]
        figures = [(told(points), points) for points in drawn]
        for limit in (4, 5, 6, 7, 8):
            best, points = min((f for f in figures if f[0][0] <= limit), key=lambda f: f[0][3])
            print(form.format(*best), [(round(float(x), 2), round(float(y), 2)) for x, y in points])


if __name__ == "__main__":
    main()
