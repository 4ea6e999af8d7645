"""The ledger's tables, step by step. How to add a step: docs/operations/database.md."""

from holdfast_common.migrations import Migrations

from holdfast_tools.adapters.tables import metadata

MIGRATIONS = Migrations("holdfast_tools.migrations", head="0003", metadata=metadata)
