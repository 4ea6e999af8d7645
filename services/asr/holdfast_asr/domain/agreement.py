"""Which words of a hypothesis are safe to show.

LocalAgreement: the leading words that two successive hypotheses share are taken as settled (Liu et
al., "Low-latency sequence-to-sequence speech recognition and translation by partial hypothesis
selection", 2020; used for Whisper by Machacek et al., 2023).
"""

from __future__ import annotations

from collections.abc import Sequence


def stable_words(previous: Sequence[str], current: Sequence[str]) -> int:
    """How many leading words both hypotheses have. The last word of `current` may still grow: it counts
    only where `previous` went beyond it or ended with it."""
    agreed = 0
    for before, now in zip(previous, current, strict=False):
        if before != now:
            break
        agreed += 1
    return agreed
