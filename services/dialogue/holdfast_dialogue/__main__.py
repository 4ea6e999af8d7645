"""`python -m holdfast_dialogue`."""

from __future__ import annotations

from holdfast_common.contracts.registry import Service
from holdfast_common.runtime import run
from holdfast_common.settings import CommonSettings, load_or_exit

from holdfast_dialogue import bootstrap
from holdfast_dialogue.settings import DialogueSettings, ModelSettings


def main() -> None:
    common, settings, model = load_or_exit(CommonSettings, DialogueSettings, ModelSettings)
    run(Service.DIALOGUE, common, lambda runtime: bootstrap.wire(runtime, settings, model))


if __name__ == "__main__":
    main()
