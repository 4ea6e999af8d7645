"""Where a meeting is held: the video link that a calendar outside gives it, some seconds after the meeting."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("bookings", sa.Column("link", sa.Text, nullable=False, server_default=""))
