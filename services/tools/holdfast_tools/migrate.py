"""python -m holdfast_tools.migrate [--sql]: what every start does too, for those who want it done before."""

import sys

from holdfast_common.migrations import command_line
from holdfast_common.settings import CommonSettings, load_or_exit

from holdfast_tools.bootstrap import open_database
from holdfast_tools.migrations import MIGRATIONS
from holdfast_tools.settings import ToolsSettings


def main() -> int:
    common, settings = load_or_exit(CommonSettings, ToolsSettings)
    return command_line(lambda: open_database(common, settings), MIGRATIONS, sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
