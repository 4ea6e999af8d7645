"""`python -m holdfast_asr`."""

from __future__ import annotations

from holdfast_common.contracts.registry import Service
from holdfast_common.runtime import run
from holdfast_common.settings import CommonSettings, load_or_exit

from holdfast_asr import bootstrap
from holdfast_asr.settings import AsrSettings


def main() -> None:
    common, settings = load_or_exit(CommonSettings, AsrSettings)
    run(Service.ASR, common, lambda runtime: bootstrap.wire(runtime, settings))


if __name__ == "__main__":
    main()
