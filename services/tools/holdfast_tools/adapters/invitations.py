"""Invitations as iCalendar files (RFC 5545), for whoever sends or imports them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holdfast_common.contracts.tools import BookingState
from icalendar import Calendar, Event, vCalAddress, vText

from holdfast_tools.domain.wishes import Wish
from holdfast_tools.ports import Clock

PRODUCT = "-//Holdfast//built-in calendar//EN"


class InvitationFolder:
    """Writes `<meeting>.ics`; the meeting's first key is the UID, so that later files replace earlier ones."""

    def __init__(self, folder: Path, *, zone: str, organiser: str, organiser_name: str, title: str, now: Clock) -> None:
        self._folder = folder
        self._zone = zone
        self._organiser = _address(organiser, organiser_name)
        self._title = title
        self._now = now

    async def write(self, wish: Wish) -> None:
        content = self.content(wish)
        await asyncio.to_thread(self._store, f"{wish.meeting}.ics", content)

    def content(self, wish: Wish) -> bytes:
        """The file's bytes: an invitation, or its withdrawal where the wish is cancelled."""
        if wish.start is None:
            raise ValueError(f"wish of state {wish.state} has no time to invite to")
        cancelled = wish.state == BookingState.CANCELLED
        event = Event()
        event.add("uid", f"{wish.meeting}@holdfast")
        event.add("dtstamp", self._now())
        event.add("sequence", wish.sequence)
        event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
        start = wish.start.astimezone(_zone(wish.zone, self._zone))
        event.add("dtstart", start)
        event.add("dtend", start + wish.duration)
        event.add("summary", wish.summary or self._title)
        if wish.description:
            event.add("description", wish.description)
        event.add("organizer", self._organiser)
        attendee = _address(wish.attendee_email, wish.attendee_name)
        attendee.params["role"] = vText("REQ-PARTICIPANT")
        attendee.params["partstat"] = vText("NEEDS-ACTION")
        attendee.params["rsvp"] = vText("TRUE")
        event.add("attendee", attendee)
        calendar = Calendar()
        calendar.add("prodid", PRODUCT)
        calendar.add("version", "2.0")
        calendar.add("method", "CANCEL" if cancelled else "REQUEST")
        calendar.add_component(event)
        calendar.add_missing_timezones()
        return calendar.to_ical()

    def _store(self, name: str, content: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / name
        # Written aside and renamed: a reader never sees half a file, two replicas do no harm.
        aside = path.with_suffix(".ics.new")
        aside.write_bytes(content)
        aside.replace(path)


class SentByCalendar:
    """Invitations where the calendar outside sends them itself."""

    async def write(self, wish: Wish) -> None: ...


def _zone(name: str, otherwise: str) -> ZoneInfo:
    """The caller's zone where it is one; a zone that nobody knows must not cost the invitation."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(otherwise)


def _address(email: str, name: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    if name:
        address.params["cn"] = vText(name)
    return address
