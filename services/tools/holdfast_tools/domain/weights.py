"""The numbers that a search is run with: how much each view counts, and from where on to answer.

They are fitted on the profile's own text (`fitting`); the constants here are those of the shipped profile, good
enough for another company's until its own are there, or where it has too little text to fit any.
"""

from __future__ import annotations

import msgspec


class Weights(msgspec.Struct, frozen=True):
    """Of one kind of search over one knowledge."""

    fusion: tuple[float, ...]
    """Of the views of an article, in their order: a conditional logit of the right one among all."""
    evidence: tuple[float, ...]
    """In the order of `Evidence.vector`: a logistic model of being covered at all."""
    bias: float
    refuse_below: float
    """Under this probability of being covered the honest answer is that it is not known."""
    answer_at: float
    """From this probability on the best article may be read out; between the two, ask back."""
    even_odds: float = 0.5
    """Least probability of the best article among all: under it, ask which one is meant."""


BY_WORDS = Weights(
    fusion=(0.69, 2.47, 3.31), evidence=(3.27, 1.06, 1.07, 0.13, -2.74), bias=-1.37, refuse_below=0.36, answer_at=0.55
)
BY_MEANING = Weights(
    fusion=(0.44, 7.57, 0.93), evidence=(0.39, 4.18, 1.10, 0.17, -2.22), bias=-1.24, refuse_below=0.39, answer_at=0.71
)
