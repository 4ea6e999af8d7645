"""How long to wait after the caller's last sound, by what was asked and what was said so far.

Quick after a finished yes or no, patient while somebody spells an address, reads a number or
trails off or stops in mid-sentence (`finality`). Words come from the recogniser's hypothesis at the
pause: lower case, English.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from holdfast_common.contracts.asr import Expectation

from holdfast_gateway.domain.finality import TRAILING, finality
from holdfast_gateway.domain.floor import Words


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_YES_NO = _words("""yes no yeah yep yup nope sure correct right exactly absolutely please thanks thank you okay ok fine
    wrong not it is that's that of course i am do don't sounds good great perfect""")
_DECIDES = _words("yes no yeah yep yup nope sure correct right exactly absolutely okay ok fine wrong perfect")
_BACK_CHANNEL = _words("""mm mhm mm-hm mmhm hm hmm uh uh-huh huh ah oh yeah yep yes okay ok right sure i see good
    alright""")
_HESITATES = _words("um uh er erm hmm like well so and or but because")
_DIGITS = _words("""zero oh one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred double triple""")
_ADDRESS_ENDS = _words("com org net io co uk de example edu gov ai app dev eu fr test info biz")
_WORD = re.compile(r"[a-z0-9'-]+")
_SENTENCES = frozenset({Expectation.OPEN, Expectation.YES_NO})
"""Expectations answered in sentences; a name or a time is a fragment anyway."""

_FINISHED_YES_NO_MS = 260
_TRAILING_MS = 1_300
_DICTATED_MS = 1_000
_WHOLE_NUMBER = 10
"""Digits of a telephone number with its area; nobody waits for more."""
_ADDRESS_OPEN_MS = 1_500
_ADDRESS_DONE_MS = 600
_SURE, _UNSURE = 0.0, -1.8
"""Finality from which a sentence is taken as finished, and under which as unfinished; between them, in between."""
_FINISHED, _UNFINISHED = 1.0, 2.5
"""... in parts of the usual endpoint."""
_LONE_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Endpointing:
    """Endpoints of a call, in ms of silence."""

    endpoint_ms: int
    by_expectation: dict[str, int]
    is_fixed: bool = False
    """Always `endpoint_ms`, whatever is said (for measuring)."""
    answer_grace_ms: int = 200
    """A pause waits this much longer for the recogniser's answer: without it nothing tells a pause from an end."""

    def expected(self, expectation: Expectation) -> int:
        """The endpoint before anything was recognised."""
        if self.is_fixed:
            return self.endpoint_ms
        return self.by_expectation.get(expectation, self.endpoint_ms)

    def unheard(self, expectation: Expectation) -> int:
        """The endpoint while the recogniser still owes its answer to this pause."""
        return self.endpoint_ms if self.is_fixed else self.expected(expectation) + self.answer_grace_ms

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
        if last in _HESITATES:
            return max(usual, _TRAILING_MS)
        if expectation is Expectation.YES_NO and words[0] in _DECIDES and all(word in _YES_NO for word in words):
            return min(usual, _FINISHED_YES_NO_MS)
        if last in _DIGITS:
            return max(usual, self._dictated(words, expectation))
        if last in TRAILING:
            return max(usual, _TRAILING_MS)
        return self._by_meaning(words, usual) if expectation in _SENTENCES else usual

    def _dictated(self, words: list[str], expectation: Expectation) -> int:
        """A number being read out is not over at its first pause; one digit in a sentence is no dictation."""
        run = 0
        while run < len(words) and words[-1 - run] in _DIGITS:
            run += 1
        is_dictated = expectation is Expectation.NUMBER or run >= _LONE_DIGITS or run == len(words)
        return _DICTATED_MS if is_dictated and run < _WHOLE_NUMBER else 0

    def _by_meaning(self, words: list[str], usual: int) -> int:
        share = (finality(words) - _UNSURE) / (_SURE - _UNSURE)
        parts = _UNFINISHED + min(1.0, max(0.0, share)) * (_FINISHED - _UNFINISHED)
        return round(usual * parts)


def weigh(text: str, expectation: Expectation) -> Words:
    """Whether words said over the agent's voice are more than a sign of listening."""
    words = _WORD.findall(text.lower())
    if not words:
        return Words.NONE
    if expectation is Expectation.YES_NO:
        return Words.SOME
    return Words.BACK_CHANNEL if all(word in _BACK_CHANNEL for word in words) else Words.SOME
