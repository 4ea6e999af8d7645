"""When a Whisper process counts as hanging; on a clock of the test's own."""

from __future__ import annotations

from typing import cast

import pytest
from holdfast_asr.adapters.whisper_process import LOAD_S, WhisperProcess
from holdfast_asr.adapters.whisper_wire import Alive, Decode, Decoded, Ready, Stage


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


class DeafProcess:
    """A process that takes orders; what it says the test says itself."""

    pid = 1
    returncode = None

    class stdin:  # noqa: N801 - as the attribute is called
        @staticmethod
        def is_closing() -> bool:
            return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


def warm(clock: Clock, slowest_s: float = 0.1) -> WhisperProcess:
    from asyncio.subprocess import Process

    process = WhisperProcess(cast(Process, DeafProcess()), clock, silent_s=0.8)
    process.note(Ready(1, "cpu", "int8", 0.1, 0.1, slowest_s))
    return process


def beating(process: WhisperProcess, clock: Clock, seconds: float) -> None:
    """Time goes by, and it says that it is alive."""
    for _ in range(round(seconds / 0.2)):
        clock.time += 0.2
        process.note(Alive())


@pytest.mark.parametrize("owing", [True, False])
def test_a_silent_process_is_noticed_within_a_second(clock: Clock, owing: bool) -> None:
    """Also with nothing to do: better before a caller needs it."""
    process = warm(clock)
    beating(process, clock, 30)
    if owing:
        process.tell(Decode(1, 3_000, []))
    clock.time += 0.79
    assert process.hangs() == ""
    clock.time += 0.1

    assert process.hangs().startswith("silent for 0.8")


def test_a_decode_that_gets_no_further_is_noticed_though_the_process_beats(clock: Clock) -> None:
    """The limit grows with what the slowest decode took when warming up."""
    process = warm(clock, slowest_s=0.1)
    process.tell(Decode(1, 3_000, []))
    beating(process, clock, 1.2)
    assert process.hangs() == ""
    process.note(Stage(1))
    beating(process, clock, 1.2)
    assert process.hangs() == ""
    beating(process, clock, 0.4)

    assert process.hangs().startswith("no progress for 1.6")


def test_one_with_nothing_to_do_may_beat_for_ever(clock: Clock) -> None:
    process = warm(clock)
    process.tell(Decode(1, 3_000, []))
    process.note(Decoded(1, []))
    beating(process, clock, 600)

    assert process.hangs() == ""


def test_a_slow_machine_is_given_its_time(clock: Clock) -> None:
    process = warm(clock, slowest_s=5.0)
    process.tell(Decode(1, 3_000, []))
    beating(process, clock, 20)
    assert process.hangs() == ""
    beating(process, clock, 2)

    assert process.hangs().startswith("no progress")


def test_a_late_loop_says_nothing_about_the_process(clock: Clock) -> None:
    process = warm(clock)
    clock.time += 5
    process.forgive()

    assert process.hangs() == ""


def test_loading_may_be_silent_but_not_for_ever(clock: Clock) -> None:
    from asyncio.subprocess import Process

    process = WhisperProcess(cast(Process, DeafProcess()), clock, silent_s=0.8)
    clock.time += LOAD_S - 1
    assert process.hangs() == ""
    clock.time += 2

    assert "while loading" in process.hangs()
