"""A service's SQL database by SQLAlchemy: SQLite (WAL) embedded, PostgreSQL (asyncpg) in production.

What both kinds owe their service: bounded pools and waits, transactions that do everything or
nothing, and three answers instead of a driver's hundred errors: `Duplicate` (somebody else was
first), `DatabaseUnavailable` (nothing was promised; later it may work) and `DatabaseRefused` (it
never will). A service's tables live in a schema of their own on PostgreSQL and in a file of their
own on SQLite. SQLAlchemy and the drivers are dependencies of the services that keep rows.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import await_only
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from holdfast_common.errors import HoldfastError, SettingsError
from holdfast_common.health import Finding, State

READS = "holdfast_reads"
"""Execution option of transactions that only read."""
KINDS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
"""Addresses that are understood, and the driver that each gets."""
MOMENTARY = ("40001", "40P01", "0A000")
"""SQLSTATEs that the same work is free of at once: serialisation, deadlock, a plan older than a migration."""
UNIQUE = "23505"
REFUSED = ("22", "23", "54")
"""Classes of SQLSTATE: data, constraints, limits."""
WAL_AGAIN_S = 0.02
CONNECTION_AGE_S = 1800
"""After this a connection is made anew, so that replicas find back to a database that moved."""


class DatabaseUnavailable(HoldfastError):
    """Nothing was changed, or (where the connection broke in the commit) nobody knows.

    `momentary`: the same work may be done again at once.
    """

    def __init__(self, message: str, *, momentary: bool = False) -> None:
        super().__init__(message)
        self.momentary = momentary


class DatabaseRefused(HoldfastError):
    """The database will not take this row, however often it is asked."""


class Duplicate(HoldfastError):
    """A unique row is there already; this transaction changed nothing."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a service waits for its database, seconds. PostgreSQL looks for deadlocks after 1 s by
    default, so a `lock_s` below that tells of a deadlock as a lock that did not come."""

    connect_s: float = 2.0
    pool_s: float = 1.0
    lock_s: float = 1.5
    statement_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where the tables are."""

    url: URL
    schema: str
    """On PostgreSQL; SQLite has none."""
    password_file: Path | None = None
    """Read at every new connection, so that a password can be changed without a restart."""

    @property
    def backend(self) -> str:
        return self.url.get_backend_name()


def address(url: str, *, default_file: Path, schema: str, password_file: str = "", setting: str = "") -> Address:
    """The address a setting means; empty is the SQLite file. Raises SettingsError, which never tells the password."""
    try:
        parsed = make_url(url) if url else URL.create("sqlite+aiosqlite", database=str(default_file.absolute()))
        parsed = parsed.set(drivername=KINDS[parsed.drivername])
    except (ArgumentError, KeyError, ValueError):
        kinds = "sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER@HOST/DATABASE"
        raise SettingsError([f"{setting or 'database url'}: not an address of the kind {kinds}"]) from None
    return Address(parsed, schema, Path(password_file) if password_file else None)


class Database:
    """The connections to one service's tables. Replicas share what is behind them."""

    def __init__(
        self, address: Address, *, name: str = "holdfast", patience: Patience | None = None, pool: int = 5
    ) -> None:
        self.address = address
        self.engine = engine(address, name=name, patience=patience or Patience(), pool=pool)
        if address.backend == "postgresql":
            self.engine = self.engine.execution_options(schema_translate_map={None: address.schema})
        self._reader = self.engine.execution_options(**{READS: True})
        self._problem = "not opened yet"

    @property
    def backend(self) -> str:
        return self.address.backend

    def finding(self) -> Finding:
        """For health: how the last transaction went."""
        if self._problem:
            return Finding(State.DEGRADED, f"{self.backend}: {self._problem}")
        return Finding(State.OK, self.backend)

    async def close(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def transaction(self, *, reads: bool = False) -> AsyncIterator[AsyncConnection]:
        """Everything or nothing; raises Duplicate, DatabaseUnavailable, DatabaseRefused."""
        try:
            with translated(self.address):
                async with (self._reader if reads else self.engine).begin() as connection:
                    yield connection
        except DatabaseUnavailable as error:
            self._problem = str(error)
            raise
        self._problem = ""


@contextmanager
def translated(address: Address) -> Iterator[None]:
    """A driver's errors as ours. None of them carries a statement's values: those are callers' names and words."""
    try:
        yield
    except (PoolTimeout, OSError) as error:  # a refused connection, a timeout
        raise DatabaseUnavailable(f"{type(error).__name__}: {error}") from None
    except DBAPIError as error:
        raise _translated(address, error) from None
    except Exception as error:
        # asyncpg's own errors come through as they are while a connection is made.
        if type(error).__module__.startswith("asyncpg"):
            raise DatabaseUnavailable(_told(error)) from None
        raise


def _translated(address: Address, error: DBAPIError) -> HoldfastError:
    cause: BaseException = error.orig or error
    if address.backend == "sqlite":
        if getattr(cause, "sqlite_errorname", "") in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"):
            return Duplicate(str(cause))
        refused = isinstance(cause, (sqlite3.DataError, sqlite3.IntegrityError))
        return (DatabaseRefused if refused else DatabaseUnavailable)(f"{type(cause).__name__}: {cause}")
    state = str(getattr(cause, "sqlstate", None) or "")
    told = _told(cause.__cause__ or cause)
    if state == UNIQUE:
        return Duplicate(told)
    if state[:2] in REFUSED or isinstance(error, IntegrityError) or isinstance(cause.__cause__, ValueError):
        return DatabaseRefused(told)
    return DatabaseUnavailable(told, momentary=state in MOMENTARY)


def _told(error: BaseException) -> str:
    """PostgreSQL quotes rows in its messages, so its name for the error has to do."""
    state = getattr(error, "sqlstate", None)
    return f"{type(error).__name__} {state}" if state else type(error).__name__


def engine(address: Address, *, name: str, patience: Patience, pool: int) -> AsyncEngine:
    """An engine for either kind; `pool` 0 keeps no connection."""
    make = _sqlite if address.backend == "sqlite" else _postgresql
    pooling: dict[str, Any] = {"poolclass": NullPool}
    if pool:
        pooling = {"pool_size": pool, "max_overflow": 0, "pool_timeout": patience.pool_s}
    return make(address, name, patience, pooling)


def _postgresql(address: Address, name: str, patience: Patience, pooling: dict[str, Any]) -> AsyncEngine:
    made = create_async_engine(
        address.url,
        isolation_level="READ COMMITTED",  # exclusion is by unique rows; whatever the server's default is
        pool_pre_ping=True,
        pool_recycle=CONNECTION_AGE_S,
        hide_parameters=True,
        connect_args={
            "timeout": patience.connect_s,
            # The server ends a statement first, the client where the server is silent.
            "command_timeout": patience.statement_s + 0.5,
            "server_settings": {
                "application_name": name,
                # What was answered stays, whatever the server's default is.
                "synchronous_commit": "on",
                "statement_timeout": str(int(patience.statement_s * 1000)),
                "lock_timeout": str(int(patience.lock_s * 1000)),
                "idle_in_transaction_session_timeout": "30000",
            },
        },
        **pooling,
    )
    password_file = address.password_file
    if password_file is not None:

        @event.listens_for(made.sync_engine, "do_connect")
        def _password(_dialect: Any, _record: Any, _args: Any, parameters: dict[str, Any]) -> None:
            parameters["password"] = password_file.read_text("utf-8").strip()

    return made


def _change_to_wal(cursor: Any, patience: Patience) -> None:
    """SQLite refuses this at once, whatever its timeout, while another replica changes the same new file."""
    for attempt in Retrying(
        retry=retry_if_exception_type(sqlite3.OperationalError),
        stop=stop_after_delay(patience.lock_s),
        wait=wait_fixed(WAL_AGAIN_S),
        sleep=lambda seconds: await_only(asyncio.sleep(seconds)),
        reraise=True,
    ):
        with attempt:
            cursor.execute("PRAGMA journal_mode=WAL")


def _sqlite(address: Address, _name: str, patience: Patience, pooling: dict[str, Any]) -> AsyncEngine:
    """WAL, and transactions that lock when they begin: begun as readers, two of them could both read
    "free", and one would then fail without waiting."""
    made = create_async_engine(address.url, connect_args={"timeout": patience.lock_s}, hide_parameters=True, **pooling)

    @event.listens_for(made.sync_engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN is deferred; ours is below
        cursor = connection.cursor()
        _change_to_wal(cursor, patience)
        cursor.execute("PRAGMA synchronous=FULL")  # what was answered stays after a power cut
        cursor.execute("PRAGMA secure_delete=ON")  # erased means gone: freed pages are overwritten
        cursor.close()

    @event.listens_for(made.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        reads = connection.get_execution_options().get(READS, False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return made
