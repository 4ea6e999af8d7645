"""What the records service needs of its database, in its own words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from holdfast_common.errors import HoldfastError

from holdfast_records.domain.rows import RawEntry

Clock = Callable[[], datetime]


class StoreUnavailable(HoldfastError):
    """The records database cannot be used now; the log keeps what is not read."""


class RowsRefused(HoldfastError):
    """The database takes no such rows, however often it is asked. The entries themselves are kept."""


class Store(Protocol):
    """Every method raises StoreUnavailable, and then has changed nothing."""

    async def prepare(self) -> None:
        """Bring the tables up to date."""
        ...

    async def keep(self, entries: Sequence[RawEntry], stored_at: datetime) -> int:
        """Store entries as they came; how many were not there already."""
        ...

    async def refresh(self, wanted: Sequence[str]) -> None:
        """Derive these calls' rows from their entries anew; raises RowsRefused too, for all of them."""
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
