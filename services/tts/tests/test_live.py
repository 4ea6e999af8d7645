"""The process itself over a real bus: starts, speaks, leaves."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.tts import Speak, Spoken, Timing
from holdfast_common.contracts.wire import Audio
from holdfast_common.nats_bus import connect_nats
from holdfast_common.placement import Presence
from holdfast_common.stream.opener import StreamOpener

pytestmark = pytest.mark.live
PROFILE = "id: acme\ncompany: Acme\nproduct: Anvils\ncopy: {greeting: [Hello]}\n"


@pytest.fixture
def bus_url(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = Path(sys.executable).with_name("nats-server")
    process = subprocess.Popen(
        [str(server), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(tmp_path / "js")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield f"nats://127.0.0.1:{port}"
    process.terminate()
    process.wait(5)


@asynccontextmanager
async def opener_at(url: str):
    bus = await connect_nats(url, name="test")
    opener = StreamOpener(bus, "test", Presence())
    running = asyncio.create_task(opener.run())
    try:
        yield opener
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await bus.close()


async def test_a_replica_speaks_over_the_bus_and_leaves_on_request(bus_url: str, tmp_path: Path):
    (tmp_path / "profile.yaml").write_text(PROFILE)
    settings = {"HOLDFAST_NATS_URL": bus_url, "HOLDFAST_PROFILE": str(tmp_path)}
    replica = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "holdfast_tts", env=os.environ | settings, cwd=tmp_path
    )
    text = "Hello there, how can I help?"
    try:
        async with asyncio.timeout(20), opener_at(bus_url) as opener:
            results = [
                result
                async for result in opener.open(
                    Service.TTS, lambda: Speak(text=text, rate_hz=8_000), call="c", ends_input=True
                )
            ]
            tail = [
                result
                async for result in opener.open(
                    Service.TTS, lambda: Speak(text=text, rate_hz=8_000, from_word=4), call="c", ends_input=True
                )
            ]
    finally:
        replica.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(replica.wait(), 10)

    assert isinstance(results[0], Timing)
    assert isinstance(results[-1], Spoken)
    audio = [r for r in results if isinstance(r, Audio)]
    assert sum(a.samples for a in audio) == results[-1].samples
    assert tail[-1].cached
    first = next(r for r in tail if isinstance(r, Audio))
    assert first.position == tail[0].words[0].start == results[0].words[4].start
    assert code == 0
