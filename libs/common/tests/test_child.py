"""Processes beside a service are gone, pipes and all, before anybody who ends them goes on."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process

import pytest
from holdfast_common.child import killed


async def child(code: str) -> Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdin=PIPE, stdout=PIPE)


async def test_a_running_process_is_killed():
    assert await killed(await child("import time; time.sleep(60)")) == -signal.SIGKILL


async def test_one_that_has_ended_keeps_its_status():
    process = await child("raise SystemExit(3)")
    assert await process.wait() == 3
    assert await killed(process) == 3


async def test_one_that_nobody_reads_is_no_hindrance():
    process = await child("import sys\nwhile True: sys.stdout.write('9' * 100_000)")
    assert process.stdout is not None
    await process.stdout.read(1)
    assert await killed(process) == -signal.SIGKILL


async def test_whoever_cancels_is_obeyed_when_it_is_gone_however_often():
    process = await child("import time; time.sleep(60)")
    ending = asyncio.ensure_future(killed(process))
    for _ in range(3):
        for _ in range(5):  # turns of the loop, so that each is seen
            await asyncio.sleep(0)
        ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert process.returncode == -signal.SIGKILL
