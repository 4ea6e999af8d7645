"""What a guest gets to see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from holdfast_common.contracts.tools import BookingState
from holdfast_tools.adapters.invitations import InvitationFolder
from holdfast_tools.domain.wishes import Action, Wish
from icalendar import Calendar

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
WISH = Wish(
    key="k2",
    call="c1",
    action=Action.BOOK,
    state=BookingState.BOOKED,
    arguments="",
    start=datetime(2026, 11, 24, 19, 30, tzinfo=UTC),
    duration=timedelta(minutes=30),
    attendee_email="dana@northwind.example",
    attendee_name="Dana; Miller\r\nX-EVIL:1",
    zone="America/Denver",
    meeting="k1",
    sequence=1,
)


@pytest.fixture
def folder(tmp_path: Path) -> InvitationFolder:
    return InvitationFolder(
        tmp_path / "invitations",
        zone="America/New_York",
        organiser="meetings@holdfast.example",
        organiser_name="Northwind",
        title="A meeting",
        now=lambda: NOW,
    )


async def test_the_file_invites_in_the_callers_zone_under_the_meetings_own_id(
    folder: InvitationFolder, tmp_path: Path
) -> None:
    await folder.write(WISH)
    calendar = Calendar.from_ical((tmp_path / "invitations" / "k1.ics").read_bytes())
    (event,) = calendar.walk("VEVENT")

    assert calendar["METHOD"] == "REQUEST"
    assert event["UID"] == "k1@holdfast"
    assert event["SEQUENCE"] == 1
    assert event["DTSTART"].dt.isoformat() == "2026-11-24T12:30:00-07:00"
    assert event["DTEND"].dt - event["DTSTART"].dt == timedelta(minutes=30)
    assert str(event["ATTENDEE"]) == "mailto:dana@northwind.example"
    assert calendar.walk("VTIMEZONE")


async def test_a_cancelled_meeting_is_called_off_under_the_same_id(folder: InvitationFolder) -> None:
    calendar = Calendar.from_ical(folder.content(WISH.because(BookingState.CANCELLED)))
    (event,) = calendar.walk("VEVENT")

    assert (calendar["METHOD"], event["STATUS"], event["UID"]) == ("CANCEL", "CANCELLED", "k1@holdfast")


async def test_a_name_cannot_add_lines_to_the_file(folder: InvitationFolder) -> None:
    content = folder.content(WISH).replace(b"\r\n ", b"")

    assert not any(line.startswith(b"X-EVIL") for line in content.split(b"\r\n"))


async def test_an_unknown_zone_falls_back_to_the_calendars(folder: InvitationFolder) -> None:
    import dataclasses

    calendar = Calendar.from_ical(folder.content(dataclasses.replace(WISH, zone="Moon/Base")))

    assert calendar.walk("VEVENT")[0]["DTSTART"].dt.isoformat() == "2026-11-24T14:30:00-05:00"
