"""Scenarios by voice: the line's noise is what was asked for, and a whole call is spoken, heard and judged."""

from __future__ import annotations

import asyncio
import ctypes.util
from pathlib import Path

import numpy as np
import pytest
from holdfast_cli.eval.sample_clock import SampleLoop
from holdfast_cli.eval.scenario_file import Scenario
from holdfast_cli.eval.spoken_line import FRAME, Line, babble, levelled, pink, white
from holdfast_cli.eval.spoken_scenarios import run, spoken_summary
from holdfast_common.pcm import from_float, rms_dbfs
from holdfast_common.profile import load_profile

PROFILE = Path(__file__).parents[2] / "profiles" / "trial_success"


@pytest.mark.parametrize("noise", [white(2.0), pink(2.0), babble([white(0.5), pink(0.7)], 2.0)])
def test_the_noise_is_as_far_below_the_speech_as_was_asked(noise: np.ndarray) -> None:
    """Speech at -20 dBFS and 15 dB of signal to noise: a silent caller's line carries -35 dBFS."""
    line = Line(noise, 15.0)
    heard = b"".join(line(bytes(2 * FRAME)) for _ in range(200))

    assert rms_dbfs(heard) == pytest.approx(-35.0, abs=0.7)


def test_a_callers_level_is_taken_over_the_voiced_parts_alone() -> None:
    """Pauses do not make a voice louder."""
    tone = np.sin(np.arange(8_000) / 5).astype(np.float32) * 0.01
    with_pause = levelled(np.concatenate([tone, np.zeros(24_000, np.float32)]))

    assert rms_dbfs(from_float(with_pause[:8_000])) == pytest.approx(-20.0, abs=0.5)


@pytest.mark.live
@pytest.mark.flite
@pytest.mark.timeout(240)  # a busy machine changes how long it takes, not what is heard
@pytest.mark.skipif(ctypes.util.find_library("flite") is None, reason="needs libflite: espeak is not understood")
def test_a_whole_call_is_spoken_heard_and_judged(tmp_path: Path) -> None:
    """Real recogniser, voice, gateway, dialogue and tools, in one process and ahead of real time."""
    scenario = Scenario.model_validate(
        {
            "id": "spoken",
            "clock": "2026-11-23T10:00:00-05:00",
            "calendar": {"timezone": "America/New_York", "free": ["2026-11-24T15:30"]},
            "caller": {"lines": [{"say": "how long is the free trial"}, {"say": "thanks goodbye"}, {"hang_up": True}]},
            "expect": {"articles": {"must_use": ["trial-length"]}, "bookings_count": 0},
        }
    )

    with asyncio.Runner(loop_factory=SampleLoop) as runner:
        [case] = runner.run(run([scenario], PROFILE, load_profile(PROFILE), tmp_path))

    figures = spoken_summary([case], [scenario])
    assert case.passed, (case.error, case.failed, [x.said for x in case.transcript.exchanges])
    assert 0.0 <= figures["word_error_rate"] < 0.5
    assert case.transcript.said == ["how long is the free trial", "thanks goodbye"]
