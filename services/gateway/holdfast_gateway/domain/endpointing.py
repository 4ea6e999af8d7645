"""How long to wait after the caller's last sound, by what was asked and what was said so far.

Quick after a finished yes or no, patient while somebody spells an address, reads a number or
trails off. Words come from the recogniser's hypothesis at the pause: lower case, English.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from holdfast_common.contracts.asr import Expectation

from holdfast_gateway.domain.floor import Words


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_YES_NO = _words("""yes no yeah yep yup nope sure correct right exactly absolutely please thanks thank you okay ok fine
    wrong not it is that's that of course i am do don't sounds good great perfect""")
_DECIDES = _words("yes no yeah yep yup nope sure correct right exactly absolutely okay ok fine wrong perfect")
_BACK_CHANNEL = _words("""mm mhm mm-hm mmhm hm hmm uh uh-huh huh ah oh yeah yep yes okay ok right sure i see good
    alright""")
_TRAILING = _words("""and or but so because um uh er erm hmm the a an to of for with at dot my our is are in on by from
    like well it's i'm we're that if when then also about""")
_ADDRESS_ENDS = _words("com org net io co uk de example edu gov ai app dev eu fr")
_WORD = re.compile(r"[a-z0-9'-]+")

_FINISHED_YES_NO_MS = 260
_TRAILING_MS = 1_300
_ADDRESS_OPEN_MS = 1_500
_ADDRESS_DONE_MS = 600


@dataclass(frozen=True, slots=True)
class Endpointing:
    """Endpoints of a call, in ms of silence."""

    endpoint_ms: int
    by_expectation: dict[str, int]
    is_fixed: bool = False
    """Always `endpoint_ms`, whatever is said (for measuring)."""

    def expected(self, expectation: Expectation) -> int:
        """The endpoint before anything was recognised."""
        if self.is_fixed:
            return self.endpoint_ms
        return self.by_expectation.get(expectation, self.endpoint_ms)

    def after(self, text: str, expectation: Expectation) -> int:
        """The endpoint once the recogniser has said what it has."""
        usual = self.expected(expectation)
        words = _WORD.findall(text.lower())
        if self.is_fixed or not words:
            return usual
        last = words[-1]
        if expectation is Expectation.EMAIL:
            if "at" in words and "dot" in words and last in _ADDRESS_ENDS:
                return min(usual, _ADDRESS_DONE_MS)
            return max(usual, _ADDRESS_OPEN_MS)
        if last in _TRAILING:
            return max(usual, _TRAILING_MS)
        if expectation is Expectation.YES_NO and words[0] in _DECIDES and all(word in _YES_NO for word in words):
            return min(usual, _FINISHED_YES_NO_MS)
        return usual


def weigh(text: str, expectation: Expectation) -> Words:
    """Whether words said over the agent's voice are more than a sign of listening."""
    words = _WORD.findall(text.lower())
    if not words:
        return Words.NONE
    if expectation is Expectation.YES_NO:
        return Words.SOME
    return Words.BACK_CHANNEL if all(word in _BACK_CHANNEL for word in words) else Words.SOME
