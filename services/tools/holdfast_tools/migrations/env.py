"""What Alembic runs around every migration."""

from alembic import context
from holdfast_common.migrations import run_env

from holdfast_tools.adapters.tables import metadata

run_env(context, metadata)
