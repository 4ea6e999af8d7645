"""What callers heard when they spoke over the agent, against what was stored: 200 calls in virtual time.

    .venv/bin/python bench/heard.py [--calls 200] [--json bench/results/heard.json]

Each call is a whole one: the gateway's call logic over its own Twilio leg, a simulated far end (5-100 ms there and
back, up to 30 ms of jitter, 0-800 ms of buffer) and scripted services. The caller speaks over a reply of random words
at a random moment; in a quarter of the calls a cough has held the voice before. The far end knows which words
it has played (every word sounds as a constant of its own); stored is what goes out with the next turn.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import structlog
from holdfast_gateway.testing import LINES, barge_in


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    calls = [barge_in(seed) for seed in range(arguments.calls)]
    errors = np.abs([error for call in calls for error in call.position_errors_ms])
    result = {
        "what": "words stored after a barge-in against words played, and position at each clear against the far end's",
        "command": f"bench/heard.py --calls {arguments.calls}",
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, virtual time",
        "lines_s": dict(zip(("there", "back", "jitter", "buffer"), LINES, strict=True)),
        "calls": len(calls),
        "held_before": sum(call.held_before for call in calls),
        "exact": round(sum(call.off == 0 for call in calls) / len(calls), 4),
        "most_words_off": max(abs(call.off) for call in calls),
        "one_word_off": [call.seed for call in calls if abs(call.off) == 1],
        "clears": len(errors),
        "position_ms": {f"p{p}": round(float(np.percentile(errors, p)), 1) for p in (50, 95, 100)},
    }
    print(json.dumps(result, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
