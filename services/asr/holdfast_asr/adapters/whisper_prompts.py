"""The tokens that stand before a transcript: hints of what may be said, and the language.

As `WhisperModel.get_prompt` builds them (a test compares); done in the service, which groups utterances by the
length of their prompts, with the tokenizer alone: the engine is only in its processes.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from holdfast_common.errors import EngineUnavailable

from holdfast_asr.domain.windows import PROMPT_TOKENS

FIRST_MULTILINGUAL_START = 50_258
"""Models for English alone have their `<|startoftranscript|>` one earlier."""


class Prompts:
    """Of one model. Raises EngineUnavailable where its tokenizer cannot be read."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer  # noqa: PLC0415 - native; only where Whisper is used

        path = folder / "tokenizer.json"
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:
            raise EngineUnavailable(f"whisper: {path}: {str(error)[:160]}") from error
        self._start = self._id("<|startoftranscript|>")
        self._previous = self._id("<|startofprev|>")
        self._no_times = self._id("<|notimestamps|>")
        self.multilingual = self._start >= FIRST_MULTILINGUAL_START
        self._built = lru_cache(maxsize=1_024)(self._build)

    def prompt(self, language: str, hints: tuple[str, ...] = ()) -> tuple[int, ...]:
        """Hints that do not fit are left out; a language that the model does not know is taken for English."""
        return self._built(language.split("-", maxsplit=1)[0].lower() or "en", hints)

    def language(self, language: str) -> str:
        """The language that `prompt` asks for."""
        code = language.split("-", maxsplit=1)[0].lower()
        known = self.multilingual and self._tokenizer.token_to_id(f"<|{code}|>") is not None
        return code if known else "en"

    def _build(self, language: str, hints: tuple[str, ...]) -> tuple[int, ...]:
        prompt: list[int] = []
        words = ", ".join(hint.strip() for hint in hints if hint.strip())
        if words:
            tokens = self._tokenizer.encode(f" {words}", add_special_tokens=False).ids
            prompt += [self._previous, *tokens[:PROMPT_TOKENS]]
        prompt.append(self._start)
        if self.multilingual:
            prompt += [self._id(f"<|{self.language(language)}|>"), self._id("<|transcribe|>")]
        return (*prompt, self._no_times)

    def _id(self, token: str) -> int:
        number = self._tokenizer.token_to_id(token)
        if number is None:
            raise EngineUnavailable(f"whisper: its tokenizer has no {token}")
        return number
