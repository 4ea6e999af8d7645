"""Fit the network that tells the caller's voice from those behind it (gateway, adapters/foreground.py).

    pip install jax optax soundfile                          # beside the project's own packages, for this only
    python bench/train_foreground.py --speech FOLDER [--unseen FOLDER] --out foreground.npz

FOLDER holds a folder for each speaker with recordings of theirs (WAV or OGG, any rate), clean; `--unseen`: of speakers
that are only scored. Whom the shipped weights heard stands in services/gateway/holdfast_gateway/data/README.md.

A scene is one caller who talks and pauses, each time with another pitch, vocal tract and tilt, over one to eight
other voices (85 %) or noise, 0 to 25 dB under them, at any level, mostly through mu-law. They begin at once or after
up to 5 s. What the network is told are the gateway's own features, silero's opinion among them; what it shall say,
for each window of 32 ms two windows later, is whether the clean caller is within 30 dB of their loudest there. Cross
entropy, AdamW; an eighth of the features and of the units are forgotten in each scene, and each band is louder or
softer by some 2.6 dB. Two cores take about 3 minutes for the scenes and one for each epoch.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import jax  # pyright: ignore[reportMissingImports]
import jax.numpy as jnp  # pyright: ignore[reportMissingImports]
import numpy as np
import numpy.typing as npt
import optax  # pyright: ignore[reportMissingImports]
import soundfile  # pyright: ignore[reportMissingImports]
import soxr
from holdfast_cli.eval.turn_noise import RATE_HZ, background
from holdfast_common.pcm import samples_of, ulaw_decode, ulaw_encode
from holdfast_gateway.adapters.foreground import FEATURES, STEPS, features
from holdfast_gateway.adapters.silero import Silero
from holdfast_gateway.domain.levels import LAG_WINDOWS

Sound = npt.NDArray[np.float64]
Params = dict[str, Any]

WINDOW = RATE_HZ * 32 // 1000
STEP = WINDOW // STEPS
LENGTH = 320
"""Windows of a scene (10.2 s): longer ones are cut."""
LONGEST_S, SHORTEST_S = 15.0, 0.2
SNRS_DB = (0, 2, 5, 5, 8, 10, 15, 20)
LEADS_S = ((0.0, 0.0), (0.3, 1.5), (1.5, 5.0))
LEAD_SHARES = (0.1, 0.75, 0.15)
"""Silence before the caller: none, as between turns, as at the beginning of a call."""
BEFORE_CALLER = 0.5
"""Weight of a window before the caller was heard: whose voice is in front there, nobody can know."""
LETTERS = "k_"
"""A speaker so named says letters and syllables: they are strung together, and count for less."""
BATCH = 50
FORGOTTEN = 0.15
"""Share of the units that a scene does without."""


def read(folder: Path) -> dict[str, list[Sound]]:
    """Recordings of each speaker at 8 kHz, their voice at an RMS of 1."""
    found: dict[str, list[Sound]] = {}
    for path in sorted(folder.glob("*/*")):
        sound, rate_hz = soundfile.read(path, dtype="float64", always_2d=True)
        mono = soxr.resample(sound.mean(axis=1), rate_hz, RATE_HZ)
        if SHORTEST_S * RATE_HZ < len(mono) < LONGEST_S * RATE_HZ and np.abs(mono).max() > 0.02:
            loud = is_voice(mono)
            mono = mono / np.sqrt(np.mean(mono[: len(loud) * STEP].reshape(-1, STEP)[loud] ** 2))
            found.setdefault(path.parent.name, []).append(mono)
    return found


def is_voice(clean: Sound) -> npt.NDArray[np.bool_]:
    """Of each step of 4 ms: within 30 dB of the loudest, and above the recording's own noise."""
    steps = clean[: len(clean) // STEP * STEP].reshape(-1, STEP)
    db = 10 * np.log10(np.convolve(np.mean(steps**2, axis=1), np.ones(3) / 3, "same") + 1e-10)
    return db > max(db.max() - 30, min(np.percentile(db, 5) + 8, db.max() - 15))


def trimmed(sound: Sound) -> Sound:
    """Without what is before and after the voice."""
    loud = np.flatnonzero(is_voice(sound))
    return sound[max(0, loud[0] * STEP - 160) : (loud[-1] + 1) * STEP + 160]


def another_voice(rng: np.random.Generator, sound: Sound) -> Sound:
    """Faster or slower, so that pitch and vocal tract change, and tilted."""
    factor = rng.uniform(0.82, 1.22)
    at = np.arange(int(len(sound) / factor)) * factor
    sound = np.interp(at, np.arange(len(sound)), sound)
    tilted = sound.copy()
    tilted[1:] += rng.uniform(-0.5, 0.5) * sound[:-1]
    return tilted / np.sqrt(np.mean(tilted**2) + 1e-9) * np.sqrt(np.mean(sound**2))


class Scenes:
    """Makes scenes of some speakers' recordings."""

    def __init__(self, speech: dict[str, list[Sound]], seed: int) -> None:
        self._speech = speech
        self._names = sorted(speech)
        weights = np.array([0.35 if name.startswith(LETTERS) else 1.0 for name in self._names])
        self._weights = weights / weights.sum()
        self._rng = np.random.default_rng(seed)
        self._silero = Silero(RATE_HZ)

    def make(self, count: int) -> dict[str, npt.NDArray[np.float16]]:
        """`features` [count, LENGTH, 29], `voice` (the share of a window that is the caller's) and `weight`."""
        made = {
            "features": np.zeros((count, LENGTH, FEATURES), np.float16),
            "voice": np.zeros((count, LENGTH), np.float16),
            "weight": np.zeros((count, LENGTH), np.float16),
        }
        for i in range(count):
            told, voice, weight = self._scene()
            for name, row in (("features", told), ("voice", voice), ("weight", weight)):
                made[name][i, : min(LENGTH, len(row))] = row[:LENGTH]
        return made

    def _caller(self, name: str) -> Sound:
        """Some seconds of one speaker, with pauses."""
        rng, mine = self._rng, self._speech[name]
        pieces: list[Sound] = []
        goal = rng.uniform(1.2, 6.0) * RATE_HZ
        while sum(map(len, pieces)) < goal:
            piece = trimmed(mine[rng.integers(len(mine))])
            if len(piece) > 3 * RATE_HZ and rng.uniform() < 0.5:
                begin = rng.integers(0, len(piece) - 2 * RATE_HZ)
                piece = piece[begin : begin + int(rng.uniform(1, 3) * RATE_HZ)]
            strung = name.startswith(LETTERS) and rng.uniform() < 0.7
            gap_s = rng.uniform(0.02, 0.3) if strung else rng.uniform(0.1, 1.3)
            pieces += [piece, np.zeros(int(gap_s * RATE_HZ))]
        lead_s = rng.uniform(*LEADS_S[rng.choice(len(LEADS_S), p=LEAD_SHARES)])
        line = [np.zeros(int(lead_s * RATE_HZ)), *pieces[:-1], np.zeros(int(rng.uniform(1.0, 2.5) * RATE_HZ))]
        sound = another_voice(rng, np.concatenate(line))
        return sound[: len(sound) // WINDOW * WINDOW]

    def _voices(self, caller: str, length: int) -> Sound:
        """Others at once, RMS 1."""
        rng, others = self._rng, [name for name in self._names if name != caller]
        heard = np.zeros(length)
        for _ in range(int(rng.choice([1, 2, 3, 4, 6, 6, 6, 6, 8]))):
            theirs = self._speech[others[rng.integers(len(others))]]
            pieces: list[Sound] = []
            while sum(map(len, pieces)) < length + RATE_HZ:
                pieces.append(theirs[rng.integers(len(theirs))])
            voice = np.tile(another_voice(rng, np.concatenate(pieces)), 2)
            begin = rng.integers(0, len(voice) - length + 1)
            heard += voice[begin : begin + length] * 10 ** (rng.uniform(-3, 3) / 20)
        return heard / np.sqrt(np.mean(heard**2))

    def _scene(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        rng = self._rng
        name = self._names[rng.choice(len(self._names), p=self._weights)]
        clean = self._caller(name)
        voiced = is_voice(clean)
        clean = clean / np.sqrt(np.mean(clean.reshape(-1, STEP)[voiced] ** 2))
        among_voices = rng.uniform() < 0.85
        if among_voices:
            noise, snr_db = self._voices(name, len(clean)), float(rng.choice(SNRS_DB))
        else:
            kind = ("white", "pink", "office")[rng.integers(3)]
            noise, snr_db = background(rng, kind, len(clean), []), rng.uniform(3, 25)
        line = (clean + 10 ** (-snr_db / 20) * noise) * 10 ** (rng.uniform(-32, -18) / 20)
        pcm = np.clip(line * 32_768, -32_768, 32_767).astype("<i2").tobytes()
        if rng.uniform() < 0.7:
            pcm = ulaw_decode(ulaw_encode(pcm))
        windows = samples_of(pcm).astype(np.float32).reshape(-1, WINDOW) / np.float32(32_768)
        row = self._silero.open()
        probabilities = np.array(self._silero.probabilities([row] * len(windows), windows), np.float32)
        self._silero.close(row)
        told = features(probabilities, windows)
        share = voiced.reshape(-1, STEPS).mean(axis=1)
        weight = np.where((share > 0.6) | (share == 0), 1.0 if among_voices else 0.5, 0.0)
        weight[: max(0, int(np.flatnonzero(share)[0]) - 3)] *= BEFORE_CALLER
        return told, share, weight


def network(params: Params, told: Any, key: Any = None) -> Any:
    """Log-odds [B, T] of features [B, T, FEATURES]: what `Foreground` does, for many scenes and all their windows.

    With a `key` some units are forgotten, others in each scene (dropout).
    """
    size = params["output"].shape[0]
    keys = (None, None) if key is None else jax.random.split(key)
    inner = some_forgotten(jnp.tanh(told @ params["inner"] + params["inner_bias"]), keys[0])
    gates = inner @ params["gates"] + params["gates_bias"]

    def cell(before: Any, gate: Any) -> tuple[Any, Any]:
        own = before @ params["hidden"]
        doors = jax.nn.sigmoid(gate[:, : 2 * size] + own[:, : 2 * size])
        new = jnp.tanh(gate[:, 2 * size :] + doors[:, :size] * own[:, 2 * size :])
        after = new + doors[:, size:] * (before - new)
        return after, after

    _, hidden = jax.lax.scan(cell, jnp.zeros((told.shape[0], size)), gates.transpose(1, 0, 2))
    hidden = some_forgotten(hidden.transpose(1, 0, 2), keys[1])
    return hidden @ params["output"] + params["output_bias"]


def some_forgotten(units: Any, key: Any) -> Any:
    """[B, T, units] with a share of the units of each scene at zero, the others larger for it."""
    if key is None:
        return units
    kept = jax.random.uniform(key, (units.shape[0], 1, units.shape[2])) >= FORGOTTEN
    return units * kept / (1.0 - FORGOTTEN)


def loss(params: Params, told: Any, voice: Any, weight: Any, key: Any = None) -> Any:
    """Cross entropy of the windows `LAG_WINDOWS` before."""
    odds = network(params, told, key)[:, LAG_WINDOWS:]
    voice, weight = voice[:, :-LAG_WINDOWS], weight[:, :-LAG_WINDOWS]
    return (weight * optax.sigmoid_binary_cross_entropy(odds, (voice > 0.5).astype(jnp.float32))).sum() / weight.sum()


def fresh(size: int) -> Params:
    """Random weights."""
    keys = jax.random.split(jax.random.PRNGKey(0), 4)

    def matrix(key: Any, rows: int, columns: int) -> Any:
        return jax.random.normal(key, (rows, columns)) / np.sqrt(rows)

    return {
        "inner": matrix(keys[0], FEATURES, size),
        "inner_bias": jnp.zeros(size),
        "gates": matrix(keys[1], size, 3 * size),
        "gates_bias": jnp.zeros(3 * size),
        "hidden": matrix(keys[2], size, 3 * size),
        "output": matrix(keys[3], size, 1)[:, 0],
        "output_bias": jnp.zeros(()),
    }


NAMES = ("features", "voice", "weight")


def fit(scenes: dict[str, Any], unseen: dict[str, Any], size: int, epochs: int, done: Callable[[Params], None]) -> None:
    """Fit; `done` is given the weights after each epoch, which is scored on `unseen`."""
    count = len(scenes["voice"])
    params = fresh(size)
    schedule = optax.cosine_decay_schedule(4e-3, epochs * (count // BATCH))
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=1e-3))
    state = optimiser.init(params)

    @jax.jit
    def step(params: Params, state: Any, told: Any, voice: Any, weight: Any, key: Any) -> tuple[Params, Any, Any]:
        found, slope = jax.value_and_grad(loss)(params, told, voice, weight, key)
        change, state = optimiser.update(slope, state, params)
        return optax.apply_updates(params, change), state, found

    rng = np.random.default_rng(0)
    judge = jax.jit(loss)
    others = [unseen[name].astype(np.float32) for name in NAMES]
    for epoch in range(epochs):
        order, losses = rng.permutation(count), []
        for at in range(0, count - BATCH + 1, BATCH):
            told, voice, weight = (scenes[name][order[at : at + BATCH]].astype(np.float32) for name in NAMES)
            told *= rng.uniform(size=(BATCH, 1, told.shape[2])) < 0.88
            told[:, :, 1:] += rng.normal(0, 0.1, (BATCH, 1, 1))
            told[:, :, 1 + STEPS :] += rng.normal(0, 0.15, (BATCH, 1, FEATURES - 1 - STEPS))
            params, state, found = step(params, state, told, voice, weight, jax.random.PRNGKey(epoch * count + at))
            losses.append(float(found))
        score = float(judge(params, *others))
        print(f"epoch {epoch + 1}: {np.mean(losses):.4f}, speakers not heard {score:.4f}", flush=True)
        done(params)


def made(order: tuple[dict[str, list[Sound]], int, int]) -> dict[str, npt.NDArray[np.float16]]:
    """Scenes of a process of its own: speech, seed, how many."""
    speech, seed, count = order
    return Scenes(speech, seed).make(count)


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the network that tells the caller's voice from others'.")
    parser.add_argument("--speech", type=Path, required=True, help="a folder for each speaker, of recordings")
    parser.add_argument("--unseen", type=Path, help="the same, of speakers that are only scored")
    parser.add_argument("--scenes", type=int, default=40_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--size", type=int, default=64, help="units")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    speech = read(options.speech)
    print(
        f"{len(speech)} speakers, {sum(len(s) for r in speech.values() for s in r) / RATE_HZ / 60:.0f} min", flush=True
    )

    def keep(params: Params) -> None:
        weights: dict[str, Any] = {name: np.asarray(value, np.float16) for name, value in params.items()}
        np.savez_compressed(options.out, **weights, lag=np.array(LAG_WINDOWS))

    share = options.scenes // options.workers
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as workers:
        parts = list(workers.map(made, [(speech, options.seed + 10 + i, share) for i in range(options.workers)]))
    scenes = {name: np.concatenate([part[name] for part in parts]) for name in NAMES}
    apart = Scenes(read(options.unseen) if options.unseen else speech, options.seed + 1).make(400)
    fit(scenes, apart, options.size, options.epochs, keep)


if __name__ == "__main__":
    main()
