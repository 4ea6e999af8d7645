"""How final words sound, as a process of its own: python -m holdfast_asr.adapters.finality_worker FOLDER.

FOLDER keeps the converted weights. Lines as in `finality_wire`; to try it, a text a line. Ends with its input.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from holdfast_common.errors import EngineUnavailable

from holdfast_asr.adapters.finality_wire import MOST_LOG_ODDS, READY, parted
from holdfast_asr.adapters.smollm import SmolLm
from holdfast_asr.adapters.worker_pipes import answers
from holdfast_asr.domain.finality import finality


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m holdfast_asr.adapters.finality_worker FOLDER (keeps the converted weights)")
    out = answers()

    def say(line: str) -> None:
        out.write(f"{line}\n".encode())
        out.flush()

    try:
        try:
            model = SmolLm(Path(sys.argv[1]))
            model.end_log_prob("hello")  # the conversation before it is read now
        except EngineUnavailable as error:
            say(str(error))
            return
        say(READY)
        for line in sys.stdin:
            asked, text = parted(line)
            found = finality(model.end_log_prob(text, asked), len(text.split())) if text else -MOST_LOG_ODDS
            say(f"{found:.3f}")
    except BrokenPipeError:
        os._exit(0)  # the service is gone


if __name__ == "__main__":
    main()
