"""What the records service needs of its database, in its own words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from holdfast_common.errors import HoldfastError

from holdfast_records.domain.rows import RawEntry

Clock = Callable[[], datetime]


class StoreUnavailable(HoldfastError):
    """The records database cannot be used now; the log keeps what is not read."""


class Store(Protocol):
    """Every method raises StoreUnavailable, and then has changed nothing."""

    async def prepare(self) -> None:
        """Make the tables that are missing."""
        ...

    async def keep(self, entry: RawEntry, stored_at: datetime) -> bool:
        """Store an entry as it came; False when it was there already."""
        ...

    async def refresh(self, call: str) -> None:
        """Derive the call's rows from its entries anew."""
        ...

    async def stale(self) -> list[str]:
        """Calls whose rows do not hold all their entries."""
        ...

    async def calls(self) -> list[str]:
        """Every call that has entries."""
        ...

    async def expire(self, before: datetime) -> int:
        """Erase the calls whose last entry is older; returns how many."""
        ...
