"""What the ledger keeps of a wish that changes the world, and how a repeated wish is told from a new one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from email_validator import EmailNotValidError, validate_email
from holdfast_common.contracts.tools import Booking, BookingState
from holdfast_common.hashing import stable_hash

_REFERENCE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ23456789"
"""No vowels (no words), no 0/O, 1/I: read out and typed without mistakes."""
_REFERENCE_LENGTH = 6


class Action(StrEnum):
    BOOK = "book"
    CHANGE = "change"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Wish:
    """One row of the ledger: a wish under its key, and what became of it."""

    key: str
    call: str
    action: Action
    state: BookingState
    arguments: str
    """Hash of what was asked for: equal means the same wish."""
    start: datetime | None = None
    """UTC."""
    duration: timedelta = timedelta(0)
    attendee_email: str = ""
    attendee_name: str = ""
    zone: str = "UTC"
    summary: str = ""
    description: str = ""
    reason: str = ""
    meeting: str = ""
    """Key under which the meeting was first booked: the invitation's UID, the same after a move."""
    sequence: int = 0
    """Changes of the meeting so far (RFC 5545 SEQUENCE)."""
    moved_to: str = ""
    """Key of the change that took this one's place."""
    replaces: str = ""
    """Key of the booking that this wish moves or calls off, where a calendar outside is told first."""
    sent: bool = False
    """A calendar outside may have been told of it."""
    link: str = ""
    """Of the video call; empty where there is none, or not yet."""

    @property
    def holds_time(self) -> bool:
        return self.state == BookingState.BOOKED

    def because(self, state: BookingState, reason: str = "") -> Wish:
        return dataclasses.replace(self, state=state, reason=reason)


def reference(key: str) -> str:
    """Short code for people, the same for the same meeting."""
    number = stable_hash(key)
    code = ""
    for _ in range(_REFERENCE_LENGTH):
        number, digit = divmod(number, len(_REFERENCE_ALPHABET))
        code += _REFERENCE_ALPHABET[digit]
    return code


def arguments(action: Action, *decisive: str) -> str:
    """Hash of what makes a wish this wish: the time, the length, the address, which booking.

    Words of the invitation are left out: a replica that repeats the wish may word them anew.
    """
    return sha256("\x1f".join((action, *decisive)).encode()).hexdigest()


def normal_email(address: str) -> str | None:
    """The address as it is written to, or None where it is none. No look-up of its domain."""
    try:
        # Names reserved for tests are let through: demos and evaluations live on .example and .test.
        return validate_email(address, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        return None


def instant(text: str) -> datetime:
    """Of `2026-11-24T19:30:00Z`; raises ValueError for a day that does not exist."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def instant_text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def booking(wish: Wish) -> Booking:
    """What is told about a wish."""
    return Booking(
        key=wish.key,
        state=wish.state,
        start=instant_text(wish.start) if wish.start else "",
        duration_min=int(wish.duration.total_seconds() // 60),
        attendee_email=wish.attendee_email,
        attendee_name=wish.attendee_name,
        reason=wish.reason,
        reference=reference(wish.meeting) if wish.meeting else "",
        link=wish.link if wish.holds_time else "",
    )
