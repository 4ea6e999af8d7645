"""Google Calendar's stand-in: sign-in, freeBusy, and events under ids of one's own.

Faithful where it hurts: errors of one calendar inside a 200; an id stays used up after its event is
deleted (insert 409, get `cancelled`, delete 410); inserts look at no conflict; Meet links come later;
ETags change with every change and `If-Match` is held to; the audience of the assertion is not looked at.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from holdfast_cli.stand_ins.faults import Answer, Fault, Faults, Request
from holdfast_cli.stand_ins.stand_in import StandIn, as_json

ID = re.compile(r"^[a-v0-9]{5,1024}$")
ROOT = "/calendar/v3"
_EVENT = re.compile(rf"^{ROOT}/calendars/([^/]+)/events(?:/([^/]+))?$")


@dataclass
class Event:
    body: dict[str, Any]
    version: int = 1

    @property
    def is_live(self) -> bool:
        return self.body["status"] != "cancelled"

    @property
    def takes_time(self) -> bool:
        return self.is_live and self.body.get("transparency") != "transparent"

    @property
    def span(self) -> tuple[datetime, datetime]:
        return (
            datetime.fromisoformat(self.body["start"]["dateTime"]),
            datetime.fromisoformat(self.body["end"]["dateTime"]),
        )

    def shown(self) -> dict[str, Any]:
        return {**self.body, "etag": f'"{self.version}"'}


@dataclass
class CalendarStandIn(StandIn):
    faults: Faults = field(default_factory=Faults)
    subject: str = ""
    """Whom the sign-in must stand in for; empty: anybody."""
    calendars: set[str] = field(default_factory=lambda: {"meetings@holdfast.example"})
    broken: dict[str, str] = field(default_factory=dict)
    """Calendars that freeBusy tells an error of, and its reason."""
    forbid_guests: bool = False
    events: dict[str, Event] = field(default_factory=dict)
    requests: int = 0
    name = "calendar"
    quota = as_json(403, {"error": {"code": 403, "errors": [{"domain": "usageLimits", "reason": "quotaExceeded"}]}})

    def fault_for(self, request: Request) -> Fault:
        return Fault.NONE if request.path == "/token" else self.faults.next()

    @property
    def live(self) -> list[Event]:
        return [event for event in self.events.values() if event.takes_time]

    async def answer(self, request: Request) -> Answer:
        if request.path == "/token":
            return self._sign_in(request)
        if not request.headers.get("authorization", "").startswith("Bearer "):
            return _error(401, "authError")
        if request.path == f"{ROOT}/freeBusy" and request.method == "POST":
            return self._free_busy(json.loads(request.body))
        match = _EVENT.match(request.path)
        if not match:
            return _error(404, "notFound")
        calendar, event = unquote(match[1]), match[2]
        if calendar not in self.calendars and calendar != "primary":
            return _error(404, "notFound")
        if event is None:
            return self._insert(request) if request.method == "POST" else self._list()
        return self._one(request, event)

    def _sign_in(self, request: Request) -> Answer:
        form = dict(part.split("=", 1) for part in request.body.decode().split("&"))
        try:
            claims = json.loads(_unpadded(unquote(form["assertion"]).split(".")[1]))
        except (KeyError, IndexError, ValueError):
            return as_json(400, {"error": "invalid_grant"})
        if self.subject and claims.get("sub") != self.subject:
            return as_json(401, {"error": "unauthorized_client", "error_description": "not delegated"})
        return as_json(200, {"access_token": "ya29.stand-in", "expires_in": 3599, "token_type": "Bearer"})

    def _free_busy(self, asked: dict[str, Any]) -> Answer:
        first, last = datetime.fromisoformat(asked["timeMin"]), datetime.fromisoformat(asked["timeMax"])
        if first >= last:
            return _error(400, "timeRangeEmpty")
        told: dict[str, Any] = {}
        for item in asked["items"]:
            name = item["id"]
            if (reason := self.broken.get(name)) or (name not in self.calendars and name != "primary"):
                told[name] = {"errors": [{"domain": "global", "reason": reason or "notFound"}], "busy": []}
                continue
            spans = sorted(s for e in self.live if (s := e.span)[0] < last and s[1] > first)
            told[name] = {"busy": [{"start": a.isoformat(), "end": b.isoformat()} for a, b in _merged(spans)]}
        return as_json(200, {"kind": "calendar#freeBusy", "calendars": told, "groups": {}})

    def _insert(self, request: Request) -> Answer:
        body = json.loads(request.body)
        id_ = body.get("id", "")
        if not ID.match(id_):
            return _error(400, "invalid")
        if id_ in self.events:
            return _error(409, "duplicate")
        if self.forbid_guests and body.get("attendees"):
            return _error(403, "forbiddenForServiceAccounts")
        body["status"] = "confirmed"
        if request.query.get("conferenceDataVersion") != "1":
            body.pop("conferenceData", None)  # silently ignored
        elif "conferenceData" in body:
            body["conferenceData"]["createRequest"]["status"] = {"statusCode": "pending"}
        self.events[id_] = Event(body)
        return as_json(200, self.events[id_].shown())

    def _list(self) -> Answer:
        return as_json(200, {"kind": "calendar#events", "items": [e.shown() for e in self.events.values()]})

    def _one(self, request: Request, id_: str) -> Answer:
        event = self.events.get(id_)
        if event is None:
            return _error(404, "notFound")
        if request.method == "GET":
            conference = event.body.get("conferenceData")
            if conference and conference["createRequest"]["status"]["statusCode"] == "pending":
                conference["createRequest"]["status"]["statusCode"] = "success"
                event.body["hangoutLink"] = "https://meet.example/abc-defg-hij"
            return as_json(200, event.shown())
        if not event.is_live:
            return _error(410, "deleted")
        wanted = request.headers.get("if-match")
        if wanted and wanted != f'"{event.version}"':
            return _error(412, "conditionNotMet")
        event.version += 1
        if request.method == "DELETE":
            event.body["status"] = "cancelled"
            return Answer(204)
        event.body.update(json.loads(request.body))
        return as_json(200, event.shown())


def _merged(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for begins, ends in spans:
        if merged and begins <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(ends, merged[-1][1]))
        else:
            merged.append((begins, ends))
    return merged


def _error(status: int, reason: str) -> Answer:
    told = {"code": status, "message": reason, "errors": [{"domain": "global", "reason": reason}]}
    return as_json(status, {"error": told})


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
