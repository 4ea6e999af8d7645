"""Latency as the gateway tells it against latency as a phone records it, over recorded voices in virtual time.

    .venv/bin/python bench/told.py [--json bench/results/told.json] [FOLDER of WAV files ...]

Each recording is one question over a simulated line of 5-100 ms each way, to the gateway's own Twilio leg, voice
detector (silero) and call logic, with scripted services. Recorded: last frame within 30 dB of the loudest to first
audible sample, less the line's own time; told: `v2v` of the turn's stages.
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
from holdfast_cli.caller.audio import read_wav, utterance
from holdfast_gateway.adapters.silero import Silero
from holdfast_gateway.testing import answered


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[Path("demo/lines")])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    rows, several = [], 0
    for seed, path in enumerate(sorted(p for folder in arguments.folders for p in folder.rglob("*.wav"))):
        question = utterance(read_wav(path))
        answer = answered(question.frames, question.last_voiced, Silero(8_000), seed)
        if answer is None:
            several += 1
        else:
            rows.append((answer.told_ms - answer.recorded_ms, answer.recorded_ms))
    errors = np.abs([row[0] for row in rows])
    result = {
        "what": "voice to voice as told by the gateway less as recorded by the phone",
        "command": f"bench/told.py {' '.join(map(str, arguments.folders))}",
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, virtual time",
        "answers": len(rows),
        "recordings_taken_for_several_turns": several,
        "error_ms": {f"p{p}": round(float(np.percentile(errors, p)), 1) for p in (50, 95, 100)},
        "mean_error_ms": round(float(np.mean([row[0] for row in rows])), 1),
        "recorded_ms": {f"p{p}": round(float(np.percentile([row[1] for row in rows], p)), 1) for p in (50, 95)},
    }
    print(json.dumps(result, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
