"""Measure the embedded recogniser: word errors, processor time, and how long the last word takes to become text.

    .venv/bin/python bench/asr_words.py [--json bench/results/asr_words.json] [--voice kal16 ...] [--human FOLDER]
                                        [--real-time] [--wrong-words]

Sentences are bench/asr_sentences.txt (in no language model: a test), spoken by flite and espeak-ng where they
are installed, through a telephone line: 8 kHz, mu-law, once as wide as the rate allows (`line`) and once
cut to 250-3450 Hz (`narrow`); and people: services/asr/tests/data/human_phone, or a folder with an
`index.jsonl` ({"file", "text"}). People read or command there; none of it is the company's language, so
their figure shows what happens outside of it. Tuning used kal16, espeak and people; slt, rms and awb are for looking.

Everything goes through the service's own recogniser and decoder processes. `pause` is from a pause after the
last sample to the hypothesis, `final` from the end to the final after it. With `--real-time` audio comes in 20 ms
steps at the speed of speech, as on a call; without, as fast as it is decoded, and times compare only with each other.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import numpy.typing as npt
import psutil
import soxr
from holdfast_asr.adapters.caller_data import load_caller_data
from holdfast_asr.adapters.pocketsphinx_model import prepare_model
from holdfast_asr.adapters.pocketsphinx_pool import PocketsphinxPool, PoolShape
from holdfast_asr.domain.words import normalise
from holdfast_asr.ports import Request
from holdfast_common.contracts.asr import Expectation
from holdfast_common.pcm import ulaw_decode, ulaw_encode
from holdfast_common.profile import load_articles, load_profile
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
SENTENCES = ROOT / "bench" / "asr_sentences.txt"
HUMAN = ROOT / "services" / "asr" / "tests" / "data" / "human_phone"
RATE_HZ = 8_000
VOICES = ("kal16", "slt", "rms", "awb", "espeak")
LINES = ("line", "narrow")
MULAW_FORMAT = 7
STEP_BYTES = 320
STEPS = 10
"""After so many steps of 20 ms the next is fed when they are decoded, as they are on a call."""


@dataclass(frozen=True)
class Spoken:
    """One utterance to be heard."""

    voice: str
    kind: str
    expectation: str
    text: str
    pcm: bytes


class Listener:
    def __init__(self) -> None:
        self.guesses = 0
        self.samples = 0
        self.moved = asyncio.Event()

    def guessed(self, text: str) -> None:
        self.guesses += 1

    def decoded(self, samples: int) -> None:
        self.samples = samples
        self.moved.set()

    async def caught_up(self, samples: int) -> None:
        while self.samples < samples:
            self.moved.clear()
            await self.moved.wait()


def synthesised(voice: str, line: str, folder: Path) -> Iterator[Spoken]:
    rows = [row.split("\t") for row in SENTENCES.read_text("utf-8").splitlines() if row and row[0] != "#"]
    for number, (kind, expectation, text) in enumerate(rows):
        path = folder / f"{voice}_{number}.wav"
        if not path.exists():
            say = ["flite", "-voice", voice, "-t", text, "-o", path]
            if voice == "espeak":
                say = ["espeak-ng", "-v", "en-us", "-s", "155", "-w", path, text]
            subprocess.run(say, check=True, capture_output=True)
        yield Spoken(f"{voice}/{line}", kind, expectation, text, telephone(path, narrow=line == "narrow", seed=number))


def telephone(path: Path, *, narrow: bool, seed: int) -> bytes:
    """A WAV file as it comes over a line: half a second of room around it, mu-law."""
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32)
    sound = soxr.resample(sound, rate, RATE_HZ)
    if narrow:
        spectrum = np.fft.rfft(sound)
        hertz = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
        spectrum[(hertz < 250) | (hertz > 3_450)] *= 0.05
        sound = np.fft.irfft(spectrum, len(sound))
    sound = np.concatenate([np.zeros(2_000), sound * (9_000 / np.abs(sound).max()), np.zeros(1_600)])
    sound += np.random.default_rng(seed).normal(0, 6, len(sound))
    samples: npt.NDArray[np.int16] = sound.clip(-32_768, 32_767).astype("<i2")
    return ulaw_decode(ulaw_encode(samples))


def people(folder: Path) -> Iterator[Spoken]:
    for row in (folder / "index.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(row)
        raw = (folder / entry["file"]).read_bytes()
        if raw[20] != MULAW_FORMAT:
            raise SystemExit(f"{entry['file']}: not mu-law")
        pcm = ulaw_decode(raw[raw.index(b"data") + 8 :])
        yield Spoken("people/line", "people", "open", normalise(entry["text"]), pcm)


async def hear(pool: PocketsphinxPool, spoken: Spoken, *, real_time: bool) -> dict[str, Any]:
    listener = Listener()
    utterance = pool.begin(Request(RATE_HZ, expectation=Expectation(spoken.expectation)), listener)
    clock = asyncio.get_running_loop().time
    began = clock()
    for step, at in enumerate(range(0, len(spoken.pcm), STEP_BYTES), start=1):
        utterance.feed(spoken.pcm[at : at + STEP_BYTES])
        if real_time:
            await asyncio.sleep(max(0.0, began + step * 0.02 - clock()))
        elif step % STEPS == 0:
            await listener.caught_up(min(at + STEP_BYTES, len(spoken.pcm)) // 2)
    asked = clock()
    await utterance.hear(len(spoken.pcm) // 2)
    paused = clock()
    final = await utterance.hear(len(spoken.pcm) // 2, last=True)
    ended = clock()
    utterance.close()
    return {
        "voice": spoken.voice,
        "kind": spoken.kind,
        "said": spoken.text,
        "heard": final.text,
        "confidence": final.confidence,
        "engine": final.engine,
        "pause_ms": (paused - asked) * 1000,
        "final_ms": (ended - paused) * 1000,
        "seconds": len(spoken.pcm) / 2 / RATE_HZ,
        "guesses": listener.guesses,
    }


async def measure(arguments: argparse.Namespace, utterances: list[Spoken]) -> dict[str, Any]:
    profile = ROOT / "profiles" / "trial_success"
    with tempfile.TemporaryDirectory() as cache:
        began = time.perf_counter()
        model = prepare_model(load_profile(profile), load_articles(profile), load_caller_data(), Path(cache))
        built = time.perf_counter()
        pool = PocketsphinxPool(model, PoolShape(1))
        running = asyncio.ensure_future(pool.run())
        await pool.ready()
        ready = time.perf_counter()
        decoder = psutil.Process(pool.pids()[0])
        before = sum(decoder.cpu_times()[:2])
        results = [await hear(pool, spoken, real_time=arguments.real_time) for spoken in utterances]
        cpu = sum(decoder.cpu_times()[:2]) - before
        memory = decoder.memory_full_info().uss
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "model_built_s": built - began,
        "decoder_ready_s": ready - built,
        "decoder_memory_mb": memory / 1e6,
        "cpu_per_second": cpu / sum(r["seconds"] for r in results),
        "real_time": arguments.real_time,
        "groups": [group(results, voice) for voice in dict.fromkeys(r["voice"] for r in results)],
        "utterances": results,
    }


def group(results: list[dict[str, Any]], voice: str) -> dict[str, Any]:
    mine = [r for r in results if r["voice"] == voice]
    kinds = dict.fromkeys(r["kind"] for r in mine)
    return {
        "voice": voice,
        "utterances": len(mine),
        "wer": wer(mine),
        "by_kind": {kind: wer([r for r in mine if r["kind"] == kind]) for kind in kinds},
        "sure_and_wrong": sum(r["confidence"] >= 0.5 and wer([r]) > 50 for r in mine),
        "pause_ms_p50": statistics.median(r["pause_ms"] for r in mine),
        "final_ms_p50": statistics.median(r["final_ms"] for r in mine),
    }


def wer(results: list[dict[str, Any]]) -> float:
    """Word error rate, per cent."""
    return 100 * jiwer.wer([r["said"] for r in results], [r["heard"] or " " for r in results])


def show(report: dict[str, Any]) -> None:
    table = Table(title=f"embedded recogniser, {report['machine']}")
    for column in ("voice", "utterances", "WER %", "sure and wrong", "pause ms", "final ms", "WER % by kind"):
        table.add_column(column, justify="left" if column.startswith(("voice", "WER % by")) else "right")
    for g in report["groups"]:
        kinds = " ".join(f"{kind} {value:.0f}" for kind, value in g["by_kind"].items())
        table.add_row(
            g["voice"],
            str(g["utterances"]),
            f"{g['wer']:.1f}",
            str(g["sure_and_wrong"]),
            f"{g['pause_ms_p50']:.0f}",
            f"{g['final_ms_p50']:.1f}",
            kinds,
        )
    console = Console(width=150)
    console.print(table)
    console.print(
        f"model built in {report['model_built_s']:.1f} s, decoder ready in {report['decoder_ready_s']:.1f} s, "
        f"{report['decoder_memory_mb']:.0f} MB; {report['cpu_per_second']:.3f} s of processor time per second of audio"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="word errors of the embedded recogniser")
    parser.add_argument("--json", type=Path, help="write everything there, each utterance included")
    parser.add_argument("--voice", nargs="*", default=list(VOICES), help=f"of {', '.join(VOICES)}; none: people only")
    parser.add_argument("--line", nargs="*", default=list(LINES), choices=LINES)
    parser.add_argument("--human", type=Path, default=HUMAN, help="folder of mu-law recordings with an index.jsonl")
    parser.add_argument("--real-time", action="store_true", help="audio at the speed of speech; times mean something")
    parser.add_argument("--wrong-words", action="store_true", help="print what was misheard")
    arguments = parser.parse_args()
    have = {voice: shutil.which("espeak-ng" if voice == "espeak" else "flite") for voice in arguments.voice}
    if lacking := [voice for voice, path in have.items() if path is None]:
        print(f"left out, not installed: {', '.join(lacking)}")
    with tempfile.TemporaryDirectory() as folder:
        utterances = [
            spoken
            for voice in arguments.voice
            if have[voice]
            for line in arguments.line
            for spoken in synthesised(voice, line, Path(folder))
        ]
        utterances += people(arguments.human)
        report = asyncio.run(measure(arguments, utterances))
    if arguments.wrong_words:
        for r in report["utterances"]:
            if r["said"] != r["heard"]:
                print(f"{r['voice']:14} {r['confidence']:.2f} {r['engine'][13:]:8} {r['said']} | {r['heard']}")
    show(report)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
