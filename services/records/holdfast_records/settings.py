"""Settings of the records service (prefix HOLDFAST_RECORDS_)."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class RecordsSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="HOLDFAST_RECORDS_", env_file=".env", extra="ignore", frozen=True)

    database_url: str = Field(
        "", description="SQLAlchemy address of the records; empty: SQLite file records.db in the state folder"
    )
    max_age_days: float = Field(30.0, gt=0, description="age at which a call is erased from every table, days")
    expire_every_s: float = Field(3600.0, gt=0, description="time between two looks for calls to erase, seconds")
    rebuild: bool = Field(False, description="derive all tables from the kept entries anew at start")
