"""The ledger's tables, as the newest migration leaves them.

Texts have no length here: the contracts bound them, and SQLite would not. Keys sort by their bytes
on PostgreSQL too, so that both kinds of database answer in the same order.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text, text

Key = Text().with_variant(Text(collation="C"), "postgresql")

metadata = MetaData()
bookings = Table(
    "bookings",
    metadata,
    Column("key", Key, primary_key=True),
    Column("call", Key, nullable=False, index=True),
    Column("calendar", Key, nullable=False),
    Column("action", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("start_at", BigInteger),  # seconds since 1970, UTC
    Column("duration_min", Integer, nullable=False),
    Column("attendee_email", Text, nullable=False),
    Column("attendee_name", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("meeting", Key, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("moved_to", Key, nullable=False),
    Column("invitation_due", Integer, nullable=False),  # 1: to be written
    Column("replaces", Key, nullable=False, server_default=""),
    Column("sent", Integer, nullable=False, server_default="0"),  # 1: a calendar outside may have it
    Column("link", Text, nullable=False, server_default=""),  # of the video call, once a calendar outside has told it
    Column("created_us", BigInteger, nullable=False),  # microseconds since 1970
    Column("updated_us", BigInteger, nullable=False),
)
Index("bookings_invitation_due", bookings.c.invitation_due)
_PENDING = "state = 'pending'"
_PENDING_CHANGE = "state = 'pending' AND replaces <> ''"
Index("bookings_pending", bookings.c.state, sqlite_where=text(_PENDING), postgresql_where=text(_PENDING))
Index(
    "bookings_one_change",
    bookings.c.replaces,
    unique=True,
    sqlite_where=text(_PENDING_CHANGE),
    postgresql_where=text(_PENDING_CHANGE),
)
held_cells = Table(
    "held_cells",
    metadata,
    Column("calendar", Key, primary_key=True),
    Column("cell", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Key, nullable=False, index=True),
)
