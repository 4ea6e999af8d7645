"""The records' tables, as the newest migration leaves them. Times are UTC, microseconds since 1970.

Texts have no length here: the contracts bound them, and SQLite would not. Keys sort by their bytes
on PostgreSQL too, so that both kinds of database answer in the same order.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, LargeBinary, MetaData, Table, Text

Key = Text().with_variant(Text(collation="C"), "postgresql")

metadata = MetaData()
call_entries = Table(
    "call_entries",
    metadata,
    Column("call", Key, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("subject", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("at_us", BigInteger, nullable=False, index=True),  # written, else stored
)
calls = Table(
    "calls",
    metadata,
    Column("call", Key, primary_key=True),
    Column("profile", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("started_us", BigInteger, nullable=False, index=True),
    Column("last_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("end_reason", Text, nullable=False),
    Column("generations", Integer, nullable=False),
    Column("turns", Integer, nullable=False),
    Column("answered", Integer, nullable=False),  # turns that answered a knowledge question
    Column("entries", Integer, nullable=False),
    Column("unreadable", Integer, nullable=False),
)
turns = Table(
    "turns",
    metadata,
    Column("call", Key, primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("said", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("reply", Text, nullable=False),  # one sentence a line
    Column("route", Text, nullable=False),
    Column("article", Text, nullable=False),
    Column("answered", Boolean, nullable=False),
    Column("tools", Text, nullable=False),  # JSON
    Column("heard", Text),  # JSON
    Column("stages_ms", Text, nullable=False),  # JSON
    Column("v2v_ms", Float),
)
leads = Table(
    "leads",
    metadata,
    Column("call", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False, index=True),
    Column("company", Text, nullable=False),
    Column("signals", Text, nullable=False),  # JSON
    Column("qualified", Boolean),
    Column("booking", Text, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
)
notes = Table(
    "notes",
    metadata,
    Column("call", Key, primary_key=True),
    Column("kind", Key, primary_key=True),
    Column("number", Key, primary_key=True),
    Column("told", Text, nullable=False),  # JSON
    Column("at_us", BigInteger, nullable=False, index=True),
)
DERIVED = (calls, turns, leads, notes)
