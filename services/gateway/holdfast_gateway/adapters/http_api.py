"""HTTP: Twilio's webhooks, the page and its session, health and metrics.

Handlers translate; the reception decides. Errors are JSON with a short code and never a stack trace;
every answer carries the security headers. Bodies are small, bounded and have a deadline.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web
from holdfast_common import telemetry
from multidict import MultiDictProxy

from holdfast_gateway.adapters import twiml
from holdfast_gateway.adapters.carrier import Carrier
from holdfast_gateway.adapters.health_page import StatusBoard
from holdfast_gateway.adapters.signature import TwilioGuard, stream_base
from holdfast_gateway.domain.rates import Rates
from holdfast_gateway.reception import HandedOn, No, PutThrough, Reception

log = structlog.get_logger()

MAX_BODY_BYTES = 64 * 1024
BODY_TIMEOUT_S = 5.0
PAGE_SOCKET_PATH = "/ws/call"
OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
"""Twilio's CallStatus of a call that has nothing to come back to."""

CONNECTED = frozenset({"completed", "answered"})
"""Twilio's DialCallStatus of a person who was spoken to."""
TWILIOS = frozenset({twiml.VOICE_PATH, twiml.AFTER_PATH, twiml.CALLBACK_PATH, twiml.PERSON_PATH, twiml.SUMMARY_PATH})
"""Signed requests: not counted by address."""

_SID = re.compile(r"^[A-Za-z0-9]{2,64}$")
_Form = MultiDictProxy[Any]  # str; a FileField only in multipart, which is refused
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SORRY = "Sorry, something went wrong with this call. Please call again."


@dataclass(frozen=True, slots=True)
class BusyWords:
    """What a caller hears (or reads) whom nobody can serve. Without an offer nobody is called back."""

    busy: str = "All our lines are busy right now. Please call again in a few minutes."
    offer: str = ""
    """How to ask to be called back: names the key."""
    noted: str = "Thank you. We will call you back. Goodbye."
    not_noted: str = "Sorry, that could not be noted. Please call again in a few minutes. Goodbye."


class HttpApi:
    """The routes of one gateway process."""

    def __init__(
        self,
        reception: Reception,
        guard: TwilioGuard,
        board: StatusBoard,
        *,
        public_base_url: str,
        media_base_url: str = "",
        origins: frozenset[str],
        busy_words: BusyWords,
        carrier: Carrier,
        web_dir: Path,
        rates: Rates,
        trust_forwarded_for: bool = False,
    ) -> None:
        self._reception = reception
        self._guard = guard
        self._board = board
        self._base = public_base_url
        self._stream_base = stream_base(media_base_url or public_base_url)
        self._origins = origins
        self._busy_words = busy_words
        self._carrier = carrier
        self._web = web_dir
        self._rates = rates
        self._trust_forwarded_for = trust_forwarded_for
        self._headers = security_headers(public_base_url)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._around], client_max_size=MAX_BODY_BYTES)
        routes = app.router
        routes.add_post(twiml.VOICE_PATH, self._voice)
        routes.add_post(twiml.AFTER_PATH, self._after)
        routes.add_post(twiml.CALLBACK_PATH, self._callback)
        routes.add_post(twiml.PERSON_PATH, self._person)
        routes.add_post(twiml.SUMMARY_PATH, self._summary)
        routes.add_post("/api/session", self._session)
        routes.add_get("/api/health", self._health)
        routes.add_get("/api/health/detailed", self._detailed)
        routes.add_get("/api/metrics", self._metrics)
        routes.add_get("/api/page", self._page_words)
        if (self._web / "index.html").is_file():
            routes.add_get("/", self._page)
            routes.add_static("/static/", self._web)
        else:
            log.warning("page_missing", web_dir=str(self._web), setting="HOLDFAST_GATEWAY_WEB_DIR")
        return app

    # -- Twilio
    async def _voice(self, request: web.Request) -> web.Response:
        form = await self._signed_form(request)
        sid = _call_sid(form)
        caller = _field(form, "From")
        was_handed = twiml.HANDED in request.query
        return self._put_through(self._reception.phone_rings(sid, caller, was_handed=was_handed), caller)

    async def _after(self, request: web.Request) -> web.Response:
        form = await self._signed_form(request)
        sid, is_over = _call_sid(form), _field(form, "CallStatus") in OVER
        if (course := self._carrier.take(sid)) is not None and not is_over:
            return web.Response(text=course, content_type="text/xml")
        return self._put_through(await self._reception.phone_returns(sid, _generation(request), is_over=is_over))

    async def _person(self, request: web.Request) -> web.Response:
        """The person was rung. Whoever was not connected with them comes back to us."""
        form = await self._signed_form(request)
        is_over = _field(form, "DialCallStatus") in CONNECTED or _field(form, "CallStatus") in OVER
        self._carrier.take(_call_sid(form))  # told twice: by REST, though that seemed to fail
        log.info("hand_over_done", outcome=_field(form, "DialCallStatus"))
        answer = await self._reception.phone_returns(_call_sid(form), _generation(request), is_over=is_over)
        return self._put_through(answer)

    async def _summary(self, request: web.Request) -> web.Response:
        """The person has answered: what they hear before the caller is connected."""
        await self._signed_form(request)
        text = self._carrier.summary(request.query.get("key", ""))
        return web.Response(text=text, content_type="text/xml")

    async def _callback(self, request: web.Request) -> web.Response:
        """A key was pressed at the busy message."""
        form = await self._signed_form(request)
        sid, words = _call_sid(form), self._busy_words
        if not words.offer or _field(form, "Digits") != twiml.CALLBACK_DIGIT:
            text = twiml.hang_up()
        elif await self._reception.wants_callback(sid, _field(form, "From")):
            text = twiml.say_and_hang_up(words.noted)
        else:
            text = twiml.say_and_hang_up(words.not_noted)
        return web.Response(text=text, content_type="text/xml")

    def _put_through(self, answer: PutThrough | HandedOn | No, caller: str = "") -> web.Response:
        match answer:
            case HandedOn(address=address):
                text = twiml.hand_on(address)
            case PutThrough(token=token, generation=generation):
                text = twiml.connect(
                    stream_base=self._stream_base,
                    public_base_url=self._base,
                    token=token,
                    generation=generation,
                )
            case No.ENDED:
                text = twiml.hang_up()
            case No.TOO_OFTEN:
                text = twiml.reject()
            case No.BUSY | No.DRAINING if self._busy_words.offer and self._reception.offers_callback(caller):
                words = self._busy_words
                text = twiml.offer_callback(words.busy, words.offer, public_base_url=self._base)
            case No.BUSY | No.DRAINING:
                text = twiml.say_and_hang_up(self._busy_words.busy)
            case No.UNKNOWN:
                text = twiml.say_and_hang_up(SORRY)
        return web.Response(text=text, content_type="text/xml")

    async def _signed_form(self, request: web.Request) -> _Form:
        if request.content_type != "application/x-www-form-urlencoded":
            raise _error(415, "form_expected")
        form = await _posted(request)
        refusal = self._guard.refusal(
            request.raw_path,
            form,  # type: ignore[arg-type]  # urlencoded forms hold no files
            request.headers,
            request.remote or "",
        )
        if refusal is not None:
            # Twilio's own requests come from few addresses and are limited by seats and per caller.
            self._count(request)
            log.warning("webhook_refused", code=refusal)
            raise _error(403, refusal)
        return form

    # -- the page
    async def _session(self, request: web.Request) -> web.Response:
        origin = request.headers.get("Origin", "").lower()
        if origin not in self._origins:
            log.warning("session_refused", code="wrong_origin")
            raise _error(403, "wrong_origin")
        address = self._address(request)
        answer = self._reception.page_asks(origin, address)
        cors = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
        match answer:
            case str() if not isinstance(answer, No):
                return web.json_response({"token": answer, "socket": PAGE_SOCKET_PATH}, headers=cors)
            case No.TOO_OFTEN:
                wait_s = str(int(self._reception.page_wait_s(address)) + 1)
                raise _error(429, "too_often", headers={**cors, "Retry-After": wait_s})
            case _:
                raise _error(503, "busy", message=self._busy_words.busy, headers={**cors, "Retry-After": "30"})

    async def _page(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(self._web / "index.html")

    async def _page_words(self, _request: web.Request) -> web.Response:
        return web.json_response(self._board.page_words())

    # -- health
    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _detailed(self, _request: web.Request) -> web.Response:
        return web.json_response(self._board.detailed())

    async def _metrics(self, _request: web.Request) -> web.Response:
        body, kind = await asyncio.to_thread(telemetry.metrics_page)  # milliseconds that calls do not have
        return web.Response(body=body, headers={"Content-Type": kind})

    # -- around everything
    @web.middleware
    async def _around(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            if request.path not in TWILIOS:
                self._count(request)
            response = await handler(request)
        except _Refusal as refusal:
            response = refusal.response
        except web.HTTPException as error:  # aiohttp's own: no route, wrong method, too large
            headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
            response = _json_error(error.status, _code_of(error.status), headers=headers)
        except (TimeoutError, ConnectionResetError):
            response = _json_error(408, "body_too_slow")
        except Exception:  # nothing of it may reach the caller
            log.exception("request_failed", route=_route_of(request))
            response = _json_error(500, "internal_error")
        response.force_close()  # one request a connection: the port's door sees every one
        response.headers.update(self._headers)
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        else:
            response.headers.setdefault("Cache-Control", "no-cache")
        return response

    def _count(self, request: web.Request) -> None:
        if not self._rates.take(self._address(request), asyncio.get_running_loop().time()):
            raise _error(429, "too_many_requests", headers={"Retry-After": "1"})

    def _address(self, request: web.Request) -> str:
        if self._trust_forwarded_for and (forwarded := request.headers.get("X-Forwarded-For")):
            return forwarded.rsplit(",", 1)[-1].strip()[:64]
        return request.remote or ""


def security_headers(public_base_url: str) -> dict[str, str]:
    """For every answer. The page uses nothing that is not its own; only the microphone is asked for."""
    socket = stream_base(public_base_url)
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": f"'self' {socket}",
        "media-src": "'self' blob:",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), payment=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Server": "holdfast",
    }
    if public_base_url.startswith("https:"):
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def _field(form: _Form, name: str) -> str:
    value = form.get(name, "")
    return value[:200] if isinstance(value, str) else ""


def _generation(request: web.Request) -> int:
    """That the TwiML was made for; 0: not told."""
    told = request.query.get("generation", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 5 else 0


def _call_sid(form: _Form) -> str:
    sid = _field(form, "CallSid")
    if not _SID.match(sid):
        raise _error(400, "call_sid_missing")
    return sid


async def _posted(request: web.Request) -> _Form:
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.post()
    except ValueError as error:  # undecodable
        raise _error(400, "form_malformed") from error


def _route_of(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else "none"


def _code_of(status: int) -> str:
    return HTTPStatus(status).phrase.lower().replace(" ", "_")


def _json_error(status: int, code: str, *, message: str = "", headers: dict[str, str] | None = None) -> web.Response:
    body = {"error": code} | ({"message": message} if message else {})
    return web.json_response(body, status=status, headers=headers)


class _Refusal(Exception):
    """An error answer, raised."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


def _error(status: int, code: str, *, message: str = "", headers: dict[str, str] | None = None) -> _Refusal:
    """An error answer to raise."""
    return _Refusal(_json_error(status, code, message=message, headers=headers))
