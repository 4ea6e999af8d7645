"""What is told of a call, whatever the order in which its entries arrive."""

from __future__ import annotations

from datetime import UTC, datetime

from holdfast_common.contracts.dialogue import Heard, MediaEntry, Record, ToolUse, TurnEntry, TurnKind
from holdfast_common.contracts.wire import encode
from holdfast_records.domain.rows import RawEntry, derive, written_at
from hypothesis import given, settings
from hypothesis import strategies as st


def turn(sequence: int, n: int, **values: object) -> RawEntry:
    defaults = {"kind": TurnKind.SPOKEN, "at": f"2026-11-23T15:00:{n:02}Z", "generation": 1, "profile": "trial"}
    return RawEntry("c1", sequence, "hf.log.0.c1.turns", encode(TurnEntry(call="c1", n=n, **(defaults | values))))  # type: ignore[arg-type]


def media(sequence: int, event: str, **values: object) -> RawEntry:
    defaults = {"at": "2026-11-23T15:01:00Z", "generation": 1}
    return RawEntry(
        "c1", sequence, "hf.log.0.c1.media", encode(MediaEntry(call="c1", event=event, **(defaults | values)))
    )  # type: ignore[arg-type]


CALL = [
    media(1, "attached", at="2026-11-23T14:59:59Z"),
    turn(2, 0, kind=TurnKind.OPENED, reply=["Hi."], route="greeting"),
    turn(3, 1, said="how long is the trial", reply=["Fourteen days."], route="knowledge", article="trial-length",
         answered=True, tools=[ToolUse(name="knowledge.search", outcome="sure", took_ms=3)]),
    media(4, "turn", turn=1, stages_ms={"v2v": 640.0, "asr": 120.0}),
    turn(5, 2, said="dana here we are twelve", fields={"name": "Dana", "team_size": "12"}, qualified=True,
         heard=Heard(turn=1, sentences=0, words_of_next=1, interrupted=True)),
    turn(6, 3, intent="k1", fields={"name": "Dana", "team_size": "12", "email": "dana@northwind.example"}),
    turn(7, 3, said="yes", booking="booked 2026-11-24T19:30:00Z k1", generation=2, qualified=True,
         fields={"name": "Dana", "team_size": "13", "email": "dana@northwind.example"}),
    RawEntry("c1", 8, "hf.log.0.c1.turns", b"rubbish"),
    media(9, "ended", reason="caller", at="2026-11-23T15:02:00Z", generation=2),
]  # fmt: skip


def test_a_call_is_told_from_its_entries() -> None:
    rows = derive(CALL)
    assert rows is not None

    assert (rows.profile, rows.generations, rows.entries, rows.unreadable) == ("trial", 2, 9, 1)
    assert rows.started_at == datetime(2026, 11, 23, 14, 59, 59, tzinfo=UTC)
    assert rows.ended_at == datetime(2026, 11, 23, 15, 2, tzinfo=UTC)
    assert rows.end_reason == "caller"
    assert [(t.n, t.said, t.route) for t in rows.turns] == [
        (0, "", "greeting"),
        (1, "how long is the trial", "knowledge"),
        (2, "dana here we are twelve", ""),
        (3, "yes", ""),
    ]
    assert rows.turns[1].stages_ms == {"v2v": 640.0, "asr": 120.0}
    assert rows.turns[1].heard == {"turn": 1, "sentences": 0, "words_of_next": 1, "interrupted": True}
    assert rows.turns[1].tools == [{"name": "knowledge.search", "outcome": "sure", "took_ms": 3}]


def test_the_lead_is_what_was_known_last() -> None:
    rows = derive(CALL)
    assert rows is not None
    assert rows.lead is not None

    assert (rows.lead.name, rows.lead.email, rows.lead.qualified) == ("Dana", "dana@northwind.example", True)
    assert rows.lead.signals == {"team_size": "13"}
    assert rows.lead.booking == "booked 2026-11-24T19:30:00Z k1"


def test_an_intent_stands_for_its_turn_only_until_the_turn_itself_is_there() -> None:
    before = derive(CALL[:6])
    assert before is not None

    assert before.turns[-1].n == 3
    assert derive([CALL[6], CALL[5]]) == derive([CALL[5], CALL[6]])
    late_intent = derive([turn(7, 3, intent="k1"), turn(6, 3, said="yes")])
    assert late_intent is not None
    assert late_intent.turns[0].said == "yes"


def test_a_call_of_which_nothing_is_known_is_no_lead() -> None:
    rows = derive(CALL[:3])
    assert rows is not None

    assert rows.lead is None
    assert rows.ended_at is None


def test_entries_that_cannot_be_read_make_no_call() -> None:
    assert derive([RawEntry("c1", 1, "hf.log.0.c1.turns", b"\x00")]) is None
    assert derive([]) is None
    assert written_at(RawEntry("c1", 1, "hf.log.0.c1.media", b"")) is None


@settings(deadline=None)
@given(st.data())
def test_order_and_repeats_do_not_matter(data: st.DataObject) -> None:
    arrived = data.draw(st.permutations(CALL)) + data.draw(st.lists(st.sampled_from(CALL), max_size=12))

    assert derive(data.draw(st.permutations(arrived))) == derive(CALL)


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["turns", "media"]))
def test_no_bytes_can_break_a_call(data: bytes, kind: str) -> None:
    rows = derive([*CALL, RawEntry("c1", 100, f"hf.log.0.c1.{kind}", data)])

    assert rows is not None
    assert rows.entries == 10


def test_a_refused_callers_wish_to_be_called_back_is_a_lead_with_its_number() -> None:
    wish = MediaEntry(
        call="c9", generation=1, at="2026-11-23T15:00:00Z", event="callback", leg="twilio", number="+15550100200"
    )
    ended = MediaEntry(call="c9", generation=1, at="2026-11-23T15:00:01Z", event="ended", leg="twilio", reason="busy")
    rows = derive([RawEntry("c9", n, "hf.log.0.c9.media", encode(e)) for n, e in enumerate((wish, ended), 1)])
    assert rows is not None
    assert rows.lead is not None

    assert rows.lead.signals == {"callback": "+15550100200"}
    assert (rows.end_reason, rows.turns) == ("busy", [])


def test_the_last_word_of_each_record_stands_and_keeps_its_first_time() -> None:
    """Scores are put right, reports keep their numbers."""
    nps = [Record(kind="nps", values={"score": "9"})]
    both = [
        Record(kind="nps", values={"score": "8"}),
        Record(kind="issue_report", number="00412", values={"text": "x"}),
    ]
    first, second = turn(1, 1, records=nps), turn(2, 2, records=both)

    rows = derive([first, second])

    assert rows is not None
    assert [(note.kind, note.number, note.values) for note in rows.notes] == [
        ("issue_report", "00412", {"text": "x"}),
        ("nps", "", {"score": "8"}),
    ]


def test_the_last_attempt_of_a_turn_is_its_row_whichever_was_written_last() -> None:
    """A withdrawn attempt may have written before or, by an older dialogue, after the one that counts."""
    rows = derive([turn(5, 2, said="yes but later", attempt=1), turn(6, 2, said="yes")])

    assert rows is not None
    assert [row.said for row in rows.turns] == ["yes but later"]
