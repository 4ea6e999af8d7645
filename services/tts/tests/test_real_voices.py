"""What only real Piper voices can show. Each `.onnx` in HOLDFAST_TTS_VOICES_DIR is tried; none there, nothing is."""

import os
from pathlib import Path

import numpy as np
import pytest
from holdfast_common.pcm import rms_dbfs, to_float
from holdfast_tts.domain.level import active_level_dbfs
from holdfast_tts.testing import Heard, timings_hold
from holdfast_tts.testing_piper import speaking, watched

pytestmark = pytest.mark.requires_piper_voice

TEXTS = (
    "Yes, of course.",
    "You can invite your colleagues from the settings page.",
    "The trial lasts two weeks, and you do not need a credit card.",
    "I can offer Tuesday at half past two, or Wednesday at ten in the morning.",
)


def voices() -> list[Path]:
    folder = os.environ.get("HOLDFAST_TTS_VOICES_DIR", "")
    return sorted(Path(folder).glob("*.onnx")) if folder else []


@pytest.fixture(params=voices() or [None], ids=lambda path: path.name if path else "none")
def voice(request: pytest.FixtureRequest) -> Path:
    if request.param is None:
        pytest.skip("no Piper voice in HOLDFAST_TTS_VOICES_DIR; see docs/operations/models.md")
    return request.param


async def test_words_are_timed_by_the_voice_and_heard_where_they_are(voice: Path):
    async with speaking(voice) as s:
        heard = [await s.say(text, rate_hz=16_000) for text in TEXTS]

    for one, text in zip(heard, TEXTS, strict=True):
        assert timings_hold(one, text)
        assert not one.estimated
        for word in one.words:
            assert rms_dbfs(one.samples[word.start : word.end]) > -40


async def test_sentences_are_equally_loud(voice: Path):
    async with speaking(voice) as s:
        levels = [active_level_dbfs(to_float((await s.say(text)).pcm), 8_000) for text in TEXTS]

    assert max(levels) - min(levels) < 5
    assert np.mean(levels) == pytest.approx(-20, abs=2)


async def test_two_replicas_take_the_same_time(voice: Path):
    lengths: list[int] = []
    for _ in range(2):
        async with watched(voice) as watch:
            await watch.up()
            lengths.append(len((await watch.pool.say(tuple(TEXTS[1].split()), 1.0, None)).pcm))

    assert lengths[0] == lengths[1]


async def test_a_recogniser_that_knows_nothing_of_the_subject_understands_it(voice: Path):
    if not voice.name.startswith("en"):
        pytest.skip("the recogniser at hand knows English")
    decoder = pytest.importorskip("pocketsphinx").Decoder(loglevel="FATAL")
    async with speaking(voice) as s:
        heard = [await s.say(text, rate_hz=16_000) for text in TEXTS]
    said = [word.strip(",.").lower() for text in TEXTS for word in text.split()]
    got = {word for one in heard for word in understood(decoder, one)}

    assert sum(word in got for word in said) / len(said) > 0.6


def understood(decoder, heard: Heard) -> list[str]:
    quiet = np.zeros(4_800, dtype=np.float32)
    sound = np.concatenate((quiet, to_float(heard.pcm), quiet))
    decoder.start_utt()
    decoder.process_raw(np.rint(sound * 32_767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return hypothesis.hypstr.split() if hypothesis else []
