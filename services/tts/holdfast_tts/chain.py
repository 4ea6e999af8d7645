"""Which engine speaks: the first of the chain that works on this machine, and why the others do not.

An engine that breaks while it speaks is left for good. One that is away (its voice is being
downloaded, its processes are being started) is passed over until it arrives. A sentence that has
begun stays with its engine, so nothing is dropped when another one takes over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence

import structlog
from holdfast_common.errors import EngineUnavailable
from holdfast_common.health import Finding, State

from holdfast_tts.ports import Synthesiser

log = structlog.get_logger()

Factory = Callable[[], Synthesiser]
"""Loads an engine; raises EngineUnavailable with a reason that tells a person what to do."""


class Chain:
    """The engines in order of preference. Loads on a voice thread; told about anywhere."""

    def __init__(self, names: Sequence[str], factories: Mapping[str, Factory]) -> None:
        self._names = tuple(names)
        self._factories = factories
        self._loading = threading.Lock()
        self._loaded: dict[str, Synthesiser] = {}
        self._unset: dict[str, str] = {}
        """Links that nobody asked for here, and why: no fault."""
        self._away: dict[str, str] = {}
        """Links that may come, and what they wait for."""
        self._left: dict[str, str] = {}
        """Links that do not work, and why."""

    @property
    def current(self) -> Synthesiser | None:
        """The engine in use, where one is loaded; never loads one, so it may be asked on any thread."""
        name = self._first()
        return self._loaded.get(name) if name else None

    @property
    def loaded(self) -> tuple[Synthesiser, ...]:
        """The engines that are loaded."""
        return tuple(self._loaded.values())

    @property
    def can_speak(self) -> bool:
        """Is there a link to try now?"""
        return self._first() is not None

    def engine(self, but: Collection[str] = ()) -> Synthesiser:
        """The engine in use, loaded if need be; raises EngineUnavailable when the chain is at its end.

        `but` names links that are passed over this time.
        """
        while (name := self._first(but)) is not None:
            with self._loading:
                if (engine := self._loaded.get(name)) is not None:
                    return engine
                try:
                    self._loaded[name] = self._factories[name]()
                except EngineUnavailable as error:
                    self._left[name] = str(error)
                    log.warning("tts_engine_skipped", engine=name, reason=str(error))
        raise EngineUnavailable("no speech engine works here: " + (self.reasons() or "none is left for this sentence"))

    def unset(self, name: str, reason: str) -> None:
        """This engine is not set up here, and need not be."""
        self._unset[name] = reason
        log.info("tts_engine_not_set", engine=name, reason=reason)

    def away(self, name: str, reason: str) -> None:
        """This engine cannot speak now; `reason` is what it waits for, and may be told anew as that goes on."""
        self._away[name] = reason

    def arrive(self, engine: Synthesiser) -> None:
        """An engine that was away is loaded and warm: the next sentence may have it."""
        before = self.current
        self._loaded[engine.name] = engine
        self._away.pop(engine.name, None)
        if (now := self.current) is not None and now is not before:
            log.info("tts_engine_switched", engine=now.name, version=now.version, before=before.name if before else "")

    def give_up(self, name: str, reason: str) -> None:
        """An engine that was away does not come."""
        self._away.pop(name, None)
        self._left[name] = reason
        log.warning("tts_engine_skipped", engine=name, reason=reason)

    def leave(self, engine: Synthesiser, reason: str) -> None:
        """This engine is broken: the next one is used from now on."""
        self._left[engine.name] = reason
        self._loaded.pop(engine.name, None)
        log.error("tts_engine_left", engine=engine.name, reason=reason)

    def reasons(self) -> str:
        return "; ".join(
            reason if reason.startswith(name) else f"{name}: {reason}"
            for reasons in (self._away, self._left, self._unset)
            for name, reason in list(reasons.items())
        )

    def info(self) -> dict[str, str]:
        """For beats: what is in use and why nothing better is."""
        engine = self.current
        if engine is None:
            return {"engine": "none", "why": self.reasons() or "loading"}
        told = {"engine": engine.name, "version": engine.version}
        return {**told, "voice": engine.resolve("", "en"), "why": self.reasons() or "first of its chain"}

    def check(self) -> Finding:
        """For health."""
        engine = self.current
        if engine is None:
            return Finding(State.DOWN, self.reasons() or "loading")
        detail = f"{engine.name} ({engine.version})"
        if why := self.reasons():
            detail = f"{detail}; {why}"
        return Finding(State.DEGRADED if self._left or self._away else State.OK, detail)

    def _first(self, but: Collection[str] = ()) -> str | None:
        return next(
            (n for n in self._names if n not in but and not (n in self._left or n in self._away or n in self._unset)),
            None,
        )
