"""The policy of `holdfast up --scripted`: no greeting, and one fixed sentence of twelve words to whatever is said.

For measuring everything around the dialogue: the same work each turn, no tools.
"""

from __future__ import annotations

from holdfast_common.contracts.dialogue import Notes, Sentence, Turn, TurnKind
from holdfast_common.profile import Profile

from holdfast_dialogue.domain.state import State
from holdfast_dialogue.domain.steps import Outcome, Reply

SENTENCE = "This is the one sentence that the scripted dialogue says each time."
assert len(SENTENCE.split()) == 12


def scripted(profile: Profile, state: State, turn: Turn, call: str) -> Reply:
    """Say the sentence to what a caller says or types; nothing else is answered."""
    if turn.kind in (TurnKind.SPOKEN, TurnKind.TYPED, TurnKind.DTMF):
        yield Sentence(index=0, text=SENTENCE, notes=Notes(route="scripted"))
    return Outcome(state=state, route="scripted")
