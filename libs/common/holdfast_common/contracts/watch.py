"""What a console, the demo's caller or a test may see of a running call, as it happens.

Published by the gateway on `hf.watch.<call>` (control lane, core NATS: nobody listening, nothing
kept). Carries the caller's words, so the bus permits it to consoles only.
"""

from __future__ import annotations

from enum import StrEnum

from holdfast_common.contracts.asr import Expectation
from holdfast_common.contracts.dialogue import Heard, Notes
from holdfast_common.contracts.tools import Instant
from holdfast_common.contracts.wire import Id, Message, ShortText, Text


class WatchEvent(StrEnum):
    ATTACHED = "attached"
    PARTIAL = "partial"
    FINAL = "final"
    """The words of a whole caller turn, as they went to the dialogue."""
    SENTENCE = "sentence"
    """A sentence of the reply begins to play."""
    TURN = "turn"
    """A turn is committed: its route and the stages of its latency."""
    INTERRUPTED = "interrupted"
    ENDED = "ended"


class Watch(Message, frozen=True):
    call: Id
    event: WatchEvent
    at: Instant
    turn: int = -1
    sentence: int = -1
    text: Text = ""
    confidence: float = 1.0
    expectation: Expectation = Expectation.OPEN
    asks: ShortText = ""
    notes: Notes = Notes()
    route: ShortText = ""
    article: ShortText = ""
    answered: bool = False
    engine: ShortText = ""
    heard: Heard | None = None
    stages_ms: dict[str, float] = {}
    """endpointing, asr, dialogue, tts, playout, v2v (last voiced sample in to first audible one out)."""
    reason: ShortText = ""
