"""What this service wants of a speech engine, in its own words.

An engine is blocking and may be a C library with global state, so it is asked on threads of its own
(`voice_thread`), one run of words at a time and thread. It pushes pieces as they are made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from holdfast_common.errors import EngineUnavailable
from holdfast_common.pcm import Samples
from holdfast_common.resilience import Outside

from holdfast_tts.domain.timings import Span
from holdfast_tts.domain.voice_files import Progress


@dataclass(frozen=True, slots=True)
class Run:
    """Words to say in one go: a sentence, or a clause of a long one."""

    words: tuple[str, ...]
    """Non-empty words without white space, any script."""
    voice: str
    """As `resolve` gave it."""
    speed: float = 1.0
    """2.0 is twice as fast."""


class EngineAway(EngineUnavailable):
    """Cannot say this one now, and may say the next: the sentence goes to the next engine, the chain stays."""


class Piece(NamedTuple):
    """Some of a run's audio, in order. One without samples asks whether the rest is still wanted."""

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

    @property
    def whole_runs(self) -> bool:
        """It makes all of a run before the first piece, and slowly: its first runs are kept short."""
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


@runtime_checkable
class Remote(Protocol):
    """A `Synthesiser` that a service outside stands behind."""

    outside: Outside

    async def close(self) -> None:
        """Let its connections go."""
        ...


class VoiceSource(Protocol):
    """Where the files of a voice that is not on this machine come from."""

    async def fetch(self, voice: str, folder: Path, tell: Callable[[Progress], None]) -> None:
        """Put the voice's files into the folder, whole or not at all. Raises EngineUnavailable."""
        ...
