"""Which decodes run next, and together: utterances of different calls share a batch.

    waiting -> batch: finals, then pauses, then partials; within each the oldest deadline first
    too many waiting: partials are shed first, the least urgent of all before the others

The most urgent job leads a batch; others join if their prompts are as long (CTranslate2 wants the start of the
transcript at the same position in all) and if at least half of the padded windows is theirs. There is no waiting
for company: while a batch runs, the next one gathers by itself. Times are seconds on the caller's clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum


class Urgency(IntEnum):
    """Less is sooner."""

    FINAL = 0
    PAUSE = 1
    """Somebody may be about to answer."""
    PARTIAL = 2
    """Nice to have; a newer one makes it worthless."""


@dataclass(frozen=True, slots=True)
class Job:
    """One decode that is wanted."""

    id: int
    utterance: int
    urgency: Urgency
    deadline_s: float
    frames: int
    """Encoder window in frames of 10 ms."""
    prompt_tokens: int

    @property
    def is_partial(self) -> bool:
        return self.urgency is Urgency.PARTIAL

    @property
    def order(self) -> tuple[int, float, int]:
        return (self.urgency, self.deadline_s, self.id)


class Schedule:
    """The waiting jobs. Pure: nothing happens but by its methods."""

    def __init__(self, *, max_batch: int, max_waiting: int, mix: bool = True, least_use: float = 0.5) -> None:
        """`mix`: partials may fill a final's batch (where a larger batch hardly costs more, as on a GPU)."""
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._mix = mix
        self._least_use = least_use
        self._waiting: dict[int, Job] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, job: Job) -> tuple[Job, ...]:
        """Let it wait; the jobs that no longer do because of it (perhaps itself).

        A newer partial replaces its utterance's older one; a pause or final replaces everything of its
        utterance that waits and is less urgent, or as urgent and older.
        """
        shed = [old for old in self._waiting.values() if old.utterance == job.utterance and old.urgency >= job.urgency]
        self._waiting[job.id] = job
        for old in shed:
            del self._waiting[old.id]
        while len(self._waiting) > self._max_waiting:
            worst = max(self._waiting.values(), key=lambda waiting: waiting.order)
            shed.append(self._waiting.pop(worst.id))
        return tuple(shed)

    def hurry(self, id: int, urgency: Urgency, deadline_s: float) -> None:
        """It has become more urgent; nothing where it no longer waits."""
        if (job := self._waiting.get(id)) is not None:
            self._waiting[id] = replace(
                job, urgency=min(job.urgency, urgency), deadline_s=min(job.deadline_s, deadline_s)
            )

    def withdraw(self, ids: Iterable[int]) -> None:
        """Nobody wants these any more."""
        for id in ids:
            self._waiting.pop(id, None)

    def give_back(self, jobs: Iterable[Job]) -> None:
        """Jobs of a batch whose worker is gone: they wait again, over the bound if need be."""
        self._waiting.update((job.id, job) for job in jobs)

    def clear(self) -> tuple[Job, ...]:
        """All that waits, and then nothing does."""
        jobs = tuple(sorted(self._waiting.values(), key=lambda job: job.order))
        self._waiting.clear()
        return jobs

    def next_batch(self) -> tuple[Job, ...]:
        """The jobs to decode together now; they wait no longer. Empty where none waits."""
        batch: list[Job] = []
        longest = used = 0
        for job in sorted(self._waiting.values(), key=lambda job: job.order):
            if batch:
                widest = max(longest, job.frames)
                fits = job.prompt_tokens == batch[0].prompt_tokens and (
                    used + job.frames >= self._least_use * widest * (len(batch) + 1)
                )
                if not fits or (not self._mix and job.is_partial != batch[0].is_partial):
                    continue
            batch.append(job)
            longest, used = max(longest, job.frames), used + job.frames
            if len(batch) == self._max_batch:
                break
        self.withdraw(job.id for job in batch)
        return tuple(batch)
