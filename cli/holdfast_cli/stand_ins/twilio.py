"""Stand-in of Twilio's REST interface: basic auth, one running call changed by form fields, Twilio's error bodies."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from holdfast_cli.stand_ins.faults import Answer, Faults, Request
from holdfast_cli.stand_ins.stand_in import StandIn, as_json

_CALL = re.compile(r"^/2010-04-01/Accounts/(AC\w+)/Calls/(CA\w+)\.json$")


@dataclass
class TwilioStandIn(StandIn):
    faults: Faults = field(default_factory=Faults)
    account: str = "AC00000000000000000000000000000001"
    token: str = "twilio-token"
    redirected: dict[str, str] = field(default_factory=dict)
    """CallSid -> the TwiML that it goes on with."""
    over: set[str] = field(default_factory=set)
    """Calls that have ended; every other CallSid is taken for a running call."""
    requests: int = 0
    name = "twilio"
    quota = as_json(429, {"code": 20429, "message": "Too Many Requests", "status": 429})

    async def answer(self, request: Request) -> Answer:
        sent = base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {sent}":
            return self._error(401, 20003, "Authenticate")
        asked = _CALL.match(request.path)
        if asked is None or asked[1] != self.account or request.method != "POST":
            return self._error(404, 20404, f"The requested resource {request.path} was not found")
        call, form = asked[2], parse_qs(request.body.decode())
        if call in self.over:
            return self._error(400, 21220, "Call is not in-progress. Cannot redirect.")
        if len({"Twiml", "Url"} & form.keys()) > 1:
            return self._error(400, 21218, "Twiml and Url exclude each other")
        if form.get("Status") == ["completed"]:
            self.over.add(call)
        for course in form.get("Twiml", []):
            self.redirected[call] = course
        status = "completed" if call in self.over else "in-progress"
        return as_json(200, {"sid": call, "account_sid": self.account, "status": status, "direction": "inbound"})

    def _error(self, status: int, code: int, message: str) -> Answer:
        more = f"https://www.twilio.com/docs/errors/{code}"
        return as_json(status, {"code": code, "message": message, "more_info": more, "status": status})
