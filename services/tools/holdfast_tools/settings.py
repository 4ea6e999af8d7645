"""Settings of the tools service (prefix HOLDFAST_TOOLS_)."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class ToolsSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="HOLDFAST_TOOLS_", env_file=".env", extra="ignore", frozen=True)

    database_url: SecretStr = Field(
        SecretStr(""),
        description="address of the booking ledger, sqlite+aiosqlite:///FILE or "
        "postgresql+asyncpg://USER@HOST/DATABASE; empty: SQLite file tools.db in the state folder",
    )
    database_password_file: str = Field("", description="file with PostgreSQL's password, read at every connection")
    database_schema: str = Field(
        "tools", pattern=r"^[a-z_][a-z0-9_]{0,62}$", description="PostgreSQL schema of the tables"
    )
    database_pool: int = Field(5, ge=1, le=100, description="most connections to the database at once")
    capacity: int = Field(64, ge=1, le=10_000, description="tool calls served at once")
    now: str = Field("", description="frozen clock for evaluations, ISO 8601 with offset; empty: the real one")
    free: str = Field(
        "",
        description="the calendar's only openings, for evaluations: local starts separated by commas, `none` for none",
    )
    organiser_email: str = Field("meetings@holdfast.example", max_length=254, description="sender of invitations")
    organiser_name: str = Field("", max_length=200, description="name of the sender; empty: the profile's company")
    knowledge_meaning: bool = Field(
        True, description="search by meaning with an embedding model, the built-in one or an endpoint's; else by words"
    )
    embeddings_url: str = Field(
        "", description="OpenAI-compatible endpoint for embeddings (https://HOST/v1); empty: the built-in model"
    )
    embeddings_model: str = Field("text-embedding-3-small", max_length=200, description="the endpoint's model")
    embeddings_key: SecretStr = Field(SecretStr(""), description="the endpoint's key")
    embeddings_question_ms: int = Field(
        400, ge=50, le=5000, description="longest wait for a question's vector; then this one is searched by words, ms"
    )
    watch_knowledge: bool = Field(True, description="take up changed articles without a restart")

    @field_validator("now")
    @classmethod
    def _aware(cls, text: str) -> str:
        if text and datetime.fromisoformat(text).tzinfo is None:
            raise ValueError("has no offset from UTC (2026-11-23T10:00:00-05:00)")
        return text
