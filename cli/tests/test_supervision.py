"""Real processes under supervision: restarted when they die, gone when their supervisor is."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
from holdfast_cli.supervise.child import GIVES_WAY_NICE, Child, ChildRefusedError, ChildSpec

pytestmark = pytest.mark.live

WAITS = "import os, time; print('up', os.getpid(), flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
WITH_WORKER = """
import subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("worker", worker.pid, flush=True)
time.sleep(60)
"""


class Lines:
    """A sink that remembers, and can be waited on."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self._more = asyncio.Event()

    def __call__(self, name: str, line: str) -> None:
        self.lines.append((name, line))
        self._more.set()

    async def saw(self, start: str, times: int = 1) -> str:
        """The last of `times` lines that start so."""
        async with asyncio.timeout(10):
            while len(found := [line for _, line in self.lines if line.startswith(start)]) < times:
                self._more.clear()
                await self._more.wait()
        return found[times - 1]


def spec(code: str, **more: object) -> ChildSpec:
    return ChildSpec("probe-1", (sys.executable, "-c", textwrap.dedent(code)), **more)  # type: ignore[arg-type]


async def test_a_killed_child_is_started_again():
    """Without anybody's doing; how soon is the restart policy's business, which is tested without a clock."""
    lines = Lines()
    child = Child(spec(WAITS), lines)
    task = asyncio.create_task(child.run())
    await lines.saw("up")

    os.kill(child.pid or 0, signal.SIGKILL)
    await lines.saw("up", times=2)

    assert any("killed by SIGKILL" in line for _, line in lines.lines)
    task.cancel()
    await asyncio.wait([task])


async def test_a_child_that_gives_way_runs_with_a_lower_priority():
    lines = Lines()
    child = Child(spec(WAITS, gives_way=True), lines)
    task = asyncio.create_task(child.run())
    await lines.saw("up")

    assert os.getpriority(os.PRIO_PROCESS, child.pid or 0) == os.getpriority(os.PRIO_PROCESS, 0) + GIVES_WAY_NICE
    task.cancel()
    await asyncio.wait([task])


async def test_stopping_ends_a_child_that_ignores_the_request():
    """SIGTERM, then SIGKILL after its patience."""
    lines = Lines()
    child = Child(spec(STUBBORN, patience_s=0.3), lines)
    task = asyncio.create_task(child.run())
    await lines.saw("up")
    pid = child.pid or 0

    task.cancel()
    await asyncio.wait([task])

    assert not psutil.pid_exists(pid)


async def test_workers_left_by_a_killed_child_are_ended_with_it():
    """A service that is killed cannot end its own workers; its process group is ended for it."""
    lines = Lines()
    child = Child(spec(WITH_WORKER), lines)
    task = asyncio.create_task(child.run())
    worker = psutil.Process(int((await lines.saw("worker")).split()[1]))

    os.kill(child.pid or 0, signal.SIGKILL)
    await lines.saw("worker", times=2)

    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    task.cancel()
    await asyncio.wait([task])


async def test_wrong_settings_end_the_start_instead_of_looping():
    """Status 2 at the first start is an answer, not an accident; its words are kept."""
    lines = Lines()
    child = Child(spec("import sys; print('HOLDFAST_X: wrong'); sys.exit(2)"), lines)

    with pytest.raises(ChildRefusedError) as refused:
        await child.run()

    assert refused.value.last_lines == ["HOLDFAST_X: wrong"]


async def test_a_child_that_writes_without_end_of_line_fills_nobody():
    """Lines are cut at a bound."""
    lines = Lines()
    child = Child(spec("import time; print('x' * 300_000, flush=True); print('up', flush=True); time.sleep(60)"), lines)
    task = asyncio.create_task(child.run())

    await lines.saw("up")

    assert max(len(line) for _, line in lines.lines) <= 8_192
    task.cancel()
    await asyncio.wait([task])


def _ends_within(process: psutil.Process, limit_s: float) -> bool:
    """Gone, or dead and waiting to be collected by init."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


SUPERVISOR = """
import asyncio, sys
from holdfast_cli.supervise.child import Child, ChildSpec

async def main():
    spec = ChildSpec("probe-1", (sys.executable, "-c", {child!r}), watches_parent=False)
    child = Child(spec, lambda name, line: print(line, flush=True))
    await child.run()

asyncio.run(main())
"""


def test_no_child_survives_a_killed_supervisor(tmp_path: Path):
    """SIGKILL gives the supervisor no chance to say goodbye: the leash holds all the same."""
    script = tmp_path / "supervisor.py"
    script.write_text(SUPERVISOR.format(child=WAITS))
    supervisor = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    child = psutil.Process(int(supervisor.stdout.readline().split()[1]))

    supervisor.kill()
    supervisor.wait()

    assert _ends_within(child, 2.0)
    supervisor.stdout.close()
