"""Speaking: one sentence in, audio with word timings out.

    Speak
    Timing, Audio ..., Spoken, End

Audio positions are samples from the beginning of the sentence at the asked rate, also when the
stream starts at a later word.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from holdfast_common.contracts.wire import Message, Rate, ShortText, Text


class Speak(Message, frozen=True, tag="speak", tag_field="t"):
    """First and only input."""

    text: Text
    """Speech-shaped: numbers and symbols already as words."""
    rate_hz: Rate
    voice: ShortText = ""
    """A voice name of the profile; empty: the profile's default."""
    language: ShortText = "en"
    speed: Annotated[float, msgspec.Meta(ge=0.5, le=2.0)] = 1.0
    from_word: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    """Index of the first word (text split at white space) whose audio is wanted."""


class WordTiming(Message, frozen=True):
    """When one word sounds, in samples of the asked rate from the sentence's beginning."""

    word: int
    """Index into the text split at white space."""
    start: int
    end: int


class Timing(Message, frozen=True, tag="timing", tag_field="t"):
    """Sent before the audio it describes; several may come, words ascending."""

    words: Annotated[list[WordTiming], msgspec.Meta(max_length=1000)]
    estimated: bool = False
    """The engine gave no timings; spread by the words' lengths."""


class Spoken(Message, frozen=True, tag="spoken", tag_field="t"):
    """The sentence is complete."""

    samples: int
    """Its whole length."""
    engine: ShortText = ""
    cached: bool = False


TtsResult = Timing | Spoken
