"""The whole system with scripted engines: started, called, hurt, stopped. Real processes, one start for all tests."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from holdfast_cli.caller.screen import SilentScreen
from holdfast_cli.caller.script import Line, Script
from holdfast_cli.caller.session import place_call
from holdfast_cli.caller.twiml import Carrier
from holdfast_cli.caller.voice import Voice
from holdfast_cli.load.arrivals import Arrivals, Crowd, Outcome
from holdfast_cli.load.scenario import Said, Speech, load_scenario, make_speech
from holdfast_cli.load.talk import Patience
from holdfast_cli.supervise import run_file
from holdfast_cli.supervise.readiness import Presence
from holdfast_cli.supervise.run_file import RunFile
from holdfast_common.nats_bus import NatsBus, connect_nats

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT / "demo/lines/slt"
TOKEN = "t0ken"


class System:
    def __init__(self, home: Path) -> None:
        self.path = run_file.path_of(home, "holdfast")
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "holdfast_cli", "up", "--quiet", "--scripted", "--port", "0"),
                *("--home", str(home), "--profile", str(ROOT / "profiles/trial_success"), "--auth-token", TOKEN),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        assert self.process.stdout is not None
        self.said: list[str] = []
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("ready"):
                break

    @property
    def run(self) -> RunFile:
        return run_file.read(self.path)

    async def bus(self) -> NatsBus:
        run = self.run
        return await connect_nats(run.nats_url, name="test", user=run.nats_user, password=run.nats_password)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    started = System(tmp_path_factory.mktemp("home"))
    yield started
    started.process.kill()
    started.process.wait()
    assert started.process.stdout is not None
    started.process.stdout.close()


async def test_it_says_ready_with_the_address(system: System):
    """After everything beats and the page answers."""
    assert system.said, "no output"
    assert system.said[-1].startswith(f"ready {system.run.http_url}"), "".join(system.said)
    assert system.run.ready


async def test_a_call_is_answered_turn_by_turn(system: System):
    """Signed, through all services, by the caller's clock."""
    bus = await system.bus()
    lines = [Line(wav=["greet"], text="hello there"), Line(wav=["zone"], text="new york time"), Line(hang_up=True)]

    report = await place_call(
        Carrier(f"{system.run.http_url}/twilio/voice", auth_token=TOKEN),
        Script(lines),
        Voice(folder=RECORDINGS),
        SilentScreen(),
        bus=bus,
    )

    assert report.error == ""
    assert report.finished
    assert [bool(turn.exchange.heard) and turn.v2v_ms is not None for turn in report.turns] == [True, True]
    await bus.close()


async def test_an_unsigned_caller_is_refused(system: System):
    """With a token set, nobody calls without it; the refusal names the status."""
    report = await place_call(
        Carrier(f"{system.run.http_url}/twilio/voice"),
        Script([Line(hang_up=True)]),
        Voice(folder=RECORDINGS),
        SilentScreen(),
    )

    assert "403" in report.error


async def test_the_cap_is_exact_when_two_hundred_ring_at_once(system: System):
    """50 seats are the default: 50 are served to the end of their call, 150 are refused politely, nobody fails."""
    speech = make_speech(*load_scenario("questions"), turns=1)
    short = Speech((Said("short", speech.turns[0].payloads[:50], None),), speech.noise)
    carrier = Carrier(f"{system.run.http_url}/twilio/voice", auth_token=TOKEN)

    calls = await Crowd(carrier, [short], Patience(answer_s=15.0), Arrivals(200, stagger_s=0.0)).run()

    assert Counter(call.outcome for call in calls) == {Outcome.SERVED: 50, Outcome.REFUSED: 150}
    assert all(call.turns[0].answered for call in calls if call.outcome is Outcome.SERVED)


async def test_a_killed_service_is_there_again(system: System):
    """A new process beats under the old name."""
    bus = await system.bus()
    presence = Presence()
    await presence.follow(bus)
    before = system.run.pids["tts-1"]

    os.kill(before, signal.SIGKILL)

    async with asyncio.timeout(30):
        while presence.pids("tts") in ([], [before]):
            await presence.changed()
    assert presence.pids("tts") == [system.run.pids["tts-1"]]
    await bus.close()


async def test_a_killed_supervisor_leaves_no_process(system: System):
    """SIGKILL: the leash alone does it. Last of the tests, for obvious reasons."""
    children = psutil.Process(system.process.pid).children(recursive=True)
    assert len(children) >= 7

    system.process.kill()
    system.process.wait()

    end = time.monotonic() + 2.0
    while (left := [child for child in children if _runs(child)]) and time.monotonic() < end:
        await asyncio.sleep(0.02)
    assert left == []


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
