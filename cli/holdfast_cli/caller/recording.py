"""The call as a stereo WAV: left the caller, right the agent as it was heard."""

from __future__ import annotations

import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from holdfast_common.pcm import samples_of, ulaw_decode

from holdfast_cli.caller.playout import RATE_HZ, Heard


def save(path: Path, *, caller: Iterable[Heard], agent: Iterable[Heard], started: float) -> float:
    """Write both channels from `started` on; returns the length in seconds."""
    left, right = _channel(caller, started), _channel(agent, started)
    both = np.zeros((max(len(left), len(right)), 2), dtype="<i2")
    both[: len(left), 0] = left
    both[: len(right), 1] = right
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(both.tobytes())
    return len(both) / RATE_HZ


def _channel(stretches: Iterable[Heard], started: float) -> np.ndarray:
    placed: list[tuple[int, np.ndarray]] = []
    end = 0
    for stretch in stretches:
        # Frames leave by a clock with some jitter: those that follow closely are put end to end,
        # or the recording would click where the original did not.
        at = round((stretch.start - started) * RATE_HZ)
        at = end if placed and abs(at - end) < RATE_HZ // 25 else max(at, end)
        pcm = samples_of(ulaw_decode(stretch.ulaw))
        placed.append((max(0, at), pcm))
        end = max(0, at) + len(pcm)
    channel = np.zeros(end, dtype="<i2")
    for at, pcm in placed:
        channel[at : at + len(pcm)] = pcm
    return channel
