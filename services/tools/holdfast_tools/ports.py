"""What the tools service needs of the world, in its own words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
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
        """Raises EngineUnavailable."""
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


class Invitations(Protocol):
    async def write(self, wish: Wish) -> None:
        """Invite, or call off where the wish is CANCELLED. Writing one again does no harm."""
        ...
