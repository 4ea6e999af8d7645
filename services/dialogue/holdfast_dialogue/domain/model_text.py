"""Sentences out of a stream of characters, each as soon as it is whole. Pure; how the stream is cut changes nothing.

Reasoning that some models put before their answer (`<think> ... </think>`) is left out.
"""

from __future__ import annotations

import re

MAX_PENDING = 2_000
"""Characters without an end of a sentence after which the text is no speech; the rest is dropped."""

_END = re.compile(r"(?:[.!?]+[\"'\u201d\u2019)]*(?=\s))|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|st|vs|etc|e\.g|i\.e|approx|no|inc|ltd|co|[ap]\.m)|(?:^|[\s(])[A-Za-z]|(?:^|\s)\d{1,2})\.$",
    re.IGNORECASE,
)
"""What a full stop belongs to without ending a sentence; `1.` too, which begins a list."""
_LEAST = 2
_THINK, _THOUGHT = "<think>", "</think>"


class SentenceStream:
    """Feed it pieces; it gives back the sentences that have become whole."""

    def __init__(self) -> None:
        self._pending = ""
        self._thinks = False
        self._dropped = False

    def feed(self, piece: str) -> list[str]:
        """The sentences that this piece completes."""
        self._pending += piece
        if not self._past_thinking():
            return []
        found: list[str] = []
        start = 0
        while match := _END.search(self._pending, start):
            candidate = self._pending[: match.end()]
            newline = match[0].startswith("\n")
            if not newline and _ABBREVIATION.search(candidate.rstrip("\"'\u201d\u2019)")):
                start = match.end()
                continue
            found.append(candidate.strip())
            self._pending = self._pending[match.end() :]
            start = 0
        if len(self._pending) > MAX_PENDING:
            self._pending, self._dropped = "", True
        return [sentence for sentence in found if len(sentence) >= _LEAST]

    def rest(self, *, whole: bool = True) -> list[str]:
        """What is left at the end. `whole`: the speaker had finished; else only what ends like a sentence counts."""
        text, self._pending = self._pending.strip(), ""
        if self._thinks or self._dropped or len(text) < _LEAST:
            return []
        if not whole and text[-1:] not in ".!?":
            return []
        return [text]

    def _past_thinking(self) -> bool:
        """False while the answer proper has not begun, or may not have."""
        if not self._thinks:
            head = self._pending.lstrip()
            if head.startswith(_THINK):
                self._thinks = True
            elif head and _THINK.startswith(head[: len(_THINK)]) and len(head) < len(_THINK):
                return False  # may become one
        if self._thinks:
            _, closed, after = self._pending.partition(_THOUGHT)
            if not closed:
                return False
            self._pending, self._thinks = after, False
        return True
