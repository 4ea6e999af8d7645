"""When each word sounds: complete, ascending, inside the audio, whatever the engine told.

Engines tell little or much: flite the end of every sound, espeak the start of most words (it says
"of the" as one), Piper nothing at all. What is missing is spread by the words' lengths.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """One word's time, in samples of whatever rate and origin the context says."""

    word: int
    start: int
    end: int


def estimate(words: Sequence[str], start: int, end: int, *, first: int = 0) -> list[Span]:
    """Spread words over a stretch by their letters (two more for each word's edges); empty words get no time."""
    weights = [len(word) + 2 if word else 0 for word in words]
    total = sum(weights) or 1
    spans: list[Span] = []
    done = 0
    for index, weight in enumerate(weights):
        begin = start + (end - start) * done // total
        done += weight
        spans.append(Span(first + index, begin, start + (end - start) * done // total))
    return spans


def complete(told: Iterable[Span], words: Sequence[str], end: int) -> list[Span]:
    """One span per word, ascending and not overlapping, within [0, end].

    `told` holds what an engine said, in samples of its own, words indexed from 0; several spans of
    one word (a number read as many words) are joined. A word that was not told shares the time of
    the word before it, or of the word after it at the beginning.
    """
    joined: dict[int, Span] = {}
    for span in told:
        if 0 <= span.word < len(words) and span.end > span.start:
            known = joined.get(span.word, span)
            joined[span.word] = Span(span.word, min(known.start, span.start), max(known.end, span.end))
    if not joined:
        return estimate(words, 0, end)
    anchors = sorted(joined)
    spans: list[Span] = []
    for place, word in enumerate(anchors):
        first = 0 if place == 0 else word
        after = anchors[place + 1] if place + 1 < len(anchors) else len(words)
        spans += estimate(words[first:after], joined[word].start, joined[word].end, first=first)
    return _ascending(spans, end)


def _ascending(spans: list[Span], end: int) -> list[Span]:
    ordered: list[Span] = []
    before = 0
    for span in spans:
        start = min(max(span.start, before), end)
        stop = min(max(span.end, start), end)
        ordered.append(Span(span.word, start, stop))
        before = stop
    return ordered
