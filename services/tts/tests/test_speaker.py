"""What a tts stream answers, with a deterministic engine."""

import asyncio
import threading

import numpy as np
import pytest
from holdfast_common.contracts.tts import Speak, Spoken, Timing
from holdfast_common.contracts.wire import Audio
from holdfast_common.errors import EngineUnavailable, StreamFailed
from holdfast_common.pcm import rms_dbfs
from holdfast_common.testing import FakeSession
from holdfast_tts.adapters.fake import FakeSynthesiser
from holdfast_tts.adapters.scripted import Scripted
from holdfast_tts.handlers import Chunking
from holdfast_tts.renderer import Shape
from holdfast_tts.testing import Heard, studio, timings_hold

TEXT = "Hello there, this is a sentence of some length."
LONG = "You can invite them from the settings page, choose a role for each of them, and they get an e-mail, at once."


async def test_a_sentence_is_timed_then_heard_then_said_to_be_complete():
    async with studio(FakeSynthesiser()) as s:
        heard = await s.say(TEXT)

    assert isinstance(heard.results[0], Timing)
    assert isinstance(heard.results[-1], Spoken)
    assert timings_hold(heard, TEXT)
    assert heard.spoken == Spoken(samples=len(heard.samples), engine="fake", cached=False)


async def test_audio_begins_with_a_short_message_and_has_no_gap():
    async with studio(FakeSynthesiser()) as s:
        heard = await s.say(TEXT)

    assert [a.samples for a in heard.audio[:3]] == [160, 800, 800]
    assert [a.position for a in heard.audio] == list(np.cumsum([0, *(a.samples for a in heard.audio[:-1])]))


@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
@pytest.mark.parametrize("native_hz", [8_000, 16_000, 22_050])
async def test_words_lie_where_their_sound_is_at_any_rate(native_hz: int, rate_hz: int):
    """Each word is a tone of its own; at its edges the pitch changes, in its middle it is the word's."""
    async with studio(FakeSynthesiser(rate_hz=native_hz)) as s:
        heard = await s.say("abcd efgh mnop", rate_hz=rate_hz)

    for word, text in zip(heard.words, ["abcd", "efgh", "mnop"], strict=True):
        sound = heard.samples[word.start : word.end].astype(float)
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 15))
        assert spectrum.argmax() * rate_hz / (1 << 15) == pytest.approx(200 + sum(map(ord, text)) % 800, abs=2)
        assert word.end - word.start == pytest.approx(0.2 * rate_hz, abs=2)


async def test_the_engines_silence_goes_and_our_pause_comes():
    shape = Shape(pause_ms=150, lead_ms=20, tail_ms=30)
    async with studio(FakeSynthesiser(silence_ms=240), shape=shape) as s:
        heard = await s.say("abcd")

    loud = np.flatnonzero(np.abs(heard.samples.astype(int)) > 300)
    assert loud[0] / 8 == pytest.approx(20, abs=6)
    assert (len(heard.samples) - loud[-1]) / 8 == pytest.approx(180, abs=6)


async def test_a_later_word_is_the_tail_of_the_whole():
    """Positions count from the sentence's beginning; after a fade of 10 ms the samples are the same."""
    async with studio(FakeSynthesiser(), cache_bytes=0) as s:
        whole = await s.say(TEXT)
        tail = await s.say(TEXT, from_word=3)
    start = whole.words[3].start

    assert tail.words == whole.words[3:]
    assert tail.audio[0].position == start
    assert np.array_equal(tail.samples[80:], whole.samples[start + 80 :])
    assert np.abs(tail.samples[:80]).max() <= np.abs(whole.samples[start : start + 80]).max()
    assert tail.spoken.samples == whole.spoken.samples


async def test_a_later_word_from_the_cache_is_the_same_tail():
    async with studio(FakeSynthesiser(), cache_bytes=0) as fresh, studio(FakeSynthesiser()) as caching:
        expected = await fresh.say(TEXT, from_word=5)
        await caching.say(TEXT)
        cached = await caching.say(TEXT, from_word=5)

    assert cached.spoken.cached
    assert (cached.pcm, cached.words) == (expected.pcm, expected.words)


async def test_a_word_in_a_later_clause_can_be_asked_for():
    async with studio(FakeSynthesiser(), shape=Shape(run_chars=45), cache_bytes=0) as s:
        whole = await s.say(LONG)
        tail = await s.say(LONG, from_word=15)
    start = whole.words[15].start

    assert tail.audio[0].position == start
    assert np.array_equal(tail.samples[80:], whole.samples[start + 80 :])


async def test_a_word_after_the_last_is_complete_at_once():
    async with studio(FakeSynthesiser()) as s:
        heard = await s.say("one two", from_word=2)

    assert len(heard.results) == 1
    assert heard.spoken.samples > 0


async def test_long_sentences_are_said_by_clauses_and_timed_as_one():
    engine = FakeSynthesiser()
    async with studio(engine, shape=Shape(run_chars=45)) as s:
        engine.runs.clear()
        heard = await s.say(LONG)

    assert [run.words[0] for run in engine.runs] == ["You", "choose", "and"]
    assert timings_hold(heard, LONG)


async def test_an_engine_without_timings_gets_estimated_ones():
    async with studio(FakeSynthesiser(timed=False), shape=Shape(run_chars=45)) as s:
        heard = await s.say(LONG)

    assert heard.estimated
    assert timings_hold(heard, LONG)


@pytest.mark.parametrize("text", ["", "   ", "\x00\x01", "\u200b \u200b"])
async def test_nothing_to_say_is_complete_at_once(text: str):
    async with studio(FakeSynthesiser()) as s:
        heard = await s.say(text)

    assert heard.audio == []
    assert heard.spoken.samples == 0


async def test_a_rate_that_the_wire_does_not_carry_is_refused_for_good():
    async with studio(FakeSynthesiser()) as s:
        with pytest.raises(StreamFailed, match="44100") as failed:
            await s.say(TEXT, rate_hz=44_100)

    assert (failed.value.code, failed.value.retryable) == ("bad_input", False)


async def test_a_sentence_said_before_comes_from_the_cache():
    engine = FakeSynthesiser()
    async with studio(engine) as s:
        first = await s.say(TEXT)
        runs = len(engine.runs)
        again = await s.say(f"  {TEXT} ")

    assert (first.spoken.cached, again.spoken.cached) == (False, True)
    assert len(engine.runs) == runs
    assert (again.pcm, again.words) == (first.pcm, first.words)


async def test_another_voice_rate_or_speed_is_not_the_cached_one():
    async with studio(FakeSynthesiser()) as s:
        await s.say(TEXT)
        others = [await s.say(TEXT, voice="v"), await s.say(TEXT, rate_hz=16_000), await s.say(TEXT, speed=1.5)]

    assert [heard.spoken.cached for heard in others] == [False] * 3
    assert others[2].spoken.samples < others[0].spoken.samples


@pytest.mark.parametrize("amplitude", [0.02, 0.1, 0.9])
async def test_every_engine_is_as_loud_as_the_others(amplitude: float):
    async with studio(FakeSynthesiser(amplitude=amplitude), shape=Shape(pause_ms=0, lead_ms=0, tail_ms=0)) as s:
        heard = await s.say(TEXT)

    assert rms_dbfs(heard.pcm) == pytest.approx(-20, abs=0.5)


async def test_peaks_stay_below_the_ceiling():
    """A target so loud that a tone must exceed it: -1 dBFS is the highest sample."""
    async with studio(FakeSynthesiser(amplitude=0.9), shape=Shape(target_dbfs=0.0, ceiling_dbfs=-1.0)) as s:
        heard = await s.say(TEXT)

    assert np.abs(heard.samples.astype(int)).max() <= 32_768 * 10 ** (-1 / 20) + 1


@pytest.mark.parametrize("amplitude", [0.1, 0.9])
async def test_phone_audio_holds_nothing_from_above_4_khz(amplitude: float):
    """A 6 kHz tone would fold to 2 kHz: at 8 kHz out there must be no tone left."""

    class High(FakeSynthesiser):
        def _tone(self, word: str, samples: int) -> np.ndarray:
            time = np.arange(samples) / 16_000
            low, high = np.sin(2 * np.pi * 500 * time), np.sin(2 * np.pi * 6_000 * time)
            return np.rint(amplitude * 16_000 * (low + high)).astype(np.int16)

    async with studio(High(letter_ms=400), shape=Shape(pause_ms=0)) as s:
        heard = await s.say("ab")
    sound = heard.samples[800:-800].astype(float)
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    hz = np.fft.rfftfreq(len(sound), 1 / 8_000)

    near = (hz > 450) & (hz < 550)
    assert 10 * np.log10(power[(hz > 1_950) & (hz < 2_050)].sum() / power[near].sum()) < -80
    assert 10 * np.log10(power[~near].sum() / power[near].sum()) < -60


async def test_leaving_stops_the_engine_within_one_piece():
    """The opener cancels while the engine is in the middle: it makes one more piece at most."""
    go_on = threading.Semaphore(0)
    engine = FakeSynthesiser()
    async with studio(engine) as s:
        engine.pieces = 0
        engine._before_piece = go_on.acquire
        session = FakeSession(Speak(text=LONG, rate_hz=8_000))
        task = asyncio.create_task(s.speaker.handle(session))
        go_on.release(20)
        await session.wait_for(lambda results: any(isinstance(r, Audio) for r in results))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        given = len(session.results)
        go_on.release(1_000)
        stopped = await asyncio.to_thread(engine.stopped.wait, 5)

        assert stopped
        assert engine.pieces <= 21
        assert len(session.results) == given
        assert not (await s.say(LONG)).spoken.cached


async def test_who_left_before_his_turn_costs_nothing():
    go_on = threading.Semaphore(0)
    engine = FakeSynthesiser()
    async with studio(engine) as s:
        engine.runs.clear()
        engine.started.clear()
        engine._before_piece = go_on.acquire
        first = asyncio.create_task(s.say("first one"))
        second = asyncio.create_task(s.say("second one"))
        third = asyncio.create_task(s.say("third one"))
        assert await asyncio.to_thread(engine.started.wait, 5)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        go_on.release(10_000)
        await asyncio.gather(first, third)

    assert [run.words[0] for run in engine.runs] == ["first", "third"]


async def test_a_new_sentence_comes_before_the_later_clauses_of_one_that_plays():
    """The long one's first clause gives its caller seconds to listen to; the other hears nothing yet."""
    go_on = threading.Semaphore(0)
    engine = FakeSynthesiser()
    async with studio(engine, shape=Shape(run_chars=45)) as s:
        engine.runs.clear()
        engine.started.clear()
        engine._before_piece = go_on.acquire
        long = asyncio.create_task(s.say(LONG))
        assert await asyncio.to_thread(engine.started.wait, 5)
        short = asyncio.create_task(s.say("short one"))
        await asyncio.sleep(0)
        go_on.release(10_000)
        await asyncio.gather(long, short)

    assert [run.words[0] for run in engine.runs] == ["You", "short", "choose", "and"]


async def test_a_broken_engine_is_left_for_the_next_before_anybody_hears_of_it():
    async with studio(FakeSynthesiser("good-but-broken", break_at="there,"), FakeSynthesiser("second")) as s:
        heard = await s.say(TEXT)
        told = s.chain.info()

    assert heard.spoken.engine == "second"
    assert told["engine"] == "second"
    assert "good-but-broken: broke" in told["why"]


async def test_an_engine_that_breaks_in_the_middle_fails_the_stream_for_another_replica():
    text = "First a clause that is fine, then one with a boom in it, and the end."
    async with studio(FakeSynthesiser("a", break_at="boom"), FakeSynthesiser("b"), shape=Shape(run_chars=35)) as s:
        with pytest.raises(StreamFailed) as failed:
            await s.say(text)
        again = await s.say(text)

    assert (failed.value.code, failed.value.retryable) == ("engine", True)
    assert again.spoken.engine == "b"


async def test_with_no_engine_left_every_stream_fails():
    async with studio(FakeSynthesiser("a", break_at="there,")) as s:
        for _ in range(2):
            with pytest.raises(StreamFailed, match="no speech engine works here: a: broke"):
                await s.say(TEXT)


async def test_warming_up_fails_when_no_engine_speaks():
    class Mute(FakeSynthesiser):
        def speak(self, run, emit):
            return None

    async with studio(Mute("mute"), warm=False) as s:
        with pytest.raises(EngineUnavailable, match="mute: voice plain made no sound"):
            await s.voice.warm()


async def test_a_hanging_engine_is_noticed():
    go_on = threading.Event()
    engine = FakeSynthesiser()
    async with studio(engine) as s:
        engine.started.clear()
        assert s.voice.silent_s() == 0.0
        engine._before_piece = lambda: go_on.wait(10) and None
        task = asyncio.create_task(s.say(TEXT))
        assert await asyncio.to_thread(engine.started.wait, 5)
        first = s.voice.silent_s()
        await asyncio.sleep(0.01)
        assert s.voice.silent_s() > first > 0
        go_on.set()
        await task


async def test_the_scripted_tone_comes_at_once():
    """Two seconds, in a short first chunk and ever longer ones."""
    async with studio(Scripted(), shape=Shape(pause_ms=0, run_chars=4_000), chunking=Chunking(20, 100)) as s:
        heard = await s.say("one two three four five six seven eight nine ten eleven twelve")

    samples = [a.samples for a in heard.audio]
    assert samples[0] == 160
    assert samples[:-1] == sorted(samples[:-1])
    assert sum(samples) == 16_000
    assert rms_dbfs(heard.pcm) == pytest.approx(-20, abs=0.1)
    assert [w.end - w.start for w in heard.words] == pytest.approx([16_000 / 12] * 12, abs=1)


async def test_sixteen_callers_are_all_served():
    async with studio(FakeSynthesiser(), cache_bytes=0) as s:
        alone: list[Heard] = [await s.say(f"{TEXT} {n}") for n in range(16)]
        together = await asyncio.gather(*(s.say(f"{TEXT} {n}") for n in range(16)))

    assert [h.pcm for h in together] == [h.pcm for h in alone]
