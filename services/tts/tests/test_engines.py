"""The real engines: flite where the machine has it, espeak-ng from its wheel everywhere."""

import asyncio

import numpy as np
import pytest
from holdfast_common.contracts.tts import Speak
from holdfast_common.errors import EngineUnavailable
from holdfast_common.pcm import rms_dbfs
from holdfast_common.testing import FakeSession
from holdfast_tts.adapters.espeak import Espeak
from holdfast_tts.adapters.flite import Flite
from holdfast_tts.domain.level import active_level_dbfs
from holdfast_tts.ports import Piece, Run, Synthesiser
from holdfast_tts.testing import studio, timings_hold

TEXTS = (
    "Yes.",
    "Hello there, I'm the assistant; it costs nineteen dollars — no “catch”!",
    "One of the things is in the box, the doctor's e-mail is dana dot miller at northwind dot example.",
    'In 2026 - ( and "of course" ) ... C++ & naïve café: 3 to 4 p.m. , ok ?',
)
LONG = (
    "You can invite your team members from the settings page, choose a role for each of them, and they will get an "
    "e-mail with a link, which works for seven days, after which you would have to send it again from the same page."
)


def flite_or_skip() -> Flite:
    try:
        return Flite()
    except EngineUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(params=[pytest.param("flite", marks=pytest.mark.flite), "espeak"])
def engine(request: pytest.FixtureRequest) -> Synthesiser:
    return flite_or_skip() if request.param == "flite" else Espeak()


def say(engine: Synthesiser, text: str, voice: str = "") -> np.ndarray:
    heard: list[np.ndarray] = []

    def listen(piece: Piece) -> bool:
        heard.append(piece.samples.copy())
        return True

    engine.speak(Run(tuple(text.split()), engine.resolve(voice, "en")), listen)
    return np.concatenate(heard)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
@pytest.mark.parametrize("text", [*TEXTS, LONG])
async def test_every_word_has_its_time(engine: Synthesiser, text: str, rate_hz: int):
    async with studio(engine) as s:
        heard = await s.say(text, rate_hz=rate_hz)

    assert timings_hold(heard, text)
    assert not heard.estimated
    assert 0.3 < heard.spoken.samples / rate_hz < 20


async def test_speech_lies_where_the_words_are_and_silence_between_clauses(engine: Synthesiser):
    """Each word of a list is heard within its time; the pause at a comma lies outside of all of them, or at an end."""
    async with studio(engine) as s:
        heard = await s.say("Monday, or Tuesday, or even Wednesday.", rate_hz=16_000)

    for word in heard.words:
        assert rms_dbfs(heard.samples[word.start : word.end]) > -32
    covered = np.zeros(len(heard.samples), dtype=bool)
    for word in heard.words:
        covered[word.start : word.end] = True
    assert rms_dbfs(heard.samples[~covered]) < -35


@pytest.mark.flite
async def test_flites_later_word_is_the_tail_of_the_whole_even_on_another_replica():
    """Its noise is seeded: what one replica broke off, another continues with the same samples."""
    async with studio(flite_or_skip(), cache_bytes=0) as one, studio(flite_or_skip(), cache_bytes=0) as other:
        whole = await one.say(LONG)
        await other.say("Something else in between.")
        tail = await other.say(LONG, from_word=17)
    start = whole.words[17].start

    assert tail.audio[0].position == start
    assert tail.words == whole.words[17:]
    assert np.array_equal(tail.samples[80:], whole.samples[start + 80 :])


async def test_espeaks_later_word_begins_within_30_ms_of_where_it_was():
    """Its pitch flutters on from sentence to sentence, so no two renderings are the same."""
    async with studio(Espeak(), cache_bytes=0) as s:
        whole = await s.say(LONG)
        await s.say("Something else in between.")
        tail = await s.say(LONG, from_word=17)

    assert tail.audio[0].position == tail.words[0].start
    assert [w.start for w in tail.words] == pytest.approx([w.start for w in whole.words[17:]], abs=240)


async def test_sound_begins_at_once_and_is_neither_clipped_nor_quiet(engine: Synthesiser):
    async with studio(engine) as s:
        heard = [await s.say(text) for text in TEXTS]

    for sentence in heard:
        loud = np.flatnonzero(np.abs(sentence.samples.astype(int)) > 150)
        assert loud[0] / 8 < 45
        assert np.abs(sentence.samples.astype(int)).max() <= 32_768 * 10 ** (-1 / 20) + 1
        assert active_level_dbfs(sentence.samples.astype(np.float32) / 32_768, 8_000) == pytest.approx(-20, abs=4)


async def test_speed_is_followed(engine: Synthesiser):
    async with studio(engine) as s:
        slow, fast = [(await s.say(LONG, speed=speed)).spoken.samples for speed in (0.8, 1.6)]

    assert slow / fast == pytest.approx(2.0, rel=0.2)


@pytest.mark.parametrize(
    "text", ['"', "...", "&", "🙂 漢字", "<speak>[[x]]</speak>", "a" * 1_900, "9" * 500, "((((", "' '"]
)
async def test_strange_text_does_no_harm(engine: Synthesiser, text: str):
    async with studio(engine) as s:
        strange = await s.say(text)
        after = await s.say("Hello again.")

    assert timings_hold(strange, text)
    assert after.spoken.samples > 4_000


async def test_the_loop_runs_on_while_the_engine_speaks(engine: Synthesiser):
    """The engine computes for 100 ms and more; between two turns of the loop there is never that much."""
    loop = asyncio.get_running_loop()
    async with studio(engine, shape=None, cache_bytes=0) as s:
        task = asyncio.create_task(s.say(LONG))
        turns = 0
        while not task.done():
            await asyncio.sleep(0.001)
            turns += 1
        begun = loop.time()
        await s.say(LONG)
        took = loop.time() - begun

    # Without releasing the interpreter it would be a handful: one per piece.
    assert turns >= min(20, took * 1000 / 20)


async def test_cancelling_leaves_the_engine_well(engine: Synthesiser):
    async with studio(engine, cache_bytes=0) as s:
        before = await s.say("Hello again.")
        for _ in range(5):
            session = FakeSession(Speak(text=LONG, rate_hz=8_000))
            task = asyncio.create_task(s.speaker.handle(session))
            await session.wait_for(lambda results: len(results) > 2)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        after = await s.say("Hello again.")

    assert after.spoken.samples == pytest.approx(before.spoken.samples, abs=240)
    assert rms_dbfs(after.pcm) == pytest.approx(rms_dbfs(before.pcm), abs=1)


@pytest.mark.flite
def test_flites_voices_are_chosen_by_name_and_others_become_the_default():
    engine = flite_or_skip()
    if len(engine.voices) < 2:
        pytest.skip("only one flite voice on this machine")
    other = next(voice for voice in engine.voices if voice != engine.resolve("", "en"))

    assert engine.resolve(other, "en") == other
    assert engine.resolve("nobody", "en") == engine.resolve("", "en")
    assert len(say(engine, "Hello.", other)) != len(say(engine, "Hello."))


def test_espeaks_voices_languages_and_variants():
    engine = Espeak(default="en-us")

    assert engine.resolve("", "en") == "en-us"
    assert engine.resolve("", "de") == "de"
    assert engine.resolve("en-gb+f3", "en") == "en-gb+f3"
    assert engine.resolve("rms", "en") == "en-us"
    assert engine.resolve("en-us+robot", "en") == "en-us"
    assert len(say(engine, "Guten Tag.", "de")) > 5_000


def test_a_missing_flite_says_what_to_do(tmp_path, monkeypatch):
    """A machine without flite: the reason is a sentence for a person."""
    import ctypes.util

    from holdfast_tts.adapters import flite_library

    monkeypatch.setattr(flite_library, "_SUFFIX", ".so.nowhere")
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)

    with pytest.raises(EngineUnavailable, match=r"flite: libflite\.so\.nowhere not found, `make system` installs it"):
        Flite(folder=tmp_path)
