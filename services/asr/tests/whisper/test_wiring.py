"""The service as it is started: the embedded recogniser first, Whisper when it is warm."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from holdfast_asr import bootstrap
from holdfast_asr.settings import AsrSettings
from holdfast_common.contracts.asr import EndOfUtterance, Final, Listen
from holdfast_common.health import Health, State
from holdfast_common.runtime import Runtime
from holdfast_common.settings import CommonSettings
from holdfast_common.testing import FakeSession

PROFILE = Path(__file__).parents[4] / "profiles" / "trial_success"


def runtime_in(folder: Path) -> Runtime:
    common = CommonSettings(profile=PROFILE, state_dir=folder / "state")
    return cast(Runtime, SimpleNamespace(common=common, health=Health()))


@pytest.mark.live
async def test_the_service_hears_at_once_and_with_whisper_when_it_is_warm(toy: Path, tmp_path: Path) -> None:
    """Named in the models folder; what is in use is told in beats and health all along."""
    runtime = runtime_in(tmp_path)
    settings = AsrSettings(
        model="toy", model_dir=toy.parent, workers=1, whisper_device="cpu", whisper_threads=1, whisper_gates=False
    )
    async with bootstrap.wire(runtime, settings) as wiring:
        assert wiring.handler is not None and wiring.capacity() > 0
        assert wiring.info()["engine"].startswith(("pocketsphinx: whisper ", "whisper toy "))
        async with asyncio.timeout(30):
            while not wiring.info()["engine"].startswith("whisper toy (int8"):
                await asyncio.sleep(0.05)
        noise = np.random.default_rng(1).normal(0, 2_000, 8_000).astype("<i2").tobytes()
        session = FakeSession(Listen(rate_hz=8_000, audio=noise), EndOfUtterance(position=8_000))
        await wiring.handler(session)

        final = next(result for result in session.results if isinstance(result, Final))
        assert final.engine == "whisper/toy" and final.text
        assert runtime.health.report()["whisper"].state is State.OK


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        (AsrSettings(), False),
        (AsrSettings(model="small"), True),
        (AsrSettings(model_dir=Path("/models")), True),
    ],
)
def test_whisper_is_looked_for_only_where_a_model_is_set(settings: AsrSettings, asked: bool, tmp_path: Path) -> None:
    source = bootstrap.whisper_source(runtime_in(tmp_path), settings)

    assert (source is not None) is asked
    if source is not None and settings.model_dir is None:
        assert source.folder == tmp_path / "models"


def test_a_model_is_a_name_and_not_somebodys_path() -> None:
    with pytest.raises(ValueError, match="string_pattern_mismatch"):
        AsrSettings(model="../../etc")


def test_settings_reach_the_engine() -> None:
    plan = bootstrap.whisper_plan(
        AsrSettings(whisper_device="cuda", whisper_compute_type="int8_float16", whisper_short_windows=True)
    )

    assert (plan.options.device, plan.options.compute_type) == ("cuda", "int8_float16")
    assert plan.options.short_windows and plan.gates is not None
    assert not AsrSettings().whisper_short_windows, "off until real weights have shown their word error"


def test_importing_the_service_imports_no_engine() -> None:
    """Heavy libraries are for those who use them."""
    import subprocess
    import sys

    code = (
        "import holdfast_asr.bootstrap, holdfast_asr.adapters.whisper_arrival, sys;"
        "sys.exit(any(m in sys.modules for m in ('ctranslate2', 'faster_whisper', 'tokenizers', 'huggingface_hub')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
