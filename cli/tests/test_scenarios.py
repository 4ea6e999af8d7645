"""Scenarios played in text: what the runner does with a file, and that it can say no."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from holdfast_cli.eval.house import open_house
from holdfast_cli.eval.scenario_claims import breaks
from holdfast_cli.eval.scenario_file import Broken, Scenario, read_folder
from holdfast_cli.eval.scenario_world import admission, bookings_of
from holdfast_cli.eval.scenarios import Case, run
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.tools import CalendarStatus
from holdfast_common.errors import StreamFailed
from holdfast_common.memory_log import MemoryLog
from holdfast_common.profile import load_profile

ROOT = Path(__file__).parents[2]
PROFILE = ROOT / "profiles" / "trial_success"
CORPUS = ROOT / "tests" / "scenarios" / "corpus"


def scenario(lines: list[dict[str, Any]], expect: dict[str, Any], **more: Any) -> Scenario:
    return Scenario.model_validate(
        {
            "id": "t",
            "clock": "2026-11-23T10:00:00-05:00",
            "calendar": {"timezone": "America/New_York", "free": ["2026-11-24T15:30", "2026-11-25T11:00"]},
            "caller": {"lines": lines},
            "expect": expect,
            **more,
        }
    )


async def played(*scenarios: Scenario | Broken) -> list[Case]:
    return await run(list(scenarios), PROFILE)


BOOKS = [
    {"say": "tom becker nine people on hubspot can i get a specialist tomorrow at half past three eastern"},
    {"when": {"agent_asks": ["email"]}, "say": "tom at larkfield dot example"},
    {"when": {"agent_asks": ["confirm_booking"]}, "say": "yes"},
    {"hang_up": True},
]


async def test_a_call_is_booked_through_the_real_calendar() -> None:
    wanted = {"attendee_email": "tom@larkfield.example", "start_utc": "2026-11-24T20:30:00Z"}
    [case] = await played(scenario(BOOKS, {"booking": wanted, "bookings_count": 1, "ended_by": "caller"}))

    assert case.passed, case.failed


async def test_each_expectation_that_is_not_met_is_named() -> None:
    """A judge that cannot say no is none: everything here is wrong on purpose."""
    expect: dict[str, Any] = {
        "qualified": False,
        "signals": {"team_size": 12},
        "signals_must_not": {"integrations": ["hubspot"]},
        "booking": None,
        "bookings_count": 0,
        "articles": {"must_use": ["hipaa"]},
        "must_say": [["goodnight"]],
        "must_not_say": ["booked", "re:larkfield"],
        "effects": {"nps": {"score": 3}},
        "behaviour": {"max_email_prompts": 0},
        "any_of": [{"name": "never", "must_say": [["goodnight"]]}],
        "escalated": True,
        "ended_by": "agent",
    }
    [case] = await played(scenario(BOOKS, expect))

    assert {verdict.name for verdict in case.failed} == {verdict.name for verdict in case.verdicts}
    assert next(v for v in case.failed if v.name == "must_not_say.booked").turn is not None


async def test_an_outage_and_a_faster_rival_are_real() -> None:
    down = scenario(BOOKS, {"bookings_count": 0}, id="down", faults=[{"name": "calendar_down"}])
    rival = {"name": "calendar_conflict_on_book", "at": "2026-11-24T15:30", "times": 1}
    taken = scenario(BOOKS, {"bookings_count": 0, "must_say": [["taken"]]}, id="taken", faults=[rival])

    cases = await played(down, taken)

    assert [case.failed for case in cases] == [[], []]


async def test_who_asks_for_the_bookings_does_not_heal_the_calendar() -> None:
    """The judge asks in the middle of a turn too: what is away stays away for everybody else."""
    down = scenario(BOOKS, {})
    fallen = {"calendar", "knowledge"}
    async with open_house(PROFILE) as house:
        house.admit("c1", load_profile(PROFILE), MemoryLog(), **admission(down, fallen))
        asking = asyncio.create_task(bookings_of("c1", house, 1))
        with pytest.raises(StreamFailed):
            async for _ in house.tools_opener.open(
                Service.TOOLS, lambda: CalendarStatus(key="k1"), call="c1", ends_input=True
            ):
                pass
        assert await asking == []
    assert fallen == {"calendar", "knowledge"}


async def test_a_lost_line_is_taken_up_from_the_log() -> None:
    lines = [BOOKS[0], {"drop_connection": True, "reconnect_after_s": 4}, *BOOKS[1:]]
    [case] = await played(scenario(lines, {"bookings_count": 1, "behaviour": {"must_not_greet_again": True}}))

    assert case.passed, case.failed


async def test_a_name_that_is_not_known_is_an_error_of_its_case() -> None:
    odd = scenario(BOOKS, {"behaviour": {"must_sing": True}}, id="odd")
    fine = scenario(BOOKS, {"bookings_count": 1}, id="fine")

    cases = await played(odd, fine)

    assert "must_sing" in cases[0].error
    assert cases[1].passed


@pytest.mark.parametrize(
    ("key", "value"),
    [("faults", [{"name": "earthquake"}]), ("caller", {"lines": [{"shout": "hi"}]}), ("weather", "rain")],
)
def test_a_file_with_an_unknown_key_is_told(tmp_path: Path, key: str, value: object) -> None:
    content = {**scenario([], {}).model_dump(mode="json", exclude={"expect"}), key: value}
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(content), "utf-8")

    [broken] = read_folder(tmp_path)

    assert isinstance(broken, Broken)
    assert key in broken.problems[0]


async def test_eight_words_of_the_models_rules_are_noticed() -> None:
    """The judge knows what a model is told, so it can find it in what the agent says."""
    [case] = await played(scenario([{"say": "hello"}, {"hang_up": True}], {"must_not_say": ["@system_prompt"]}))
    made = case.transcript
    told = " ".join(made.prompt.split()[10:20])

    assert case.passed
    assert breaks("@system_prompt", f"well {told} and so on", scenario([], {}), booked=False, prompt=made.prompt)
    assert not breaks(
        "@system_prompt", "a trial lasts fourteen days", scenario([], {}), booked=False, prompt=made.prompt
    )
