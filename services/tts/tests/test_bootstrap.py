"""Settings, the chain and the wiring of the service."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from holdfast_common.contracts.tts import Speak, Spoken
from holdfast_common.errors import EngineUnavailable, SettingsError
from holdfast_common.health import Health, State
from holdfast_common.runtime import Runtime
from holdfast_common.settings import CommonSettings
from holdfast_common.testing import FakeSession
from holdfast_tts import bootstrap
from holdfast_tts.adapters.fake import FakeSynthesiser
from holdfast_tts.chain import Chain
from holdfast_tts.settings import TtsSettings
from holdfast_tts.testing import studio
from pydantic import ValidationError

PROFILE = """
id: acme
company: Acme
product: Anvils
voice: {speed: 2.0}
copy: {greeting: [Hello]}
"""


def broken(reason: str) -> Any:
    def load() -> None:
        raise EngineUnavailable(reason)

    return load


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    (tmp_path / "profile.yaml").write_text(PROFILE)
    return cast(Runtime, SimpleNamespace(common=CommonSettings(profile=tmp_path), health=Health()))


def test_engines_are_a_list_with_commas(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOLDFAST_TTS_ENGINES", " espeak , flite")

    assert TtsSettings().engines == ("espeak", "flite")


@pytest.mark.parametrize("value", ["", "flite,loquendo"])
def test_an_unknown_engine_or_none_is_refused_with_those_known(value: str):
    with pytest.raises(ValidationError, match="known: elevenlabs, piper, flite, espeak, scripted"):
        TtsSettings(engines=cast(Any, value))


def test_the_first_engine_that_works_is_used_and_the_others_reasons_told():
    reason = "a: lib missing, `make system` installs it"
    chain = Chain(("a", "b"), {"a": broken(reason), "b": lambda: FakeSynthesiser("b")})
    chain.engine()

    assert chain.info() == {
        "engine": "b",
        "version": "1",
        "voice": "plain",
        "why": reason,
    }
    assert chain.check().state is State.DEGRADED
    assert "a: lib missing" in chain.check().detail


def test_the_first_of_the_chain_is_well():
    chain = Chain(("b",), {"b": lambda: FakeSynthesiser("b")})
    before = chain.check().state
    chain.engine()

    assert (before, chain.check().state) == (State.DOWN, State.OK)


async def test_the_service_is_ready_once_it_has_spoken(runtime: Runtime):
    async with bootstrap.wire(runtime, TtsSettings(engines=cast(Any, "espeak"))) as wiring:
        assert wiring.capacity() == 16
        assert wiring.info()["engine"] == "espeak"
        assert runtime.health.state() is State.OK
        session = FakeSession(Speak(text="Hello there.", rate_hz=8_000))
        assert wiring.handler is not None
        await wiring.handler(session)

    assert isinstance(session.results[-1], Spoken)


async def test_the_profiles_speed_is_followed(runtime: Runtime, tmp_path: Path):
    lengths: list[int] = []
    for profile in (PROFILE, PROFILE.replace("2.0", "1.0")):
        (tmp_path / "profile.yaml").write_text(profile)
        async with bootstrap.wire(runtime, TtsSettings(engines=cast(Any, "espeak"), pause_ms=0)) as wiring:
            assert wiring.handler is not None
            session = FakeSession(Speak(text="Hello there, this is somewhat longer.", rate_hz=8_000))
            await wiring.handler(session)
            lengths.append(session.results[-1].samples)

    assert lengths[1] / lengths[0] == pytest.approx(2.0, rel=0.25)


async def test_scripted_is_the_tone_and_nothing_else(runtime: Runtime):
    async with bootstrap.wire(runtime, TtsSettings(engines=cast(Any, "scripted"))) as wiring:
        session = FakeSession(Speak(text="Hello there.", rate_hz=8_000))
        assert wiring.handler is not None
        await wiring.handler(session)

    assert session.results[-1].samples == 16_000


async def test_a_chain_of_broken_engines_stops_the_start_with_its_reasons(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bootstrap, "factories", lambda *_: {"flite": broken("libflite.so.1 not found")})

    with pytest.raises(SettingsError, match=r"HOLDFAST_TTS_ENGINES=flite: .*libflite\.so\.1 not found"):
        async with bootstrap.wire(runtime, TtsSettings(engines=cast(Any, "flite"))):
            pass


async def test_a_hanging_engine_ends_the_replica(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap, "STUCK_LOOK_S", 0.001)
    async with studio(FakeSynthesiser()) as s:
        monkeypatch.setattr(s.voice, "silent_s", lambda: 6.0)
        with pytest.raises(EngineUnavailable, match=r"silent for 6\.0 s \(limit 5\.0\)"):
            await bootstrap.end_when_stuck(s.voice, 5.0)
