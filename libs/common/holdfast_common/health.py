"""Health from registered checks: each resource that a service opens says whether it is well.

`up` is about this process alone; a dependency that is away makes the detailed report say so and
does not make the process unfit (its fallback carries on).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    """Works by a fallback, or is away for now."""
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Finding:
    state: State
    detail: str = ""
    """For people: what is in use and why. No personal data."""


Check = Callable[[], Finding]
"""Cheap and synchronous: it tells what its owner already knows, it does not go and ask."""


class Health:
    """The checks of one process, in the order in which they were registered."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def register(self, name: str, check: Check) -> None:
        """Add a check; a second one of the same name replaces the first."""
        self._checks[name] = check

    def report(self) -> dict[str, Finding]:
        return {name: check() for name, check in self._checks.items()}

    def state(self) -> State:
        """The worst of all findings."""
        states = {finding.state for finding in self.report().values()}
        return next((s for s in (State.DOWN, State.DEGRADED) if s in states), State.OK)
