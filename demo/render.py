"""Render the demo caller's lines with flite: `python demo/render.py`. Run once, the files are kept.

Mono 16 kHz, silence at the ends cut to 40 ms: the caller's clock says when something is said.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np
import yaml

HERE = Path(__file__).parent
VOICES = ("slt", "rms", "awb")
RATE_HZ = 16_000
MARGIN = int(0.04 * RATE_HZ)
SILENCE_PEAK = 300


def render(voice: str, text: str) -> np.ndarray:
    """What flite makes of the text, its silence trimmed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        with wave.open(str(path)) as file:
            if file.getframerate() != RATE_HZ:
                raise SystemExit(f"{voice}: {file.getframerate()} Hz ({RATE_HZ} wanted)")
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > SILENCE_PEAK)
    return samples[max(0, loud[0] - MARGIN) : loud[-1] + MARGIN]


def main() -> None:
    if shutil.which("flite") is None:
        raise SystemExit("flite is not installed (make system)")
    lines: dict[str, str] = yaml.safe_load((HERE / "lines.yaml").read_text("utf-8"))
    total = 0
    for voice in VOICES:
        folder = HERE / "lines" / voice
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in lines.items():
            samples = render(voice, text)
            path = folder / f"{name}.wav"
            with wave.open(str(path), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE_HZ)
                file.writeframes(samples.tobytes())
            total += path.stat().st_size
    print(f"{len(VOICES) * len(lines)} files, {total / 1e6:.1f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
