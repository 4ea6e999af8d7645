"""Piper's processes: kept running, replaced, ended."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from holdfast_common.errors import EngineUnavailable
from holdfast_tts.adapters.piper_pool import PiperPool
from holdfast_tts.adapters.piper_process import Options
from holdfast_tts.ports import EngineAway
from holdfast_tts.testing_piper import watched

VOICE = "en_US-tiny-low"
TEXT = "Hello there, one of the things costs nineteen dollars."
LIMIT_S = 30.0


async def test_a_killed_process_harms_only_its_own_run_which_is_made_again(tiny_folder: Path):
    async with watched(tiny_folder / f"{VOICE}.onnx", workers=2) as watch:
        await watch.up()
        while len(watch.pool.pids) < 2:
            await asyncio.sleep(0.01)
        victim = watch.pool.pids[0]
        os.kill(victim, signal.SIGSTOP)
        runs = [asyncio.create_task(watch.pool.say(tuple(f"{TEXT} {n}".split()), 1.0, None)) for n in range(8)]
        await asyncio.sleep(0)
        os.kill(victim, signal.SIGKILL)
        said = await asyncio.wait_for(asyncio.gather(*runs), LIMIT_S)

    assert all(s.pcm and not s.error for s in said)
    assert watch.downs.empty()


async def test_with_its_only_process_killed_the_run_goes_elsewhere_and_the_process_comes_back(tiny_folder: Path):
    async with watched(tiny_folder / f"{VOICE}.onnx") as watch:
        await watch.up()
        os.kill(watch.pool.pids[0], signal.SIGKILL)
        with pytest.raises(EngineAway):
            await asyncio.wait_for(watch.pool.say(("Hello",), 1.0, None), LIMIT_S)
        told = await watch.down()
        await watch.up()
        said = await watch.pool.say(("Hello",), 1.0, None)

    assert "starting one again" in told
    assert said.pcm


async def test_a_hanging_process_is_replaced(tiny_folder: Path):
    async with watched(tiny_folder / f"{VOICE}.onnx", patience_s=1.0) as watch:
        await watch.up()
        os.kill(watch.pool.pids[0], signal.SIGSTOP)
        with pytest.raises(EngineAway):
            await asyncio.wait_for(watch.pool.say(("Hello",), 1.0, None), LIMIT_S)
        await watch.up()
        assert (await watch.pool.say(("Hello",), 1.0, None)).pcm


async def test_a_run_that_nobody_wants_any_more_frees_its_process(tiny_folder: Path):
    async with watched(tiny_folder / f"{VOICE}.onnx") as watch:
        await watch.up()
        pid = watch.pool.pids[0]
        os.kill(pid, signal.SIGSTOP)
        first = asyncio.create_task(watch.pool.say(tuple((TEXT * 5).split()), 1.0, None))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        os.kill(pid, signal.SIGCONT)
        said = await asyncio.wait_for(watch.pool.say(("Hello",), 1.0, None), LIMIT_S)

        assert said.pcm
        assert watch.pool.pids == [pid]


async def test_a_file_that_is_no_voice_is_refused_with_its_reason(tmp_path: Path):
    (tmp_path / f"{VOICE}.onnx").write_bytes(b"not a model")
    (tmp_path / f"{VOICE}.onnx.json").write_text("{}")
    pool = PiperPool(tmp_path / f"{VOICE}.onnx", Options(workers=2))

    with pytest.raises(EngineUnavailable, match=f"{VOICE}.onnx does not load"):
        await asyncio.wait_for(pool.run(), LIMIT_S)


async def test_the_processes_end_with_the_pool(tiny_folder: Path):
    async with watched(tiny_folder / f"{VOICE}.onnx", workers=2) as watch:
        await watch.up()
        pids = list(watch.pool.pids)

    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_process_ends_when_its_pipe_closes(tiny_folder: Path):
    """However the service died: killed, it closes nothing itself, the system does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "holdfast_tts.adapters.piper_worker", str(tiny_folder / f"{VOICE}.onnx"), "1", "0"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.close()

    assert await asyncio.wait_for(process.wait(), LIMIT_S) == 0
