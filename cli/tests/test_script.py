"""Which line the caller says next."""

from __future__ import annotations

from pathlib import Path

import pytest
from holdfast_cli.caller.script import AgentTurn, Line, Script, When, load_script
from holdfast_common.errors import SettingsError


def asked(
    *fields: str, says: str = "", offers: bool = False, proposes: str = "", articles: tuple[str, ...] = ()
) -> AgentTurn:
    return AgentTurn((says,) if says else (), frozenset(fields), offers, proposes, frozenset(articles))


def words(line: Line | None) -> str | None:
    return line.words if line else None


def test_plain_lines_come_in_order():
    """One at each turn of the caller."""
    script = Script([Line(say="one"), Line(say="two")])

    assert [words(script.next(asked())), words(script.next(asked())), script.next(asked())] == ["one", "two", None]


def test_a_line_that_waits_beats_plain_lines_once_its_condition_holds():
    """The caller answers what was asked before going on."""
    script = Script([Line(say="plain"), Line(say="mail", when=When(agent_asks=["email"]))])

    assert words(script.next(asked("email"))) == "mail"
    assert words(script.next(asked("email"))) == "plain"


def test_an_unmet_condition_blocks_nothing():
    """Lines behind it are said."""
    script = Script([Line(say="never", when=When(agent_asks=["nps"])), Line(say="next")])

    assert words(script.next(asked())) == "next"


def test_of_several_that_match_the_first_is_said():
    """File order decides."""
    script = Script([Line(say="a", when=When(agent_asks=["x"])), Line(say="b", when=When(agent_asks=["x"]))])

    assert words(script.next(asked("x"))) == "a"
    assert words(script.next(asked("x"))) == "b"


def test_a_repeated_line_stops_at_its_limit():
    """`repeat` without `limit` never does."""
    script = Script([Line(say="yes", when=When(agent_asks=["x"]), repeat=True, limit=2)])

    assert [words(script.next(asked("x"))) for _ in range(3)] == ["yes", "yes", None]


def test_again_says_the_last_line_once_more():
    """Also when that one had a condition of its own."""
    script = Script(
        [
            Line(again=True, when=When(agent_asks=["repeat"]), repeat=True),
            Line(say="dana at example", when=When(agent_asks=["email"])),
            Line(hang_up=True),
        ]
    )
    script.next(asked("email"))

    assert words(script.next(asked("repeat"))) == "dana at example"
    assert words(script.next(asked("repeat"))) == "dana at example"


def test_a_line_is_repeated_only_so_often_in_a_row():
    """After that the caller goes on; the next line may be repeated as often."""
    again = Line(again=True, when=When(agent_asks=["repeat"]), limit=2)
    script = Script([again, Line(say="one"), Line(say="two")])
    script.next(asked())

    said = [words(script.next(asked("repeat"))) for _ in range(7)]

    assert said == ["one", "one", "two", "two", "two", None, None]


def test_again_before_anything_was_said_is_passed_over():
    """There is nothing to repeat."""
    script = Script([Line(again=True, when=When(agent_asks=["repeat"])), Line(say="hello")])

    assert words(script.next(asked("repeat"))) == "hello"


@pytest.mark.parametrize(
    ("when", "heard", "expected"),
    [
        (When(agent_says_any=["FIFTEEN", "15"]), asked(says="In fifteen days"), True),
        (When(agent_says_any=["sixteen"]), asked(says="In fifteen days"), False),
        (When(agent_says_all=["dana", "northwind"]), asked(says="Dana at Northwind"), True),
        (When(agent_says_all=["dana", "acme"]), asked(says="Dana at Northwind"), False),
        (When(agent_offers_times=True), asked(offers=True), True),
        (When(agent_offers_times=True), asked(), False),
        (
            When(agent_asks=["confirm_booking"], agent_proposes=["right"]),
            asked("confirm_booking", proposes="right"),
            True,
        ),
        (
            When(agent_asks=["confirm_booking"], agent_proposes=["right"]),
            asked("confirm_booking", proposes="wrong_email"),
            False,
        ),
        (When(agent_proposes=["wrong_email"]), asked(), False),
    ],
)
def test_conditions(when: When, heard: AgentTurn, expected: bool):
    """All conditions of one `when` must hold."""
    script = Script([Line(say="x", when=when)])

    assert (script.next(heard) is not None) is expected


def test_a_wrong_script_is_told_whole(tmp_path: Path):
    """Every problem with the place where it is."""
    path = tmp_path / "script.yaml"
    path.write_text("lines:\n  - sey: hello\n  - wav: [greet]\n  - {}\n")

    with pytest.raises(SettingsError) as refused:
        load_script(path)

    assert len(refused.value.problems) >= 3
    assert all(str(path) in problem for problem in refused.value.problems)


def test_values_are_filled_in(tmp_path: Path):
    """The demo's date is computed on the day."""
    path = tmp_path / "script.yaml"
    path.write_text("lines:\n  - wav: '{day}'\n    text: next {day}\n")

    assert load_script(path, {"day": "tuesday"}).lines[0].wav == ["tuesday"]


def test_whole_scenarios_are_understood(tmp_path: Path):
    """The caller's part of a scenario file is a script."""
    path = tmp_path / "scenario.yaml"
    path.write_text("id: x\ncaller:\n  lines:\n    - say: hi\n    - hang_up: true\n")

    assert load_script(path).lines[0].say == "hi"


def test_an_answer_can_wait_for_a_line_of_ones_own():
    """The caller first asks what is on the mind."""
    script = Script(
        [Line(say="ten", when=When(agent_asks=["team_size"], said="ask")), Line(wav=["ask"], text="how long is it")]
    )

    assert words(script.next(asked("team_size"))) == "how long is it"
    assert words(script.next(asked("team_size"))) == "ten"


def test_a_question_that_was_not_answered_is_asked_again_as_often_as_it_may():
    """The article tells; after that the caller gives up and goes on."""
    script = Script([Line(say="how long", question="trial-length", retries=1), Line(say="thanks")])
    script.next(asked())

    assert words(script.next(asked(says="not sure"))) == "how long"
    assert words(script.next(asked(says="not sure"))) == "thanks"


def test_an_answered_question_is_not_asked_again():
    """The next line comes."""
    script = Script([Line(say="how long", question="trial-length", retries=1), Line(say="thanks")])
    script.next(asked())

    assert words(script.next(asked(articles=("trial-length",)))) == "thanks"
