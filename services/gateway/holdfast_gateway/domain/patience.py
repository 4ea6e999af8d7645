"""How long a caller waits in silence, and what is said to them meanwhile.

One clock a turn, from the end of the caller's words; any sentence spoken starts it again. Pure:
times are seconds of whatever clock the owner uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    FILLER = "filler"
    APOLOGY = "apology"
    OFFER = "offer"
    GOODBYE = "goodbye"


@dataclass(frozen=True, slots=True)
class PatienceRule:
    """Seconds of waiting after which each is said."""

    filler_s: float = 1.2
    reply_s: float = 0.4
    """... and a filler at least so long after it was known that the turn is over: a reply may be there in a moment."""
    apology_s: float = 6.0
    offer_s: float = 12.0
    goodbye_s: float = 20.0

    def at(self, step: Step) -> float:
        return float(getattr(self, f"{step}_s"))


class Patience:
    """The clock of one call; it runs only while the caller waits for something."""

    def __init__(self, rule: PatienceRule | None = None) -> None:
        self.rule = rule or PatienceRule()
        self._since: float | None = None
        self._said: list[Step] = []
        self._known = 0.0
        """When it was known that something is owed."""
        self._put_off_to: float | None = None
        """The step that is due next waits until then."""

    @property
    def is_running(self) -> bool:
        return self._since is not None

    def start(self, since: float, known: float | None = None) -> None:
        """The caller's words ended; something is owed to them. `known`: when that could be told, if later."""
        self._since, self._known = since, since if known is None else known
        self._said = []
        self._put_off_to = None

    def spoken(self, now: float) -> None:
        """A sentence (no clip) has been heard to its end: start again, if still something is owed."""
        if self._since is not None:
            self.start(now)

    def put_off(self, step: Step, to: float) -> bool:
        """Take back a step that was due, until a later moment; False: that was done already in this wait."""
        if self._put_off_to is not None or step not in self._said:
            return False
        self._said.remove(step)
        self._put_off_to = to
        return True

    def stop(self) -> None:
        self._since = None

    def next_at(self) -> float | None:
        """When something is due; None while nothing will be."""
        step = self._next()
        if self._since is None or step is None:
            return None
        at = self._since + self.rule.at(step)
        if step is Step.FILLER:
            at = max(at, self._known + self.rule.reply_s)
        return max(at, self._put_off_to or at)

    def due(self, now: float) -> Step | None:
        """The step to take now, once; of several that are overdue only the last."""
        taken = None
        while (at := self.next_at()) is not None and at <= now:
            taken = self._next()
            assert taken is not None
            self._said.append(taken)
        return taken

    def _next(self) -> Step | None:
        return next((step for step in Step if step not in self._said), None)
