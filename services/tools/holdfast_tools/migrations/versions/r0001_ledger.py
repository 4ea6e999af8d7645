"""The booking ledger.

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
        "bookings",
        sa.Column("key", KEY, primary_key=True),
        sa.Column("call", KEY, nullable=False),
        sa.Column("calendar", KEY, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("start_at", sa.BigInteger),
        sa.Column("duration_min", sa.Integer, nullable=False),
        sa.Column("attendee_email", sa.Text, nullable=False),
        sa.Column("attendee_name", sa.Text, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("meeting", KEY, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("moved_to", KEY, nullable=False),
        sa.Column("invitation_due", sa.Integer, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("updated_us", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_bookings_call", "bookings", ["call"], if_not_exists=True)
    op.create_index("bookings_invitation_due", "bookings", ["invitation_due"], if_not_exists=True)
    op.create_table(
        "held_cells",
        sa.Column("calendar", KEY, primary_key=True),
        sa.Column("cell", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("key", KEY, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_held_cells_key", "held_cells", ["key"], if_not_exists=True)
