"""Hearing: one utterance in, partials and one final out.

    Listen (with the audio so far), Audio ... Pause ... Audio ... EndOfUtterance
    Partial ... Hypothesis (the answer to a Pause) ... Final, End

Positions are samples from the start of the utterance at the leg's own rate.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from holdfast_common.contracts.wire import LogOdds, Message, Probability, Rate, ShortText, Text


class Expectation(StrEnum):
    """The kind of answer that the last sentence asked for. It favours; it does not forbid."""

    OPEN = "open"
    YES_NO = "yes_no"
    DATE_TIME = "date_time"
    NUMBER = "number"
    NAME = "name"
    EMAIL = "email"
    CODE_WORDS = "code_words"


class Channel(StrEnum):
    """Where the audio came from: the recogniser's acoustic normalisation depends on it."""

    PHONE = "phone"
    WEB = "web"


class Listen(Message, frozen=True, tag="listen", tag_field="t"):
    """First input: what is known about the utterance, and its first audio."""

    rate_hz: Rate
    channel: Channel = Channel.PHONE
    language: ShortText = "en"
    expectation: Expectation = Expectation.OPEN
    hints: Annotated[list[ShortText], msgspec.Meta(max_length=100)] = []
    """Words to favour: the caller's own name, weekdays while booking."""
    asked: ShortText = ""
    """The agent's last sentence, or its end: what is said is an answer to it."""
    audio: Annotated[bytes, msgspec.Meta(max_length=96_000)] = b""
    """Pre-roll and what has come since: mono signed 16-bit little-endian at `rate_hz`, at most 1 s."""


class Pause(Message, frozen=True, tag="pause", tag_field="t"):
    """The caller has fallen silent, perhaps for good: decode now, answer with a Hypothesis."""

    position: int
    """Sample at which the voice stopped."""


class EndOfUtterance(Message, frozen=True, tag="end", tag_field="t"):
    """Nothing more will come: answer with the Final within 1.5 s + 0.3 x audio."""

    position: int
    """Sample at which the voice stopped (the audio may go on a little beyond)."""


class Word(Message, frozen=True):
    """One recognised word; times in ms from the start of the utterance."""

    text: ShortText
    start_ms: int
    end_ms: int
    confidence: Probability = 1.0


class Partial(Message, frozen=True, tag="partial", tag_field="t"):
    """The words so far; may change. Dropped first when there is too much to do."""

    text: Text
    stable_words: int = 0
    """How many leading words two successive hypotheses agree on: safe to show."""


class Hypothesis(Message, frozen=True, tag="hypothesis", tag_field="t"):
    """The answer to a Pause: what the final would be if nothing more came."""

    position: int
    """The Pause's position."""
    text: Text
    confidence: Probability
    finality: LogOdds | None = None
    """That nothing is to come, as the words sound; None: the recogniser has no opinion."""


class Final(Message, frozen=True, tag="final", tag_field="t"):
    """What was said. Empty text: no words in it (noise, a cough)."""

    text: Text
    confidence: Probability
    """Calibrated so that under 0.5 the words are better not acted on."""
    words: Annotated[list[Word], msgspec.Meta(max_length=400)] = []
    language: ShortText = "en"
    engine: ShortText = ""
    """Which decode won, for people: `pocketsphinx/domain`, `pocketsphinx/generic`, `scripted`."""


AsrInput = Pause | EndOfUtterance
AsrResult = Partial | Hypothesis | Final
