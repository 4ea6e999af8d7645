"""The records' tables, step by step. How to add a step: docs/operations/database.md."""

from holdfast_common.migrations import Migrations

from holdfast_records.adapters.tables import metadata

MIGRATIONS = Migrations("holdfast_records.migrations", head="0002", metadata=metadata)
