"""Recorded audio through the ear and the floor of the product, in media time: python -m holdfast_gateway.replay SET.

SET is a folder with `set.jsonl` (id, wav, expectation, endpoint_ms, words, agent; see `Scene`) and the WAV
files it names. For each scene one line of JSON goes to standard output: what the floor decided and when.
Nothing waits for a clock, so an hour takes a minute or two. The recogniser is a list of words with their ends:
a partial has each word `PARTIAL_MS` after it, a pause is answered after `ANSWER_MS`. Where a scene has no agent of its
own, one replies as soon as a turn's words are final, until the caller interrupts.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from holdfast_common.contracts.asr import Channel, Expectation
from holdfast_common.profile import load_profile
from holdfast_common.settings import load_or_exit

from holdfast_gateway.adapters.foreground import Foreground
from holdfast_gateway.adapters.silero import Silero
from holdfast_gateway.bootstrap import call_rule
from holdfast_gateway.domain.endpointing import Endpointing, weigh
from holdfast_gateway.domain.floor import Agent, Floor, Words
from holdfast_gateway.domain.floor_actions import Action, Asked, Began, Ended, Hold, Interrupt, Paused, Resume, TurnOver
from holdfast_gateway.edge_settings import EdgeSettings
from holdfast_gateway.house import CallRule
from holdfast_gateway.listening import Context, Ear
from holdfast_gateway.ports import AudioIn
from holdfast_gateway.settings import GatewaySettings
from holdfast_gateway.voice import VadBatch

PARTIAL_MS = 300
"""From a word's end to the partial that has it."""
ANSWER_MS = 150
"""From a pause, or an end, to the words up to there."""
BEYOND_MS = 150
"""The recogniser hears this much beyond the sample at which a voice seemed to stop (as `asr` does) ..."""
UNSPOKEN_MS = 60
"""... and knows a word without its last so much."""
FRAME_MS = 20


class Scene(msgspec.Struct, frozen=True):
    """One recording and what happens around it; times in ms."""

    id: str
    wav: str
    expectation: Expectation = Expectation.OPEN
    endpoint_ms: int | None = None
    words: list[tuple[str, int]] = []
    misheard: list[tuple[str, int]] = []
    agent: tuple[int, int] | None = None


Opinion = Callable[[str], float]
"""How final words sound, as log-odds that nothing is to come."""


class Judge:
    """An `Opinion` of a program: a text a line in, a number a line out, behind a first line that says `ready`."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._known: dict[str, float] = {}
        if (said := self._line()) != "ready":
            raise SystemExit(f"replay: {command[0]} says: {said or 'nothing'}")

    def __call__(self, text: str) -> float:
        text = " ".join(text.lower().split())
        if text not in self._known:
            assert self._process.stdin is not None  # we asked for the pipe
            self._process.stdin.write(text + "\n")
            self._process.stdin.flush()
            if not (said := self._line()):
                raise SystemExit(f"replay: {self._process.args} has ended")
            self._known[text] = float(said)
        return self._known[text]

    def _line(self) -> str:
        assert self._process.stdout is not None  # we asked for the pipe
        return self._process.stdout.readline().strip()


class _NoStream:
    """Takes an utterance's audio and forgets it."""

    def open(self, *_: Any, **__: Any) -> _NoStream:
        return self

    def send_audio(self, *_: Any, **__: Any) -> None: ...

    def send(self, *_: Any, **__: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class _Answer:
    """Words that the recogniser will have said at `at`."""

    at: int
    utterance: int
    text: str
    position: int | None
    """Of the pause that it answers."""
    is_final: bool = False


class Player:
    """One scene: ear, floor and endpointing as `hearing.Hearing` joins them, and a recogniser that knows the words."""

    def __init__(
        self,
        scene: Scene,
        folder: Path,
        rule: CallRule,
        batch: VadBatch,
        *,
        misheard: bool,
        opinion: Opinion | None = None,
    ) -> None:
        with wave.open(str(folder / scene.wav)) as wav:
            self._pcm, self._rate_hz = wav.readframes(wav.getnframes()), wav.getframerate()
        self.scene = scene
        self._opinion = opinion
        self.events: list[tuple[str, int, int]] = []
        """(what, position ms, decided ms)."""
        self._errors: list[Exception] = []
        self._ms = self._rate_hz // 1000
        fixed = scene.endpoint_ms is not None
        self._endpointing = Endpointing(scene.endpoint_ms or 0, {}, is_fixed=True) if fixed else rule.endpointing
        self._pauses = rule.floor.pause_ms < (scene.endpoint_ms or 10_000)
        self._floor = Floor(self._rate_hz, self._endpointing.endpoint_ms, rule.floor)
        self._ear = Ear(self._floor, batch, self._rate_hz, act=self._act, broke=self._errors.append)
        self._words = scene.misheard if misheard else scene.words
        self._sent = 0
        self._began: dict[int, int] = {}
        self._answers: list[_Answer] = []
        self._turn: dict[int, str] = {}
        self._is_over = False
        self._waits_for: set[int] = set()
        self._agent_over = scene.agent is None

    def step(self) -> bool:
        """One frame; False when there is none left."""
        size = FRAME_MS * self._ms * 2
        frame = self._pcm[self._sent : self._sent + size]
        if len(frame) < size:
            return False
        self._sent += size
        self._ear.hear(AudioIn(frame, 0))
        return True

    def settle(self) -> None:
        """The frame's windows were judged: what the agent and the recogniser do by now."""
        if self._errors:
            raise self._errors[0]
        now = self._ear.now
        if self.scene.agent is not None and not self._agent_over:
            begin, end = (at * self._ms for at in self.scene.agent)
            if begin <= now < begin + FRAME_MS * self._ms:
                self._act(self._floor.agent(Agent.SPEAKING))
            elif now >= end:
                self._hush()
        for _, end in self._words:
            at = (end + PARTIAL_MS) * self._ms
            if at <= now < at + FRAME_MS * self._ms and self._waits_for:
                utterance = max(self._waits_for)
                self._turn[utterance] = self._text(utterance, end * self._ms)
                self._weigh()
        due = [answer for answer in self._answers if answer.at <= now]
        self._answers = [answer for answer in self._answers if answer.at > now]
        for answer in due:
            self._answer(answer)

    def close(self) -> None:
        self._ear.close()

    def _reply(self) -> None:
        """The reply sounds: it was thought of ahead, in the pause."""
        now_ms = self._ear.now // self._ms
        self.events.append(("reply", now_ms, now_ms))
        self._act(self._floor.agent(Agent.SPEAKING))

    def _hush(self) -> None:
        self._agent_over = True
        self._act(self._floor.agent(Agent.QUIET))

    def _text(self, utterance: int, to: int) -> str:
        begin = self._began[utterance]
        margin = (BEYOND_MS + UNSPOKEN_MS) * self._ms
        return " ".join(w for w, end in self._words if begin < end * self._ms <= to + margin)

    def _answer(self, answer: _Answer) -> None:
        if answer.utterance not in self._turn:
            return
        self._turn[answer.utterance] = answer.text
        if answer.position is not None and answer.position == self._floor.voiced_to:
            sounds = self._opinion(answer.text) if self._opinion is not None and answer.text else None
            self._floor.endpoint_ms = self._endpointing.after(self._so_far, self.scene.expectation, sounds)
            self._act(self._floor.answered(weigh(self._so_far, self.scene.expectation)))
        else:
            self._weigh()
        if answer.is_final:
            self._waits_for.discard(answer.utterance)
            if self._is_over and not self._waits_for and self._floor.is_silent:
                weight = weigh(self._so_far, self.scene.expectation)
                if weight is not Words.SOME:
                    self._act(self._floor.settled())
                elif self.scene.agent is None:
                    self._reply()
                self._turn = {}

    @property
    def _so_far(self) -> str:
        return " ".join(text for text in self._turn.values() if text)

    def _weigh(self) -> None:
        self._act(self._floor.words(weigh(self._so_far, self.scene.expectation)))

    def _act(self, actions: list[Action]) -> None:
        for action in actions:
            self._tell(action)
            match action:
                case Began(utterance=utterance, start=start):
                    self._is_over = False
                    self._floor.endpoint_ms = self._endpointing.expected(self.scene.expectation)
                    context = Context(Channel.PHONE, "en", None)
                    self._ear.begin(utterance, start, context).open(
                        _NoStream(),  # pyright: ignore[reportArgumentType] - takes and forgets
                        call=self.scene.id,
                        generation=0,
                    )
                    self._began[utterance] = start
                    self._turn[utterance] = ""
                    self._waits_for.add(utterance)
                case Paused(utterance=utterance, position=position):
                    self._floor.endpoint_ms = self._endpointing.unheard(self.scene.expectation)
                    if self._pauses:
                        self._plan(utterance, position, is_final=False)
                case Asked(utterance=utterance, position=position):
                    self._plan(utterance, position, is_final=False)
                case Ended(utterance=utterance, position=position):
                    self._ear.end(position)
                    self._plan(utterance, position, is_final=True)
                case TurnOver():
                    self._is_over = True
                case Interrupt():
                    if not self._agent_over:
                        self._hush()
                    elif self.scene.agent is None:
                        self._act(self._floor.agent(Agent.QUIET))
                case Hold() | Resume():
                    pass

    def _plan(self, utterance: int, position: int, *, is_final: bool) -> None:
        text = self._text(utterance, position)
        at = self._ear.now + ANSWER_MS * self._ms
        self._answers.append(_Answer(at, utterance, text, None if is_final else position, is_final))

    def _tell(self, action: Action) -> None:
        position = getattr(action, "position", getattr(action, "start", self._ear.now))
        name = type(action).__name__.lower()
        self.events.append((name, position // self._ms, self._ear.now // self._ms))


class _FrameClock:
    """Timers by the audio: a batch gathers windows for as many frames as it would for milliseconds."""

    def __init__(self) -> None:
        self._work: Callable[[], None] | None = None
        self._left = 0

    def later(self, wait_s: float, work: Callable[[], None]) -> _FrameClock:
        self._work, self._left = work, round(wait_s * 1000 / FRAME_MS)
        return self

    def cancel(self) -> None:
        self._work = None

    def step(self) -> None:
        """A frame's time has passed."""
        self._left -= 1
        if self._work is not None and self._left < 0:
            self._work()


def play(
    scene: Scene,
    folder: Path,
    rule: CallRule,
    model: Silero,
    foreground: Foreground,
    *,
    misheard: bool,
    opinion: Opinion | None = None,
) -> Player:
    """Play a scene to its end, as the only call: other calls' hurry would have its windows judged sooner."""
    judge: list[Callable[[], None]] = []
    clock = _FrameClock()
    batch = VadBatch(model, judge.append, clock.later, foreground)
    player = Player(scene, folder, rule, batch, misheard=misheard, opinion=opinion)
    while player.step():
        clock.step()
        for callback in judge:
            callback()
        judge.clear()
        player.settle()
    player.close()
    return player


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--profile", type=Path, default=Path("profiles/trial_success"))
    parser.add_argument("--misheard", action="store_true", help="with the words of a recogniser that errs")
    parser.add_argument(
        "--opinion", metavar="COMMAND", help="a program that says how final each line sounds; none: the table of words"
    )
    options = parser.parse_args()
    opinion = Judge(shlex.split(options.opinion)) if options.opinion else None
    lines = (options.folder / "set.jsonl").read_text("utf-8").splitlines()
    scenes = [msgspec.json.decode(line, type=Scene) for line in lines]
    settings, edge = load_or_exit(GatewaySettings, EdgeSettings)
    rule = call_rule(load_profile(options.profile), settings, edge)
    model, foreground = Silero(8_000), Foreground()
    for scene in scenes:
        player = play(scene, options.folder, rule, model, foreground, misheard=options.misheard, opinion=opinion)
        sys.stdout.write(json.dumps({"id": scene.id, "events": player.events}) + "\n")


if __name__ == "__main__":
    main()
