"""How final words sound, as a process of its own: python -m holdfast_asr.adapters.finality_worker FOLDER.

FOLDER keeps the converted weights. One text a line on standard input (lower case), before it, if there was one, the
question that it answers and a tab; for each a line with the log-odds that nothing is to come. The first line out is
`ready`, or the reason why not. Ends with its input.
"""

from __future__ import annotations

import sys
from pathlib import Path

from holdfast_common.errors import EngineUnavailable

from holdfast_asr.adapters.smollm import SmolLm
from holdfast_asr.domain.finality import finality

READY = "ready"


def main() -> None:
    try:
        model = SmolLm(Path(sys.argv[1]))
        model.end_log_prob("hello")  # the conversation before it is read now
    except EngineUnavailable as error:
        print(error, flush=True)
        return
    print(READY, flush=True)
    for line in sys.stdin:
        asked, _, text = line.strip("\n").rpartition("\t")
        end = model.end_log_prob(text, asked.strip()) if text.strip() else 0.0
        print(f"{finality(end, len(text.split())):.3f}", flush=True)


if __name__ == "__main__":
    main()
