"""The world in which a scenario's call takes place: its calendar, its faults, its frozen clock."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.tools import Booking, Bookings, BookingsOfCall
from holdfast_common.profile import Profile

from holdfast_cli.eval.house import House
from holdfast_cli.eval.scenario_file import Scenario


def call_id(scenario: Scenario) -> str:
    return f"eval-{scenario.id}-{scenario.session_id}"[:64]


def profile_of(profile: Profile, scenario: Scenario) -> Profile:
    """The profile with the scenario's calendar."""
    calendar = scenario.calendar
    rules = profile.calendar.model_copy(
        update={
            "timezone": calendar.timezone,
            "duration_min": calendar.duration_min,
            "min_notice_min": calendar.min_notice_min,
            "horizon_days": calendar.horizon_days,
            "working_hours": calendar.working_hours,
        }
    )
    return profile.model_copy(update={"calendar": rules})


def admission(scenario: Scenario, down: set[str]) -> dict[str, Any]:
    """What the house must know of the scenario's calendar; `down` is read at every tool call."""
    calendar = scenario.calendar
    rivals = {calendar.instant(str(f.at)): f.times for f in scenario.faults if f.name == "calendar_conflict_on_book"}
    free = [str(at) for at in calendar.free]
    fails = any(fault.name == "llm_down" for fault in scenario.faults)
    return {"now": scenario.clock.astimezone(UTC), "free": free, "down": down, "rivals": rivals, "model_fails": fails}


def fail_what_must(scenario: Scenario, turn: int, down: set[str]) -> None:
    """Put the outages that have begun by this turn into `down`."""
    for fault in scenario.faults:
        if turn >= fault.from_turn:
            if fault.name == "unleash_down":
                down.add("knowledge")
            elif fault.name == "calendar_down":
                down.add("calendar")
            elif fault.name == "llm_down":
                down.add("model")


async def bookings_of(call: str, house: House, generation: int) -> list[Booking]:
    """What the calendar holds of a call; its faults do not touch this question, nor this question them."""
    stream = house.tools_opener.open(Service.TOOLS, BookingsOfCall, call=call, generation=generation, ends_input=True)
    try:
        async for result in stream:
            if isinstance(result, Bookings):
                return result.bookings
    finally:
        stream.cancel()
    raise RuntimeError(f"{call}: the calendar did not tell its bookings")
