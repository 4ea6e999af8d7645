"""ElevenLabs over its stand-in: sound as it comes, and the next voice whatever it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from holdfast_cli.stand_ins.elevenlabs import ElevenLabsStandIn
from holdfast_cli.stand_ins.faults import Fault
from holdfast_common.contracts.tts import Speak, Spoken
from holdfast_common.contracts.wire import Audio
from holdfast_common.errors import StreamFailed
from holdfast_common.health import Health, State
from holdfast_common.resilience import Outside, OutsideFailed, Patience
from holdfast_common.runtime import Runtime
from holdfast_common.secret_file import SecretSource
from holdfast_common.settings import CommonSettings
from holdfast_common.testing import FakeSession
from holdfast_tts import bootstrap
from holdfast_tts.adapters.elevenlabs import ElevenLabs, Offer
from holdfast_tts.adapters.scripted import Scripted
from holdfast_tts.bootstrap import remote, service_finding
from holdfast_tts.chain import Chain
from holdfast_tts.domain.cache import AudioCache
from holdfast_tts.handlers import Chunking, Speaker
from holdfast_tts.renderer import Renderer, Shape
from holdfast_tts.settings import TtsSettings
from holdfast_tts.voice_thread import VoiceThread

TEXT = "The trial lasts fourteen days, and you need no card for it."

PROFILE = "id: acme\ncompany: Acme\nproduct: Anvils\ncopy: {greeting: [Hello]}\n"


class House:
    """The stand-in first, a tone behind it."""

    def __init__(self, form: str = "ulaw_8000") -> None:
        self.service = ElevenLabsStandIn()
        self.outside = Outside("elevenlabs", Patience(attempts=2, attempt_s=0.6, wait_s=0.01, fail_max=3))
        offer = Offer("http://voices.invalid", "voice-1", "eleven_flash_v2_5", form, 0.6, 0.4)
        loop, transport = asyncio.get_running_loop(), self.service.transport()
        key = SecretSource("elevenlabs-key")
        self.engine = ElevenLabs(offer, key, self.outside, loop, transport=transport)
        chain = Chain(("elevenlabs", "scripted"), {"elevenlabs": lambda: self.engine, "scripted": Scripted})
        self.voice = VoiceThread(chain, Renderer(Shape()), threads=2)
        self.speaker = Speaker(chain, self.voice, AudioCache(0), Chunking())
        self.chain = chain

    async def say(self, from_word: int = 0) -> FakeSession:
        session = FakeSession(Speak(text=TEXT, rate_hz=8_000, from_word=from_word))
        await self.speaker.handle(session)
        return session


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    house.voice.close()
    await house.engine.close()


def length_s(session: FakeSession) -> float:
    return sum(item.samples for item in session.results if isinstance(item, Audio)) / 8_000


@pytest.mark.parametrize("form", ["ulaw_8000", "pcm_8000", "pcm_16000"])
async def test_a_sentence_is_said_in_each_format(form: str) -> None:
    house = House(form)
    await house.voice.warm()
    session = await house.say()
    house.voice.close()
    await house.engine.close()

    sound = np.frombuffer(b"".join(i.pcm for i in session.results if isinstance(i, Audio)), dtype="<i2")
    spectrum = np.abs(np.fft.rfft(sound[2000:10000].astype(float)))
    assert 210 < np.argmax(spectrum) < 230  # the stand-in's tone of 220 Hz, in bins of 1 Hz
    assert abs(length_s(session) - len(TEXT) / 15) < 0.5
    assert house.service.said[-1] == TEXT


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.HANG, Fault.RESET, Fault.LIMIT, Fault.RUBBISH, Fault.QUOTA])
async def test_a_sentence_that_it_cannot_begin_is_said_by_the_next_voice(house: House, fault: Fault) -> None:
    await house.voice.warm()
    house.service.faults.always = fault
    began = asyncio.get_running_loop().time()
    session = await house.say()

    assert isinstance(session.results[-1], Spoken)
    assert length_s(session) > 1.5
    assert asyncio.get_running_loop().time() - began < 3.5
    assert TEXT not in house.service.said


async def test_a_sentence_cut_in_the_middle_goes_on_with_the_next_voice(house: House) -> None:
    """The stream is opened again at the word that was reached, and this voice is kept out of the way."""
    await house.voice.warm()
    house.service.faults.plan = [Fault.CUT]
    with pytest.raises(StreamFailed) as caught:
        await house.say()
    assert caught.value.retryable
    assert house.outside.state == "open"

    before = house.service.requests
    session = await house.say(from_word=6)
    assert isinstance(session.results[-1], Spoken)
    assert house.service.requests == before


async def test_used_up_quota_under_401_is_no_bad_key_and_is_asked_once(house: House) -> None:
    await house.voice.warm()
    house.service.faults.always = Fault.QUOTA
    before = house.service.requests
    for _ in range(3):
        await house.say()

    assert house.service.requests == before + 1
    assert "quota_exceeded" in house.outside.finding().detail


async def test_a_voice_that_is_away_at_the_start_comes_back_by_itself(house: House) -> None:
    """It is passed over, not left for good."""
    house.service.faults.plan = [Fault.ERROR, Fault.ERROR]
    await house.voice.warm()
    await house.say()

    assert TEXT in house.service.said


async def test_health_tells_of_the_service_once_it_is_in_use(house: House) -> None:
    assert service_finding(house.chain).detail == "not in use"
    await house.voice.warm()
    assert remote(house.chain) == [house.engine]
    house.outside.tell(OutsideFailed("elevenlabs", "cut", trips=True))
    assert service_finding(house.chain).state is State.DEGRADED


async def test_the_connections_are_let_go_when_the_service_ends(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "profile.yaml").write_text(PROFILE)
    runtime = cast(Runtime, SimpleNamespace(common=CommonSettings(profile=tmp_path), health=Health()))
    monkeypatch.setattr(bootstrap, "factories", lambda *_: {"elevenlabs": lambda: house.engine, "scripted": Scripted})
    async with bootstrap.wire(runtime, TtsSettings(engines=cast(Any, "elevenlabs,scripted"))):
        assert "elevenlabs" in runtime.health.report()
        assert not house.engine._client.is_closed
    assert house.engine._client.is_closed
