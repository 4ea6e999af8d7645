"""The load of `bench/asr.py`, and the product's schedule on measured costs in virtual time."""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from holdfast_asr.adapters.whisper_prompts import Prompts
from holdfast_asr.adapters.whisper_wire import Decode, Sound
from holdfast_asr.adapters.whisper_worker import Engine
from holdfast_asr.domain.batching import Job, Schedule, Urgency
from holdfast_asr.domain.windows import FULL_FRAMES, window_frames

RATE_HZ = 8_000
CYCLE_S, TOKENS = 8.0, 25
TARGET_S = 0.3
HOPELESS = 300
"""So many wait: it does not keep up."""


@dataclass(frozen=True, slots=True)
class Said:
    """One decode that a stream asks for, at `at_s`."""

    at_s: float
    stream: int
    audio_s: float
    last: bool


def length(rng: Random) -> float:
    """1 to 8 s, half of them under 3."""
    while not 1.0 <= (seconds := rng.lognormvariate(np.log(3.0), 0.6)) <= 8.0:
        pass
    return seconds


def script(streams: int, seconds: float, seed: int) -> list[Said]:
    """What `streams` calls ask for, in order of time."""
    rng = Random(seed)
    said: list[Said] = []
    for stream in range(streams):
        begin = -rng.uniform(0, CYCLE_S)
        while begin < seconds:
            whole = length(rng)
            part = whole * rng.uniform(0.3, 0.9)
            said += [Said(begin + part, stream, part, False), Said(begin + whole, stream, whole, True)]
            begin += CYCLE_S
    return sorted((s for s in said if 0 <= s.at_s < seconds), key=lambda s: s.at_s)


PAUSE_GRACE_S = 0.2
"""A pause's answer may take so much longer than a final's; finals go first, and must not starve the pauses."""


def score(finals: list[float], pauses: list[float]) -> float:
    """The 95th percentile of the finals; worse where the pauses pay for it. Seconds."""
    return max(p95(finals), p95(pauses) - PAUSE_GRACE_S) if pauses else p95(finals)


def p95(values: list[float]) -> float:
    """Infinite where nothing came."""
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))] if values else float("inf")


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of a decode, measured: on a CPU its processor time by the threads, which is what the clock shows where
    nothing else runs (and what a busy machine does not blur); on a GPU the time on the clock."""

    by_frames: dict[int, float]
    """One utterance alone, by window."""
    batch: int
    batch_s: float
    """So many together, with the window `batch_frames`."""
    batch_frames: int
    wall_by_frames: dict[int, float]
    """On the clock, with whatever else ran."""

    def of(self, count: int, frames: int) -> float:
        """Linear between the measured windows, and in the number of utterances."""
        alone = float(np.interp(frames, list(self.by_frames), list(self.by_frames.values())))
        if self.batch < 2:
            return alone * count
        further = (self.batch_s / self.by_frames[self.batch_frames] - 1) / (self.batch - 1)
        return alone * (1 + further * (count - 1))


def measure(engine: Engine, folder: Path, windows: tuple[int, ...], batch: int, threads: int) -> Costs:
    """Time single decodes at these windows, and one batch at the middle one."""
    prompt = Prompts(folder).prompt("en")
    noise = (np.random.default_rng(0).normal(0, 500, RATE_HZ * 3)).astype("<i2").tobytes()
    sound = Sound(noise, RATE_HZ, prompt, TOKENS)

    def took(count: int, frames: int, times: int) -> tuple[float, float]:
        """Work and wall clock, the least of all times: what else runs here only ever adds."""
        work: list[float] = []
        walls: list[float] = []
        for _ in range(times):
            began, cpu = time.perf_counter(), time.process_time()
            engine.decode(Decode(0, frames, [sound] * count, forced=True))
            walls.append(time.perf_counter() - began)
            work.append((time.process_time() - cpu) / threads if engine.device == "cpu" else walls[-1])
        return min(work), min(walls)

    took(1, windows[0], 1)
    found = {frames: took(1, frames, 3 if frames < FULL_FRAMES else 2) for frames in windows}
    by_frames = {frames: work for frames, (work, _) in found.items()}
    middle = windows[len(windows) // 2]
    batch_s = took(batch, middle, 1)[0] if batch > 1 else by_frames[middle]
    return Costs(by_frames, batch, batch_s, middle, {frames: wall for frames, (_, wall) in found.items()})


def simulate(costs: Costs, streams: int, *, max_batch: int, short: bool) -> float:
    """Score with the product's schedule, in virtual time."""
    seconds = min(400.0, max(5 * CYCLE_S, 5_000 * CYCLE_S / (2 * streams)))  # 5,000 decodes tell enough
    schedule = Schedule(max_batch=max_batch, max_waiting=4_000, mix=max_batch > 1)
    said = script(streams, seconds, streams)
    events: list[tuple[float, int, int]] = [(s.at_s, 1, number) for number, s in enumerate(said)]
    heapq.heapify(events)
    finals: list[float] = []
    pauses: list[float] = []
    free_at = 0.0
    while events:
        now, _, number = heapq.heappop(events)
        if number >= 0:
            each = said[number]
            urgency = Urgency.FINAL if each.last else Urgency.PAUSE
            deadline = now + (1.5 + 0.3 * each.audio_s if each.last else 0.5)
            frames = window_frames(each.audio_s, short=short)
            schedule.submit(Job(number, number, urgency, deadline, frames, 4))
        if now < free_at or not (batch := schedule.next_batch()):
            continue
        free_at = now + costs.of(len(batch), max(job.frames for job in batch))
        heapq.heappush(events, (free_at, 0, -1))
        for job in batch:
            (finals if job.urgency is Urgency.FINAL else pauses).append(free_at - said[job.id].at_s)
        if len(schedule) > HOPELESS:
            return float("inf")
    return score(finals, pauses)


def most_streams(costs: Costs, *, max_batch: int, short: bool, target_s: float) -> int:
    """The largest number that keeps the target."""
    low, high = 0, 1
    while high < 2_048 and simulate(costs, high, max_batch=max_batch, short=short) <= target_s:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if simulate(costs, middle, max_batch=max_batch, short=short) <= target_s:
            low = middle
        else:
            high = middle
    return low
