"""How long to wait after the caller's last sound, by what was asked and what was said so far.

Quick after a finished yes or no, patient while somebody spells an address, reads a number or
trails off or stops in mid-sentence (`finality`). Words come from the recogniser's hypothesis at the
pause: lower case, English.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from holdfast_common.contracts.asr import Expectation

from holdfast_gateway.domain.finality import TRAILING, is_stranded
from holdfast_gateway.domain.finality import finality as by_table
from holdfast_gateway.domain.floor import Words


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_YES_NO = _words("""yes no yeah yep yup nope sure correct right exactly absolutely please thanks thank you okay ok fine
    wrong not it is that's that of course i am do don't sounds good great perfect""")
_DECIDES = _words("yes no yeah yep yup nope sure correct right exactly absolutely okay ok fine wrong perfect")
_COURTESY = _words("""hello hi hey there good morning afternoon evening bye goodbye thanks thank you very so much please
    yes no yeah okay ok sure alright great perfect that's all is that it for now""")
"""Nothing but these, from two words on, is whole: "hello there", "no thank you very much"."""
_COURTESY_GOES_ON = _words("is that for so good very yes no that's")
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
_WHOLE_NUMBER = 10
"""Digits of a telephone number with its area; nobody waits for more."""
_CODE = 4
"""Fewer digits than this are not even a short code."""
_ADDRESS_OPEN_MS = 1_500
_ADDRESS_DONE_MS = 600
_PATIENCE = ((0.0, 1.0), (0.9, 0.7), (1.3, 0.16), (2.0, 0.0))
"""(finality, share of the way from the usual endpoint to the patient one), straight between them. Chosen for the
fewest cuts at the least mean wait over 567 questions of callers, 43 % of them paused at a random word for 400 to
1,200 ms; of four such shapes the one that did best on both halves of the turn-taking set (bench/turns/waits.py)."""
_SURE, _MS_PER_NAT = 2.5, 250
"""Where the recogniser says how final the words sound: from these log-odds on as after what is surely finished, and so
much longer for each unit below. As pauses within an utterance become rarer with their length, so do those that are left
for a given doubt: a straight line, chosen on the tuned half of the turn-taking set."""
_LONE_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Endpointing:
    """Endpoints of a call, in ms of silence."""

    endpoint_ms: int
    """After what is surely finished."""
    by_expectation: dict[str, int]
    is_fixed: bool = False
    """Always `endpoint_ms`, whatever is said (for measuring)."""
    middle_ms: int = 880
    """After a number or question that may be finished or not, and while nothing is recognised."""
    patient_ms: int = 1_300
    """After what is surely unfinished; other sentences wait between the two, by how final they sound."""

    def expected(self, expectation: Expectation) -> int:
        """The endpoint before anything was recognised."""
        if self.is_fixed:
            return self.endpoint_ms
        return self.by_expectation.get(expectation, self.endpoint_ms)

    def unheard(self, expectation: Expectation) -> int:
        """The endpoint while the recogniser still owes its answer to this pause, or had no words for it."""
        return self.endpoint_ms if self.is_fixed else max(self.expected(expectation), self.middle_ms)

    def after(self, text: str, expectation: Expectation, finality: float | None = None) -> int:
        """The endpoint once the recogniser has said what it has.

        `finality`: how final the last utterance of it sounds to the recogniser, as log-odds; None: it has no opinion,
        and the table of words decides.
        """
        usual = self.expected(expectation)
        words = _WORD.findall(text.lower())
        if self.is_fixed or not words:
            return self.unheard(expectation)
        last = words[-1]
        if expectation is Expectation.EMAIL:
            if "at" in words and "dot" in words and last in _ADDRESS_ENDS:
                return min(usual, _ADDRESS_DONE_MS)
            return max(usual, _ADDRESS_OPEN_MS)
        if last in _HESITATES:
            return max(usual, self.patient_ms)
        if expectation is Expectation.YES_NO and words[0] in _DECIDES and all(word in _YES_NO for word in words):
            return min(usual, _FINISHED_YES_NO_MS)
        if last in _DIGITS:
            return max(usual, self._dictated(words, expectation))
        if len(words) > 1 and all(word in _COURTESY for word in words) and last not in _COURTESY_GOES_ON:
            return usual
        if finality is not None and expectation in _SENTENCES:
            return max(usual, min(self.patient_ms, usual + round(_MS_PER_NAT * max(0.0, _SURE - finality))))
        if last in TRAILING:
            return max(usual, self.middle_ms if is_stranded(words) else self.patient_ms)
        return self._by_table(words, usual) if expectation in _SENTENCES else usual

    def _dictated(self, words: list[str], expectation: Expectation) -> int:
        """A number being read out is not over at its first pause; one digit in a sentence is no dictation."""
        run = 0
        while run < len(words) and words[-1 - run] in _DIGITS:
            run += 1
        if run >= _WHOLE_NUMBER:
            return 0
        if run >= _CODE or (run < _LONE_DIGITS and (run < len(words) or expectation is Expectation.NUMBER)):
            return self.middle_ms
        return self.patient_ms

    def _by_table(self, words: list[str], usual: int) -> int:
        """The less final the words sound, the longer."""
        share = _between(_PATIENCE, by_table(words))
        return usual + round(share * max(0, self.patient_ms - usual))


def _between(points: tuple[tuple[float, float], ...], at: float) -> float:
    """The value of a line through points, in order, level beyond its ends."""
    if at <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in pairwise(points):
        if at <= x1:
            return y0 + (y1 - y0) * (at - x0) / (x1 - x0)
    return points[-1][1]


def weigh(text: str, expectation: Expectation) -> Words:
    """Whether words said over the agent's voice are more than a sign of listening."""
    words = _WORD.findall(text.lower())
    if not words:
        return Words.NONE
    if expectation is Expectation.YES_NO:
        return Words.SOME
    return Words.BACK_CHANNEL if all(word in _BACK_CHANNEL for word in words) else Words.SOME
