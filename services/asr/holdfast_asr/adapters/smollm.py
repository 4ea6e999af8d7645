"""How likely words are the last of what a caller says, by a small language model of general English (SmolLM2-135M).

The model reads a conversation on the telephone, a line a turn, that ends with what the agent asked last; without
capitals and punctuation, as recognisers write. How likely it is that the caller's line ends here is what it thinks of
a new line, a full stop and their like. One text takes 20 to 40 ms of one core; the first lines are read once.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from holdfast_common.errors import EngineUnavailable

from holdfast_asr.adapters.smollm_weights import NAME, TOKENIZER, prepare

BEFORE = (
    "agent: hello how can i help you\n"
    "caller: hi i'd like to know what your basic plan costs\n"
    "agent: nineteen dollars a month\n"
    "caller: can i pay by invoice\n"
    "agent: yes from ten users on\n"
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
        try:
            self._model, self._tokenizer = _loaded(prepare(cache))
        except EngineUnavailable:  # broken on the disk: made once more
            shutil.rmtree(cache / NAME, ignore_errors=True)
            self._model, self._tokenizer = _loaded(prepare(cache))
        vocabulary: dict[str, int] = self._tokenizer.get_vocab()
        self._ends = np.array([n for token, n in vocabulary.items() if token.lstrip(SPACE).startswith(tuple(ENDS))])
        self._before: list[str] = self._tokenizer.encode(BEFORE).tokens

    def end_log_prob(self, text: str, asked: str = "") -> float:
        """The natural logarithm of the chance that this answer to what was asked (both lower case) ends here."""
        question = f"caller: okay\nagent: {_end_of(asked)}\n" if asked else ""
        (found,) = self._model.generate_batch(
            [self._tokenizer.encode(f"{question}caller: {_end_of(text)}").tokens],
            static_prompt=self._before,
            max_length=1,
            include_prompt_in_result=False,
            return_logits_vocab=True,
        )
        logits = np.asarray(found.logits[0], np.float32).ravel()
        return _log_sum(logits[self._ends]) - _log_sum(logits)


def _loaded(folder: Path) -> tuple[Any, Any]:
    try:
        import ctranslate2  # noqa: PLC0415 - native and heavy; only where it is used
        from tokenizers import Tokenizer  # noqa: PLC0415

        model = ctranslate2.Generator(str(folder), device="cpu", compute_type="int8", inter_threads=1, intra_threads=1)
        return model, Tokenizer.from_file(str(folder / TOKENIZER))
    except Exception as error:  # both libraries raise what they like over a broken file
        raise EngineUnavailable(f"smollm: {error}") from error


def _end_of(text: str) -> str:
    return " ".join(text.split()[-MOST_WORDS:])


def _log_sum(row: np.ndarray[Any, np.dtype[np.float32]]) -> float:
    top = float(row.max())
    return top + float(np.log(np.exp(row - top).sum()))
