"""Who has which time: exactly one wish, whatever happens at once and however often."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holdfast_common.contracts.tools import BookingState
from holdfast_tools.adapters.ledger import MOVED, SqlLedger, ledger_engine
from holdfast_tools.domain.openings import Refusal, cells
from holdfast_tools.domain.wishes import Action, Wish, arguments
from holdfast_tools.ports import LedgerUnavailable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)


def wish(key: str, hour: float = 0, *, action: Action = Action.BOOK, booking: str = "", call: str = "c1") -> Wish:
    start = NOW + timedelta(days=1, hours=hour)
    return Wish(
        key=key,
        call=call,
        action=action,
        state=BookingState.PENDING,
        arguments=arguments(action, start.isoformat(), booking),
        start=start,
        duration=HALF_HOUR,
        attendee_email="dana@northwind.example",
    )


async def test_a_booked_time_is_taken_for_everybody_else(ledger: SqlLedger) -> None:
    first = await ledger.book(wish("a"))
    second = await ledger.book(wish("b"))

    assert (first.state, second.state) == (BookingState.BOOKED, BookingState.TAKEN)
    assert (await ledger.find("b")) == second


async def test_half_overlapping_meetings_exclude_each_other(ledger: SqlLedger) -> None:
    await ledger.book(wish("a", 0))

    assert (await ledger.book(wish("b", 0.25))).state == BookingState.TAKEN
    assert (await ledger.book(wish("c", 0.5))).state == BookingState.BOOKED


async def test_the_same_wish_again_has_the_same_outcome(ledger: SqlLedger) -> None:
    first = await ledger.book(wish("a"))

    assert await ledger.book(wish("a")) == first
    assert await ledger.find("a") == first


async def test_other_arguments_under_a_used_key_are_refused_and_change_nothing(ledger: SqlLedger) -> None:
    first = await ledger.book(wish("a", 0))
    other = await ledger.book(wish("a", 2))

    assert (other.state, other.reason) == (BookingState.REFUSED, Refusal.ARGUMENTS)
    assert await ledger.find("a") == first
    assert (await ledger.book(wish("b", 2))).state == BookingState.BOOKED


async def test_a_change_frees_the_old_time_and_takes_the_new(ledger: SqlLedger) -> None:
    await ledger.book(wish("a", 0))
    moved = await ledger.change(wish("b", 2, action=Action.CHANGE), "a")

    assert (moved.state, moved.meeting, moved.sequence) == (BookingState.BOOKED, "a", 1)
    assert moved.attendee_email == "dana@northwind.example"
    old = await ledger.find("a")
    assert old is not None
    assert (old.state, old.reason) == (BookingState.CANCELLED, MOVED)
    assert (await ledger.book(wish("c", 0))).state == BookingState.BOOKED
    assert (await ledger.book(wish("d", 2))).state == BookingState.TAKEN


async def test_a_change_to_a_taken_time_leaves_the_booking_where_it_was(ledger: SqlLedger) -> None:
    await ledger.book(wish("a", 0))
    await ledger.book(wish("b", 2, call="c2"))
    moved = await ledger.change(wish("c", 2, action=Action.CHANGE), "a")

    assert moved.state == BookingState.TAKEN
    assert (await ledger.book(wish("d", 0))).state == BookingState.TAKEN


async def test_a_meeting_may_move_into_its_own_time(ledger: SqlLedger) -> None:
    await ledger.book(wish("a", 0))

    assert (await ledger.change(wish("b", 0.25, action=Action.CHANGE), "a")).state == BookingState.BOOKED


async def test_a_moved_booking_is_found_by_its_first_key(ledger: SqlLedger) -> None:
    await ledger.book(wish("a", 0))
    await ledger.change(wish("b", 2, action=Action.CHANGE), "a")
    cancelled = await ledger.cancel(wish("c", action=Action.CANCEL), "a")

    assert (cancelled.state, cancelled.meeting, cancelled.sequence) == (BookingState.CANCELLED, "a", 2)
    assert (await ledger.book(wish("d", 2))).state == BookingState.BOOKED


async def test_cancelling_twice_is_cancelled_and_cancelling_nothing_is_refused(ledger: SqlLedger) -> None:
    await ledger.book(wish("a"))

    assert (await ledger.cancel(wish("b", action=Action.CANCEL), "a")).state == BookingState.CANCELLED
    assert (await ledger.cancel(wish("c", action=Action.CANCEL), "a")).state == BookingState.CANCELLED
    nothing = await ledger.cancel(wish("d", action=Action.CANCEL), "never")
    assert (nothing.state, nothing.reason) == (BookingState.REFUSED, Refusal.NOT_BOOKED)


async def test_booking_again_after_a_cancellation_does_not_revive_the_key(ledger: SqlLedger) -> None:
    await ledger.book(wish("a"))
    await ledger.cancel(wish("b", action=Action.CANCEL), "a")

    assert (await ledger.book(wish("a"))).state == BookingState.CANCELLED
    assert (await ledger.book(wish("c"))).state == BookingState.BOOKED


async def test_the_bookings_of_a_call_are_its_own_oldest_first(ledger: SqlLedger) -> None:
    await ledger.book(wish("a", 0))
    await ledger.book(wish("x", 4, call="c2"))
    await ledger.change(wish("b", 2, action=Action.CHANGE), "a")
    await ledger.cancel(wish("c", action=Action.CANCEL), "b")

    found = await ledger.of_call("c1")

    assert [(w.key, w.state) for w in found] == [("a", BookingState.CANCELLED), ("b", BookingState.CANCELLED)]


async def test_a_locked_database_is_unavailable_and_books_nothing(tmp_path: Path) -> None:
    """Another process holds the write lock: no promise is made, and later the same wish goes through."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'tools.db'}"
    engine, other = ledger_engine(url), ledger_engine(url)
    ledger = SqlLedger(engine, "tenant", lambda: NOW)
    await ledger.prepare()
    async with engine.connect() as connection:
        await connection.exec_driver_sql("PRAGMA busy_timeout=50")
    async with other.begin():
        with pytest.raises(LedgerUnavailable):
            await ledger.book(wish("a"))
        assert await ledger.find("a") is None
    assert (await ledger.book(wish("a"))).state == BookingState.BOOKED
    await engine.dispose()
    await other.dispose()


async def test_callers_who_leave_in_the_middle_leave_no_lock_behind(ledger: SqlLedger) -> None:
    """Cancelled at many points of their transactions: the ledger goes on, and each wish has one clear outcome."""
    for steps in range(40):
        leaving = [asyncio.create_task(ledger.book(wish(f"k{steps}-{n}", steps * 2 + n / 2))) for n in range(3)]
        for _ in range(steps * 4):
            await asyncio.sleep(0)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)

        assert (await ledger.book(wish(f"k{steps}-0", steps * 2))).state == BookingState.BOOKED


async def test_errors_of_the_database_do_not_carry_the_callers_data(tmp_path: Path) -> None:
    engine = ledger_engine(f"sqlite+aiosqlite:///{tmp_path / 'tools.db'}")
    with pytest.raises(LedgerUnavailable) as caught:
        await SqlLedger(engine, "tenant", lambda: NOW).book(wish("a"))
    await engine.dispose()

    assert "northwind" not in str(caught.value)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["book", "book", "change", "cancel"]),
        st.integers(0, 5),  # which key
        st.integers(0, 6),  # which quarter of an hour
        st.integers(0, 5),  # which booking
        st.booleans(),  # asked twice at once
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_random_wishes_at_once_never_share_a_cell_and_keep_their_outcome(steps: list[Any]) -> None:
    """All wishes run concurrently through two ledgers on one file, some of them twice."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_storm(Path(folder) / "tools.db", steps))


async def _storm(path: Path, steps: list[Any]) -> None:
    engines = [ledger_engine(f"sqlite+aiosqlite:///{path}") for _ in range(2)]
    replicas = [SqlLedger(engine, "tenant", lambda: NOW) for engine in engines]
    await replicas[0].prepare()

    async def act(replica: SqlLedger, step: Any) -> Wish:
        name, key, quarter, booking, _ = step
        match name:
            case "book":
                return await replica.book(wish(f"book{key}", quarter / 4))
            case "change":
                return await replica.change(
                    wish(f"change{key}", quarter / 4, action=Action.CHANGE, booking=f"book{booking}"), f"book{booking}"
                )
            case _:
                cancel = replace(wish(f"cancel{key}", action=Action.CANCEL, booking=f"book{booking}"))
                return await replica.cancel(cancel, f"book{booking}")

    asked = [(n, step) for n, step in enumerate(steps) for _ in range(2 if step[4] else 1)]
    try:
        results = await asyncio.gather(*(act(replicas[i % 2], step) for i, (_, step) in enumerate(asked)))
        held: Counter[int] = Counter()
        for result in results:
            stored = await replicas[0].find(result.key)
            assert stored is not None
            if result.reason != Refusal.ARGUMENTS and result.state in (BookingState.TAKEN, BookingState.REFUSED):
                assert stored == result
        for key in {result.key for result in results}:
            stored = await replicas[0].find(key)
            if stored is not None and stored.holds_time and stored.start is not None:
                held.update(cells(stored.start, stored.duration))
        assert not [cell for cell, count in held.items() if count > 1]
        window = cells(NOW, timedelta(days=3))
        assert await replicas[0].taken(window) == frozenset(held)
        again = await asyncio.gather(*(act(replicas[i % 2], step) for i, (_, step) in enumerate(asked)))
        for before, after in zip(results, again, strict=True):
            if before.state in (BookingState.TAKEN, BookingState.REFUSED):
                assert (after.state, after.reason) == (before.state, before.reason)
            else:
                assert after.state in (BookingState.BOOKED, BookingState.CANCELLED)
        assert await replicas[0].taken(window) == frozenset(held)
    finally:
        for engine in engines:
            await engine.dispose()
