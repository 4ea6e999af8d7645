"""Sounds around a caller's voice, made from numbers and other voices: the noises of the turn-taking set.

Coughs and knocks are synthetic (bursts of shaped noise); babble is overlapping human speech; the office
is mains hum over rumble. Everything is float in [-1, 1] at 8 kHz. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

RATE_HZ = 8_000
Signal = npt.NDArray[np.float64]
Random = np.random.Generator

KINDS = ("white", "pink", "babble", "office")
BURSTS = ("cough", "knock", "breath", "rustle")


def shaped(rng: Random, length: int, low_hz: float, high_hz: float, tilt: float = 0.0) -> Signal:
    """Noise between two frequencies, its power falling with frequency to the power of `tilt`; RMS 1."""
    spectrum = np.fft.rfft(rng.normal(size=length))
    hz = np.fft.rfftfreq(length, 1 / RATE_HZ)
    gain = np.where((hz >= low_hz) & (hz <= high_hz), np.maximum(hz, 20.0) ** (-tilt / 2), 0.0)
    return unit(np.fft.irfft(spectrum * gain, length))


def unit(signal: Signal) -> Signal:
    """Scaled to an RMS of 1."""
    return signal / max(1e-9, float(np.sqrt(np.mean(signal**2))))


def background(rng: Random, kind: str, length: int, voices: Sequence[Signal]) -> Signal:
    """Steady noise of one of KINDS, RMS 1; `voices` are other people's recordings (babble: six at once)."""
    if kind == "white":
        return shaped(rng, length, 50, 3_900)
    if kind == "pink":
        return shaped(rng, length, 50, 3_900, tilt=1.0)
    if kind == "office":
        at = np.arange(length) / RATE_HZ
        tones = (np.sin(2 * np.pi * 50 * n * at + rng.uniform(0, 6)) / n for n in range(1, 9))
        hum = np.sum(np.stack(list(tones)), axis=0)
        return unit(0.7 * unit(hum) + 0.7 * shaped(rng, length, 40, 1_200, tilt=1.5) + 0.1 * rng.normal(size=length))
    babble = np.zeros(length)
    for _ in range(6):
        voice = unit(voices[int(rng.integers(len(voices)))])
        repeats = np.tile(voice, 2 + length // len(voice))
        begin = int(rng.integers(len(voice)))
        babble += repeats[begin : begin + length]
    return unit(babble)


def burst(rng: Random, kind: str) -> Signal:
    """One sound of BURSTS, peak 1: a cough of two or three pushes, knocks, a breath, a rustle."""
    if kind == "cough":
        pushes = []
        for _ in range(int(rng.integers(1, 4))):
            length = int(rng.uniform(0.10, 0.24) * RATE_HZ)
            at = np.arange(length) / length
            envelope = np.minimum(1.0, at * 14) * np.exp(-4 * at)
            body = 0.7 * shaped(rng, length, 300, 1_300) + 0.5 * shaped(rng, length, 1_200, 3_400)
            pushes += [body * envelope, np.zeros(int(rng.uniform(0.05, 0.2) * RATE_HZ))]
        sound = np.concatenate(pushes)
    elif kind == "knock":
        knocks = []
        for _ in range(int(rng.integers(1, 5))):
            length = int(0.05 * RATE_HZ)
            at = np.arange(length) / RATE_HZ
            knocks += [
                np.sin(2 * np.pi * rng.uniform(120, 400) * at) * np.exp(-at * 90),
                np.zeros(int(rng.uniform(0.08, 0.2) * RATE_HZ)),
            ]
        sound = np.concatenate(knocks)
    elif kind == "breath":
        length = int(rng.uniform(0.3, 0.7) * RATE_HZ)
        sound = shaped(rng, length, 400, 3_000, tilt=0.5) * np.hanning(length)
    else:
        length = int(rng.uniform(0.4, 1.2) * RATE_HZ)
        crackle = np.repeat(rng.uniform(0, 1, length // 160 + 1) ** 3, 160)[:length]
        sound = shaped(rng, length, 800, 3_900) * crackle
    return sound / max(1e-9, float(np.abs(sound).max()))
