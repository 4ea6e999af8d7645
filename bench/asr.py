"""Measure Whisper on this machine: streams at p95 <= 300 ms, latency of one utterance, cold start, word errors.

    .venv/bin/python bench/asr.py [--device cpu|cuda] [--shapes tiny,small,large-v3-turbo] [--json FILE]
    .venv/bin/python bench/asr.py --latency         # one 3 s utterance, cold start, a stopped worker; shape of small
    .venv/bin/python bench/asr.py --model DIR --wer FILE.jsonl # real weights; {"audio": "a.wav", "text": "..."} a line

A stream is a call whose caller says something every 8 s: 1 to 8 s long, 3 s in the middle, 25 tokens. It is decoded
twice: at a pause somewhere in it and at its end; measured is from the end of the speech to the final. Compared are

    alone          one utterance at a time, window of 30 s: faster-whisper as it comes
    batched        utterances of different calls together, window of 30 s
    alone_short    one at a time, window as long as the utterance and 1.5 s
    batched_short  both

Without real weights (--model) the shapes are filled at random and the output length is forced to 25 tokens: cost is
that of the shape, words mean nothing. On a GPU the load is real (`--how live`): the engine, its process, its pipes.
On a CPU a trial of each would take an hour, so (`--how simulated`) decodes are timed for real at several windows and
batch sizes (processor time by the threads), and the product's own schedule is run on these times in virtual time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import statistics
import sys
import tempfile
import time
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from asr_load import CYCLE_S, RATE_HZ, TARGET_S, TOKENS, Said, measure, most_streams, score, script, simulate
from holdfast_asr.adapters.random_whisper import SHAPES, make_whisper
from holdfast_asr.adapters.whisper_engine import Plan, WhisperRecogniser
from holdfast_asr.adapters.whisper_prompts import Prompts
from holdfast_asr.adapters.whisper_wire import Options
from holdfast_asr.adapters.whisper_worker import Engine
from holdfast_asr.domain.gates import Gates
from holdfast_asr.domain.words import words_of
from holdfast_asr.ports import Request
from holdfast_common.errors import EngineUnavailable

MODES = {"alone": (1, False), "batched": (0, False), "alone_short": (1, True), "batched_short": (0, True)}
"""Batch size (0: the largest) and short windows."""
CPU_BATCH = {"tiny": 8, "small": 4, "large-v3-turbo": 2}
"""Enough to see what a batch gains on a CPU; larger ones only take longer to measure."""


class Deaf:
    """A listener that has no use for partials."""

    def guessed(self, text: str) -> None:
        del text

    def decoded(self, samples: int) -> None:
        del samples


# -- real load ------------------------------------------------------------------------------------------


@asynccontextmanager
async def running(plan: Plan) -> AsyncIterator[WhisperRecogniser]:
    recogniser = WhisperRecogniser(plan, await asyncio.to_thread(Prompts, Path(plan.options.folder)))
    task = asyncio.ensure_future(recogniser.run())
    ready = asyncio.ensure_future(recogniser.ready())
    try:
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield recogniser
    finally:
        ready.cancel()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def live(recogniser: WhisperRecogniser, streams: int, seconds: float) -> float:
    """Score of a trial, s. The first cycle warms up; ended early when it is hopeless."""
    noise = (np.random.default_rng(0).normal(0, 500, RATE_HZ * 9)).astype("<i2").tobytes()
    clock = asyncio.get_running_loop().time
    began = clock()
    finals: list[float] = []
    pauses: list[float] = []

    async def ask(said: Said) -> None:
        utterance = recogniser.begin(Request(RATE_HZ), Deaf())
        utterance.feed(noise[: 2 * int(said.audio_s * RATE_HZ)])
        asked = clock()
        await utterance.hear(0, last=said.last)
        if said.at_s > CYCLE_S / 2:
            (finals if said.last else pauses).append(clock() - asked)
        utterance.close()

    try:
        async with asyncio.TaskGroup() as group, asyncio.timeout(seconds + 10):
            for said in script(streams, seconds, streams):
                await asyncio.sleep(max(0.0, began + said.at_s - clock()))
                group.create_task(ask(said))
    except* (EngineUnavailable, TimeoutError):  # the queue overflowed or time ran out: too many streams
        finals = [float("inf")]
    return score(finals, pauses)


# -- what is printed -------------------------------------------------------------------------------------


def options_of(args: argparse.Namespace, folder: Path, *, max_batch: int, short: bool) -> Options:
    return Options(str(folder), args.device, 0, args.compute_type, args.threads, max_batch, short)


def simulated(args: argparse.Namespace, shape: str, folder: Path) -> dict[str, Any]:
    windows = (250, 450, 950, 3_000)
    batch = args.max_batch or (CPU_BATCH.get(shape, 4) if args.device == "cpu" else 32)
    engine = Engine(options_of(args, folder, max_batch=batch, short=True))
    costs = measure(engine, folder, windows, batch, args.threads or os.cpu_count() or 1)
    found: dict[str, Any] = {
        "decode_ms": {f"{frames / 100:g} s": round(s * 1000) for frames, s in costs.by_frames.items()},
        "on_the_clock_ms": {f"{frames / 100:g} s": round(s * 1000) for frames, s in costs.wall_by_frames.items()},
        f"batch_of_{batch}_ms": {f"{costs.batch_frames / 100:g} s": round(costs.batch_s * 1000)},
    }
    for mode, (size, short) in MODES.items():
        limits = {"max_batch": size or batch, "short": short}
        found[mode] = {
            "p95_ms_with_1_stream": round(simulate(costs, 1, **limits) * 1000),
            **{
                f"streams_at_p95_{round(t * 1000)}_ms": most_streams(costs, target_s=t, **limits)
                for t in (TARGET_S, 1.0, 3.0)
            },
        }
    return found


async def loaded(args: argparse.Namespace, shape: str, folder: Path) -> dict[str, Any]:
    """Trials with real load, by doubling and then halving the step."""
    del shape
    found: dict[str, Any] = {}
    batch = args.max_batch or (32 if args.device == "cuda" else 4)
    for mode, (size, short) in MODES.items():
        plan = Plan(
            options_of(args, folder, max_batch=size or batch, short=short),
            gates=None, partials=False, forced_tokens=TOKENS, max_waiting=512,
        )  # fmt: skip
        async with running(plan) as recogniser:
            trials: dict[int, float] = {}
            low, high = 0, args.first
            while high <= args.most:
                trials[high] = await live(recogniser, high, args.seconds)
                if trials[high] > TARGET_S:
                    break
                low, high = high, 2 * high
            while high - low > max(1, low // 10):
                middle = (low + high) // 2
                trials[middle] = await live(recogniser, middle, args.seconds)
                low, high = (middle, high) if trials[middle] <= TARGET_S else (low, middle)
            found[mode] = {
                "streams_at_p95_300_ms": low,
                "p95_ms_by_streams": {n: round(s * 1000) if s < 1e6 else None for n, s in sorted(trials.items())},
                "mean_batch": round(statistics.fmean(recogniser.batches[-500:]), 1) if recogniser.batches else 0,
            }
        print(f"  {mode}: {found[mode]}", flush=True)
    return found


async def latency(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One caller: 3 s of speech to the final through the engine, cold start, and a worker that is stopped."""
    found: dict[str, Any] = {}
    noise = (np.random.default_rng(0).normal(0, 500, RATE_HZ * 3)).astype("<i2").tobytes()
    for mode, short in (("window_30_s", False), ("short_window", True)):
        plan = Plan(
            options_of(args, folder, max_batch=1, short=short),
            gates=None, partials=False, forced_tokens=args.tokens,
        )  # fmt: skip
        began = time.perf_counter()
        async with running(plan) as recogniser:
            cold_s = time.perf_counter() - began
            seconds: list[float] = []
            for _ in range(args.times):
                utterance = recogniser.begin(Request(RATE_HZ), Deaf())
                utterance.feed(noise)
                asked = time.perf_counter()
                await utterance.hear(0, last=True)
                seconds.append(time.perf_counter() - asked)
                utterance.close()
            found[mode] = {
                "end_of_speech_to_final_s_median": round(statistics.median(seconds), 3),
                "end_of_speech_to_final_s_worst": round(max(seconds), 3),
                "cold_start_to_warm_s": round(cold_s, 2),
            }
            if short:
                found["stopped_worker"] = await stopped(recogniser, noise)
        print(f"  {mode}: {found[mode]}", flush=True)
    return found


async def stopped(recogniser: WhisperRecogniser, noise: bytes) -> dict[str, float]:
    """SIGSTOP under an utterance: how soon its asker is told (and goes to the fallback), how soon Whisper is back."""
    utterance = recogniser.begin(Request(RATE_HZ), Deaf())
    utterance.feed(noise)
    asking = asyncio.ensure_future(utterance.hear(0, last=True))
    await asyncio.sleep(0.05)  # it is being decoded
    os.kill(recogniser.pids()[0], signal.SIGSTOP)
    struck = time.perf_counter()
    await asyncio.wait({asking})
    told = time.perf_counter() - struck
    asking.exception()
    while not recogniser.usable:
        await asyncio.sleep(0.05)
    return {"noticed_after_s": round(told, 2), "replaced_and_warm_after_s": round(time.perf_counter() - struck, 2)}


async def word_errors(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Real weights: word errors with the whole and with short windows, as the service decodes."""
    from rapidfuzz.distance import Levenshtein  # noqa: PLC0415 - only here

    base = args.wer.parent
    lines = [json.loads(line) for line in args.wer.read_text("utf-8").splitlines() if line.strip()]
    found: dict[str, Any] = {"utterances": len(lines)}
    for mode, short in (("window_30_s", False), ("short_window", True)):
        plan = Plan(options_of(args, folder, max_batch=1, short=short), name=folder.name, gates=Gates(), partials=False)
        wrong = total = 0
        async with running(plan) as recogniser:
            for line in lines:
                with wave.open(str(base / line["audio"])) as file:
                    rate_hz, pcm = file.getframerate(), file.readframes(file.getnframes())
                utterance = recogniser.begin(Request(rate_hz), Deaf())
                utterance.feed(pcm)
                heard = await utterance.hear(0, last=True)
                said, got = words_of(line["text"]), words_of(heard.text)
                wrong, total = wrong + Levenshtein.distance(said, got), total + len(said)
                utterance.close()
        found[mode] = {"word_error_percent": round(100 * wrong / max(1, total), 2), "decodes": len(recogniser.batches)}
        print(f"  {mode}: {found[mode]}", flush=True)
    return found


def machine(args: argparse.Namespace) -> dict[str, Any]:
    import ctranslate2  # noqa: PLC0415 - heavy

    told = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = (line.split(":", 1)[1].strip() for line in told.splitlines() if line.startswith("model name"))
    cpu = next(names, platform.processor())
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "bench/asr.py " + " ".join(sys.argv[1:]),
        "machine": f"{cpu}, {os.cpu_count()} cores, {platform.platform()}",
        "gpus": ctranslate2.get_cuda_device_count(),
        "device": args.device,
        "load_average": [round(value, 1) for value in os.getloadavg()],
        "ctranslate2": ctranslate2.__version__,
        "weights": "real" if args.model else "random, output length forced",
        "load": f"{CYCLE_S:g} s cycle, 1-8 s utterances (median 3), {TOKENS} tokens, a pause decode and a final each",
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--compute-type", default="", help="int8 on a CPU and float16 on a GPU by default")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: all cores")
    parser.add_argument("--shapes", default="tiny,small,large-v3-turbo")
    parser.add_argument("--model", type=Path, help="folder of a real model, instead of the shapes")
    parser.add_argument("--max-batch", type=int, default=0)
    parser.add_argument("--how", choices=("live", "simulated"), help="live on a GPU, simulated on a CPU by default")
    parser.add_argument("--seconds", type=float, default=24.0, help="length of a live trial")
    parser.add_argument("--first", type=int, default=1, help="streams of the first live trial")
    parser.add_argument("--most", type=int, default=4_096)
    parser.add_argument("--latency", action="store_true", help="one utterance of 3 s, cold start, a stopped worker")
    parser.add_argument("--tokens", type=int, default=20, help="output length in --latency")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--wer", type=Path, help="JSON lines of audio and text; needs --model")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    args.how = args.how or ("live" if args.device == "cuda" else "simulated")
    if args.wer and not args.model:
        parser.error("--wer needs --model")
    return args


def main() -> None:
    args = arguments()
    result: dict[str, Any] = {"machine": machine(args)}
    with tempfile.TemporaryDirectory() as temporary:
        if args.model:
            models = {args.model.name: args.model}
        else:
            shapes = ["small"] if args.latency else args.shapes.split(",")
            quantization = "int8" if args.device == "cpu" else "float16"
            models = {}
            for shape in shapes:
                models[shape] = make_whisper(Path(temporary) / shape, SHAPES[shape], quantization=quantization)
        for name, folder in models.items():
            print(name, flush=True)
            if args.wer:
                result[name] = asyncio.run(word_errors(args, folder))
            elif args.latency:
                result[name] = asyncio.run(latency(args, folder))
            elif args.how == "live":
                result[name] = asyncio.run(loaded(args, name, folder))
            else:
                result[name] = simulated(args, name, folder)
                print(json.dumps(result[name], indent=1), flush=True)
            if args.json:
                keep(args, result)


def keep(args: argparse.Namespace, result: dict[str, Any]) -> None:
    """Write what is known so far beside what the file already holds."""
    before = json.loads(args.json.read_text()) if args.json.exists() else {}
    key = "wer" if args.wer else "latency" if args.latency else f"streams_{args.how}"
    args.json.parent.mkdir(parents=True, exist_ok=True)
    args.json.write_text(json.dumps({**before, key: result}, indent=1) + "\n")


if __name__ == "__main__":
    main()
