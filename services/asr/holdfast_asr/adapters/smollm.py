"""How likely words are the last of what a caller says, by a small language model of general English (SmolLM2-135M).

The model reads a conversation on the telephone, a line a turn, without capitals and punctuation as recognisers write;
how likely it is that the caller's line ends here is what it thinks of a new line, a full stop and their like. One text
takes 20 to 30 ms of one core (2026-11-30); the conversation before it is read once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from holdfast_common.errors import EngineUnavailable

from holdfast_asr.adapters.smollm_weights import TOKENIZER, prepare

BEFORE = (
    "agent: hello how can i help you\n"
    "caller: hi i'd like to know what your basic plan costs\n"
    "agent: nineteen dollars a month\n"
    "caller: can i pay by invoice\n"
    "agent: yes from ten users on\n"
    "caller:"
)
ENDS = "\u010a.?!"
"""How the tokens with which a line ends begin, after any space; in GPT-2's alphabet, where the first is a new line."""
SPACE = "\u0120"
MOST_WORDS = 60
"""Of a longer text the last ones."""


class SmolLm:
    """The model, loaded. Raises EngineUnavailable where package, runtime or weights are not as they should be."""

    def __init__(self, cache: Path) -> None:
        """`cache`: the folder that keeps the converted weights."""
        folder = prepare(cache)
        try:
            import ctranslate2  # noqa: PLC0415 - native and heavy; only where it is used
            from tokenizers import Tokenizer  # noqa: PLC0415

            self._model: Any = ctranslate2.Generator(
                str(folder), device="cpu", compute_type="int8", inter_threads=1, intra_threads=1
            )
            self._tokenizer: Any = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as error:  # both libraries raise what they like over a broken file
            raise EngineUnavailable(f"smollm: {error}") from error
        vocabulary: dict[str, int] = self._tokenizer.get_vocab()
        self._ends = np.array([n for token, n in vocabulary.items() if token.lstrip(SPACE).startswith(tuple(ENDS))])
        self._before: list[str] = self._tokenizer.encode(BEFORE).tokens

    def end_log_probs(self, texts: Sequence[str]) -> list[float]:
        """For each text (lower case, at least one word): the natural logarithm of the chance that it ends here."""
        tokens = [self._tokenizer.encode(" " + " ".join(text.split()[-MOST_WORDS:])).tokens for text in texts]
        found = self._model.generate_batch(
            tokens,
            static_prompt=self._before,
            max_batch_size=1,  # texts of unequal length in one batch are judged at the shortest one's length
            max_length=1,
            include_prompt_in_result=False,
            return_logits_vocab=True,
        )
        logits = np.array([np.asarray(result.logits[0], np.float32).ravel() for result in found])
        return [float(_log_sum(row[self._ends]) - _log_sum(row)) for row in logits]


def _log_sum(row: np.ndarray[Any, np.dtype[np.float32]]) -> float:
    top = float(row.max())
    return top + float(np.log(np.exp(row - top).sum()))
