"""The carrier's side of the phone number: posts the webhook, reads TwiML, signs as Twilio does."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlparse, urlunparse

import aiohttp
from holdfast_common.errors import HoldfastError
from twilio.request_validator import RequestValidator

TIMEOUT_S = 15.0
"""Twilio waits about this long for a webhook."""
ACCOUNT_SID = "AC" + "0" * 32


class WebhookError(HoldfastError):
    """The voice webhook did not answer as a webhook should."""


@dataclass(frozen=True, slots=True)
class ConnectStream:
    """`<Connect><Stream>`: the media socket to open, and where to ask when it has closed."""

    url: str
    parameters: dict[str, str] = field(default_factory=dict)
    action: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str


@dataclass(frozen=True, slots=True)
class Hangup:
    reason: str = ""


Verb = ConnectStream | Say | Redirect | Hangup


@dataclass(frozen=True, slots=True)
class Carrier:
    """Twilio's platform for one number."""

    webhook: str
    auth_token: str = ""
    public_url: str = ""
    """Address under which the server is known (and signs); empty: that of the webhook."""

    async def post(self, session: aiohttp.ClientSession, url: str, form: dict[str, str]) -> list[Verb]:
        """Ask a webhook what to do; raises WebhookError."""
        headers = self.signature(self._signed(url), form)
        try:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            async with session.post(url, data=form, headers=headers, timeout=timeout) as reply:
                body = await reply.text()
                if reply.status != 200:
                    raise WebhookError(f"{url} answered {reply.status}: {body[:200]}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise WebhookError(f"{url}: {type(error).__name__} {error}") from error
        return parse(body, url)

    def signature(self, url: str, form: dict[str, str]) -> dict[str, str]:
        """The header for a request to this address; none without a token."""
        if not self.auth_token:
            return {}
        return {"X-Twilio-Signature": RequestValidator(self.auth_token).compute_signature(url, form)}

    def _signed(self, url: str) -> str:
        if not self.public_url:
            return url
        public = urlparse(self.public_url)
        return urlunparse(urlparse(url)._replace(scheme=public.scheme, netloc=public.netloc))

    def reachable(self, url: str) -> str:
        """An address that the server gave, as it is reached from here: its public host becomes the webhook's own."""
        if not self.public_url:
            return url
        here, there = urlparse(self.webhook), urlparse(url)
        secure = here.scheme == "https"
        scheme = ("wss" if secure else "ws") if there.scheme.startswith("ws") else here.scheme
        return urlunparse(there._replace(scheme=scheme, netloc=here.netloc))


def parse(body: str, url: str) -> list[Verb]:
    """The verbs of a TwiML document, addresses made absolute; raises WebhookError."""
    try:
        root = ET.fromstring(body)
    except ET.ParseError as error:
        raise WebhookError(f"{url}: no TwiML ({error})") from error
    verbs: list[Verb] = []
    for element in root:
        match element.tag:
            case "Connect":
                verbs.append(_connect(element, url))
            case "Say":
                verbs.append(Say((element.text or "").strip()))
            case "Redirect":
                verbs.append(Redirect(urljoin(url, (element.text or "").strip())))
            case "Hangup" | "Reject":
                verbs.append(Hangup(element.get("reason", "")))
            case _:  # Pause and others change nothing that a caller of ours would notice
                pass
    return verbs


def _connect(element: ET.Element, url: str) -> ConnectStream:
    stream = element.find("Stream")
    if stream is None or not stream.get("url"):
        raise WebhookError(f"{url}: <Connect> without <Stream url>")
    action = element.get("action", "")
    absolute = urljoin(url.replace("http", "ws", 1), stream.get("url", ""))
    return ConnectStream(
        absolute.replace("http", "ws", 1) if absolute.startswith("http") else absolute,
        {p.get("name", ""): p.get("value", "") for p in stream.iter("Parameter")},
        urljoin(url, action) if action else "",
    )


def call_form(call_sid: str, caller: str, called: str = "+15550000000") -> dict[str, str]:
    """What Twilio posts when somebody rings."""
    return {
        "CallSid": call_sid,
        "AccountSid": ACCOUNT_SID,
        "From": caller,
        "To": called,
        "CallStatus": "ringing",
        "Direction": "inbound",
        "ApiVersion": "2010-04-01",
    }
