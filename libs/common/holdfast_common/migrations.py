"""Bringing a service's tables up to its code, by Alembic, on either kind of database.

A service's migrations are a package of its own (`env.py`, `versions/`), numbered `0001`, `0002`, ...
The newest number is told in the code, so that a start with nothing to do asks the database one
question and does not import Alembic. Replicas may start together: one migrates, under an advisory
lock (PostgreSQL) or the write lock (SQLite), in one transaction; the others wait and find it done.
A database newer than the code is left alone: migrations keep what the code before them needs. A new
SQLite file gets the newest tables at once, without Alembic; tests hold both ways to the same tables.

    python -m holdfast_tools.migrate            bring the tables up to date now
    python -m holdfast_tools.migrate --sql      print the statements for PostgreSQL instead
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import AsyncConnection

from holdfast_common.database import Address, Database, DatabaseUnavailable, Duplicate, Patience, engine, translated
from holdfast_common.hashing import stable_hash

log = structlog.get_logger()

PATIENCE = Patience(connect_s=5.0, pool_s=5.0, lock_s=60.0, statement_s=600.0)
"""Waiting for another replica's migration, and for a long one of our own."""
TABLE_LOCK_S = 5
"""How long a migration may stand in a table's queue: everybody else stands behind it."""


@dataclass(frozen=True, slots=True)
class Migrations:
    package: str
    """Module with `env.py` and `versions/`."""
    head: str
    """The newest revision; a test holds it to the files."""
    metadata: MetaData
    """The tables as the head leaves them."""

    @property
    def folder(self) -> Path:
        module = importlib.import_module(self.package)
        assert module.__file__ is not None
        return Path(module.__file__).parent


async def migrate(database: Database, migrations: Migrations, *, step_by_step: bool = False) -> None:
    """Bring the tables up to the head; raises DatabaseUnavailable. `step_by_step`: a new file too."""
    async with database.transaction(reads=True) as connection:
        there = await _revision(connection, database.address)
    if there >= migrations.head:
        if there > migrations.head:
            log.warning("database_is_newer", database=there, code=migrations.head)
        return
    if database.backend == "sqlite" and not step_by_step and await _make_new(database, migrations):
        return
    # Alembic takes half a second to import: not on the loop.
    await asyncio.to_thread(importlib.import_module, "alembic.command")
    try:
        await _upgrade(database.address, migrations)
    except Duplicate as error:
        raise DatabaseUnavailable(f"migration: {error}") from error
    log.info("database_migrated", database=database.backend, revision=migrations.head, before=there or "none")


async def _make_new(database: Database, migrations: Migrations) -> bool:
    """Make the newest tables in a file that has none; False where it has some."""
    async with database.transaction() as connection:
        if await connection.scalar(text("SELECT count(*) FROM sqlite_master WHERE type = 'table'")):
            return False
        await connection.run_sync(migrations.metadata.create_all)
        await connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        await connection.execute(text("INSERT INTO alembic_version VALUES (:head)").bindparams(head=migrations.head))
        return True


async def _upgrade(address: Address, migrations: Migrations) -> None:
    made = engine(address, name="holdfast-migrate", patience=PATIENCE, pool=0)
    try:
        with translated(address):
            async with made.begin() as connection:
                if address.backend == "postgresql":
                    await _lock(connection, address.schema)
                if await _revision(connection, address) < migrations.head:  # nobody else has done it meanwhile
                    await connection.run_sync(_run_alembic, address, migrations)
    finally:
        await made.dispose()


async def _revision(connection: AsyncConnection, address: Address) -> str:
    """The stored revision; empty where there is none."""
    if address.backend == "postgresql":
        there = text("SELECT to_regclass(:table)").bindparams(table=f"{address.schema}.alembic_version")
        query = text(f"SELECT version_num::text FROM {address.schema}.alembic_version")
    else:
        there = text("SELECT name FROM sqlite_master WHERE name = 'alembic_version'")
        query = text("SELECT version_num FROM alembic_version")
    if await connection.scalar(there) is None:
        return ""
    return str(await connection.scalar(query) or "")


async def _lock(connection: AsyncConnection, schema: str) -> None:
    """One replica at a time; then tables are where the migrations look for them."""
    number = stable_hash(f"holdfast migrations {schema}") - 2**63  # a signed 64-bit number
    await connection.execute(text("SELECT pg_advisory_xact_lock(:number)").bindparams(number=number))
    await connection.execute(text(f"SET LOCAL lock_timeout = '{TABLE_LOCK_S}s'"))
    if await connection.scalar(text("SELECT to_regnamespace(:schema)").bindparams(schema=schema)) is None:
        await connection.execute(text(f"CREATE SCHEMA {schema}"))
    await connection.execute(text(f"SET LOCAL search_path TO {schema}"))


def _run_alembic(connection: Connection, address: Address, migrations: Migrations) -> None:
    from alembic import command  # noqa: PLC0415 - only where there is something to do

    config = _config(migrations, sys.stdout)
    config.attributes["connection"] = connection
    config.attributes["schema"] = _schema(address)
    if address.backend == "postgresql":
        connection.dialect.default_schema_name = address.schema
    command.upgrade(config, migrations.head)


def _schema(address: Address) -> str | None:
    return address.schema if address.backend == "postgresql" else None


def _config(migrations: Migrations, output: Any) -> Any:
    from alembic.config import Config  # noqa: PLC0415 - only where there is something to do

    config = Config(stdout=output, output_buffer=output)
    config.set_main_option("script_location", str(migrations.folder).replace("%", "%%"))
    return config


def sql(migrations: Migrations, schema: str) -> str:
    """Every migration as a script for an empty PostgreSQL database."""
    from alembic import command  # noqa: PLC0415 - only where it is asked for

    output = io.StringIO()
    config = _config(migrations, output)
    config.attributes["schema"] = schema
    command.upgrade(config, migrations.head, sql=True)
    return f"CREATE SCHEMA IF NOT EXISTS {schema};\nSET search_path TO {schema};\n\n{output.getvalue()}"


def run_env(context: Any, metadata: MetaData) -> None:
    """The whole of a service's `env.py`. `context` is alembic's, which exists only while it runs."""
    attributes = context.config.attributes
    connection = attributes.get("connection")
    shared = {"target_metadata": metadata, "version_table_schema": attributes.get("schema")}
    if connection is None:
        context.configure(dialect_name="postgresql", literal_binds=True, **shared)
    else:
        context.configure(connection=connection, render_as_batch=True, **shared)
    with context.begin_transaction():
        context.run_migrations()


def command_line(open_database: Callable[[], Database], migrations: Migrations, arguments: list[str]) -> int:
    """`python -m holdfast_<service>.migrate`; returns the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m {migrations.package.split('.')[0]}.migrate", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--sql", action="store_true", help="print the statements for PostgreSQL, change nothing")
    asked = parser.parse_args(arguments)
    database = open_database()
    if asked.sql:
        print(sql(migrations, database.address.schema))
        return 0
    try:
        asyncio.run(_migrate_and_close(database, migrations))
    except DatabaseUnavailable as error:
        print(f"not migrated: {error}", file=sys.stderr)
        return 1
    print(f"{database.address.url.render_as_string(hide_password=True)}: at revision {migrations.head}")
    return 0


async def _migrate_and_close(database: Database, migrations: Migrations) -> None:
    try:
        await migrate(database, migrations)
    finally:
        await database.close()
