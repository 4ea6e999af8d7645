"""A stream whose replicas are of different versions: each is sent what it takes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from holdfast_common import subjects
from holdfast_common.bus import BusMessage, Lane
from holdfast_common.contracts.asr import Listen
from holdfast_common.contracts.beat import Beat
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.stream import Accepted, Open
from holdfast_common.contracts.wire import Format, decoder, encode, pack_frame
from holdfast_common.memory_bus import MemoryBus
from holdfast_common.stream.opener import StreamOpener

BUNDLE = subjects.input_bundle(Service.ASR, "asr")


class Noting(MemoryBus):
    """Knows in which bundle each input might travel."""

    def __init__(self) -> None:
        super().__init__()
        self.bundles: asyncio.Queue[str | None] = asyncio.Queue()

    def publish(self, subject: str, data: bytes, **how: Any) -> None:
        if ".in." in subject:
            self.bundles.put_nowait(how.get("bundle"))
        super().publish(subject, data, **how)


@pytest.mark.parametrize(("takes", "sent"), [([True, False], [BUNDLE, None]), ([False, True], [None, BUNDLE])])
async def test_a_replica_is_sent_inputs_in_bundles_only_where_it_said_that_it_takes_them(
    takes: list[bool], sent: list[str | None]
) -> None:
    """It is started anew as another version under a stream: what the one before took does not count."""
    bus = Noting()

    def accept(message: BusMessage) -> None:
        open_ = decoder(Open).decode(message.data)
        accepted = Accepted(replica="asr", bundles=takes[open_.epoch - 1])
        frame = pack_frame(encode(accepted), format=Format.STRUCT, epoch=open_.epoch, sequence=0)
        bus.publish(subjects.output(open_.opener, open_.stream, open_.epoch), frame)

    def start(boot: str) -> None:
        beat = Beat(service=Service.ASR, replica="asr", version="1", boot=boot, capacity_free=9)
        bus.publish(subjects.beat(Service.ASR, "asr"), encode(beat), lane=Lane.CONTROL)

    await bus.subscribe(subjects.open_(Service.ASR, "asr"), accept)
    opener = StreamOpener(bus, "gw")
    running = asyncio.create_task(opener.run())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        start("one")
        stream = opener.open(Service.ASR, lambda: Listen(rate_hz=8_000), call="c")
        stream.send_audio(b"\0\0" * 160, rate_hz=8_000)
        got = [await bus.bundles.get()]
        start("two")
        got.append(await bus.bundles.get())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert got == sent
