"""Whisper as a recogniser: utterances of all calls in one schedule, decoded by processes that may die.

An utterance's audio stays with the service; a decode takes a copy of what is there at a pause, at the end, or for a
partial. A process that dies or hangs is replaced, and what it owed is decoded by another one; where there is no
other, it raises EngineUnavailable at once, so that the embedded recogniser (whisper_arrival.py) or another replica
takes the utterance, long before a new process could be warm. What has taken down two is given up.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from holdfast_common.errors import EngineUnavailable, all_of

from holdfast_asr.adapters.whisper_process import WhisperProcess
from holdfast_asr.adapters.whisper_prompts import Prompts
from holdfast_asr.adapters.whisper_utterance import Wanted, WhisperUtterance
from holdfast_asr.adapters.whisper_wire import Broken, Decode, Decoded, Options, Ready, Reply, Sound, batch_of
from holdfast_asr.domain import gates
from holdfast_asr.domain.batching import Job, Schedule
from holdfast_asr.domain.gates import Gates, Verdict
from holdfast_asr.domain.windows import FULL_FRAMES, most_tokens, window_frames
from holdfast_asr.ports import Listener, Request

log = structlog.get_logger()

WATCH_EVERY_S = 0.05
LATE_S = 0.1
"""Our own loop being later than this says nothing about the workers."""
MAX_DEATHS = 2
RESTART_AFTER_S = (0.0, 0.5, 2.0, 5.0, 10.0)
"""Wait before the n-th start in a row that did not become ready; the last one goes on for ever."""
CYCLE_S, DECODES = 8.0, 2
"""A call says something every 8 s, and it is decoded at its pause and at its end."""
PARTIAL_TAKES_AT_MOST_S = 0.3
LOAD = 0.6
"""Share of its time that a worker may be busy before callers have to wait for one another."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the engine is run."""

    options: Options
    name: str = "whisper"
    """For people: the model's folder name."""
    workers: int = 1
    max_waiting: int = 64
    silent_s: float = 0.8
    streams: int = 0
    """Utterances at once; 0: worked out from the warm-up."""
    pad_s: float = 1.5
    gates: Gates | None = field(default_factory=Gates)
    """None: everything is let through (weights that mean nothing)."""
    partials: bool = True
    forced_tokens: int = 0
    """Over 0: every decode writes exactly so many (measurements)."""


class WhisperRecogniser:
    """A `Recogniser`; `run` must be running."""

    def __init__(self, plan: Plan, prompts: Prompts, *, now: Callable[[], float] | None = None) -> None:
        self.plan = plan
        self.prompts = prompts
        self.now = now or asyncio.get_running_loop().time
        self.on_change: Callable[[], None] = lambda: None
        """Called when it has become usable, or no longer is."""
        self._slots = [_Slot(index) for index in range(plan.workers)]
        self._schedule = self._new_schedule(plan.options.device)
        self._wanted: dict[int, Wanted] = {}
        self._open: set[int] = set()
        self._numbers = itertools.count(1)
        self._first_ready = asyncio.Event()
        self._ready: Ready | None = None
        self.batches: list[int] = []
        """Sizes of the last batches, for measurements and tests."""
        self.unusable = ""

    # -- the port ---------------------------------------------------------------------------------

    def begin(self, request: Request, listener: Listener) -> WhisperUtterance:
        utterance = WhisperUtterance(next(self._numbers), request, listener, self)
        self._open.add(utterance.number)
        return utterance

    @property
    def usable(self) -> bool:
        return any(slot.ready for slot in self._slots)

    def capacity(self) -> int:
        if self._ready is None:
            return 0
        each = self.plan.streams
        if not each:
            batch = batch_of(self.plan.options.max_batch, self._ready.device)
            each = max(1, int(LOAD * CYCLE_S * batch / (DECODES * self._ready.batch_s)))
        return each * sum(slot.ready for slot in self._slots)

    def info(self) -> dict[str, str]:
        ready = self._ready
        how = f" ({ready.compute_type}, {ready.device})" if ready else ""
        window = "short windows" if self.plan.options.short_windows else "30 s windows"
        return {
            "engine": f"whisper {self.plan.name}{how}",
            "workers": f"{sum(slot.ready for slot in self._slots)} of {len(self._slots)}",
            "windows": window,
            "waiting": str(len(self._schedule)),
        }

    @property
    def has_room(self) -> bool:
        """Would another utterance be decoded in time?"""
        return len(self._open) < self.capacity()

    def forget(self, utterance: int) -> None:
        self._open.discard(utterance)

    # -- life of the workers ------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep every worker alive until cancelled. Raises EngineUnavailable where the model cannot be used here."""
        try:
            async with asyncio.TaskGroup() as group:
                for slot in self._slots:
                    group.create_task(self._keep(slot), name=f"whisper-{slot.index}")
                group.create_task(self._watch(), name="whisper-watch")
        except ExceptionGroup as errors:
            if refused := all_of(errors, EngineUnavailable):
                raise refused[0] from None
            raise
        finally:
            self._fail_all("whisper: its processes have ended")

    async def ready(self) -> None:
        """Until one worker is warm."""
        await self._first_ready.wait()

    def pids(self) -> list[int]:
        """Of the workers that run, for tools and tests."""
        return [slot.process.pid for slot in self._slots if slot.process is not None]

    @property
    def took_ms(self) -> int:
        """What the last start took until it was warm."""
        return self._ready.took_ms if self._ready else 0

    async def _keep(self, slot: _Slot) -> None:
        fails = 0
        while True:
            await asyncio.sleep(RESTART_AFTER_S[min(fails, len(RESTART_AFTER_S) - 1)])
            process = await WhisperProcess.start(self.plan.options, now=self.now, silent_s=self.plan.silent_s)
            slot.process = process
            was_ready = False
            try:
                await process.listen(lambda reply: self._take(slot, reply))
            finally:
                was_ready = process.ready is not None or slot.was_ready
                slot.process, slot.was_ready = None, False
                status = await process.end()
            if process.unusable:
                self.unusable = process.unusable
                raise EngineUnavailable(f"whisper {self.plan.name}: {process.unusable}")
            fails = 0 if was_ready else fails + 1
            log.warning("whisper_gone", worker=slot.index, status=status, batches=len(slot.batches))
            self._rehome(slot)

    async def _watch(self) -> None:
        expected = self.now() + WATCH_EVERY_S
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            late, expected = self.now() - expected, self.now() + WATCH_EVERY_S
            for slot in self._slots:
                if slot.process is None:
                    continue
                if late > LATE_S:
                    slot.process.forgive()
                elif why := slot.process.hangs():
                    log.warning("whisper_hangs", worker=slot.index, why=why, pid=slot.process.pid)
                    slot.process.kill()
                    # What it owed must not wait for the operating system to bury it.
                    self._rehome(slot)

    # -- decodes ------------------------------------------------------------------------------------

    def want(self, wanted: Wanted) -> None:
        """Have this decoded; its future tells."""
        if not self.usable:
            wanted.refuse(EngineUnavailable(f"whisper {self.plan.name}: no process is ready"))
            return
        wanted.id = next(self._numbers)
        self._wanted[wanted.id] = wanted
        for job in self._schedule.submit(self._job(wanted)):
            self._wanted.pop(job.id).shed()
        self._dispatch()

    def hurry(self, wanted: Wanted) -> None:
        self._schedule.hurry(wanted.id, wanted.urgency, wanted.deadline_s)

    def drop(self, wanted: Wanted) -> None:
        """Nobody waits for it any more (a batch that has it goes on without)."""
        self._schedule.withdraw([wanted.id])
        self._wanted.pop(wanted.id, None)

    @property
    def partial_every_s(self) -> float:
        """How much new audio is worth a partial: not more than the machine can do beside the finals."""
        return max(0.5, 3 * self._ready.one_s) if self._ready else 1e9

    @property
    def partials(self) -> bool:
        """Not where a final would have to wait long for the partial that runs just then."""
        quick = self._ready is not None and self._ready.one_s <= PARTIAL_TAKES_AT_MOST_S
        return self.plan.partials and quick and self.usable

    def _job(self, wanted: Wanted) -> Job:
        short = self.plan.options.short_windows and not wanted.whole_window
        frames = window_frames(wanted.audio_s, short=short, pad_s=self.plan.pad_s)
        wanted.frames = frames
        return Job(wanted.id, wanted.utterance, wanted.urgency, wanted.deadline_s, frames, len(wanted.prompt))

    def _dispatch(self) -> None:
        for slot in sorted(self._slots, key=lambda slot: len(slot.batches)):
            while slot.ready and len(slot.batches) < slot.depth and (jobs := self._schedule.next_batch()):
                assert slot.process is not None  # it is ready
                number = next(self._numbers)
                slot.batches[number] = jobs
                self.batches[:] = [*self.batches[-999:], len(jobs)]
                forced = self.plan.forced_tokens
                sounds = [
                    Sound(w.pcm, w.rate_hz, w.prompt, forced or most_tokens(w.audio_s))
                    for w in (self._wanted[job.id] for job in jobs)
                ]
                slot.process.tell(Decode(number, max(job.frames for job in jobs), sounds, forced > 0))

    def _take(self, slot: _Slot, reply: Reply) -> None:
        match reply:
            case Ready():
                log.info("whisper_ready", worker=slot.index, took_ms=reply.took_ms, device=reply.device)
                if self._ready is None or self._ready.device != reply.device:
                    self._schedule = self._new_schedule(reply.device)
                self._ready = reply
                slot.was_ready = True
                slot.depth = 2 if reply.device == "cuda" else 1
                self._first_ready.set()
                self.on_change()
            case Decoded():
                for job, heard in zip(slot.batches.pop(reply.batch, ()), reply.heard, strict=False):
                    if (wanted := self._wanted.pop(job.id, None)) is not None:
                        self._judge(
                            wanted,
                            gates.Decode(heard.text, heard.avg_logprob, heard.no_speech, heard.cut, wanted.audio_s),
                        )
            case Broken():
                for job in slot.batches.pop(reply.batch, ()):
                    if (wanted := self._wanted.pop(job.id, None)) is not None:
                        wanted.refuse(EngineUnavailable(f"whisper: {reply.reason}"))
            case _:
                return
        self._dispatch()

    def _judge(self, wanted: Wanted, decode: gates.Decode) -> None:
        verdict = self.plan.gates.judge(decode) if self.plan.gates else Verdict.WORDS
        if verdict is Verdict.DOUBTFUL and wanted.frames < FULL_FRAMES and not wanted.is_partial:
            wanted.whole_window = True
            self.want(wanted)
            return
        doubtful_guess = verdict is Verdict.DOUBTFUL and wanted.is_partial
        text = "" if verdict is Verdict.SILENCE or doubtful_guess else decode.text
        wanted.answer(text, gates.confidence(decode, verdict), f"whisper/{self.plan.name}")

    def _rehome(self, slot: _Slot) -> None:
        owed = [job for jobs in slot.batches.values() for job in jobs if job.id in self._wanted]
        slot.batches.clear()
        again: list[Job] = []
        for job in owed:
            wanted = self._wanted[job.id]
            wanted.deaths += 1
            if wanted.deaths < MAX_DEATHS and self.usable:
                again.append(job)
            else:
                self._wanted.pop(job.id).refuse(EngineUnavailable("whisper: its process died over this utterance"))
        self._schedule.give_back(again)
        if not self.usable:
            self._fail_all(f"whisper {self.plan.name}: no process is ready")
            self.on_change()
        self._dispatch()

    def _fail_all(self, reason: str) -> None:
        """What waits is better decoded elsewhere than after a cold start."""
        for job in self._schedule.clear():
            if (wanted := self._wanted.pop(job.id, None)) is not None:
                wanted.refuse(EngineUnavailable(reason))

    def _new_schedule(self, device: str) -> Schedule:
        batch = batch_of(self.plan.options.max_batch, device)
        return Schedule(max_batch=batch, max_waiting=self.plan.max_waiting, mix=device == "cuda")


class _Slot:
    """A place for one worker, and the batches that are with it."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.process: WhisperProcess | None = None
        self.was_ready = False
        self.batches: dict[int, tuple[Job, ...]] = {}
        self.depth = 1
        """Batches handed over at once: two where the next one's features can be made meanwhile."""

    @property
    def ready(self) -> bool:
        return self.process is not None and self.process.ready is not None
