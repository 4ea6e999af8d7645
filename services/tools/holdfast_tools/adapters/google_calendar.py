"""Google Calendar (v3) as the calendar in which meetings stand.

Events carry an id of our own, the wish's key, so an insert that is repeated is told `409 duplicate`.
Inserts, moves and removals are asked once; whether one that was not answered happened is found out by
the id. A calendar that is told as broken inside a 200 of freeBusy counts as an error, never as free.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx2
import msgspec
from holdfast_common.outside_http import Answer, attempt
from holdfast_common.resilience import Outside, OutsideFailed, OutsideRefused, call_with_retry_and_circuit_breaker

from holdfast_tools.domain.wishes import Wish
from holdfast_tools.ports import Standing

NAME = "google"
BASE = "https://www.googleapis.com"
BASE_PATH = "/calendar/v3"
SLOW_DOWN = frozenset({"userRateLimitExceeded", "rateLimitExceeded"})
USED_UP = frozenset({"quotaExceeded", "calendarUsageLimitsExceeded", "dailyLimitExceeded"})
USED_UP_S = 60.0
MEANT = frozenset({200, 204, 404, 409, 410, 412})
"""Statuses that tell the caller of a method something; every other one is an error."""
WITHDRAWN = "holdfast_withdrawn"


class Tokens(Protocol):
    async def token(self) -> str: ...
    def forget(self) -> None: ...


class _Span(msgspec.Struct):
    start: datetime
    end: datetime


class _Reason(msgspec.Struct):
    reason: str = ""
    domain: str = ""


class _Calendar(msgspec.Struct):
    busy: list[_Span] | None = None
    errors: list[_Reason] | None = None


class _FreeBusy(msgspec.Struct):
    calendars: dict[str, _Calendar]


class _Error(msgspec.Struct):
    errors: list[_Reason] | None = None


class _Failure(msgspec.Struct):
    error: _Error


class _Time(msgspec.Struct):
    dateTime: datetime | None = None  # noqa: N815 - Google's spelling


class _Guest(msgspec.Struct):
    email: str = ""


class _Properties(msgspec.Struct):
    private: dict[str, str] | None = None


class _Event(msgspec.Struct):
    id: str = ""
    status: str = "confirmed"
    etag: str = ""
    start: _Time | None = None
    end: _Time | None = None
    attendees: list[_Guest] | None = None
    extendedProperties: _Properties | None = None  # noqa: N815 - Google's spelling
    hangoutLink: str = ""  # noqa: N815 - Google's spelling


class GoogleCalendar:
    """A `Calendar`. `calendar` is its address, or `primary` of the subject."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        tokens: Tokens,
        outside: Outside,
        *,
        calendar: str,
        zone: str,
        title: str,
    ) -> None:
        self._client = client
        self._tokens = tokens
        self.outside = outside
        self._calendar = calendar
        self._events = f"/calendars/{quote(calendar, safe='')}/events"
        self._zone = zone
        self._title = title

    def deadline(self, within_s: float) -> float:
        return self.outside.deadline(within_s)

    async def busy(self, start: datetime, end: datetime, deadline: float) -> list[tuple[datetime, datetime]]:
        wanted = {"timeMin": start.isoformat(), "timeMax": end.isoformat(), "items": [{"id": self._calendar}]}

        async def ask() -> list[tuple[datetime, datetime]]:
            answer = await self._attempt("POST", "/freeBusy", json=wanted)
            told = answer.read(NAME, _FreeBusy).calendars
            # Google answers with the address where `primary` was asked for; one was asked, one is told.
            ours = told.get(self._calendar) or (next(iter(told.values())) if len(told) == 1 else None)
            if ours is None or (ours.busy is None and not ours.errors):
                raise OutsideFailed(NAME, "rubbish: freeBusy without our calendar")
            if ours.errors:
                raise _failed_calendar(ours.errors)
            return [(span.start.astimezone(UTC), span.end.astimezone(UTC)) for span in ours.busy or []]

        return await call_with_retry_and_circuit_breaker(ask, deadline, to=self.outside)

    async def find(self, meeting: str, deadline: float) -> Standing | None:
        async def ask() -> Standing | None:
            answer = await self._attempt("GET", f"{self._events}/{meeting}")
            return None if answer.status == httpx2.codes.NOT_FOUND else _standing(answer.read(NAME, _Event), meeting)

        return await call_with_retry_and_circuit_breaker(ask, deadline, to=self.outside)

    async def put(self, wish: Wish, deadline: float) -> bool:
        query = {"sendUpdates": "all", "conferenceDataVersion": 1}
        answer = await self._change("POST", self._events, deadline, params=query, json=self._event(wish))
        return _done(answer, "insert", no={409})

    async def move(self, wish: Wish, version: str, deadline: float) -> bool:
        times = self._times(wish)
        return await self._patch(wish.meeting, version, times, "all", deadline)

    async def touch(self, meeting: str, version: str, deadline: float) -> bool:
        mark = {"extendedProperties": {"private": {"holdfast_touched": version}}}
        return await self._patch(meeting, version, mark, "none", deadline)

    async def remove(self, meeting: str, deadline: float) -> None:
        await self._change("DELETE", f"{self._events}/{meeting}", deadline, params={"sendUpdates": "all"})

    async def void(self, wish: Wish, deadline: float) -> bool:
        # An id stays used up after its event is deleted. The place holder takes no time and invites nobody.
        holder = {
            "id": wish.meeting,
            "summary": "(withdrawn)",
            "transparency": "transparent",
            "extendedProperties": {"private": {WITHDRAWN: "1"}},
            **self._times(wish),
        }
        answer = await self._change("POST", self._events, deadline, params={"sendUpdates": "none"}, json=holder)
        if not _done(answer, "insert", no={409}):
            there = await self.find(wish.meeting, deadline)
            if there is not None and there.live:
                return False
        silent = {"sendUpdates": "none"}
        await self._change("DELETE", f"{self._events}/{wish.meeting}", deadline, params=silent)
        return True

    async def _patch(self, meeting: str, version: str, change: dict[str, Any], tell: str, deadline: float) -> bool:
        answer = await self._change(
            "PATCH",
            f"{self._events}/{meeting}",
            deadline,
            params={"sendUpdates": tell},
            headers={"If-Match": version},
            json=change,
        )
        return _done(answer, "patch", no={404, 410, 412})

    async def _change(self, method: str, path: str, deadline: float, **request: Any) -> Answer:
        """A request with an effect: made again only where it surely had none.

        A page of some proxy under a 200 is no event: whether it was done has to be asked.
        """

        async def ask() -> Answer:
            answer = await self._attempt(method, path, **request)
            if answer.status == httpx2.codes.OK and not answer.read(NAME, _Event).id:
                raise OutsideFailed(NAME, "rubbish: an event without id")
            return answer

        return await call_with_retry_and_circuit_breaker(ask, deadline, to=self.outside, repeatable=False)

    async def _attempt(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **request: Any
    ) -> Answer:
        """Raises OutsideFailed, OutsideRefused; what remains is one of MEANT."""
        signed = {"Authorization": f"Bearer {await self._signed()}", **(headers or {})}
        answer = await attempt(self._client, NAME, method, BASE_PATH + path, headers=signed, **request)
        if answer.status in MEANT:
            return answer
        reason = _reason(answer.body)
        if answer.status == httpx2.codes.UNAUTHORIZED:
            self._tokens.forget()
            raise OutsideFailed(NAME, "status 401", maybe_done=False)
        if answer.status == httpx2.codes.FORBIDDEN and reason in SLOW_DOWN:
            raise OutsideFailed(NAME, reason, maybe_done=False)
        if answer.status == httpx2.codes.FORBIDDEN and reason in USED_UP:
            raise OutsideFailed(NAME, reason, maybe_done=False, retryable=False, trips=True, retry_after_s=USED_UP_S)
        raise OutsideRefused(NAME, reason, answer.status)

    async def _signed(self) -> str:
        try:
            return await self._tokens.token()
        except OutsideFailed as error:
            # Without a token the calendar was never asked.
            raise OutsideFailed(NAME, error.reason, maybe_done=False, retryable=error.retryable) from error

    def _event(self, wish: Wish) -> dict[str, Any]:
        return {
            "id": wish.meeting,
            "summary": wish.summary or self._title,
            "description": wish.description,
            **self._times(wish),
            "attendees": [{"email": wish.attendee_email, "displayName": wish.attendee_name or wish.attendee_email}],
            "conferenceData": {
                "createRequest": {"requestId": wish.meeting, "conferenceSolutionKey": {"type": "hangoutsMeet"}}
            },
            "extendedProperties": {"private": {"holdfast_key": wish.key}},
            "reminders": {"useDefault": True},
        }

    def _times(self, wish: Wish) -> dict[str, Any]:
        assert wish.start is not None
        zone = _zone(wish.zone, self._zone)
        times = {"start": wish.start, "end": wish.start + wish.duration}
        return {name: {"dateTime": at.astimezone(zone).isoformat(), "timeZone": zone.key} for name, at in times.items()}


def _standing(event: _Event, meeting: str) -> Standing:
    if event.id != meeting:
        raise OutsideFailed(NAME, "rubbish: not the event that was asked for")
    start = event.start.dateTime if event.start else None
    end = event.end.dateTime if event.end else None
    private = (event.extendedProperties.private if event.extendedProperties else None) or {}
    live = event.status != "cancelled" and WITHDRAWN not in private
    begins = start.astimezone(UTC) if start else datetime.fromtimestamp(0, UTC)
    return Standing(
        start=begins,
        duration=(end - start) if start and end else timedelta(0),
        attendee_email=event.attendees[0].email if event.attendees else "",
        version=event.etag,
        live=live,
        link=event.hangoutLink if event.hangoutLink.startswith("https://") else "",
    )


def _done(answer: Answer, what: str, *, no: set[int]) -> bool:
    if answer.status in (200, 204):
        return True
    if answer.status in no:
        return False
    raise OutsideRefused(NAME, f"{what}: {_reason(answer.body)}", answer.status)


def _reason(body: bytes) -> str:
    try:
        errors = msgspec.json.decode(body, type=_Failure).error.errors
    except msgspec.DecodeError:
        return "unknown"
    return (errors[0].reason if errors else "unknown")[:60]


def _failed_calendar(errors: list[_Reason]) -> Exception:
    reason = errors[0].reason[:60]
    if reason in ("internalError", "backendError"):
        return OutsideFailed(NAME, f"freeBusy: {reason}")
    return OutsideRefused(NAME, f"freeBusy: {reason}")


def _zone(name: str, otherwise: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(otherwise)
