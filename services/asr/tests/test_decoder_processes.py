"""Real decoders in real processes: they may die and hang, the utterance goes on; nobody outlives the service."""

from __future__ import annotations

import asyncio
import io
import os
import queue
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from holdfast_common.pcm import ulaw_decode
from holdfast_common.profile import load_articles, load_profile

pytest.importorskip("pocketsphinx")

from holdfast_asr.adapters.caller_data import load_caller_data
from holdfast_asr.adapters.pocketsphinx_decoders import GENERIC, Decoders
from holdfast_asr.adapters.pocketsphinx_decoding import Decoding
from holdfast_asr.adapters.pocketsphinx_model import ModelFiles, prepare_model
from holdfast_asr.adapters.pocketsphinx_pool import PocketsphinxPool, PoolShape
from holdfast_asr.adapters.pocketsphinx_wire import (
    LENGTH,
    Answer,
    Ask,
    Begin,
    Busy,
    Feed,
    Order,
    Reply,
    replies,
)
from holdfast_asr.adapters.pocketsphinx_worker import Worker
from holdfast_asr.domain.choice import Kind
from holdfast_asr.ports import Request
from holdfast_common.contracts.asr import Channel, Expectation

pytestmark = pytest.mark.live

HERE = Path(__file__).parent
PROFILE = HERE.parents[2] / "profiles" / "trial_success"
SPEECH = HERE / "data" / "human_phone" / "english.wav"
"""A person saying "one two three"."""


class Notes:
    """A `Listener` with a memory."""

    def __init__(self) -> None:
        self.guesses: list[str] = []
        self.samples = 0
        self.moved = asyncio.Event()
        self.guess_came = asyncio.Event()

    def guessed(self, text: str) -> None:
        self.guesses.append(text)
        self.guess_came.set()

    def decoded(self, samples: int) -> None:
        self.samples = samples
        self.moved.set()


def phone_audio(path: Path = SPEECH) -> bytes:
    """The samples of a mu-law WAV file (format 7, which the wave module does not read)."""
    raw = path.read_bytes()
    return ulaw_decode(raw[raw.index(b"data") + 8 :])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelFiles:
    cache = tmp_path_factory.mktemp("asr")
    return prepare_model(load_profile(PROFILE), load_articles(PROFILE), load_caller_data(), cache)


@asynccontextmanager
async def pool_of(model: ModelFiles, workers: int = 1, *, silent_s: float = 5.0) -> AsyncIterator[PocketsphinxPool]:
    pool = PocketsphinxPool(model, PoolShape(workers, silent_s=silent_s, generic=False))
    running = asyncio.ensure_future(pool.run())
    try:
        async with asyncio.timeout(30):
            await pool.ready()
        yield pool
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def hear(pool: PocketsphinxPool, pcm: bytes) -> str:
    utterance = pool.begin(Request(8_000), Notes())
    utterance.feed(pcm)
    async with asyncio.timeout(30):
        hearing = await utterance.hear(len(pcm) // 2, last=True)
    utterance.close()
    return hearing.text


async def test_people_are_heard_and_the_final_is_what_the_pause_promised(model: ModelFiles) -> None:
    pcm, notes = phone_audio(), Notes()
    async with pool_of(model) as pool:
        utterance = pool.begin(Request(8_000), notes)
        for at in range(0, len(pcm), 320):
            utterance.feed(pcm[at : at + 320])
        async with asyncio.timeout(30):
            await notes.guess_came.wait()
            promised = await utterance.hear(len(pcm) // 2)
        utterance.feed(bytes(3_200))  # the silence in which the gateway decides that it was the end
        final = await utterance.hear(len(pcm) // 2, last=True)
        utterance.close()

    assert promised == final
    assert final.text.endswith("three")
    assert final.words[-1].end_ms <= len(pcm) // 16 + 30
    assert 0 < final.confidence <= 1
    assert notes.samples == len(pcm) // 2 + 1_600


async def test_what_the_second_decode_of_unsure_words_made_of_them_is_told(model: ModelFiles) -> None:
    """Cards, of which the profile knows nothing."""
    pcm = phone_audio(SPEECH.with_name("cards_002.wav"))
    async with pool_of(model) as pool:
        utterance = pool.begin(Request(8_000), Notes())
        utterance.feed(pcm)
        hearing = await utterance.hear(len(pcm) // 2)
        utterance.close()

    (other,) = hearing.others
    assert other != hearing.text
    assert "queen" in other


@pytest.mark.parametrize("level", [0, 300])
async def test_silence_and_noise_are_no_words(model: ModelFiles, level: int) -> None:
    noise = np.random.default_rng(1).normal(0, level, 16_000).astype("<i2").tobytes()
    async with pool_of(model) as pool:
        assert await hear(pool, noise) == ""


async def test_a_killed_decoder_costs_its_utterances_nothing_but_time(model: ModelFiles) -> None:
    pcm = phone_audio()
    async with pool_of(model) as pool:
        undisturbed = await hear(pool, pcm)
        utterance = pool.begin(Request(8_000), notes := Notes())
        utterance.feed(pcm[:20_000])
        async with asyncio.timeout(10):
            await notes.moved.wait()
        os.kill(pool.pids()[0], signal.SIGKILL)
        utterance.feed(pcm[20_000:])
        async with asyncio.timeout(30):
            disturbed = await utterance.hear(len(pcm) // 2, last=True)
        utterance.close()

    assert disturbed.text == undisturbed


async def test_a_decoder_that_hangs_is_replaced(model: ModelFiles) -> None:
    pcm = phone_audio()
    async with pool_of(model, silent_s=0.5) as pool:
        hung = pool.pids()[0]
        os.kill(hung, signal.SIGSTOP)

        text = await hear(pool, pcm)

        assert text.endswith("three")
        assert hung not in pool.pids()


def begun(decoders: Decoders, *, with_generic: bool = False) -> Decoding:
    return Decoding(Begin(1, 8_000, Channel.PHONE, Expectation.OPEN, ()), decoders, with_generic=with_generic)


def answered(decoding: Decoding) -> Answer:
    while not isinstance(answer := decoding.work(), Answer):
        pass
    return answer


@pytest.mark.parametrize("is_last", [False, True])
def test_words_said_while_an_earlier_question_is_worked_on_are_in_the_answer_to_the_next(
    model: ModelFiles, is_last: bool
):
    """The question at a pause is overtaken by the rest of the sentence and a question behind it."""
    pcm = phone_audio()
    decoding = begun(Decoders(model.folder))
    decoding.feed(pcm[:24_000])
    decoding.ask = Ask(1, 1, 12_000, False)
    assert decoding.work() is None
    decoding.feed(pcm[24_000:])
    decoding.ask = Ask(1, 2, len(pcm) // 2, is_last)

    answer = answered(decoding)

    assert answer.ticket == 2
    assert answer.text.endswith("three")


def test_the_second_opinion_of_unsure_words_is_there_before_the_turn_ends(model: ModelFiles):
    """General English is asked as soon as the question at the pause is answered; the last one waits for nothing."""
    decoders, pcm = Decoders(model.folder), phone_audio()
    decoding = begun(decoders, with_generic=True)
    decoders.stock(GENERIC, Kind.GENERIC)
    decoding.feed(pcm)
    decoding.ask = Ask(1, 1, len(pcm) // 2, False)
    answered(decoding)

    assert decoding.waiting
    while decoding.waiting:
        decoding.work()
    assert decoders.has_idle(GENERIC, Kind.GENERIC), "given back for others"
    decoding.feed(bytes(3_200))
    decoding.ask = Ask(1, 2, len(pcm) // 2, True)
    answer = decoding.work()
    assert isinstance(answer, Answer)
    assert answer.ticket == 2


def test_nobody_waits_at_a_pause_for_general_english_to_be_loaded(model: ModelFiles):
    decoders, pcm = Decoders(model.folder), phone_audio()
    decoding = begun(decoders, with_generic=True)
    decoding.feed(pcm)
    decoding.ask = Ask(1, 1, len(pcm) // 2, False)
    answered(decoding)
    assert not decoding.waiting
    decoding.ask = Ask(1, 2, len(pcm) // 2, True)
    answered(decoding)
    assert decoders.has_idle(GENERIC, Kind.GENERIC)


def test_the_answer_is_the_same_however_the_audio_came(model: ModelFiles):
    """All at once, and followed step by step."""
    pcm = phone_audio(SPEECH.with_name("librivox_0890.wav"))
    answers: list[str] = []
    for step in (len(pcm), 320):
        decoding = begun(Decoders(model.folder))
        for at in range(0, len(pcm), step):
            decoding.feed(pcm[at : at + step])
            while decoding.waiting and step < len(pcm):
                decoding.work()
        decoding.ask = Ask(1, 2, len(pcm) // 2, True)
        answers.append(answered(decoding).text)
        decoding.close()

    assert answers[0] == answers[1] != ""


@pytest.mark.parametrize(("age_s", "loads"), [(9.0, False), (11.0, True)])
def test_a_young_decoder_loads_no_second_opinion_while_somebody_waits(model: ModelFiles, age_s: float, loads: bool):
    """Words that nobody is sure of, said to a process that has had no idle moment yet."""
    clock, out, inbox = [0.0], io.BytesIO(), queue.SimpleQueue[Order]()
    worker = Worker(model.folder, out, with_generic=True, now=lambda: clock[0])
    clock[0] = age_s
    pcm = phone_audio()
    inbox.put(Begin(1, 8_000, Channel.PHONE, Expectation.OPEN, ()))
    inbox.put(Feed(1, pcm))
    inbox.put(Ask(1, 1, len(pcm) // 2, True))

    said: list[Reply] = []
    while not any(isinstance(reply, Answer) for reply in said):
        worker.turn(inbox)
        said = list(unpacked(out.getvalue()))

    assert (Busy(15.0) in said) is loads


def unpacked(raw: bytes) -> Iterator[Reply]:
    while raw:
        (length,) = LENGTH.unpack(raw[: LENGTH.size])
        yield replies.decode(raw[LENGTH.size : LENGTH.size + length])
        raw = raw[LENGTH.size + length :]


async def test_no_decoder_outlives_a_service_that_was_killed(model: ModelFiles) -> None:
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVICE, str(model.folder), stdout=asyncio.subprocess.PIPE
    )
    assert service.stdout is not None
    async with asyncio.timeout(30):
        while not (line := await service.stdout.readline()).startswith(b"decoder "):
            pass  # its log
    decoder = psutil.Process(int(line.split()[1]))
    service.kill()
    await service.wait()

    gone, alive = await asyncio.to_thread(psutil.wait_procs, [decoder], 10)

    assert gone
    assert not alive


_SERVICE = """
import asyncio, sys
from pathlib import Path
from holdfast_asr.adapters.pocketsphinx_model import ModelFiles
from holdfast_asr.adapters.pocketsphinx_pool import PocketsphinxPool, PoolShape

async def main():
    pool = PocketsphinxPool(ModelFiles(Path(sys.argv[1]), 0, ()), PoolShape(1))
    running = asyncio.ensure_future(pool.run())
    await pool.ready()
    print('decoder', pool.pids()[0], flush=True)
    await running

asyncio.run(main())
"""


def test_the_model_is_built_once_for_the_same_content(model: ModelFiles) -> None:
    built = (model.folder / "domain.lm.bin").stat().st_mtime_ns

    again = prepare_model(load_profile(PROFILE), load_articles(PROFILE), load_caller_data(), model.folder.parent)

    assert again == model
    assert (model.folder / "domain.lm.bin").stat().st_mtime_ns == built
    assert [entry.name for entry in model.folder.parent.iterdir()] == [model.folder.name]
