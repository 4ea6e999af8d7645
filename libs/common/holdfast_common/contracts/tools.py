"""Acting: one tool call in, one result or error out.

Every call that changes the world carries a key (3.4 of the design): the same wish is the same key,
and doing it twice does it once.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from holdfast_common.contracts.wire import Id, LongText, Message, Probability, ShortText, Text

Instant = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
"""UTC to the second, `2026-11-24T19:30:00Z`."""


class KnowledgeSearch(Message, frozen=True, tag="knowledge.search", tag_field="t"):
    """Find the article that answers a question."""

    text: Text
    previous: Text = ""
    """The agent's last words, for follow-up questions."""
    previous_article: ShortText = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3


class CalendarAvailability(Message, frozen=True, tag="calendar.availability", tag_field="t"):
    """Free times between two instants, in time order."""

    start: Instant
    end: Instant
    limit: Annotated[int, msgspec.Meta(ge=1, le=400)] = 60


class CalendarBook(Message, frozen=True, tag="calendar.book", tag_field="t"):
    """Book one opening for the caller. The key makes it exactly once."""

    key: Id
    start: Instant
    duration_min: Annotated[int, msgspec.Meta(ge=5, le=480)]
    attendee_email: ShortText
    attendee_name: ShortText = ""
    zone: ShortText = "UTC"
    """The caller's IANA zone, for the invitation's words."""
    summary: ShortText = ""
    description: Text = ""


class CalendarChange(Message, frozen=True, tag="calendar.change", tag_field="t"):
    """Move a booking; `key` is the new wish, `booking` the key it was booked under."""

    key: Id
    booking: Id
    start: Instant


class CalendarCancel(Message, frozen=True, tag="calendar.cancel", tag_field="t"):
    """Cancel the booking made under this key."""

    key: Id
    booking: Id


class CalendarStatus(Message, frozen=True, tag="calendar.status", tag_field="t"):
    """What became of the wish with this key? Settles unknown outcomes."""

    key: Id


class BookingsOfCall(Message, frozen=True, tag="calendar.of_call", tag_field="t"):
    """Every meeting that a call made or tried to make, oldest first."""

    call: ShortText = ""
    """Empty: the call that the stream belongs to."""


ToolCall = (
    KnowledgeSearch
    | CalendarAvailability
    | CalendarBook
    | CalendarChange
    | CalendarCancel
    | CalendarStatus
    | BookingsOfCall
)
CHANGES_THE_WORLD = (CalendarBook, CalendarChange, CalendarCancel)


class Sureness(StrEnum):
    """What the search thinks of its best hit."""

    SURE = "sure"
    ASK_BACK = "ask_back"
    UNSURE = "unsure"


class Hit(Message, frozen=True):
    """One article, best first."""

    article: ShortText
    title: ShortText
    answer: LongText
    """Its spoken form: the body's first paragraph."""
    score: Probability
    details: Annotated[list[LongText], msgspec.Meta(max_length=10)] = []
    """Further paragraphs, for follow-ups."""


class KnowledgeHits(Message, frozen=True, tag="knowledge.hits", tag_field="t"):
    sureness: Sureness
    hits: Annotated[list[Hit], msgspec.Meta(max_length=10)] = []
    outside: ShortText = ""
    """Why no article may answer, whatever was found: `account_action`, `advice`, `competitor`, `unsafe`."""
    source: ShortText = "built-in"


class Openings(Message, frozen=True, tag="calendar.openings", tag_field="t"):
    """Free starts. Empty: nothing free in that range."""

    starts: Annotated[list[Instant], msgspec.Meta(max_length=400)]
    duration_min: int
    zone: ShortText
    """The calendar's own zone."""


class BookingState(StrEnum):
    NONE = "none"
    """Nothing was ever asked under this key."""
    PENDING = "pending"
    """Begun, outcome not known yet."""
    BOOKED = "booked"
    TAKEN = "taken"
    """Another meeting has the time; nothing was booked under this key."""
    REFUSED = "refused"
    """Outside the calendar's rules (hours, holidays, notice); `reason` says which."""
    CANCELLED = "cancelled"


class Booking(Message, frozen=True, tag="calendar.booking", tag_field="t"):
    """The outcome of book, change, cancel and status."""

    key: Id
    state: BookingState
    start: ShortText = ""
    duration_min: int = 0
    attendee_email: ShortText = ""
    reason: ShortText = ""
    reference: ShortText = ""
    """Short code for people."""
    attendee_name: ShortText = ""
    link: ShortText = ""
    """Of the video call, once the calendar has told it; never said by voice."""


class Bookings(Message, frozen=True, tag="calendar.bookings", tag_field="t"):
    """Meetings of one call as they stand now; one that was moved is `cancelled` with the reason `moved`."""

    bookings: Annotated[list[Booking], msgspec.Meta(max_length=100)] = []


ToolResult = KnowledgeHits | Openings | Booking | Bookings
