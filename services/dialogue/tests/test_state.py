"""The snapshot: small, readable by its neighbours, cut to what was heard."""

from __future__ import annotations

import pytest
from holdfast_common.contracts.dialogue import MAX_SNAPSHOT_BYTES, Heard, Opening
from holdfast_common.errors import ContractError
from holdfast_dialogue.domain.state import Exchange, Said, State, dump, load, remember, take_heard

START = "2026-12-01T19:30:00Z"


def test_a_snapshot_comes_back_as_it_was():
    state = State(
        fields={"team_size": "12"}, offers=["2026-12-01T19:30:00Z"], exchanges=[Exchange(said="a", reply="b")]
    )

    assert load(dump(state)) == state


def test_an_empty_snapshot_is_a_new_call():
    assert load(b"") == State()


def test_the_longest_call_stays_within_the_limit():
    """Ten exchanges of the longest words in a script of three-byte letters, and everything known."""
    state = State(fields={f"field_{i}": "ж" * 300 for i in range(12)})
    for _ in range(40):
        remember(state, 0, "語" * 2_000, [Said(text="語" * 400)] * 4)

    assert len(dump(state)) <= MAX_SNAPSHOT_BYTES
    assert len(state.exchanges) <= 10


def test_a_caller_who_reports_on_and_on_keeps_the_call_alive():
    """Twenty reports of the longest words: the newest stay, and the snapshot fits."""
    state = State()
    for number in range(20):
        state.record("issue_report", str(number), text="語" * 500, summary="語" * 500)

    assert len(dump(state)) <= MAX_SNAPSHOT_BYTES
    assert state.recorded("issue_report", "19")


def test_an_unknown_format_is_refused_and_unknown_fields_are_ignored():
    with pytest.raises(ContractError):
        load(dump(State(format="99")))
    assert load(b"\x82\xa6format\xa11\xa5later\xc3").format == "1"


def test_what_was_not_heard_was_not_said():
    state = State(
        last_turn=0,
        last=[Said(text="One two three."), Said(text="Which one?", asks="start", openings=[Opening(start=START)])],
        offers=[START],
        asked={"start": 1},
        exchanges=[Exchange(said="x", reply="One two three. Which one?")],
    )
    take_heard(state, Heard(turn=0, sentences=0, words_of_next=2))

    assert state.asks == ""
    assert state.offers == []
    assert state.asked["start"] == 0
    assert state.exchanges[-1].reply == "One two ..."


def test_nothing_told_of_what_was_heard_means_all_of_it():
    state = State(last=[Said(text="Which one?", asks="start")])
    take_heard(state, None)

    assert state.asks == "start"


def test_what_was_heard_of_another_turn_changes_nothing():
    """A turn cut off before it spoke: the question that stands is the one of the reply before it."""
    state = State(last_turn=3, last=[Said(text="Which one?", asks="start")])
    take_heard(state, Heard(turn=4, sentences=0))

    assert state.asks == "start"
