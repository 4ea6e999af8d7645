"""The caller of a spoken scenario helps an agent on that misheard them: with its facts and the booking it expects."""

from __future__ import annotations

import pytest
from holdfast_cli.eval.scenario_file import Line, Scenario, When
from holdfast_cli.eval.spoken_person import MOST_ANSWERS, MOST_CORRECTIONS, Person
from holdfast_common.contracts.asr import Expectation
from holdfast_common.contracts.dialogue import Notes, Proposal, Sentence

SCENARIO = Scenario.model_validate(
    {
        "id": "person",
        "clock": "2026-11-23T10:00:00-05:00",
        "calendar": {"timezone": "America/New_York", "free": ["2026-11-25T14:30"]},
        "caller": {
            "facts": {"name": "Fiona Reid", "team_size": 15, "integrations": [], "timezone": "America/New_York"},
            "lines": [{"hang_up": True}],
        },
        "expect": {
            "booking": {
                "attendee_email": "fiona.reid@example.net",
                "start_local": "2026-11-25T14:30",
                "timezone": "America/New_York",
            }
        },
    }
)


def asks(slot: str, expectation: Expectation = Expectation.OPEN) -> list[Sentence]:
    return [Sentence(index=0, text="And?", asks=slot, expectation=expectation)]


def reads_back(email: str = "fiona.reid@example.net", start: str = "2026-11-25T19:30:00Z") -> list[Sentence]:
    proposal = Proposal(
        id="p1", action="book", start=start, duration_min=30, attendee_email=email, attendee_name="", zone="UTC"
    )
    return [Sentence(index=0, text="So that's it.", notes=Notes(proposal=proposal)), *asks("confirm_booking")]


@pytest.mark.parametrize(
    ("slot", "answer"),
    [
        ("name", "fiona reid"),
        ("team_size", "fifteen"),
        ("integrations", "none"),
        ("email", "fiona dot reid at example dot net"),
        ("timezone", "new york time"),
        ("start", "wednesday the twenty fifth at two thirty in the afternoon"),
        ("permission_to_book", "yes please"),
        ("industry", None),
        ("confirm_booking", None),
    ],
)
def test_what_is_asked_is_answered_out_of_what_the_caller_knows(slot: str, answer: str | None) -> None:
    assert Person(SCENARIO).answers(asks(slot)) == answer


def test_what_no_fact_tells_is_answered_with_the_line_said_before_and_not_for_ever() -> None:
    person = Person(SCENARIO)
    person.said(Line(say="we sell boats", when=When(agent_asks=["industry", "use_case"])))

    told = [person.answers(asks("industry")) for _ in range(MOST_ANSWERS + 1)]

    assert told == ["we sell boats"] * MOST_ANSWERS + [None]


def test_a_wrong_address_is_put_right_and_then_only_said_to_be_wrong() -> None:
    person = Person(SCENARIO)

    told = [person.puts_right(reads_back("fiona.reed@example.net")) for _ in range(MOST_CORRECTIONS + 1)]

    assert told == ["no my email is fiona dot reid at example dot net"] * MOST_CORRECTIONS + ["no that's wrong"]
    assert person.puts_right(reads_back()) is None


def test_a_wrong_time_is_put_right() -> None:
    told = Person(SCENARIO).puts_right(reads_back(start="2026-11-25T15:30:00Z"))

    assert told == "no wednesday the twenty fifth at two thirty in the afternoon"


@pytest.mark.parametrize(
    ("misheard", "letters"),
    [
        ("fiona.reed@example.net", "foxtrot india oscar november alpha dot romeo echo india delta"),
        ("fiona.reid@sample.net", "echo x-ray alpha mike papa lima echo"),
    ],
)
def test_who_is_asked_for_code_words_spells_what_was_wrong(misheard: str, letters: str) -> None:
    person = Person(SCENARIO)
    person.puts_right(reads_back(misheard))

    assert person.answers(asks("email", Expectation.CODE_WORDS)) == letters


def test_a_number_heard_wrong_is_put_right_the_second_time_with_its_digits() -> None:
    person = Person(SCENARIO)
    wrong = [Sentence(index=0, text="Okay, fifty people.")]

    assert person.puts_right([Sentence(index=0, text="A team of fifteen, got it.")]) is None
    assert [person.puts_right(wrong) for _ in range(3)] == ["no fifteen people", "no fifteen one five people", None]
    assert person.puts_right([Sentence(index=0, text="How many people would use it?")]) is None


def test_who_is_not_understood_agreeing_agrees_in_plainer_words() -> None:
    person = Person(SCENARIO)

    assert [person.answers(reads_back()) for _ in range(3)] == [None, None, "yes"]
