"""`python -m holdfast_tts`."""

from __future__ import annotations

from holdfast_common.contracts.registry import Service
from holdfast_common.runtime import run
from holdfast_common.settings import CommonSettings, load_or_exit

from holdfast_tts import bootstrap
from holdfast_tts.settings import TtsSettings


def main() -> None:
    common, settings = load_or_exit(CommonSettings, TtsSettings)
    run(Service.TTS, common, lambda runtime: bootstrap.wire(runtime, settings))


if __name__ == "__main__":
    main()
