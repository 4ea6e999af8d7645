"""The kept entries and what is derived from them.

Files from before migrations have these tables already and keep them: only the lengths of their
texts differ, which SQLite does not look at.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "call_entries",
        sa.Column("call", KEY, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_call_entries_at_us", "call_entries", ["at_us"], if_not_exists=True)
    op.create_table(
        "calls",
        sa.Column("call", KEY, primary_key=True),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("started_us", sa.BigInteger, nullable=False),
        sa.Column("last_us", sa.BigInteger, nullable=False),
        sa.Column("ended_us", sa.BigInteger),
        sa.Column("end_reason", sa.Text, nullable=False),
        sa.Column("generations", sa.Integer, nullable=False),
        sa.Column("turns", sa.Integer, nullable=False),
        sa.Column("answered", sa.Integer, nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("unreadable", sa.Integer, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_calls_started_us", "calls", ["started_us"], if_not_exists=True)
    op.create_table(
        "turns",
        sa.Column("call", KEY, primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("article", sa.Text, nullable=False),
        sa.Column("answered", sa.Boolean, nullable=False),
        sa.Column("tools", sa.Text, nullable=False),
        sa.Column("heard", sa.Text),
        sa.Column("stages_ms", sa.Text, nullable=False),
        sa.Column("v2v_ms", sa.Float),
        if_not_exists=True,
    )
    op.create_table(
        "leads",
        sa.Column("call", KEY, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("company", sa.Text, nullable=False),
        sa.Column("signals", sa.Text, nullable=False),
        sa.Column("qualified", sa.Boolean),
        sa.Column("booking", sa.Text, nullable=False),
        sa.Column("updated_us", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_leads_email", "leads", ["email"], if_not_exists=True)
