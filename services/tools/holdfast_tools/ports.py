"""What the tools service needs of the world, in its own words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import numpy as np
from holdfast_common.contracts.tools import KnowledgeHits, KnowledgeSearch
from holdfast_common.errors import HoldfastError
from numpy.typing import NDArray

from holdfast_tools.domain.wishes import Wish

Clock = Callable[[], datetime]
"""The present as an aware datetime. Frozen in evaluations."""


class LedgerUnavailable(HoldfastError):
    """The ledger cannot be asked now; nothing was promised to anybody."""


class Knowledge(Protocol):
    async def search(self, question: KnowledgeSearch) -> KnowledgeHits:
        """The best articles; what costs CPU runs off the loop."""
        ...


class Embedder(Protocol):
    """Texts to vectors: float32 (n, dimension), rows of unit length."""

    name: str
    """Of the model; vectors of different names cannot be compared."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.floating[Any]]:
        """Of a knowledge's own texts, with patience. Raises EngineUnavailable."""
        ...

    async def embed_question(self, texts: Sequence[str]) -> NDArray[np.floating[Any]]:
        """Of what a caller asks, while the caller waits. Raises EngineUnavailable."""
        ...


class SharedUnavailable(HoldfastError):
    """What the replicas share cannot be reached now."""


class Shared(Protocol):
    """A few entries that all replicas share and that live for a while. Raises SharedUnavailable."""

    async def get(self, key: str) -> tuple[bytes, int] | None:
        """Value and revision."""
        ...

    async def put(self, key: str, value: bytes, revision: int | None = None) -> bool:
        """Write; with a revision only where the entry still has it (0: where there is none). False: it has not."""
        ...


class Ledger(Protocol):
    """The one place where it is decided who has which time. Every method raises LedgerUnavailable.

    `book`, `change` and `cancel` do everything or nothing in one transaction and answer with what
    stands in the ledger under the key afterwards: this wish's outcome, or the earlier one's.
    """

    async def find(self, key: str) -> Wish | None: ...

    async def of_call(self, call: str) -> list[Wish]:
        """Books and changes of a call, oldest first."""
        ...

    async def taken(self, cells: range) -> frozenset[int]:
        """Cells of this range that meetings hold."""
        ...

    async def book(self, wish: Wish) -> Wish:
        """Take the time of the wish; BOOKED or TAKEN."""
        ...

    async def change(self, wish: Wish, booking: str) -> Wish:
        """Free the time of the booking and take the wish's; nothing is freed where that is TAKEN."""
        ...

    async def cancel(self, wish: Wish, booking: str) -> Wish:
        """Free the time of the booking."""
        ...

    async def note(self, wish: Wish) -> Wish:
        """Remember an outcome that holds no time (REFUSED)."""
        ...

    async def uninvited(self) -> list[Wish]:
        """Outcomes whose invitation has not been written yet."""
        ...

    async def invited(self, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """What a calendar outside has under a meeting's id."""

    start: datetime
    duration: timedelta
    attendee_email: str
    version: str
    """Changes with every change of the event (its ETag)."""
    live: bool
    """False: called off or withdrawn; its id is used up."""
    link: str = ""
    """Of its video call; it may come some seconds after the event."""


class Calendar(Protocol):
    """The calendar in which meetings stand where it is not the ledger alone. Deadlines: seconds on the loop's clock.

    Every method raises OutsideUnavailable (its `maybe_done` tells whether it may have happened all the
    same) or OutsideRefused (it did not happen and will not).
    """

    def deadline(self, within_s: float) -> float: ...

    async def busy(self, start: datetime, end: datetime, deadline: float) -> list[tuple[datetime, datetime]]:
        """Times in [start, end) that something takes, in UTC."""
        ...

    async def find(self, meeting: str, deadline: float) -> Standing | None: ...

    async def put(self, wish: Wish, deadline: float) -> bool:
        """Make the event under `wish.meeting`; False where that id is there already (live or not)."""
        ...

    async def move(self, wish: Wish, version: str, deadline: float) -> bool:
        """Give the event the wish's time; False where it is not of this version any more."""
        ...

    async def touch(self, meeting: str, version: str, deadline: float) -> bool:
        """Give the event a new version and nothing else: a move under way comes too late then; False as in `move`."""
        ...

    async def remove(self, meeting: str, deadline: float) -> None:
        """Call the event off; one that is gone already is called off."""
        ...

    async def void(self, wish: Wish, deadline: float) -> bool:
        """Use up the id, so that a `put` under way comes too late; False where the event is there and live."""
        ...


class Invitations(Protocol):
    async def write(self, wish: Wish) -> None:
        """Invite, or call off where the wish is CANCELLED. Writing one again does no harm."""
        ...
