"""What the asr service needs from a recogniser, in its own words.

    utterance = recogniser.begin(request, listener)
    utterance.feed(pcm) ...                       # as it comes, never blocks
    await utterance.hear(position)                # at a pause: what it would be if nothing more came
    await utterance.hear(position, last=True)     # at the end
    utterance.close()                             # always; cancels what runs
    await finality.of(hearing, asked)             # beside it: whether the words sound like all of it

Suits decoders that follow the audio (pocketsphinx) and those that want the utterance whole and
batch it with other callers' (Whisper): the one decodes at `feed`, the other at `hear`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from holdfast_common.contracts.asr import Channel, Expectation


@dataclass(frozen=True, slots=True)
class Request:
    """What is known of an utterance before it is heard."""

    rate_hz: int
    """8,000 or 16,000."""
    channel: Channel = Channel.PHONE
    language: str = "en"
    expectation: Expectation = Expectation.OPEN
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeardWord:
    """Times in ms from the start of the utterance."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Hearing:
    """One decode's result. Empty text: no words in it."""

    text: str = ""
    confidence: float = 0.0
    """Calibrated: under 0.5 the words are better not acted on."""
    words: tuple[HeardWord, ...] = field(default=())
    engine: str = ""
    language: str = "en"
    others: tuple[str, ...] = ()
    """What other decodes of the same sound made of it, where there were any."""


class Listener(Protocol):
    """Is told how an utterance goes on; both return at once."""

    def guessed(self, text: str) -> None:
        """The words so far; may change."""
        ...

    def decoded(self, samples: int) -> None:
        """How far the decoder is, in samples at the request's rate."""
        ...


class Utterance(Protocol):
    """One utterance in the making. Belongs to one event loop."""

    def feed(self, pcm: bytes) -> None:
        """More audio: mono s16le at the request's rate, any length. Never blocks."""
        ...

    async def hear(self, position: int, *, last: bool = False) -> Hearing:
        """What was said up to now; the voice stopped at sample `position`. Raises EngineUnavailable."""
        ...

    def close(self) -> None:
        """No more use for it. Idempotent."""
        ...


class Recogniser(Protocol):
    """An engine with its model loaded."""

    def begin(self, request: Request, listener: Listener) -> Utterance: ...

    def capacity(self) -> int:
        """Utterances that it takes at once; 0 until it has decoded something real."""
        ...

    def info(self) -> dict[str, str]:
        """For people: what is in use and why. Goes out with each beat."""
        ...


class Finality(Protocol):
    """Tells whether words sound like the whole of what somebody wanted to say."""

    async def of(self, hearing: Hearing, asked: str) -> float | None:
        """Log-odds that nothing is to come of an answer to what was `asked` last; None where it cannot tell in time.

        Raises nothing.
        """
        ...


class NoFinality:
    """Has no opinion."""

    async def of(self, hearing: Hearing, asked: str) -> float | None:
        return None
