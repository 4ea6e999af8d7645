"""python -m holdfast_records"""

from holdfast_common.contracts.registry import Service
from holdfast_common.runtime import run
from holdfast_common.settings import CommonSettings, load_or_exit

from holdfast_records import bootstrap
from holdfast_records.settings import RecordsSettings


def main() -> None:
    common, settings = load_or_exit(CommonSettings, RecordsSettings)
    run(Service.RECORDS, common, lambda runtime: bootstrap.wire(runtime, settings))


if __name__ == "__main__":
    main()
