"""python -m holdfast_tools"""

from holdfast_common.contracts.registry import Service
from holdfast_common.runtime import run
from holdfast_common.settings import CommonSettings, load_or_exit

from holdfast_tools import bootstrap
from holdfast_tools.outside_settings import OutsideSettings
from holdfast_tools.settings import ToolsSettings


def main() -> None:
    common, settings, outside = load_or_exit(CommonSettings, ToolsSettings, OutsideSettings)
    run(Service.TOOLS, common, lambda runtime: bootstrap.wire(runtime, settings, outside))


if __name__ == "__main__":
    main()
