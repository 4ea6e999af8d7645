"""When each word was said, where the engine tells only which: spread over the voiced part by length.

Good enough to tell the beginning of an utterance from its end (half a second off is usual); nothing that has to
know a word's time to a syllable may use it.
"""

from __future__ import annotations

from holdfast_asr.ports import HeardWord


def spread(text: str, voiced_ms: int, confidence: float) -> tuple[HeardWord, ...]:
    """The text's words, one after another from 0 to `voiced_ms`, each as long as its letters (and a gap)."""
    words = text.split()
    total = sum(len(word) + 1 for word in words)
    heard: list[HeardWord] = []
    letters = 0
    for word in words:
        start = voiced_ms * letters // total
        letters += len(word) + 1
        heard.append(HeardWord(word, start, max(start + 1, voiced_ms * letters // total), confidence))
    return tuple(heard)
