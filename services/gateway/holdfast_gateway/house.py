"""What all calls of the process share: its opener, its clips, and the rule by which calls are led."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from holdfast_common.stream.api import Opener

from holdfast_gateway.clips import Clips
from holdfast_gateway.domain.duties import DutyRule
from holdfast_gateway.domain.endpointing import Endpointing
from holdfast_gateway.domain.floor import FloorRule
from holdfast_gateway.facts import Facts
from holdfast_gateway.speaking import VoiceOut
from holdfast_gateway.voice import VadBatch


@dataclass(frozen=True, slots=True)
class CallRule:
    """How calls are led, in this process."""

    endpointing: Endpointing
    floor: FloorRule = field(default_factory=FloorRule)
    duties: DutyRule = field(default_factory=DutyRule)
    voice: VoiceOut = field(default_factory=VoiceOut)
    guesses: bool = True
    """Think ahead in a young pause, on what the caller has probably said."""
    max_silences: int = 3
    closing_s: float = 2.5
    """The last turn of a call may take this long to be committed."""


@dataclass(frozen=True, slots=True)
class House:
    opener: Opener
    facts: Facts
    clips: Clips
    batches: Callable[[int], VadBatch]
    """The voice detector for a rate."""
    rule: CallRule
