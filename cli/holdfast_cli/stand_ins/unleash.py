"""Unleash search's stand-in: bearer key, account header, problem details, nullable fields, request ids."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from holdfast_cli.stand_ins.faults import Answer, Faults, Request
from holdfast_cli.stand_ins.stand_in import StandIn, as_json


def article(id_: str, title: str, snippet: str | None) -> dict[str, Any]:
    """A result as the service gives it, with the nulls that it may hold."""
    resource = {"id": id_, "appId": "site", "type": "article", "title": title, "subtitle": None, "url": None}
    return {"resource": resource, "snippet": snippet, "highlights": None}


ARTICLES = [
    article("trial-length", "How long the trial is", "The trial lasts **14 days**. See [plans](https://x.example)."),
    article("cancel-trial", "Cancel the trial", "<p>Open <b>Settings</b>, then choose cancel.</p><script>x</script>"),
    article("bulk-send", "Send to many people", None),
]


@dataclass
class UnleashStandIn(StandIn):
    faults: Faults = field(default_factory=Faults)
    key: str = "unleash-key"
    account: str = ""
    """Set: the key acts for others, and this is the account that it must name."""
    articles: list[dict[str, Any]] = field(default_factory=lambda: list(ARTICLES))
    requests: int = 0
    name = "unleash"
    quota = as_json(429, {"title": "Too many requests", "status": 429}, {"retry-after": "30"})

    async def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return self._problem(401, "Unauthorized", "Invalid key")
        if self.account and request.headers.get("unleash-account") != self.account:
            return self._problem(400, "Bad Request", "Missing impersonation header")
        if (request.method, request.path) != ("POST", "/search"):
            return self._problem(404, "Not Found", "No such path")
        try:
            asked = json.loads(request.body)
            size = int((asked.get("paging") or {}).get("size") or 10)
        except (ValueError, AttributeError, TypeError):
            return self._problem(400, "One or more validation errors occurred.", "Not JSON")
        words = set(str(asked.get("query") or "").lower().replace("?", "").split())
        found = sorted(
            (a for a in self.articles if words & set(f"{a['resource']['title']} {a['snippet']}".lower().split())),
            key=lambda a: -len(words & set(f"{a['resource']['title']} {a['snippet']}".lower().split())),
        )
        told = {"totalResults": len(found), "results": found[:size], "paging": {"next": None}, "requestId": self._id()}
        return as_json(200, told, {"RequestId": self._id()})

    def _problem(self, status: int, title: str, reason: str) -> Answer:
        told = {"type": "about:blank", "title": title, "status": status, "reason": reason, "requestId": self._id()}
        headers = {"RequestId": self._id(), "content-type": "application/problem+json"}
        return Answer(status, json.dumps(told).encode(), headers)

    def _id(self) -> str:
        return f"0HN5{self.requests:06}"
