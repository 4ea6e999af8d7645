"""Wishes whose outcome stands in a calendar outside: begun, perhaps sent, one change of a meeting at a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
PENDING = sa.text("state = 'pending'")
PENDING_CHANGE = sa.text("state = 'pending' AND replaces <> ''")


def upgrade() -> None:
    op.add_column("bookings", sa.Column("replaces", KEY, nullable=False, server_default=""))
    op.add_column("bookings", sa.Column("sent", sa.Integer, nullable=False, server_default="0"))
    op.create_index("bookings_pending", "bookings", ["state"], sqlite_where=PENDING, postgresql_where=PENDING)
    op.create_index(
        "bookings_one_change",
        "bookings",
        ["replaces"],
        unique=True,
        sqlite_where=PENDING_CHANGE,
        postgresql_where=PENDING_CHANGE,
    )
