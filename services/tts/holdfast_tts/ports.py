"""What this service wants of a speech engine, in its own words.

An engine is blocking and may be a C library with global state, so all of its methods are called on
one thread of its own (`voice_thread`), one run of words at a time. It pushes pieces as they are
made; Piper's generator fits by pushing each thing that it yields.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from holdfast_common.pcm import Samples

from holdfast_tts.domain.timings import Span


@dataclass(frozen=True, slots=True)
class Run:
    """Words to say in one go: a sentence, or a clause of a long one."""

    words: tuple[str, ...]
    """Non-empty words without white space, any script."""
    voice: str
    """As `resolve` gave it."""
    speed: float = 1.0
    """2.0 is twice as fast."""


class Piece(NamedTuple):
    """Some of a run's audio, in order."""

    samples: Samples
    """Mono, at the voice's own rate. May be a view of the engine's memory: valid during the call only."""
    words: tuple[Span, ...] | None = None
    """All that the engine knows of the run's word times, in samples from the run's beginning, indices
    into `Run.words`. Given with the first piece or never; words may be missing (see domain/timings)."""


Emit = Callable[[Piece], bool]
"""Takes one piece; False: nobody wants more, stop now."""


class Synthesiser(Protocol):
    @property
    def name(self) -> str:
        """As in HOLDFAST_TTS_ENGINES."""
        ...

    @property
    def version(self) -> str:
        """Changes when the sound may change."""
        ...

    def resolve(self, voice: str, language: str) -> str:
        """The voice to use for a wish: the wish if this engine has it, else its default for the language."""
        ...

    def rate_hz(self, voice: str) -> int:
        """The voice's own sample rate."""
        ...

    def speak(self, run: Run, emit: Emit) -> None:
        """Say it, piece by piece. Raises EngineUnavailable when the engine is broken."""
        ...
