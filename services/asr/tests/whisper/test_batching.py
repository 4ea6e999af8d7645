"""The schedule: who goes first, who goes together, who is shed; simulated in virtual time."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from random import Random

import pytest
from holdfast_asr.domain.batching import Job, Schedule, Urgency

FINAL, PAUSE, PARTIAL = Urgency.FINAL, Urgency.PAUSE, Urgency.PARTIAL


def job(id: int, urgency: Urgency = FINAL, deadline_s: float = 1.0, *, of: int | None = None, frames: int = 400,
        prompt: int = 4) -> Job:  # fmt: skip
    return Job(id, id if of is None else of, urgency, deadline_s, frames, prompt)


def ids(jobs: tuple[Job, ...]) -> list[int]:
    return [j.id for j in jobs]


def schedule(*jobs: Job, max_batch: int = 8, max_waiting: int = 100, mix: bool = True) -> Schedule:
    made = Schedule(max_batch=max_batch, max_waiting=max_waiting, mix=mix)
    for each in jobs:
        made.submit(each)
    return made


def test_finals_go_before_pauses_and_pauses_before_partials() -> None:
    made = schedule(job(1, PARTIAL, 0.1), job(2, PAUSE, 0.2), job(3, FINAL, 9.0), max_batch=1)

    assert [ids(made.next_batch()) for _ in range(4)] == [[3], [2], [1], []]


def test_the_oldest_deadline_goes_first() -> None:
    made = schedule(job(1, deadline_s=3.0), job(2, deadline_s=1.0), job(3, deadline_s=2.0))

    assert ids(made.next_batch()) == [2, 3, 1]


def test_a_batch_holds_no_more_than_it_may() -> None:
    made = schedule(*(job(i) for i in range(5)), max_batch=2)

    assert [len(made.next_batch()) for _ in range(4)] == [2, 2, 1, 0]


def test_prompts_of_one_length_go_together() -> None:
    """CTranslate2 wants the start of the transcript at the same position in all."""
    made = schedule(job(1, prompt=4), job(2, prompt=9), job(3, prompt=4), job(4, prompt=9))

    assert [ids(made.next_batch()) for _ in range(2)] == [[1, 3], [2, 4]]


def test_short_utterances_do_not_all_pay_for_a_long_one() -> None:
    """Beside one of 30 s each would be padded to 30 s: one may join, the others go together."""
    made = schedule(job(1, frames=3_000), *(job(i, frames=300) for i in range(2, 6)))

    assert [ids(made.next_batch()) for _ in range(2)] == [[1, 2], [3, 4, 5]]


def test_without_mixing_a_partial_never_delays_a_final() -> None:
    made = schedule(job(1), job(2, PARTIAL), job(3), mix=False)

    assert [ids(made.next_batch()) for _ in range(2)] == [[1, 3], [2]]


def test_a_newer_partial_replaces_the_older_of_its_utterance_alone() -> None:
    made = schedule(job(1, PARTIAL, of=7), job(2, PARTIAL, of=8))

    assert ids(made.submit(job(3, PARTIAL, of=7))) == [1]
    assert sorted(ids(made.next_batch())) == [2, 3]


def test_a_final_replaces_what_its_utterance_had_waiting() -> None:
    made = schedule(job(2, PAUSE, of=7), job(1, PARTIAL, of=7), job(3, PAUSE, of=8))

    assert sorted(ids(made.submit(job(4, FINAL, of=7)))) == [1, 2]
    assert ids(made.next_batch()) == [4, 3]


def test_a_partial_does_not_replace_the_final_of_its_utterance() -> None:
    made = schedule(job(1, FINAL, of=7))

    assert made.submit(job(2, PARTIAL, of=7)) == ()


@pytest.mark.parametrize(
    ("waiting", "new", "shed"),
    [
        ([job(1, PARTIAL, 5.0), job(2, PAUSE, 9.0)], job(3, FINAL), 1),
        ([job(1, FINAL), job(2, PAUSE)], job(3, FINAL), 2),
        ([job(1, FINAL, 1.0), job(2, FINAL, 2.0)], job(3, PARTIAL, 0.1), 3),
        ([job(1, FINAL, 1.0), job(2, FINAL, 2.0)], job(3, FINAL, 1.5), 2),
    ],
)
def test_over_the_bound_the_least_urgent_is_shed(waiting: list[Job], new: Job, shed: int) -> None:
    made = schedule(*waiting, max_waiting=2)

    assert ids(made.submit(new)) == [shed]
    assert len(made) == 2


def test_a_pause_that_turns_out_to_be_the_end_hurries() -> None:
    made = schedule(job(1, FINAL, 5.0), job(2, PAUSE, 1.0), max_batch=1)
    made.hurry(2, FINAL, 1.0)

    assert [ids(made.next_batch()) for _ in range(2)] == [[2], [1]]


def test_what_a_dead_worker_had_waits_again() -> None:
    made = schedule(job(1), job(2), max_batch=1, max_waiting=2)
    batch = made.next_batch()
    made.submit(job(3))
    made.give_back(batch)

    assert [ids(made.next_batch()) for _ in range(4)] == [[1], [2], [3], []]


@dataclass
class Run:
    """What a simulation found, in seconds of virtual time."""

    waits: dict[Urgency, list[float]]
    shed: dict[Urgency, int]
    final_passed_over: int
    """Batches led by something else while a final waited."""
    most_waiting: int


def simulate(seed: int, *, streams: int, max_batch: int, per_batch_s: float, per_item_s: float) -> Run:
    """Calls that ask for partials, pauses and finals of one worker."""
    rng = Random(seed)
    made = Schedule(max_batch=max_batch, max_waiting=24)
    run = Run({u: [] for u in Urgency}, dict.fromkeys(Urgency, 0), 0, 0)
    events: list[tuple[float, int, Urgency | None]] = [
        (rng.uniform(0, 60), rng.randrange(streams), urgency) for urgency in Urgency for _ in range(streams * 8)
    ]
    heapq.heapify(events)
    arrived: dict[int, float] = {}
    busy_until, number = 0.0, 0
    while events:
        now, stream, urgency = heapq.heappop(events)
        if urgency is not None:
            number += 1
            arrived[number] = now
            within = {FINAL: 1.5, PAUSE: 0.5, PARTIAL: 1.0}[urgency]
            utterance = -number if urgency is FINAL else stream  # every final is of an utterance of its own
            for lost in made.submit(Job(number, utterance, urgency, now + within, rng.randrange(200, 900, 50), 4)):
                run.shed[lost.urgency] += 1
                arrived.pop(lost.id)
            run.most_waiting = max(run.most_waiting, len(made))
        if now < busy_until:
            continue
        finals = sum(j.urgency is FINAL for j in made._waiting.values())
        if batch := made.next_batch():
            run.final_passed_over += finals > 0 and batch[0].urgency is not FINAL
            busy_until = now + per_batch_s + per_item_s * len(batch)
            heapq.heappush(events, (busy_until, 0, None))
            for each in batch:
                run.waits[each.urgency].append(busy_until - arrived.pop(each.id))
    assert not arrived, "every job is decoded or shed"
    return run


@pytest.mark.parametrize("seed", range(20))
def test_overloaded_the_finals_still_come_and_the_partials_pay(seed: int) -> None:
    """At 1.6 times what the worker can do."""
    run = simulate(seed, streams=30, max_batch=4, per_batch_s=0.1, per_item_s=0.1)

    assert run.final_passed_over == 0
    assert run.most_waiting <= 24
    assert run.shed[FINAL] == 0
    assert run.shed[PARTIAL] > run.shed[PAUSE]
    assert max(run.waits[FINAL]) < 4 * 0.5 + 0.5


def test_batches_carry_what_one_at_a_time_cannot() -> None:
    """The same load, the same costs: together it is decoded in time, alone it piles up."""
    costs = {"per_batch_s": 0.05, "per_item_s": 0.005}
    together = simulate(1, streams=60, max_batch=16, **costs)
    alone = simulate(1, streams=60, max_batch=1, **costs)

    assert sum(together.shed.values()) < 0.1 * sum(alone.shed.values())
    assert sorted(together.waits[FINAL])[int(0.95 * len(together.waits[FINAL]))] < 0.3
