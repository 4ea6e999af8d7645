"""Who has which time: exactly one wish, whatever happens at once and however often."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holdfast_common.contracts.tools import BookingState
from holdfast_common.database import Database, Patience, address
from holdfast_common.health import State
from holdfast_tools.adapters.ledger import MOVED, SqlLedger
from holdfast_tools.adapters.tables import bookings, held_cells
from holdfast_tools.domain.openings import Refusal, cells
from holdfast_tools.domain.wishes import Action, Wish, arguments
from holdfast_tools.ports import LedgerUnavailable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
Connect = Callable[..., SqlLedger]


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


async def test_a_locked_database_is_unavailable_and_books_nothing(connect: Connect) -> None:
    """Somebody holds the tables: no promise is made, and later the same wish goes through."""
    ledger, other = connect(patience=Patience(lock_s=0.05)), connect()
    await ledger.prepare()
    async with other._database.transaction() as connection:
        if other._database.backend == "postgresql":
            await connection.execute(text("LOCK TABLE tools.bookings IN SHARE MODE"))
        with pytest.raises(LedgerUnavailable):
            await ledger.book(wish("a"))
        assert await ledger.find("a") is None
    assert (await ledger.book(wish("a"))).state == BookingState.BOOKED


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


async def test_errors_of_the_database_do_not_carry_the_callers_data(connect: Connect) -> None:
    with pytest.raises(LedgerUnavailable) as caught:
        await connect().book(wish("a"))

    assert "northwind" not in str(caught.value)


async def test_of_many_who_want_one_time_at_once_exactly_one_gets_it(connect: Connect) -> None:
    """Through three replicas, each wish twice, the times overlapping by halves."""
    replicas = [connect() for _ in range(3)]
    await asyncio.gather(*(replica.prepare() for replica in replicas))
    wishes = [wish(f"k{n}", (n % 3) / 4) for n in range(12)] * 2
    results = await asyncio.gather(*(replicas[n % 3].book(one) for n, one in enumerate(wishes)))

    for n, result in enumerate(results[:12]):
        assert result == results[n + 12] == await replicas[0].find(result.key)
    assert {r.state for r in results} == {BookingState.BOOKED, BookingState.TAKEN}
    booked = [r.start for r in results[:12] if r.state == BookingState.BOOKED and r.start is not None]
    assert len(booked) == 1 or (len(booked) == 2 and abs(booked[0] - booked[1]) >= HALF_HOUR)


async def test_two_who_want_each_others_time_both_keep_theirs(connect: Connect) -> None:
    """Each frees its time and waits for the other's: the server breaks the ring, the ledger begins again."""
    one, two = connect(), connect()
    await one.prepare()
    await one.book(wish("a", 0))
    await one.book(wish("b", 2, call="c2"))
    swapped = await asyncio.gather(
        one.change(wish("c", 2, action=Action.CHANGE), "a"), two.change(wish("d", 0, action=Action.CHANGE), "b")
    )

    assert [result.state for result in swapped] == [BookingState.TAKEN, BookingState.TAKEN]
    assert [w.holds_time for w in [await one.find("a"), await one.find("b")] if w] == [True, True]


async def test_a_booking_moved_twice_at_once_ends_in_one_place(connect: Connect) -> None:
    """The second mover finds the booking where the first one put it."""
    one, two = connect(), connect()
    await one.prepare()
    await one.book(wish("a", 0))
    moved = await asyncio.gather(
        one.change(wish("b", 2, action=Action.CHANGE), "a"), two.change(wish("c", 4, action=Action.CHANGE), "a")
    )

    assert [result.state for result in moved] == [BookingState.BOOKED] * 2
    found = [await one.find(key) for key in "abc"]
    assert len([w for w in found if w and w.holds_time]) == 1
    assert len(await one.taken(cells(NOW, timedelta(days=3)))) == 6


@pytest.mark.live
async def test_a_server_that_goes_away_and_comes_back(
    postgres: Any, postgres_database: str, connect_to: Callable[..., SqlLedger]
) -> None:
    """Meanwhile nothing is promised; a replica that starts then waits; afterwards both go on by themselves."""
    ledger = connect_to(postgres.url(postgres_database))
    await ledger.prepare()
    await ledger.book(wish("a"))
    postgres.close_to_all(postgres_database)
    for _ in range(3):
        with pytest.raises(LedgerUnavailable):
            await ledger.book(wish("b", 2))
    assert ledger.finding().state == State.DEGRADED
    late = connect_to(postgres.url(postgres_database))
    with pytest.raises(LedgerUnavailable):
        await late.prepare()
    postgres.open_to_all(postgres_database)
    await late.prepare()

    assert (await ledger.book(wish("b", 2))).state == BookingState.BOOKED
    assert (await late.book(wish("c", 0))).state == BookingState.TAKEN
    assert ledger.finding().state == State.OK


@pytest.mark.live
async def test_a_server_that_falls_silent_is_not_waited_for(
    postgres: Any, postgres_database: str, connect_to: Callable[..., SqlLedger]
) -> None:
    """Its processes are stopped, not dead: no answer and no error comes."""
    ledger = connect_to(postgres.url(postgres_database), patience=Patience(connect_s=0.5, statement_s=0.2))
    await ledger.prepare()
    listed = postgres.sql(f"COPY (SELECT pid FROM pg_stat_activity WHERE datname = '{postgres_database}') TO STDOUT;")
    stopped = [int(pid) for pid in listed.split()]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(10):
            with pytest.raises(LedgerUnavailable):
                await ledger.book(wish("a"))
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)

    assert stopped
    assert (await ledger.book(wish("a"))).state == BookingState.BOOKED


@pytest.mark.live
async def test_what_the_ledger_answered_is_on_disk_whatever_the_servers_default(
    postgres: Any, postgres_database: str, connect_to: Callable[..., SqlLedger]
) -> None:
    postgres.sql(f"ALTER DATABASE {postgres_database} SET synchronous_commit = off;")
    postgres.sql(f"ALTER DATABASE {postgres_database} SET default_transaction_isolation = 'serializable';")
    async with connect_to(postgres.url(postgres_database))._database.transaction() as connection:
        assert await connection.scalar(text("SHOW synchronous_commit")) == "on"
        assert await connection.scalar(text("SHOW transaction_isolation")) == "read committed"


@pytest.mark.live
async def test_a_password_can_be_changed_without_a_restart(
    postgres: Any, postgres_database: str, connect_to: Callable[..., SqlLedger], tmp_path: Path
) -> None:
    """It is read from its file at every connection."""
    postgres.guard("guarded", "first")
    secret = tmp_path / "password"
    secret.write_text("first\n")
    ledger = connect_to(postgres.url(postgres_database, user="guarded"), password_file=str(secret))
    await ledger.prepare()
    postgres.sql("ALTER ROLE guarded PASSWORD 'second';")
    await ledger._database.engine.dispose()
    with pytest.raises(LedgerUnavailable) as refused:
        await ledger.book(wish("a"))
    secret.write_text("second\n")

    assert (await ledger.book(wish("a"))).state == BookingState.BOOKED
    assert "InvalidPassword" in str(refused.value)
    assert "first" not in str(refused.value)


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
def test_random_wishes_at_once_never_share_a_cell_and_keep_their_outcome(database_url: str, steps: list[Any]) -> None:
    """All wishes run concurrently through two replicas, some of them twice. On the server their transactions
    overlap; those who meet in a ring begin again, and nobody is told that the ledger is away."""
    asyncio.run(_storm(database_url, steps))


async def _storm(url: str, steps: list[Any]) -> None:
    where = address(url, default_file=Path(), schema="tools")
    databases = [Database(where) for _ in range(2)]
    replicas = [SqlLedger(database, "tenant", lambda: NOW) for database in databases]
    await replicas[0].prepare()
    async with databases[0].transaction() as connection:
        for table in (bookings, held_cells):
            await connection.execute(table.delete())

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
        for replica in replicas:
            await replica.close()
