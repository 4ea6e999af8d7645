"""Which engine speaks: the first of the chain that works on this machine, and why the others do not.

An engine that breaks while it speaks is left for the next one at once; nobody returns to it before
the process is started anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import structlog
from holdfast_common.errors import EngineUnavailable
from holdfast_common.health import Finding, State

from holdfast_tts.ports import Synthesiser

log = structlog.get_logger()

Factory = Callable[[], Synthesiser]
"""Loads an engine; raises EngineUnavailable with a reason that tells a person what to do."""


class Chain:
    """The engines in order of preference. Loads on the voice thread; told about anywhere."""

    def __init__(self, names: Sequence[str], factories: Mapping[str, Factory]) -> None:
        self._names = tuple(names)
        self._factories = factories
        self._engine: Synthesiser | None = None
        self._left: dict[str, str] = {}
        """Why each link that was passed over is not in use."""

    @property
    def current(self) -> Synthesiser | None:
        """The engine in use, where one is loaded; never loads one, so it may be asked on any thread."""
        return self._engine

    def engine(self) -> Synthesiser:
        """The engine in use, loaded if need be; raises EngineUnavailable when the chain is at its end."""
        while self._engine is None:
            name = next((n for n in self._names if n not in self._left), None)
            if name is None:
                raise EngineUnavailable("no speech engine works here: " + self.reasons())
            try:
                self._engine = self._factories[name]()
            except EngineUnavailable as error:
                self._left[name] = str(error)
                log.warning("tts_engine_skipped", engine=name, reason=str(error))
        return self._engine

    def leave(self, engine: Synthesiser, reason: str) -> None:
        """This engine is broken: the next one is used from now on."""
        self._left[engine.name] = reason
        if self._engine is engine:
            self._engine = None
        log.error("tts_engine_left", engine=engine.name, reason=reason)

    def reasons(self) -> str:
        return "; ".join(
            reason if reason.startswith(name) else f"{name}: {reason}" for name, reason in self._left.items()
        )

    def info(self) -> dict[str, str]:
        """For beats: what is in use and why nothing better is."""
        if self._engine is None:
            return {"engine": "none", "why": self.reasons() or "loading"}
        told = {"engine": self._engine.name, "version": self._engine.version}
        return {**told, "voice": self._engine.resolve("", "en"), "why": self.reasons() or "first of its chain"}

    def check(self) -> Finding:
        """For health."""
        if self._engine is None:
            return Finding(State.DOWN, self.reasons() or "loading")
        detail = f"{self._engine.name} ({self._engine.version})"
        return Finding(State.DEGRADED, f"{detail}; {self.reasons()}") if self._left else Finding(State.OK, detail)
