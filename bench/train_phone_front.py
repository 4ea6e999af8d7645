"""Fit the map from a line's sound to the cepstra that the wideband acoustic model expects (adapters/phone_front.py).

    .venv/bin/python bench/train_phone_front.py --human FOLDER --out services/asr/holdfast_asr/data [--clips 300]

FOLDER holds people at 16 kHz (WAV, 16 bit; about a minute of a dozen speakers was used). Beside them flite's
kal16 and espeak-ng read the profile's articles; slt, rms and awb are left out, being what is measured with. Each
clip is stretched in pitch and formants, and sent through simulated lines: band limits, tilt, level, noise, mu-law.
Targets are the recogniser's own cepstra of the clip before the line (`mfclogdir`), so its noise removal is
learnt along. Ridge regression, every speaker weighing alike: a hidden layer fitted the training voices
better and the others worse. Takes some minutes.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
import wave
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pocketsphinx
import soxr
from holdfast_asr.adapters.phone_front import CEPSTRA, Bank, with_context
from holdfast_common.pcm import ulaw_decode, ulaw_encode
from holdfast_common.profile import load_articles

ROOT = Path(__file__).parents[1]
WIDE_HZ = 16_000
LEFT = RIGHT = 3
RIDGE = 300.0
C0_PER_LOG_POWER = 4.996
"""How far cepstrum 0 moves with the logarithm of the power: of the recogniser's own transform."""
WEIGHTS = {"kal16": 3.0, "espeak": 1.5}
STRETCHES = (0.85, 0.92, 1.0, 1.08, 1.15)
Sound = npt.NDArray[np.int16]


def clips(human: Path, count: int, work: Path, rng: np.random.Generator) -> Iterator[tuple[str, Sound]]:
    """(speaker, 16 kHz sound)"""
    for path in sorted(human.glob("*.wav")):
        for stretch in STRETCHES:
            yield path.stem, stretched(read(path), stretch)
    articles = load_articles(ROOT / "profiles" / "trial_success")
    texts = [t for a in articles for t in re.split(r"(?<=[.?!])\s+", " ".join([a.answer, *a.details])) if t]
    for number, text in enumerate(texts[:count]):
        path, espeak = work / "clip.wav", number % 3 == 0
        voice = f"en-us+{('m1', 'm3', 'f1', 'f2', 'f3', 'f4')[number % 6]}"
        say = ["espeak-ng", "-v", voice, "-w", path, text] if espeak else ["flite", "-voice", "kal16", "-t", text, path]
        subprocess.run(say, check=True, capture_output=True)
        yield "espeak" if espeak else "kal16", stretched(read(path), float(rng.choice(STRETCHES)))


def read(path: Path) -> npt.NDArray[np.float32]:
    with wave.open(str(path)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32)
        sound = soxr.resample(sound, file.getframerate(), WIDE_HZ)
    return sound * (8_000 / np.abs(sound).max())


def stretched(sound: npt.NDArray[np.float32], factor: float) -> Sound:
    return soxr.resample(sound, WIDE_HZ, WIDE_HZ * factor).clip(-32_000, 32_000).astype(np.int16)


def through_a_line(sound: Sound, rate_hz: int, rng: np.random.Generator) -> tuple[Sound, float]:
    """The sound at the far end, and the gain it suffered."""
    y = soxr.resample(sound.astype(np.float32), WIDE_HZ, rate_hz)
    spectrum, hertz = np.fft.rfft(y), np.fft.rfftfreq(len(y), 1 / rate_hz)
    tilt_db = rng.uniform(-4, 4) * np.log2((hertz + 100) / 1_000)
    ripple_db = np.interp(hertz, np.linspace(0, rate_hz / 2, 8), rng.uniform(-3, 3, 8))
    spectrum *= 10 ** ((tilt_db + ripple_db) / 20)
    if rate_hz < WIDE_HZ and rng.random() < 0.65:
        low, high = rng.uniform(50, 330), rng.uniform(3_250, 3_950)
        band = 1 / (1 + np.exp(-(hertz - low) / 20)) / (1 + np.exp((hertz - high) / 50))
        spectrum *= np.maximum(band, rng.uniform(0.002, 0.06))
    gain = 10 ** (rng.uniform(-12, 6) / 20)
    y = np.fft.irfft(spectrum, len(y)) * gain
    snr_db = rng.choice([60, 45, 35, 25, 18])
    y += rng.normal(0, 1, len(y)) * (np.sqrt(np.mean(y**2)) + 1) * 10 ** (-snr_db / 20)
    samples = y.clip(-32_000, 32_000).astype("<i2")
    if rate_hz < WIDE_HZ:
        samples = np.frombuffer(ulaw_decode(ulaw_encode(samples)), "<i2")
    return samples, gain


class Targets:
    """The recogniser's own cepstra of a wideband clip."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Features are only logged where a search exists; the smallest one will do.
        (folder / "one.dict").write_text("a AH\n", "utf-8")
        (folder / "one.gram").write_text("#JSGF V1.0;\ngrammar one;\npublic <one> = a;\n", "utf-8")
        config: dict[str, Any] = {"jsgf": str(folder / "one.gram"), "dict": str(folder / "one.dict"), "cmn": "live"}
        self._decoder = pocketsphinx.Decoder(
            pocketsphinx.Config(mfclogdir=str(folder), loglevel="FATAL", lm=None, **config)
        )

    def __call__(self, sound: Sound) -> npt.NDArray[np.float32]:
        for old in self._folder.glob("*.mfc"):
            old.unlink()
        self._decoder.start_utt()
        self._decoder.process_raw(sound.tobytes(), True, False)
        self._decoder.end_utt()
        (path,) = self._folder.glob("*.mfc")
        return np.frombuffer(path.read_bytes()[4:], ">f4").reshape(-1, CEPSTRA).astype(np.float32)


def fit(pairs: list[tuple[str, npt.NDArray[Any], npt.NDArray[Any]]]) -> dict[str, Any]:
    """Weighted ridge regression of (speaker, features in context, cepstra)."""
    frames: dict[str, int] = defaultdict(int)
    for speaker, x, _ in pairs:
        frames[speaker] += len(x)
    every_x, every_y = np.concatenate([x for _, x, _ in pairs]), np.concatenate([y for _, _, y in pairs])
    mean, scale, centre = every_x.mean(0), every_x.std(0), every_y.mean(0)
    size = every_x.shape[1] + 1
    left, right = np.eye(size) * RIDGE, np.zeros((size, CEPSTRA))
    for speaker, x, y in pairs:
        a = np.concatenate([(x - mean) / scale, np.ones((len(x), 1))], 1)
        weight = WEIGHTS.get(speaker, 1.0) * 10_000 / frames[speaker]
        left += weight * a.T @ a
        right += weight * a.T @ (y - centre)
    solved = np.linalg.solve(left, right)
    linear, bias = solved[:-1], solved[-1] + centre
    like_people = np.concatenate([x for speaker, x, _ in pairs if speaker != "espeak"])
    cepstral_mean = (((like_people - mean) / scale) @ linear + bias).mean(0)
    arrays = {"mean": mean, "scale": scale, "linear": linear, "bias": bias, "cepstral_mean": cepstral_mean}
    return {"left": LEFT, "right": RIGHT, **{name: array.astype(np.float32) for name, array in arrays.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description="fit the phone front")
    parser.add_argument("--human", type=Path, required=True, help="folder of people at 16 kHz, one WAV each")
    parser.add_argument("--out", type=Path, required=True, help="folder for front_8000.npz and front_16000.npz")
    parser.add_argument("--clips", type=int, default=300, help="synthetic clips")
    parser.add_argument("--lines", type=int, default=4, help="simulated lines for each clip of a person")
    arguments = parser.parse_args()
    rng = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as folder:
        targets = Targets(Path(folder))
        spoken = [(s, x, targets(x)) for s, x in clips(arguments.human, arguments.clips, Path(folder), rng)]
    for rate_hz in (8_000, WIDE_HZ):
        bank, pairs = Bank(rate_hz), []
        for speaker, sound, cepstra in spoken:
            for _ in range(1 if speaker in WEIGHTS else arguments.lines):
                heard, gain = through_a_line(sound, rate_hz, rng)
                x = with_context(bank.log_mel(heard), LEFT, RIGHT)
                y = cepstra[LEFT : LEFT + len(x)].copy()
                y[:, 0] += C0_PER_LOG_POWER * np.log(gain**2)
                pairs.append((speaker, x[: len(y)], y))
        np.savez_compressed(arguments.out / f"front_{rate_hz}.npz", **fit(pairs))
        print(f"front_{rate_hz}.npz: {sum(len(x) for _, x, _ in pairs)} frames")


if __name__ == "__main__":
    main()
