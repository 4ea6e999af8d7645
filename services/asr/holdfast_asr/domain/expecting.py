"""Which language model and which grammar to listen with, by what was asked."""

from __future__ import annotations

from holdfast_common.contracts.asr import Expectation

GENERAL = "domain"
"""The model of all that callers say."""
_MODELS = {Expectation.EMAIL: "details", Expectation.NAME: "details"}
_GRAMMARS = {Expectation.YES_NO, Expectation.NUMBER, Expectation.DATE_TIME, Expectation.CODE_WORDS}


def language_model(expectation: Expectation) -> str:
    return _MODELS.get(expectation, GENERAL)


def grammar(expectation: Expectation) -> str | None:
    """None: free speech only."""
    return expectation.value if expectation in _GRAMMARS else None
