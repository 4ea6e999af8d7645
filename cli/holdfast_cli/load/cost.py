"""What the server's processes cost while callers talk: processor seconds and memory, each and together.

Memory is PSS (each page shared by n processes counts 1/n), so that the sum over processes is what the machine
really holds; where the system has no PSS, the private part (USS).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import psutil

SAMPLE_S = 2.0
MEMORY_EVERY = 2
"""Reading a process's memory map costs it milliseconds: only with every second sample."""
MB = 1 / 1_048_576


@dataclass(slots=True)
class Sample:
    """One look at all processes."""

    at_s: float
    """Since the first look."""
    cpu_s: float
    memory_mb: float
    calls: int


@dataclass(slots=True)
class _Watched:
    process: psutil.Process
    cpu_s: float = 0.0
    """Latest; an ended process keeps its last."""
    cpu_before_s: float = 0.0
    memory_mb: float = 0.0


@dataclass(slots=True)
class Cost:
    """Follows the trees of the given processes. `calls` says how many are live."""

    roots: Mapping[int, str]
    """Process ids and what to call them; children go by their command."""
    calls: Callable[[], int] = lambda: 0
    samples: list[Sample] = field(default_factory=list)
    _seen: dict[int, tuple[str, _Watched]] = field(default_factory=dict)
    _began: float = 0.0

    def begin(self) -> None:
        """The first look: what everything cost before counts as nothing."""
        self._began = time.monotonic()
        self._look(with_memory=True)
        for _, watched in self._seen.values():
            watched.cpu_before_s = watched.cpu_s

    async def follow(self) -> None:
        """Look again and again, until cancelled; beside the loop, because reading memory takes milliseconds."""
        while True:
            for count in range(MEMORY_EVERY):
                await asyncio.sleep(SAMPLE_S)
                await asyncio.to_thread(self._look, with_memory=count == MEMORY_EVERY - 1)

    def end(self) -> None:
        """The last look."""
        self._look(with_memory=True)

    # -- results
    @property
    def cpu_s(self) -> float:
        return sum(w.cpu_s - w.cpu_before_s for _, w in self._seen.values())

    @property
    def memory_before_mb(self) -> float:
        return self.samples[0].memory_mb if self.samples else 0.0

    @property
    def memory_peak_mb(self) -> float:
        return max((s.memory_mb for s in self.samples), default=0.0)

    def by_process(self) -> dict[str, dict[str, float]]:
        """Processor seconds and memory of each, those of one name together."""
        found: dict[str, dict[str, float]] = {}
        for name, watched in self._seen.values():
            entry = found.setdefault(name, {"cpu_s": 0.0, "memory_mb": 0.0})
            entry["cpu_s"] += watched.cpu_s - watched.cpu_before_s
            entry["memory_mb"] += watched.memory_mb
        return {n: {k: round(v, 2) for k, v in entry.items()} for n, entry in sorted(found.items())}

    # -- inside
    def _look(self, *, with_memory: bool) -> None:
        live = self._members()
        for pid, (name, process) in live.items():
            _, watched = self._seen.setdefault(pid, (name, _Watched(process)))
            try:
                times = process.cpu_times()
                watched.cpu_s = times.user + times.system
                if with_memory:
                    watched.memory_mb = _memory_mb(process)
            except psutil.Error:
                continue
        for pid, (_, watched) in self._seen.items():
            if pid not in live:
                watched.memory_mb = 0.0
        memory_mb = sum(w.memory_mb for _, w in self._seen.values())
        self.samples.append(Sample(time.monotonic() - self._began, self.cpu_s, memory_mb, self.calls()))

    def _members(self) -> dict[int, tuple[str, psutil.Process]]:
        found: dict[int, tuple[str, psutil.Process]] = {}
        for root, name in self.roots.items():
            try:
                process = psutil.Process(root)
                found[root] = (name, process)
                for child in process.children(recursive=True):
                    # A process that is a root itself keeps its own name.
                    if child.pid not in self.roots:
                        found[child.pid] = (f"{name}: {child.name()}", child)
            except psutil.Error:
                continue
        return found


def _memory_mb(process: psutil.Process) -> float:
    memory = process.memory_full_info()
    return getattr(memory, "pss", memory.uss) * MB
