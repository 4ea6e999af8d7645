"""What is said aloud: words only, and nothing that we would not understand ourselves."""

import string
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from holdfast_dialogue.domain.spoken import emails, numbers, say, times
from hypothesis import given, settings
from hypothesis import strategies as st

NEW_YORK = ZoneInfo("America/New_York")
TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=NEW_YORK)

_word = st.text(string.ascii_lowercase, min_size=1, max_size=9)
_part = st.builds(lambda letters, digits: letters + digits, _word, st.text(string.digits, max_size=4))
_local = st.builds(
    lambda parts, marks: "".join(p + m for p, m in zip(parts, [*marks, ""], strict=False)),
    st.lists(_part, min_size=1, max_size=3),
    st.lists(st.sampled_from("._-+"), min_size=2, max_size=2),
).map(lambda local: local.rstrip("._-+"))
_label = st.builds(lambda a, b: f"{a}-{b}" if b else a, _word, st.one_of(st.just(""), _word))
_addresses = st.builds(
    lambda local, labels, ending: f"{local}@{'.'.join(labels)}.{ending}",
    _local,
    st.lists(_label, min_size=1, max_size=2),
    st.sampled_from(["com", "net", "org", "example", "io", "co.uk", "de", "info"]),
)
_likely = st.sampled_from(
    [
        "dana",
        "miller",
        "mike",
        "victor",
        "at",
        "dot",
        "one",
        "double",
        "my",
        "is",
        "a",
        "i",
        "x",
        "jkr",
        "and",
        "that",
        "add",
        "no",
        "email",
        "oh",
        "you",
        "are",
        "bee",
        "alpha",
        "as",
        "in",
        "for",
        "us",
        "thanks",
        "the",
        "eight",
    ]
)
_hard = st.builds(
    lambda a, mark, b, host, ending: f"{a}{mark}{b}@{host}.{ending}",
    _likely,
    st.sampled_from([".", "_", "-", "+", ""]),
    _likely,
    _likely,
    st.sampled_from(["com", "example", "io"]),
)


@settings(max_examples=250, deadline=None)
@given(_addresses | _hard)
def test_an_address_that_is_said_or_spelled_is_understood_again(address):
    assert emails.parse(emails.say(address)).address == address
    assert emails.parse(emails.spell(address)).address == address


@settings(max_examples=250, deadline=None)
@given(st.integers(1, 250), st.integers(8 * 12, 19 * 12 - 1))
def test_a_time_that_is_said_is_understood_again(days, fives):
    day, at = TODAY + timedelta(days=days), time(fives // 12, fives % 12 * 5)
    wish = times.wish(f"{say.date(day, TODAY)}, at {say.time(at)}", now=NOW, zone=NEW_YORK)
    assert wish is not None
    assert (wish.date, wish.time, wish.ambiguous) == (day, at, None)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 20_000))
def test_a_number_that_is_said_is_understood_again(n):
    assert numbers.quantity(say.number(n)) == n


@pytest.mark.parametrize(
    "iana",
    [
        "America/New_York",
        "America/Chicago",
        "America/Denver",
        "America/Los_Angeles",
        "America/Phoenix",
        "UTC",
        "Europe/Berlin",
        "Europe/London",
        "Asia/Tokyo",
        "Pacific/Honolulu",
        "America/Sao_Paulo",
    ],
)
def test_a_zone_that_is_said_is_understood_again(iana):
    assert times.zone(say.zone(iana)) == iana


def test_shape__turns_writing_into_speech(row):
    assert say.shape(row[0]) == row[1]


@settings(max_examples=150, deadline=None)
@given(st.text(string.ascii_letters + string.digits + " .,:/-%$&+@#()[]*_!?'", max_size=60))
def test_shaped_text_has_no_digits_or_symbols_left(text):
    assert not set(say.shape(text)) & set(string.digits + "%$&+@#*_[]<>|~")


def test_days_are_said_with_what_makes_them_sure():
    assert say.date(date(2026, 11, 24), TODAY) == "tomorrow, Tuesday, November twenty fourth"
    assert say.date(TODAY, TODAY) == "today, Monday, November twenty third"
    assert say.date(date(2026, 12, 1), TODAY) == "Tuesday, December first"
    assert say.date(date(2027, 12, 1), TODAY) == "Wednesday, December first, twenty twenty seven"


@pytest.mark.parametrize(
    ("at", "said", "short"),
    [
        (time(14, 30), "two thirty in the afternoon", "two thirty"),
        (time(9), "nine in the morning", "nine o'clock"),
        (time(12), "twelve noon", "twelve noon"),
        (time(12, 30), "twelve thirty in the afternoon", "twelve thirty"),
        (time(9, 5), "nine oh five in the morning", "nine oh five"),
        (time(17, 0), "five in the afternoon", "five o'clock"),
        (time(18, 15), "six fifteen in the evening", "six fifteen"),
        (time(0), "midnight", "midnight"),
        (time(23, 45), "eleven forty five at night", "eleven forty five"),
    ],
)
def test_times_are_said_with_their_half_of_the_day(at, said, short):
    assert say.time(at) == said
    assert say.time(at, part=False) == short


def test_an_opening_is_said_in_the_callers_zone():
    start = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)
    said = "tomorrow, Tuesday, November twenty fourth, at two thirty in the afternoon"
    assert say.opening(start, NEW_YORK, TODAY) == said
    assert say.opening(start, NEW_YORK, TODAY, with_zone=True) == f"{said}, New York time"
    assert (
        say.opening(start, ZoneInfo("America/Denver"), TODAY, full=False)
        == "tomorrow at twelve thirty in the afternoon"
    )


def test_several_openings_name_each_day_once():
    times_utc = [(24, 19, 30), (24, 20, 30), (25, 14, 0)]
    starts = [datetime(2026, 11, day, hour, minute, tzinfo=UTC) for day, hour, minute in times_utc]
    assert say.openings(starts, NEW_YORK, TODAY) == (
        "tomorrow at two thirty in the afternoon, at three thirty in the afternoon, or Wednesday at nine in the morning"
    )


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("dana.miller@northwind.example", "dana dot miller at northwind dot example"),
        ("s_massey88@pinnell.example", "s underscore massey eight eight at pinnell dot example"),
        ("jkr@xyz.co.uk", "j k r at x y z dot co dot u k"),
        ("mike@example.com", "mike at example dot com"),
        ("dot@at.com", "d o t at a t dot com"),
    ],
)
def test_addresses_are_said_as_people_say_them(address, said):
    assert emails.say(address) == said


def test_a_name_that_may_be_written_in_two_ways_is_said_with_its_letters():
    said = emails.say("sara.reid@greene.com")

    assert said == "sara s a r a dot reid r e i d at greene g r e e n e dot com"
    assert emails.parse(said).address == "sara.reid@greene.com"


def test_spelling_uses_code_words():
    assert emails.spell("al2@x.io") == "a as in alpha, l as in lima, two, at, x as in xray, dot, i o"


def test_links_are_said_without_their_protocol():
    assert say.url("https://www.northwind.example/sign-up?x=1") == "northwind dot example slash sign dash up"
