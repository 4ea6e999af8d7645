"""Whether words sound like the whole of what somebody wanted to say: a language model's opinion and their number.

A logistic model, fitted on questions of callers and the sentences of recordings, each whole against all its beginnings
(`bench/turns/finality.py`). It knows no voice: who stops after words that could stand alone looks finished.
"""

from __future__ import annotations

from math import log

BIAS = 2.2
PER_NAT = 1.75
PER_LENGTH = 0.75
"""For each e-fold of words: a beginning is shorter than a whole."""
LEAST_WORDS, MOST_WORDS = 2, 16
"""Lengths between which the number of words tells something: one word may be a whole answer."""


def finality(end_log_prob: float, words: int) -> float:
    """Log-odds that nothing is to come. `end_log_prob`: the model's, natural, that the line ends behind these words."""
    return BIAS + PER_NAT * end_log_prob + PER_LENGTH * log(min(max(words, LEAST_WORDS), MOST_WORDS))
