"""Piper comes into the chain while the service already speaks, goes, and comes back."""

import asyncio
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from holdfast_common.contracts.tts import Speak, Spoken
from holdfast_common.errors import EngineUnavailable, SettingsError
from holdfast_common.health import Health, State
from holdfast_common.runtime import Runtime, Wiring
from holdfast_common.settings import CommonSettings
from holdfast_common.testing import FakeSession
from holdfast_tts import arrival, bootstrap
from holdfast_tts.domain.voice_files import Progress
from holdfast_tts.settings import TtsSettings

VOICE = "en_US-tiny-low"
PROFILE = "id: acme\ncompany: Acme\nproduct: Anvils\nvoice: {piper: %s}\ncopy: {greeting: [Hello]}\n"
LIMIT_S = 30.0


class Source:
    """A voice that comes when the test lets it."""

    def __init__(self, of: Path, *, failures: int = 0) -> None:
        self.of = of
        self.failures = failures
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def fetch(self, voice: str, folder: Path, tell: Callable[[Progress], None]) -> None:
        self.asked.set()
        if self.failures:
            self.failures -= 1
            raise EngineUnavailable(f"{voice} cannot be downloaded: HTTP 503")
        tell(Progress(12_000_000, 63_000_000))
        await self.go_on.wait()
        shutil.copytree(self.of, folder, dirs_exist_ok=True)


@asynccontextmanager
async def service(
    tmp_path: Path, *, voice: str = VOICE, source: Source | None = None, **settings: Any
) -> AsyncIterator[tuple[Wiring, Health]]:
    (tmp_path / "profile.yaml").write_text(PROFILE % voice)
    common = CommonSettings(profile=tmp_path, state_dir=tmp_path / "var" / "state")
    health = Health()
    runtime = cast(Runtime, SimpleNamespace(common=common, health=health))
    settings = {"engines": "piper,espeak", "piper_start_s": LIMIT_S, **settings}
    with pytest.MonkeyPatch.context() as patch:
        if source is not None:
            patch.setattr("holdfast_tts.adapters.voice_download.HttpVoices", lambda *_, **__: source)
            settings["voices_url"] = "http://127.0.0.1:1"
        async with bootstrap.wire(runtime, TtsSettings(**settings)) as wiring:
            yield wiring, health


async def say(wiring: Wiring, text: str = "Hello there.") -> str:
    """The engine that said it."""
    session = FakeSession(Speak(text=text, rate_hz=8_000))
    assert wiring.handler is not None
    await wiring.handler(session)
    assert isinstance(session.results[-1], Spoken)
    return session.results[-1].engine


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not true():
            await asyncio.sleep(0.01)


async def test_a_voice_in_its_folder_speaks_from_the_start(tmp_path: Path, tiny_folder: Path):
    async with service(tmp_path, voices_dir=tiny_folder) as (wiring, health):
        assert await say(wiring) == "piper"
        assert (wiring.info()["engine"], wiring.info()["voice"]) == ("piper", VOICE)
        assert health.state() is State.OK


async def test_the_folder_is_beside_the_state_unless_it_is_set(tmp_path: Path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrival, "has_voice", lambda folder, _: folder != tmp_path / "var" / "voices")
        async with service(tmp_path) as (wiring, _):
            assert wiring.info()["why"] == (
                f"piper: no voice file {VOICE} in {tmp_path}/var/voices; see docs/operations/models.md"
            )
            assert await say(wiring) == "espeak"


async def test_while_its_voice_is_downloaded_another_engine_speaks_and_is_relieved(tmp_path: Path, tiny_folder: Path):
    """A sentence that is being said when Piper arrives stays what it was."""
    source = Source(tiny_folder)
    async with service(tmp_path, source=source) as (wiring, health):
        await asyncio.wait_for(source.asked.wait(), LIMIT_S)
        before = await say(wiring)
        told = wiring.info()["why"], health.state()
        source.go_on.set()
        await until(lambda: wiring.info()["engine"] == "piper")
        after = await say(wiring)

    assert (before, after) == ("espeak", "piper")
    assert told == (f"piper: {VOICE} is being downloaded, 12 of 63 MB", State.DEGRADED)


async def test_a_download_that_fails_is_tried_again(tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(arrival, "FIRST_RETRY_S", 0.01)
    source = Source(tiny_folder, failures=2)
    source.go_on.set()
    async with service(tmp_path, source=source) as (wiring, _):
        await until(lambda: wiring.info()["engine"] == "piper")

    assert source.failures == 0


async def test_a_file_that_is_not_the_one_wanted_is_not_used(tmp_path: Path, tiny_folder: Path):
    sums = {f"{VOICE}.onnx": "0" * 64}
    async with service(tmp_path, voices_dir=tiny_folder, voices_sha256=sums) as (wiring, _):
        assert await say(wiring) == "espeak"
        assert f"piper: {VOICE}.onnx has SHA-256" in wiring.info()["why"]


def sums_of(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


async def test_the_file_that_is_wanted_is_used(tmp_path: Path, tiny_folder: Path):
    async with service(tmp_path, voices_dir=tiny_folder, voices_sha256=sums_of(tiny_folder)) as (wiring, _):
        assert await say(wiring) == "piper"


async def test_with_its_process_killed_the_next_engine_speaks_until_it_is_back(tmp_path: Path, tiny_folder: Path):
    async with service(tmp_path, voices_dir=tiny_folder, cache_mb=0) as (wiring, health):
        [pid] = children_of(os.getpid())
        os.kill(pid, signal.SIGKILL)
        await until(lambda: pid not in children_of(os.getpid()))
        meanwhile = await say(wiring)  # by the next engine, unless the new process was quicker
        await until(lambda: wiring.info()["engine"] == "piper" and bool(children_of(os.getpid())))
        await until(lambda: health.state() is State.OK)
        after = await say(wiring)

    assert meanwhile in ("espeak", "piper")
    assert after == "piper"


def children_of(parent: int) -> list[int]:
    """The Piper processes of this one."""
    wide = ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(parent)]  # else the terminal's width cuts the module off
    listed = subprocess.run(wide, capture_output=True, text=True, check=True).stdout.splitlines()
    return [int(line.split()[0]) for line in listed if "piper_worker" in line]


async def test_with_nothing_else_to_speak_with_the_service_waits_for_its_download(tmp_path: Path, tiny_folder: Path):
    source = Source(tiny_folder)
    async with service(tmp_path, source=source, engines="piper") as (wiring, health):
        before = wiring.capacity(), health.state()
        source.go_on.set()
        await until(lambda: wiring.capacity() > 0)

        assert before == (0, State.DOWN)
        assert await say(wiring) == "piper"


async def test_with_nothing_else_and_no_voice_the_start_fails_with_the_reason(tmp_path: Path):
    with pytest.raises(SettingsError, match=f"no voice file {VOICE}"):
        async with service(tmp_path, engines="piper"):
            pass


async def test_a_profile_that_names_a_path_is_refused(tmp_path: Path):
    with pytest.raises(SettingsError, match="no name of a Piper voice"):
        async with service(tmp_path, voice="../../secret"):
            pass


async def test_no_voice_is_no_fault_and_costs_nothing(tmp_path: Path):
    """Nothing of Piper is imported, nothing is waited for, health is well."""
    async with service(tmp_path, voice="''") as (wiring, health):
        assert health.state() is State.OK
        assert wiring.info()["why"] == "piper: no voice named (profile's voice.piper, or HOLDFAST_TTS_PIPER_VOICE)"
        assert await say(wiring) == "espeak"


def test_neither_the_service_nor_its_wiring_imports_piper():
    code = "import sys, holdfast_tts.__main__; print([m for m in sys.modules if m.split('.')[0] in {modules}])"
    heavy = {"piper", "onnxruntime", "onnx", "aiohttp", "rapidfuzz"}
    loaded = subprocess.run(
        [sys.executable, "-c", code.format(modules=heavy)], capture_output=True, text=True, check=True
    ).stdout

    assert loaded.strip() == "[]"
