"""What people say, table by table: each line of phrasings/*.txt is one behaviour."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from holdfast_dialogue.domain.spoken import emails, names, numbers, times, yes_no

NEW_YORK = ZoneInfo("America/New_York")
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=NEW_YORK)


def _clock(at: time) -> str:
    return at.strftime("%H:%M")


def described(wish: times.TimeWish | None) -> str:
    """A wish in the words of the table; "-" for none."""
    if wish is None:
        return "-"
    first, last = wish.range_days or (None, None)
    facts = [
        (wish.date, str(wish.date)),
        (wish.time, _clock(wish.time or time())),
        (wish.part, f"part={wish.part}"),
        (wish.after, f"after={_clock(wish.after or time())}"),
        (wish.before, f"before={_clock(wish.before or time())}"),
        (wish.earliest, "earliest"),
        (wish.pick, f"pick={wish.pick}"),
        (wish.range_days, f"days={first or ''}..{last or ''}"),
        (wish.other_times, "or=" + ",".join(map(_clock, wish.other_times))),
        (wish.excluded, "not=" + ",".join(map(str, wish.excluded))),
        (wish.zone, f"zone={wish.zone}"),
        (wish.later, "later"),
        (wish.sooner, "sooner"),
        (wish.same_day, "same_day"),
        (wish.ambiguous, str(wish.ambiguous)),
    ]
    return " ".join(text for fact, text in facts if fact or isinstance(fact, time))


def test_times__mean_what_people_mean(row):
    assert described(times.wish(row[0], now=MONDAY, zone=NEW_YORK)) == row[1]


def test_zones__are_found_where_a_place_is_meant(row):
    assert (times.zone(row[0]) or "-") == row[1]


def test_numbers__are_read_as_quantities(row):
    number = numbers.quantity(row[0])
    assert ("-" if number is None else str(number)) == row[1]


def test_yes_no__is_told_apart_and_keeps_what_else_was_said(row):
    answer = yes_no.answer(row[0])
    rest = f" + {answer.rest}" if answer.rest and answer.kind != "none" else ""
    assert f"{answer.kind}{rest}" == row[1]


def test_emails__are_written_as_they_were_meant(row):
    found = emails.parse(row[0])
    assert (found.address or found.problem) == row[1]
    assert (found.address is None) == (found.problem is not None)


def test_corrections__change_what_they_speak_of_and_nothing_else(row):
    found = emails.correct(row[0], row[1])
    assert (found.address or found.problem) == row[2]


def test_names__need_an_introduction(row):
    name = names.person(row[0])
    assert (name.full if name else "-") == row[1]


def test_bare_names__are_believed_when_asked_for(row):
    name = names.person(row[0], bare=True)
    assert (name.full if name else "-") == row[1]


def test_companies__are_found_where_one_is_named(row):
    assert (names.company(row[0]) or "-") == row[1]


def test_a_lone_number_or_ordinal_is_no_time_when_none_was_asked_for():
    for said in ("three", "seven please", "the first one", "the second", "either works"):
        assert times.wish(said, now=MONDAY, zone=NEW_YORK, expected=False) is None, said
    assert described(times.wish("tomorrow at three", now=MONDAY, zone=NEW_YORK, expected=False)) == "2026-11-24 15:00"


def test_same_day_is_the_day_last_talked_about():
    def about(day: date | None, said: str) -> str:
        return described(times.wish(said, now=MONDAY, zone=NEW_YORK, about=day))

    thursday = date(2026, 11, 26)
    assert about(thursday, "ugh okay then four o'clock same day") == "2026-11-26 16:00"
    assert about(thursday, "the day after at ten") == "2026-11-27 10:00"
    assert about(thursday, "the next day") == "2026-11-27"
    assert about(thursday, "the day before") == "2026-11-25"
    assert about(thursday, "that day after two") == "2026-11-26 after=14:00"
    assert about(None, "ugh okay then four o'clock same day") == "16:00 same_day"


def test_today_is_the_callers_today():
    """At 22:30 in New York it is tomorrow in Berlin."""
    late = datetime(2026, 11, 23, 22, 30, tzinfo=NEW_YORK)
    assert described(times.wish("tomorrow", now=late, zone=NEW_YORK)) == "2026-11-24"
    assert described(times.wish("tomorrow", now=late, zone=ZoneInfo("Europe/Berlin"))) == "2026-11-25"
    assert described(times.wish("tomorrow berlin time", now=late, zone=NEW_YORK)) == "2026-11-25 zone=Europe/Berlin"


def test_next_week_begins_on_monday_even_on_a_sunday():
    sunday = datetime(2026, 11, 22, 12, 0, tzinfo=NEW_YORK)
    assert described(times.wish("next tuesday", now=sunday, zone=NEW_YORK)) == "2026-11-24"
    assert described(times.wish("tuesday", now=sunday, zone=NEW_YORK)) == "2026-11-24"
    friday = datetime(2026, 11, 27, 12, 0, tzinfo=NEW_YORK)
    assert described(times.wish("next monday", now=friday, zone=NEW_YORK)) == "2026-11-30"
    assert described(times.wish("friday", now=friday, zone=NEW_YORK)) == "2026-12-04"


def test_a_wish_allows_the_openings_that_fit_it():
    def allowed(said: str) -> list[str]:
        wish = times.wish(said, now=MONDAY, zone=NEW_YORK)
        assert wish is not None
        hours = [datetime(2026, 11, day, hour, 30, tzinfo=NEW_YORK) for day in (24, 25, 27) for hour in (9, 14)]
        return [f"{start:%d %H}" for start in hours if wish.allows(start, NEW_YORK)]

    assert allowed("tomorrow afternoon") == ["24 14"]
    assert allowed("any time after wednesday") == ["27 09", "27 14"]
    assert allowed("not friday before noon") == ["24 09", "25 09"]
    assert allowed("half past two") == ["24 14", "25 14", "27 14"]
    assert allowed("half past one central time") == ["24 14", "25 14", "27 14"]


def test_an_address_that_was_guessed_says_so():
    assert emails.parse("dana dot miller add northwind dot example").doubtful
    assert emails.parse("dana at gmail").doubtful
    assert not emails.parse("dana dot miller at northwind dot example").doubtful


def test_a_broken_address_keeps_what_was_understood():
    found = emails.parse("uh rita dot gomez at example")
    assert (found.local, found.domain) == ("rita.gomez", "example")


def test_empty_and_foreign_input_is_harmless():
    for said in ("", "   ", "um", "???", "¿cuántos días dura?", "你好", "\x00", "a" * 3000, "at " * 500, "two " * 500):
        times.wish(said, now=MONDAY, zone=NEW_YORK)
        times.zone(said)
        numbers.quantity(said)
        yes_no.answer(said)
        emails.parse(said)
        emails.correct("dana@northwind.example", said)
        names.person(said, bare=True)
        names.company(said)


def test_respelled__takes_the_place_of_what_it_is_most_like(row):
    misheard, spelled, address = row
    assert (emails.respelled(misheard, spelled).address or "-") == address
