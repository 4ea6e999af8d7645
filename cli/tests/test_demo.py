"""The demo: the date wished for, the words counted, the verdict, its recordings."""

from __future__ import annotations

import json
import wave
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import yaml
from holdfast_asr.adapters.caller_data import load_caller_data
from holdfast_asr.domain.caller_language import caller_sentences
from holdfast_cli.caller.conversation import CallTurn
from holdfast_cli.caller.ears import Exchange
from holdfast_cli.caller.script import Line, load_script
from holdfast_cli.caller.session import CallReport
from holdfast_cli.demo.result import demo_result, percentiles
from holdfast_cli.demo.wish import EMAIL, Wish, wish
from holdfast_cli.demo.words import plain, word_error_rate
from holdfast_common.contracts.dialogue import Proposal
from holdfast_common.contracts.tools import Booking, BookingState
from holdfast_common.contracts.watch import Watch, WatchEvent
from holdfast_common.profile import load_articles, load_profile

ROOT = Path(__file__).parents[2]
AT = "2026-11-23T15:00:00Z"
SENTENCE_WORDS = 5
"""Shorter ones (`yes please`, `google drive`) are what anybody says."""


@pytest.mark.parametrize(
    ("now", "day", "start"),
    [
        ("2026-11-23T15:00:00", "tuesday", "2026-12-01T19:30:00Z"),  # a Monday: not tomorrow
        ("2026-11-22T18:00:00", "tuesday", "2026-11-24T19:30:00Z"),  # a Sunday: the week that begins tomorrow
        ("2026-11-24T15:00:00", "tuesday", "2026-12-01T19:30:00Z"),  # a Tuesday
        ("2026-07-01T15:00:00", "tuesday", "2026-07-07T18:30:00Z"),  # summer time
        ("2028-06-29T15:00:00", "wednesday", "2028-07-05T18:30:00Z"),  # Independence Day is that Tuesday
        ("2026-12-28T15:00:00", "tuesday", "2027-01-05T19:30:00Z"),  # into the new year
        ("2029-12-27T15:00:00", "wednesday", "2030-01-02T19:30:00Z"),  # New Year's Day is that Tuesday
        ("2026-11-23T02:00:00", "tuesday", "2026-11-24T19:30:00Z"),  # Monday in UTC, still Sunday in New York
    ],
)
def test_next_tuesday_is_that_of_the_following_week_or_the_wednesday_after(now: str, day: str, start: str):
    """By New York's calendar and its public holidays."""
    wanted = wish(datetime.fromisoformat(now).replace(tzinfo=UTC))

    assert (wanted.day, wanted.start_utc) == (day, start)


def test_the_caller_knows_a_wrong_read_back():
    """Address first, then time."""
    wanted = Wish("tuesday", "2026-12-01T19:30:00Z")

    def proposal(start: str, email: str) -> Proposal:
        return Proposal(id="p1", action="book", start=start, duration_min=30, attendee_email=email)

    assert wanted.verdict(proposal(wanted.start_utc, EMAIL)) == "right"
    assert wanted.verdict(proposal(wanted.start_utc, "dana.mueller@northwind.example")) == "wrong_email"
    assert wanted.verdict(proposal("2026-12-02T19:30:00Z", EMAIL)) == "wrong_start"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A team of 25 people!", "a team of twenty five people"),
        ("dana.miller@northwind.example", "dana miller at northwind example"),
        ("I'm here", "i'm here"),
        ("", ""),
    ],
)
def test_words_are_compared_in_one_form(text: str, expected: str):
    """Lower case, numbers as words, no punctuation."""
    assert plain(text) == expected


def test_word_error_rate_counts_over_all_lines():
    """One wrong word of five; a line that was not heard at all counts with all its words."""
    assert word_error_rate(["one two three", "four five"], ["one too three", "four five"]) == pytest.approx(0.2)
    assert word_error_rate(["one two"], [""]) == 1.0
    assert word_error_rate([], []) == 0.0


def test_percentiles_of_few_values_invent_nothing():
    """The 95th of two is the larger."""
    two = percentiles([600.0, 900.0])

    assert (two.p50, two.p95) == (750.0, 900.0)
    assert percentiles([]).p95 is None


WANTED = Wish("tuesday", "2026-12-01T19:30:00Z")
BOOKED = Booking(
    key="k1", state=BookingState.BOOKED, start=WANTED.start_utc, duration_min=30, attendee_email=EMAIL, reference="AB12"
)


def call(article: str = "trial-length", error: str = "") -> CallReport:
    exchange = Exchange(
        heard=["how long is it"],
        sentences=[Watch(call="c", event=WatchEvent.SENTENCE, at=AT, text="Fourteen days.")],
        turns=[
            Watch(
                call="c",
                event=WatchEvent.TURN,
                at=AT,
                turn=1,
                route="knowledge",
                article=article,
                stages_ms={"endpointing": 500.0, "v2v": 700.0},
            )
        ],
    )
    turn = CallTurn(Line(say="how long is it", question="trial-length"), exchange, 1.0, v2v_ms=710.04)
    return CallReport(
        call="c", turns=[turn], greeting=Exchange(), finished=True, seconds=60, underruns=0, late_frames=0, clears=0,
        error=error,
    )  # fmt: skip


def judged(report: CallReport, bookings: list[Booking]):
    return demo_result(
        WANTED, report, bookings, engines={"asr": {"engine": "x"}}, killed=["asr"], voice="slt", start_s=3
    )


def test_a_call_that_got_what_it_wanted_is_ok():
    """The shape of result.json."""
    result = json.loads(msgspec.json.encode(judged(call(), [BOOKED])))

    assert result["ok"] is True
    assert result["turns"] == [
        {
            "said": "how long is it",
            "heard": "how long is it",
            "route": "knowledge",
            "article": "trial-length",
            "answer": "Fourteen days.",
            "v2v_ms": 710.0,
            "stages": {"endpointing": 500.0, "v2v": 700.0},
            "question": "trial-length",
        }
    ]
    assert result["booking"]["start_utc"] == WANTED.start_utc
    assert result["booking"]["attendee_email"] == EMAIL
    assert result["v2v_ms"] == {"p50": 710.0, "p95": 710.0}
    assert result["engines"] == {"asr": {"engine": "x"}}
    assert result["wer"] == 0.0


@pytest.mark.parametrize(
    ("report", "bookings", "problem"),
    [
        (call(article="trial-ends"), [BOOKED], "not trial-ends"),
        (call(article=""), [BOOKED], "not nothing"),
        (call(), [], "0 meetings"),
        (call(), [BOOKED, msgspec.structs.replace(BOOKED, key="k2")], "2 meetings"),
        (call(), [msgspec.structs.replace(BOOKED, start="2026-12-02T19:30:00Z")], "2026-12-02"),
        (call(), [msgspec.structs.replace(BOOKED, attendee_email="d@x.example")], "d@x.example"),
        (call(), [msgspec.structs.replace(BOOKED, state=BookingState.PENDING)], "0 meetings"),
        (call(error="the line did not close"), [BOOKED], "the call broke"),
    ],
)
def test_anything_else_is_not(report: CallReport, bookings: list[Booking], problem: str):
    """And the result says why."""
    result = judged(report, bookings)

    assert not result.ok
    assert any(problem in text for text in result.problems)


def test_a_question_asked_twice_counts_when_its_second_answer_is_right():
    """People ask again when they were not understood."""
    missed, answered = call(article=""), call()
    report = CallReport(
        call="c", turns=[*missed.turns, *answered.turns], greeting=Exchange(), finished=True, seconds=60, underruns=0,
        late_frames=0, clears=0,
    )  # fmt: skip

    assert judged(report, [BOOKED]).ok


class TestRecordings:
    """The caller's lines as they lie in the repository."""

    def test_every_line_of_the_script_is_there_in_every_voice(self):
        """For both days."""
        names = {
            name
            for day in ("tuesday", "wednesday")
            for line in load_script(ROOT / "demo/script.yaml", {"day": day}).lines
            for name in line.wav
        }

        for voice in ("slt", "rms", "awb"):
            assert names == {path.stem for path in (ROOT / "demo/lines" / voice).glob("*.wav")}

    def test_they_are_mono_16_khz_and_small(self):
        """A clone must not suffer for the demo."""
        files = list((ROOT / "demo/lines").rglob("*.wav"))
        for path in files:
            with wave.open(str(path)) as file:
                assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, 16_000, 2)

        assert sum(path.stat().st_size for path in files) < 3_000_000

    def test_the_recogniser_has_not_learned_the_demos_sentences(self):
        """Neither from the profile nor from its own sentences of callers: it must not know the test."""
        folder = ROOT / "profiles/trial_success"
        profile = load_profile(folder)
        texts = [*profile.speech.sentences, *caller_sentences(load_caller_data())]
        for article in load_articles(folder):
            texts += [article.title, article.answer, *article.details, *article.questions, *article.phrasings]
        known = " | ".join(plain(text) for text in texts)
        said = [
            plain(line.words)
            for line in load_script(ROOT / "demo/script.yaml", {"day": "tuesday"}).lines
            if len(line.words.split()) >= SENTENCE_WORDS
        ]

        assert len(said) >= 6
        assert [sentence for sentence in said if sentence in known] == []

    def test_the_recorded_words_are_those_of_the_script(self):
        """What was rendered is what is counted."""
        spoken = yaml.safe_load((ROOT / "demo/lines.yaml").read_text("utf-8"))
        for line in load_script(ROOT / "demo/script.yaml", {"day": "tuesday"}).lines:
            if line.wav:
                assert plain(" ".join(spoken[name] for name in line.wav)) == plain(line.text)
