"""Whisper in its processes: batches of many callers, deaths, hangs, and the recogniser that stands in. Real
processes with a toy model."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from holdfast_asr.adapters.fake import FakeRecogniser, spoken
from holdfast_asr.adapters.whisper_arrival import Arriving, Source, arriving
from holdfast_asr.adapters.whisper_engine import Plan, WhisperRecogniser
from holdfast_asr.adapters.whisper_files import download, find_model
from holdfast_asr.adapters.whisper_prompts import Prompts
from holdfast_asr.adapters.whisper_wire import Options
from holdfast_asr.domain.gates import Gates
from holdfast_asr.handlers import Hearer
from holdfast_asr.ports import Hearing, Request, Utterance
from holdfast_common.contracts.asr import EndOfUtterance, Final, Listen
from holdfast_common.contracts.wire import Audio
from holdfast_common.errors import EngineUnavailable
from holdfast_common.health import State
from holdfast_common.testing import FakeSession

pytestmark = pytest.mark.live

RATE_HZ = 8_000
PHONE = Request(RATE_HZ, hints=("Dana",))


class Notes:
    """A listener with a memory."""

    def __init__(self) -> None:
        self.guesses: list[str] = []
        self.done = 0
        self.guess = asyncio.Event()

    def guessed(self, text: str) -> None:
        self.guesses.append(text)
        self.guess.set()

    def decoded(self, samples: int) -> None:
        self.done = samples


def melody(seed: int, seconds: float = 1.0) -> bytes:
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    pitch = np.repeat(rng.uniform(150, 2_500, int(seconds * 4) + 1), RATE_HZ // 4)[: len(t)]
    return (9_000 * np.sin(2 * np.pi * pitch * t)).astype("<i2").tobytes()


def plan(toy: Path, **changes: object) -> Plan:
    options = Options(str(toy), device="cpu", compute_type="float32", threads=1, max_batch=8, short_windows=True)
    return replace(Plan(options, name="toy", gates=None, partials=False, streams=8), **changes)  # pyright: ignore[reportArgumentType]


@asynccontextmanager
async def running(made: Plan) -> AsyncIterator[WhisperRecogniser]:
    recogniser = WhisperRecogniser(made, await asyncio.to_thread(Prompts, Path(made.options.folder)))
    task = asyncio.ensure_future(recogniser.run())
    try:
        await recogniser.ready()
        yield recogniser
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whisper(toy: Path) -> AsyncIterator[WhisperRecogniser]:
    """One process for the tests that leave it alive."""
    async with running(plan(toy)) as recogniser:
        yield recogniser


@pytest.fixture
def changed(whisper: WhisperRecogniser) -> Iterator[Callable[..., WhisperRecogniser]]:
    """The same with another plan."""
    before = whisper.plan
    whisper.batches.clear()

    def change(**changes: object) -> WhisperRecogniser:
        whisper.plan = replace(before, **changes)  # pyright: ignore[reportArgumentType]
        return whisper

    yield change
    whisper.plan = before


shared = pytest.mark.asyncio(loop_scope="module")


def begin(recogniser: WhisperRecogniser | Arriving, seed: int, seconds: float = 1.0) -> Utterance:
    utterance = recogniser.begin(PHONE, Notes())
    utterance.feed(melody(seed, seconds))
    return utterance


async def final(utterance: Utterance) -> Hearing:
    async with asyncio.timeout(20):
        return await utterance.hear(0, last=True)


@shared
async def test_many_callers_are_decoded_together_and_each_gets_his_own_words(
    changed: Callable[..., WhisperRecogniser],
) -> None:
    """While the first is decoded the others gather; what each gets is what he gets alone."""
    recogniser = changed()
    alone = [(await final(begin(recogniser, seed))).text for seed in range(8)]
    recogniser.batches.clear()
    together = await asyncio.gather(*(final(begin(recogniser, seed)) for seed in range(8)))

    assert [h.text for h in together] == alone
    assert len(recogniser.batches) <= 3 and max(recogniser.batches) >= 4
    assert {h.engine for h in together} == {"whisper/toy"}
    assert all(h.words[-1].end_ms == 1_000 for h in together)
    assert "float32, cpu" in recogniser.info()["engine"] and recogniser.capacity() == 8


@shared
async def test_what_ended_where_it_paused_is_decoded_once(changed: Callable[..., WhisperRecogniser]) -> None:
    recogniser = changed()
    utterance = recogniser.begin(PHONE, notes := Notes())
    utterance.feed(melody(1) + bytes(4_000))
    pause = await utterance.hear(RATE_HZ)
    utterance.feed(bytes(8_000))

    assert await utterance.hear(RATE_HZ, last=True) is pause
    assert recogniser.batches == [1]
    assert notes.done == RATE_HZ + 1_200  # the voice and 150 ms

    utterance.feed(melody(2))
    assert (await utterance.hear(2 * RATE_HZ, last=True)).text != pause.text


@shared
async def test_partials_come_while_the_caller_speaks(changed: Callable[..., WhisperRecogniser]) -> None:
    recogniser = changed(partials=True)
    utterance = recogniser.begin(PHONE, notes := Notes())
    for _ in range(10):
        utterance.feed(melody(1, 0.1))
    async with asyncio.timeout(10):
        await notes.guess.wait()

    assert notes.guesses[0] and notes.done >= RATE_HZ // 2


@shared
async def test_a_doubtful_short_window_is_decoded_again_with_the_whole_one(
    changed: Callable[..., WhisperRecogniser],
) -> None:
    """A toy's words are all doubtful: two decodes each, and a confidence that nobody acts on."""
    recogniser = changed(gates=Gates())
    hearing = await final(begin(recogniser, 1))

    assert recogniser.batches == [1, 1]
    assert hearing.confidence < 0.5


async def test_a_stopped_or_killed_process_loses_nothing(toy: Path) -> None:
    """Two processes; one stops, then one is killed, with utterances in hand: the other decodes them."""
    async with running(plan(toy, workers=2)) as recogniser:
        for blow in (signal.SIGSTOP, signal.SIGKILL):
            async with asyncio.timeout(20):
                while recogniser.capacity() < 16:
                    await asyncio.sleep(0.02)  # the second one starts, or starts again
            expected = (await final(begin(recogniser, 1))).text
            victim = recogniser.pids()[0]
            os.kill(victim, blow)
            hearings = await asyncio.gather(*(final(begin(recogniser, 1)) for _ in range(2)))

            assert [h.text for h in hearings] == [expected] * 2
            async with asyncio.timeout(20):  # its utterances are decoded elsewhere before its end is known
                while victim in recogniser.pids():
                    await asyncio.sleep(0.02)


async def test_without_another_process_the_embedded_recogniser_takes_over(toy: Path) -> None:
    """Stopped in the middle of an utterance: its words come from the audio kept, and Whisper comes back."""
    embedded = FakeRecogniser()
    async with arriving(embedded, plan(toy), Source(toy)) as recogniser:
        await until_whisper(recogniser)
        assert recogniser.whisper is not None
        utterance = recogniser.begin(PHONE, Notes())
        utterance.feed(spoken("book a call"))
        os.kill(recogniser.whisper.pids()[0], signal.SIGSTOP)
        hearing = await final(utterance)

        assert hearing.text == "book a call" and hearing.engine == "fake"
        assert recogniser.info()["engine"] == "fake: whisper is being started again"
        assert recogniser.check().state is State.DEGRADED
        await until_whisper(recogniser)
        assert (await final(begin(recogniser, 1))).engine == "whisper/toy"
        (pid,) = recogniser.whisper.pids()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)  # no process outlives its service


async def test_what_whisper_has_no_room_for_is_heard_all_the_same(toy: Path) -> None:
    """Two at once where it takes one; room is made when an utterance closes."""
    async with arriving(FakeRecogniser(), plan(toy, streams=1), Source(toy)) as recogniser:
        await until_whisper(recogniser)
        first, second = begin(recogniser, 1), recogniser.begin(PHONE, Notes())
        second.feed(spoken("me too"))
        engines = [(await final(utterance)).engine for utterance in (first, second)]
        first.close()

        assert engines == ["whisper/toy", "fake"]
        assert (await final(begin(recogniser, 3))).engine == "whisper/toy"
        assert recogniser.capacity() == 9


async def until_whisper(recogniser: Arriving) -> None:
    async with asyncio.timeout(20):
        while recogniser.whisper is None or recogniser.in_use is not recogniser.whisper:
            recogniser.changed.clear()
            await recogniser.changed.wait()


async def test_whisper_comes_in_while_a_stream_runs(toy: Path) -> None:
    """The stream that began on the embedded recogniser ends on it; the next one is Whisper's."""
    embedded = FakeRecogniser()
    async with arriving(embedded, plan(toy), Source(toy)) as recogniser:
        hearer = Hearer(recogniser)
        assert recogniser.info()["engine"].startswith("fake: whisper ")
        first = FakeSession(Listen(rate_hz=RATE_HZ, audio=spoken("how long")))
        second = FakeSession(Listen(rate_hz=RATE_HZ, audio=melody(1)), EndOfUtterance(position=0))
        async with asyncio.TaskGroup() as group:
            group.create_task(hearer.handle(first))
            await until_whisper(recogniser)
            first.put(Audio(spoken(" is the trial"), RATE_HZ, 0))
            first.put(EndOfUtterance(position=0))
            group.create_task(hearer.handle(second))

        finals = [next(r for r in s.results if isinstance(r, Final)) for s in (first, second)]
        assert [f.engine for f in finals] == ["fake", "whisper/toy"]
        assert finals[0].text == "how long is the trial"
        assert recogniser.check().state is State.OK


async def test_a_model_that_cannot_be_loaded_is_told_and_nobody_waits(toy: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("config.json", "tokenizer.json", "vocabulary.json"):
        (broken / name).write_bytes((toy / name).read_bytes())
    (broken / "model.bin").write_bytes(b"no model")
    recogniser = Arriving(FakeRecogniser(), plan(toy), Source(broken))
    async with asyncio.timeout(30):
        await recogniser.run()

    assert recogniser.info()["engine"].startswith("fake: whisper is not used (whisper broken: ")
    assert recogniser.begin(PHONE, Notes()).__class__.__name__ == "FakeUtterance"


async def test_a_folder_without_the_model_is_told(tmp_path: Path) -> None:
    recogniser = Arriving(FakeRecogniser(), plan(tmp_path), Source(tmp_path, "small", may_download=False))
    await recogniser.run()

    assert "no small in" in recogniser.info()["engine"]
    assert recogniser.check().state is State.DEGRADED


DOWNLOADER = """
import pathlib, shutil, sys, time
name, folder = sys.argv[1:3]
print("asking", flush=True)
if name == "away":
    time.sleep(60)
if name == "unknown":
    sys.exit("no such model")
for file in pathlib.Path({toy!r}).iterdir():
    shutil.copy(file, folder)
"""


@pytest.fixture
def downloader(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that brings the toy instead of asking the network."""
    (tmp_path / "fetch_toy.py").write_text(DOWNLOADER.format(toy=str(toy)))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    return "fetch_toy"


async def test_a_download_is_put_in_place_whole(tmp_path: Path, downloader: str) -> None:
    models, told = tmp_path / "models", []
    place = await download("owner/toy", models, told.append, module=downloader)

    assert place == find_model(models, "owner/toy") == models / "owner--toy"
    assert told or place  # a fast one may be over before it is looked at
    assert [p.name for p in models.iterdir()] == ["owner--toy"]


async def test_a_download_that_sends_nothing_is_given_up(tmp_path: Path, downloader: str) -> None:
    """So the service stays on what it has, and asks again later."""
    with pytest.raises(EngineUnavailable, match=r"no first byte within 0\.4 s"):
        await download("away", tmp_path / "models", lambda _: None, first_byte_s=0.4, module=downloader)


async def test_a_model_that_does_not_exist_is_told(tmp_path: Path, downloader: str) -> None:
    with pytest.raises(EngineUnavailable, match="no such model"):
        await download("unknown", tmp_path / "models", lambda _: None, module=downloader)


async def test_the_real_downloader_without_a_network_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Port 9 refuses: the library's error reaches the person, within the patience for a first byte."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(EngineUnavailable, match="tiny cannot be downloaded"):
        await download("tiny", tmp_path / "models", lambda _: None)
