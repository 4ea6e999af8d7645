"""python -m holdfast_records.migrate [--sql]: what every start does too, for those who want it done before."""

import sys

from holdfast_common.migrations import command_line
from holdfast_common.settings import CommonSettings, load_or_exit

from holdfast_records.bootstrap import open_database
from holdfast_records.migrations import MIGRATIONS
from holdfast_records.settings import RecordsSettings


def main() -> int:
    common, settings = load_or_exit(CommonSettings, RecordsSettings)
    return command_line(lambda: open_database(common, settings), MIGRATIONS, sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
