"""The simulated caller: which line comes next, given what the agent has just said. Pure."""

from __future__ import annotations

from holdfast_common.contracts.dialogue import Heard, Sentence

from holdfast_cli.eval.scenario_file import Line, When

WORDS_PER_S = 2.6
"""How fast the agent is taken to speak, for talking over it."""


class Caller:
    """Gives the lines of a scenario out; remembers which are used up."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = list(lines)

    def next_line(self, reply: list[Sentence]) -> Line | None:
        """A waiting line whose condition holds, else the next plain one; None: the caller has nothing left to do."""
        line = self.coming(reply)
        if line is not None and not line.repeat:
            self._lines.remove(line)
        return line

    def coming(self, reply: list[Sentence]) -> Line | None:
        """What `next_line` would give."""
        waiting = next((line for line in self._lines if line.when and _holds(line.when, reply)), None)
        return waiting or next((line for line in self._lines if line.when is None), None)

    def unsaid(self) -> Line | None:
        """The next line that waits for nothing, where it is words: what a caller still has on their mind."""
        plain = next((line for line in self._lines if line.when is None), None)
        return plain if plain is not None and plain.say and not plain.hang_up else None

    def take(self, line: Line) -> Line:
        """Use a line up."""
        self._lines.remove(line)
        return line


def slots_asked(reply: list[Sentence]) -> set[str]:
    """What a reply asks for. The read-back of a booking asks to confirm its address too."""
    asked = {sentence.asks for sentence in reply if sentence.asks}
    proposals = [sentence.notes.proposal for sentence in reply if sentence.notes.proposal]
    if "confirm_booking" in asked and any(proposal.action == "book" for proposal in proposals):
        asked.add("confirm_email")
    return asked


def heard_after(reply: list[Sentence], turn: int, ms: int) -> Heard | None:
    """What a caller heard who began to talk `ms` after the agent did; None: all of it."""
    words = int(ms / 1000 * WORDS_PER_S)
    for index, sentence in enumerate(reply):
        length = len(sentence.text.split())
        if words < length:
            return Heard(turn=turn, sentences=index, words_of_next=words, interrupted=True)
        words -= length
    return None


def _holds(when: When, reply: list[Sentence]) -> bool:
    said = " ".join(sentence.text for sentence in reply).lower()
    return (
        (not when.agent_asks or bool(slots_asked(reply) & set(when.agent_asks)))
        and (not when.agent_offers_times or any(sentence.notes.openings for sentence in reply))
        and (not when.agent_says_any or any(part.lower() in said for part in when.agent_says_any))
        and bool(when.agent_asks or when.agent_offers_times or when.agent_says_any)
    )
