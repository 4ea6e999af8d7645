"""What people must know or do after a call: scores, problem reports, requests, incidents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "notes",
        sa.Column("call", KEY, primary_key=True),
        sa.Column("kind", KEY, primary_key=True),
        sa.Column("number", KEY, primary_key=True),
        sa.Column("told", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_notes_at_us", "notes", ["at_us"])
