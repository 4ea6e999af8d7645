"""The bus lets each service say and hear its own subjects, and nothing else (a real server, our own files)."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import nats
import pytest
from holdfast_common import subjects
from holdfast_common.jetstream_log import JetStreamLog
from holdfast_tools.adapters.shared_store import NatsShared
from holdfast_tools.ports import SharedUnavailable

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 5.0

pytestmark = pytest.mark.live


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def connect(tmp_path: Path) -> AsyncIterator[Callable[[str], Any]]:
    """Connections to a server with infra/nats's files, by user; `refusals` of each are kept on it."""
    for file in (ROOT / "infra" / "nats").glob("*.conf"):
        shutil.copy(file, tmp_path)
    subprocess.run(  # noqa: ASYNC221 - nothing else runs yet
        [
            *(sys.executable, str(ROOT / "infra/compose/make_secrets.py")),
            *("--folder", str(tmp_path / "secrets"), "--run-file", str(tmp_path / "run.json")),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    shutil.copy(tmp_path / "secrets" / "nats_passwords.conf", tmp_path / "passwords.conf")
    port = free_port()
    config = (tmp_path / "nats.conf").read_text("utf-8")
    config = config.replace("0.0.0.0:4222", f"127.0.0.1:{port}").replace('"/data"', f'"{tmp_path}/data"')
    (tmp_path / "nats.conf").write_text(re.sub(r"(?m)^http: .*$", "", config), "utf-8")

    async def start() -> None:
        connected.server = await asyncio.create_subprocess_exec(  # type: ignore[attr-defined]
            str(Path(sys.executable).with_name("nats-server")),
            *("-c", str(tmp_path / "nats.conf")),
            env={"HOSTNAME": "n1"},
            stderr=asyncio.subprocess.DEVNULL,
        )

    async with AsyncExitStack() as stack:

        async def connected(user: str) -> nats.NATS:
            client = nats.NATS()
            refusals: list[str] = []

            async def keep(error: Exception) -> None:
                refusals.append(str(error))

            async with asyncio.timeout(WITHIN_S):
                await client.connect(
                    f"nats://127.0.0.1:{port}",
                    user=user,
                    password=(tmp_path / "secrets" / f"nats_{user}.txt").read_text("utf-8"),
                    error_cb=keep,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.05,  # pyright: ignore[reportArgumentType]
                )
            client.refusals = refusals  # type: ignore[attr-defined]
            stack.push_async_callback(client.close)
            return client

        connected.start = start  # type: ignore[attr-defined]
        await start()
        server = lambda: connected.server  # type: ignore[attr-defined]  # noqa: E731 - the newest one
        try:
            yield connected
        finally:
            await stack.aclose()
            if server().returncode is None:
                server().terminate()
                await server().wait()


async def refused(client: Any) -> list[str]:
    """What the server has refused this client so far: a round trip brings the news."""
    for _ in range(2):
        await client.flush(timeout=2)
    return [text for text in client.refusals if "permissions violation" in text.lower()]


@pytest.mark.parametrize("user", ["asr", "tts", "tools"])
async def test_who_serves_streams_cannot_touch_the_call_log(connect: Callable[[str], Any], user: str) -> None:
    client = await connect(user)

    await client.publish(subjects.log_turns("c1"), b"forged")
    await client.publish("$JS.API.STREAM.PURGE.HF_LOG_0", b"")
    await client.subscribe("hf.log.>")

    assert len(await refused(client)) == 3


async def test_no_service_hears_what_is_meant_for_another(connect: Callable[[str], Any]) -> None:
    for user, other in (("asr", "dialogue"), ("tts", "asr"), ("dialogue", "asr"), ("tools", "tts"), ("records", "asr")):
        client = await connect(user)
        await client.subscribe(f"hf.{other}.>")
        assert len(await refused(client)) == 1, user


async def test_a_service_cannot_beat_for_another(connect: Callable[[str], Any]) -> None:
    client = await connect("tts")

    await client.publish(subjects.beat("asr", "asr-1"), b"")
    assert len(await refused(client)) == 1
    await client.publish(subjects.beat("tts", "tts-1"), b"")

    assert len(await refused(client)) == 1


@pytest.mark.parametrize("service", ["asr", "dialogue", "tts", "tools"])
async def test_a_gateway_reaches_every_service_and_hears_its_answer(
    connect: Callable[[str], Any], service: str
) -> None:
    gateway, replica = await connect("gateway"), await connect(service)
    opened = await replica.subscribe(subjects.open_(service, f"{service}-1"))
    results = await gateway.subscribe(subjects.outputs("gateway-1"))
    for client in (gateway, replica):
        await client.flush(timeout=2)

    await gateway.publish(subjects.open_(service, f"{service}-1"), b"open")
    assert (await opened.next_msg(timeout=WITHIN_S)).data == b"open"
    await replica.publish(subjects.output("gateway-1", "s", 1), b"accepted")

    assert (await results.next_msg(timeout=WITHIN_S)).data == b"accepted"
    assert await refused(gateway) + await refused(replica) == []


async def test_dialogue_writes_the_log_the_gateway_adds_to_it_and_records_reads_it(
    connect: Callable[[str], Any],
) -> None:
    dialogue, gateway, records = [await connect(user) for user in ("dialogue", "gateway", "records")]
    log = JetStreamLog(dialogue, timeout_s=WITHIN_S)
    async with asyncio.timeout(WITHIN_S * 4):
        await log.prepare()
        await log.append_turn("c1", b"a turn", expected_last=0)
        await JetStreamLog(gateway, timeout_s=WITHIN_S).append_media("c1", b"heard")
        entry = await JetStreamLog(gateway, timeout_s=WITHIN_S).last_turn("c1")
        read = []
        async for each in JetStreamLog(records, timeout_s=WITHIN_S).follow("records"):
            read.append(each.data)
            if len(read) == 2:
                break

    assert entry is not None and entry.data == b"a turn"
    assert read == [b"a turn", b"heard"]
    assert [await refused(client) for client in (dialogue, gateway, records)] == [[], [], []]


async def test_tools_replicas_share_their_store_and_nobody_else_reads_it(connect: Callable[[str], Any]) -> None:
    """The bucket is made by the first of two that need it at once; of two that write on one revision one is told no."""
    clients = [await connect("tools") for _ in range(2)]
    one, other = [NatsShared(client, timeout_s=WITHIN_S) for client in clients]
    firsts = await asyncio.gather(one.put("rate", b"1", revision=0), other.put("rate", b"2", revision=0))
    found = await one.get("rate")
    assert found is not None
    nexts = await asyncio.gather(one.put("rate", b"3", found[1]), other.put("rate", b"4", found[1]))
    await one.put("answer", b"kept")
    asr = await connect("asr")
    await asr.subscribe("$KV.tools.>")
    await asr.publish("$KV.tools.answer", b"forged")

    assert sorted(firsts) == sorted(nexts) == [False, True]
    assert await other.get("never") is None
    assert (await other.get("answer") or (b"",))[0] == b"kept"
    assert [await refused(client) for client in clients] == [[], []]
    assert len(await refused(asr)) == 2


async def test_what_is_shared_goes_after_its_time(connect: Callable[[str], Any]) -> None:
    shared = NatsShared(await connect("tools"), ttl_s=0.2, timeout_s=WITHIN_S)
    await shared.put("answer", b"kept")
    async with asyncio.timeout(WITHIN_S):
        while await shared.get("answer") is not None:
            await asyncio.sleep(0.05)


async def test_a_bus_that_is_away_is_told_as_such_and_its_store_made_anew(connect: Callable[[str], Any]) -> None:
    client = await connect("tools")
    shared = NatsShared(client, timeout_s=1.0)
    await shared.put("answer", b"kept")
    connect.server.kill()  # type: ignore[attr-defined]
    await connect.server.wait()  # type: ignore[attr-defined]
    with pytest.raises(SharedUnavailable):
        await shared.get("answer")
    with pytest.raises(SharedUnavailable):
        await shared.put("rate", b"1", revision=0)
    await connect.start()  # type: ignore[attr-defined]
    async with asyncio.timeout(WITHIN_S * 2):
        while True:
            try:
                assert await shared.put("rate", b"1", revision=0)
                break
            except SharedUnavailable:
                await asyncio.sleep(0.05)

    assert await shared.get("answer") is None  # it was in the server's memory
