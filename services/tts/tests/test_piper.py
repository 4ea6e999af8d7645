"""Piper itself, on a voice made on the spot: processes, word times, loudness, what happens when one is killed."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from holdfast_common.contracts.tts import Speak
from holdfast_common.pcm import rms_dbfs, samples_of
from holdfast_common.testing import FakeSession
from holdfast_tts import tiny_voice
from holdfast_tts.adapters.piper import Piper
from holdfast_tts.adapters.piper_model import with_lengths
from holdfast_tts.domain.voice_files import Wish
from holdfast_tts.ports import Emit, Run
from holdfast_tts.renderer import Shape
from holdfast_tts.testing import Studio, studio, timings_hold
from holdfast_tts.testing_piper import speaking, watched

VOICE = "en_US-tiny-low"
TEXT = "Hello there, one of the things costs nineteen dollars in 2026."
LONG = (
    "You can invite your team members from the settings page, choose a role for each of them, and they will get an "
    "e-mail with a link, which works for seven days, after which you would have to send it again from the same page."
)
LIMIT_S = 30.0

shared = pytest.mark.asyncio(loop_scope="module")
"""Starting a process takes half a second: tests that only speak share one."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def voice(tiny_folder: Path) -> AsyncIterator[Studio]:
    async with speaking(tiny_folder / f"{VOICE}.onnx") as s:
        yield s


@shared
async def test_every_word_has_its_time_and_its_sound(voice: Studio):
    """The times are the voice's own; its silence lies between words, never in them."""
    heard = await voice.say(TEXT, rate_hz=16_000)

    assert timings_hold(heard, TEXT)
    assert not heard.estimated
    for word in heard.words:
        assert rms_dbfs(heard.samples[word.start : word.end]) > -30
    for before, after in pairwise(heard.words):
        if after.start - before.end > 160:
            assert rms_dbfs(heard.samples[before.end + 32 : after.start - 32]) < -45


def two_ceilings(folder: Path, out: Path) -> Path:
    """A voice with a second Ceil in its graph: which of them holds the lengths cannot be known for sure."""
    import onnx

    model = onnx.load(str(folder / f"{VOICE}.onnx"))
    model.graph.node.append(onnx.helper.make_node("Ceil", ["noise_scale"], ["another"]))
    return a_voice(out, model.SerializeToString(), folder)


def a_voice(out: Path, model: bytes, folder: Path) -> Path:
    (out / f"{VOICE}.onnx").write_bytes(model)
    (out / f"{VOICE}.onnx.json").write_text((folder / f"{VOICE}.onnx.json").read_text())
    return out / f"{VOICE}.onnx"


async def test_a_voice_that_tells_no_lengths_has_estimated_times(tiny_folder: Path, tmp_path: Path):
    path = two_ceilings(tiny_folder, tmp_path)

    assert with_lengths(path.read_bytes()) is None
    async with speaking(path) as s:
        heard = await s.say(TEXT)

    assert heard.estimated
    assert timings_hold(heard, TEXT)


async def test_a_voice_that_was_patched_before_is_taken_as_it_is(tiny_folder: Path, tmp_path: Path):
    telling = with_lengths((tiny_folder / f"{VOICE}.onnx").read_bytes())
    assert telling is not None
    async with speaking(a_voice(tmp_path, telling, tiny_folder)) as s:
        heard = await s.say(TEXT)

    assert not heard.estimated


async def test_two_replicas_say_a_sentence_in_the_same_time(tiny_folder: Path):
    """So that one can go on where the other broke off; the voice's own unevenness (0.8) would not allow it."""

    async def starts(noise_w: float, times: int) -> list[list[int]]:
        async with watched(tiny_folder / f"{VOICE}.onnx", noise_w=noise_w) as watch:
            await watch.up()
            said = [await watch.pool.say(tuple(TEXT.split()), 1.0, None) for _ in range(times)]
            return [[start for _, start, _ in one.words or ()] for one in said]

    [one], [other] = await starts(0.0, 1), await starts(0.0, 1)
    uneven = await starts(0.8, 2)

    assert one == other
    assert len(one) == len(TEXT.split())
    assert uneven[0] != uneven[1]


@shared
async def test_a_later_word_begins_where_it_was(voice: Studio):
    whole = await voice.say(LONG)
    tail = await voice.say(LONG, from_word=20)

    assert tail.words == whole.words[20:]
    assert tail.audio[0].position == whole.words[20].start
    assert tail.spoken.samples == whole.spoken.samples


async def test_short_and_long_sentences_are_equally_loud(tmp_path: Path):
    """One gain a voice: a quiet voice's "No." is not blown up to full scale."""
    tiny_voice.make(tmp_path, amplitude=0.02)
    async with speaking(tmp_path / f"{VOICE}.onnx") as s:
        levels = [rms_dbfs(_loud((await s.say(text)).samples)) for text in ("No.", "Yes, of course.", LONG)]

    assert max(levels) - min(levels) < 2.5
    assert levels[-1] == pytest.approx(-20, abs=2)


def _loud(samples: np.ndarray) -> np.ndarray:
    return samples[np.abs(samples) > 100].copy()


@shared
async def test_speed_is_followed(voice: Studio):
    normal, slow = await voice.say(TEXT), await voice.say(TEXT, speed=0.5)

    assert slow.spoken.samples / normal.spoken.samples == pytest.approx(2, rel=0.05)


async def test_the_speaker_is_the_one_that_is_named(tmp_path: Path):
    tiny_voice.make(tmp_path, "en_US-two-low", speakers=2)
    async with watched(tmp_path / "en_US-two-low.onnx") as watch:
        piper = Piper(watch.pool, Wish("en_US-two-low", 1), await watch.up())
        first, second = [(await watch.pool.say(("Hello",), 1.0, speaker)).pcm for speaker in (0, 1)]

        assert piper.resolve("", "en") == "en_US-two-low#1"
        assert piper.resolve("en_US-two-low#0", "en") == "en_US-two-low#0"
        assert piper.resolve("en_US-two-low#7", "en") == "en_US-two-low"
        assert piper.resolve("rms", "en") == "en_US-two-low#1"
        assert np.abs(samples_of(first)).max() / np.abs(samples_of(second)).max() == pytest.approx(2, rel=0.1)


@shared
@pytest.mark.parametrize(
    "text", ["...", "-- -", "[[", "C++ & naïve café: 3 to 4 p.m. , ok ?", "[[hello]] there", "日本"]
)
async def test_odd_texts_are_said_or_passed_over(voice: Studio, text: str):
    heard = await voice.say(text)

    assert timings_hold(heard, text)


async def test_a_long_sentence_begins_with_a_short_clause(tiny_folder: Path):
    """The first sound comes when the first clause is whole: it is kept short, the others are not."""
    async with watched(tiny_folder / f"{VOICE}.onnx") as watch:
        piper = Piper(watch.pool, Wish(VOICE), await watch.up())
        runs: list[int] = []
        speak = piper.speak

        def listened(run: Run, emit: Emit) -> None:
            runs.append(len(" ".join(run.words)))
            speak(run, emit)

        piper.speak = listened  # type: ignore[method-assign]
        async with studio(piper, shape=Shape(run_chars=140, first_run_chars=60)) as s:
            runs.clear()
            await s.say(LONG)

    assert runs[0] <= 60 < runs[1] <= 140


async def test_leaving_a_stream_gives_the_voice_thread_back(tiny_folder: Path):
    async with speaking(tiny_folder / f"{VOICE}.onnx") as s:
        piper = s.chain.current
        assert isinstance(piper, Piper)
        pid = piper._pool.pids[0]
        os.kill(pid, signal.SIGSTOP)
        session = FakeSession(Speak(text=LONG, rate_hz=8_000))
        task = asyncio.create_task(s.speaker.handle(session))
        while s.voice.silent_s() == 0:
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        os.kill(pid, signal.SIGCONT)
        heard = await asyncio.wait_for(s.say("Hello there."), LIMIT_S)

    assert session.results == []
    assert heard.spoken.engine == "piper"
