"""The tables of tools and records, brought up to date on both kinds of database."""

from __future__ import annotations

import asyncio
import importlib
import re
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import holdfast_records.migrations
import holdfast_tools.migrations
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from holdfast_common.database import Database, DatabaseUnavailable, address
from holdfast_common.errors import SettingsError
from holdfast_common.migrations import Migrations, migrate, sql
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.schema import CreateTable


class Service(NamedTuple):
    name: str
    migrations: Migrations

    @property
    def metadata(self) -> MetaData:
        return self.migrations.metadata


SERVICES = [
    Service("tools", holdfast_tools.migrations.MIGRATIONS),
    Service("records", holdfast_records.migrations.MIGRATIONS),
]
Open = Callable[..., Database]


@pytest.fixture(params=SERVICES, ids=[service.name for service in SERVICES])
def service(request: pytest.FixtureRequest) -> Service:
    return request.param


@pytest.fixture
async def open_(database_url: str) -> AsyncIterator[Open]:
    made: list[Database] = []

    def open_(schema: str) -> Database:
        made.append(Database(address(database_url, default_file=Path(), schema=schema)))
        return made[-1]

    yield open_
    for database in made:
        await database.close()


def differences(connection: Connection, schema: str, metadata: MetaData) -> list[Any]:
    """What Alembic would change to make the tables what the code says."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL search_path TO {schema}"))
        connection.dialect.default_schema_name = schema
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def lacking(database: Database, metadata: MetaData) -> list[Any]:
    async with database.engine.begin() as connection:
        await connection.execution_options(schema_translate_map=None)
        return await connection.run_sync(differences, database.address.schema, metadata)


def test_the_newest_revision_is_the_one_told_in_the_code(service: Service) -> None:
    """A start compares with that number alone; the files are one chain that ends in it."""
    config = Config()
    config.set_main_option("script_location", str(service.migrations.folder))
    scripts = ScriptDirectory.from_config(config)

    assert scripts.get_heads() == [service.migrations.head]
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)


@pytest.mark.parametrize("step_by_step", [True, False])
async def test_the_migrations_make_the_tables_that_the_code_expects(
    service: Service, open_: Open, step_by_step: bool
) -> None:
    """A new file is made at once, and is the same as one that came all the way."""
    database = open_(service.name)
    await migrate(database, service.migrations, step_by_step=step_by_step)

    assert await lacking(database, service.metadata) == []


@pytest.mark.parametrize("step_by_step", [True, False])
async def test_replicas_that_start_at_once_migrate_once(service: Service, open_: Open, step_by_step: bool) -> None:
    replicas = [open_(service.name) for _ in range(4)]
    await asyncio.gather(*(migrate(replica, service.migrations, step_by_step=step_by_step) for replica in replicas))

    async with replicas[0].transaction(reads=True) as connection:
        table = f"{service.name}.alembic_version" if replicas[0].backend == "postgresql" else "alembic_version"
        assert list(await connection.scalars(text(f"SELECT version_num FROM {table}"))) == [service.migrations.head]


async def test_a_database_newer_than_the_code_is_left_as_it_is(service: Service, open_: Open) -> None:
    """The replica before the roll-out, or after a roll-back: it goes on."""
    database = open_(service.name)
    await migrate(database, service.migrations)
    table = f"{service.name}.alembic_version" if database.backend == "postgresql" else "alembic_version"
    async with database.transaction() as connection:
        await connection.execute(text(f"UPDATE {table} SET version_num = '9999'"))
    await migrate(database, service.migrations)

    assert await lacking(database, service.metadata) == []


async def test_a_migration_that_fails_leaves_nothing_behind(service: Service, open_: Open, tmp_path: Path) -> None:
    """It is one transaction on either kind: the next start begins where this one began."""
    package = f"broken_{service.name}_{tmp_path.name.replace('-', '_')}"
    folder = tmp_path / package
    (folder / "versions").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "env.py").write_text((service.migrations.folder / "env.py").read_text())
    (folder / "versions" / "r0001.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\nrevision, down_revision = '0001', None\n"
        "def upgrade():\n    op.create_table('half', sa.Column('n', sa.Integer))\n    op.execute('no such thing')\n"
    )
    sys.path.insert(0, str(tmp_path))
    database = open_(service.name)
    try:
        with pytest.raises(DatabaseUnavailable):
            await migrate(database, replace(service.migrations, package=package, head="0001"), step_by_step=True)
    finally:
        sys.path.remove(str(tmp_path))
    await migrate(database, service.migrations)

    assert await lacking(database, service.metadata) == []


async def test_a_file_from_before_migrations_keeps_its_rows_and_goes_on(service: Service, tmp_path: Path) -> None:
    """Its tables were made from the code as it stood then; they are taken over."""
    file = tmp_path / "old.db"
    (first_step,) = service.migrations.folder.glob("versions/r0001*.py")
    begun_with = re.findall(r'create_table\(\s*"(\w+)"', first_step.read_text("utf-8"))
    tables = [table for table in service.metadata.sorted_tables if table.name in begun_with]
    with sqlite3.connect(file) as old:
        for table in tables:
            old.execute(str(CreateTable(table)).replace("TEXT", "VARCHAR(64)"))
            for column in table.columns:
                if column.server_default is not None:  # what migrations have added since
                    old.execute(f"ALTER TABLE {table.name} DROP COLUMN {column.name}")
        first = tables[0]
        columns = [column.name for column in first.columns if column.server_default is None]
        old.execute(f"INSERT INTO {first.name} VALUES ({','.join('?' * len(columns))})", [1] * len(columns))
    old.close()
    database = Database(address(f"sqlite+aiosqlite:///{file}", default_file=file, schema=""))
    await migrate(database, service.migrations)
    async with database.transaction(reads=True) as connection:
        kept = await connection.scalar(text(f"SELECT count(*) FROM {first.name}"))
    await database.close()

    assert kept == 1


@pytest.mark.live
async def test_the_printed_statements_make_the_same_tables(
    service: Service, postgres: Any, postgres_database: str
) -> None:
    """For those who let nobody but themselves change their database."""
    postgres.sql(f"\\c {postgres_database}\n{sql(service.migrations, service.name)}")
    database = Database(address(postgres.url(postgres_database), default_file=Path(), schema=service.name))

    assert await lacking(database, service.metadata) == []
    await migrate(database, service.migrations)
    await database.close()


@pytest.mark.live
async def test_a_role_without_the_right_to_make_schemas_may_migrate_its_own(
    service: Service, postgres: Any, postgres_database: str
) -> None:
    """Two owners, two schemas: neither sees into the other's."""
    for name in ("tools", "records"):
        role = f"{name}_of_{postgres_database}"
        postgres.sql(f"\\c {postgres_database}\nCREATE ROLE {role} LOGIN; CREATE SCHEMA {name} AUTHORIZATION {role};")
    mine, other = ("tools", "records") if service.name == "tools" else ("records", "tools")
    url = postgres.url(postgres_database, user=f"{mine}_of_{postgres_database}")
    where = address(url, default_file=Path(), schema=mine)
    database, intruder = Database(where), Database(replace(where, schema=other))
    await migrate(database, service.migrations)
    with pytest.raises(DatabaseUnavailable):
        await migrate(intruder, service.migrations)
    await database.close()
    await intruder.close()
    for name in ("tools", "records"):
        role = f"{name}_of_{postgres_database}"
        postgres.sql(f"\\c {postgres_database}\nDROP OWNED BY {role} CASCADE; DROP ROLE {role};")


def test_the_command_migrates_and_says_where(
    service: Service,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With everything that the service reads: the same settings, the same database."""
    command = importlib.import_module(f"holdfast_{service.name}.migrate").main
    variable = f"HOLDFAST_{service.name.upper()}_DATABASE_URL"
    monkeypatch.setattr(sys, "argv", ["migrate"])
    monkeypatch.setenv("HOLDFAST_STATE_DIR", str(tmp_path))
    monkeypatch.setenv(variable, database_url)
    assert command() == 0
    assert f"at revision {service.migrations.head}" in capsys.readouterr().out
    monkeypatch.setenv(variable, "postgresql://nobody:secret@127.0.0.1:1/none")
    assert command() == 1

    said = capsys.readouterr()
    assert "not migrated: ConnectionRefusedError" in said.err
    assert "secret" not in said.out + said.err


def test_a_wrong_address_is_told_without_its_password() -> None:
    for wrong in ("mysql://me:secret@host/db", "nonsense secret", "postgresql+psycopg://me:secret@host/db"):
        with pytest.raises(SettingsError) as told:
            address(wrong, default_file=Path(), schema="tools", setting="HOLDFAST_TOOLS_DATABASE_URL")

        assert "HOLDFAST_TOOLS_DATABASE_URL" in str(told.value)
        assert "secret" not in str(told.value)


@pytest.mark.live
def test_a_start_does_not_load_alembic_while_there_is_nothing_to_migrate(tmp_path: Path) -> None:
    """It costs half a second, and a killed replica is waited for: a new file and an up to date one do without."""
    program = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom holdfast_common.database import Database, address\n"
        "from holdfast_common.migrations import migrate\nfrom holdfast_tools.migrations import MIGRATIONS\n"
        f"database = Database(address('', default_file=Path({str(tmp_path / 't.db')!r}), schema='tools'))\n"
        "async def main():\n    await migrate(database, MIGRATIONS)\n    await migrate(database, MIGRATIONS)\n"
        "    await database.close()\nasyncio.run(main())\nprint('alembic' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert done.stdout.split() == ["False"]
