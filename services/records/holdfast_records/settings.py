"""Settings of the records service (prefix HOLDFAST_RECORDS_)."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class RecordsSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="HOLDFAST_RECORDS_", env_file=".env", extra="ignore", frozen=True)

    database_url: SecretStr = Field(
        SecretStr(""),
        description="address of the records, sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER@HOST/DATABASE; "
        "empty: SQLite file records.db in the state folder",
    )
    database_password_file: str = Field("", description="file with PostgreSQL's password, read at every connection")
    database_schema: str = Field(
        "records", pattern=r"^[a-z_][a-z0-9_]{0,62}$", description="PostgreSQL schema of the tables"
    )
    database_pool: int = Field(5, ge=1, le=100, description="most connections to the database at once")
    max_age_days: float = Field(30.0, gt=0, description="age at which a call is erased from every table, days")
    expire_every_s: float = Field(3600.0, gt=0, description="time between two looks for calls to erase, seconds")
    rebuild: bool = Field(False, description="derive all tables from the kept entries anew at start")
