"""The gateway's edge, put together: one port, its doors, and the reception behind them.

    async with Edge(desk, settings, replica=..., profile=..., presence=..., health=..., history=...) as edge:
        ...                    # listening at edge.url
        await edge.drain(30)   # takes no more calls, waits for those that run

`serve_edge` is the same as one task. The edge knows nothing of speech or dialogue: it brings legs to
a `CallDesk`.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import structlog
from aiohttp import web
from holdfast_common.contracts.registry import Service
from holdfast_common.health import Health
from holdfast_common.profile import Clips, HandOver, Profile
from holdfast_common.rhythm import until_next

from holdfast_gateway.adapters import twiml
from holdfast_gateway.adapters.browser_leg import BrowserLeg
from holdfast_gateway.adapters.browser_messages import MAX_AUDIO_BYTES
from holdfast_gateway.adapters.carrier import Carrier, Redirects
from holdfast_gateway.adapters.health_page import Presence, StatusBoard
from holdfast_gateway.adapters.http_api import PAGE_SOCKET_PATH, BusyWords, HttpApi
from holdfast_gateway.adapters.media_socket import MediaSocket
from holdfast_gateway.adapters.one_port import OnePort, Refused, Upgrade
from holdfast_gateway.adapters.signature import TwilioGuard
from holdfast_gateway.adapters.tokens import Tokens
from holdfast_gateway.adapters.twilio_leg import TwilioLeg
from holdfast_gateway.domain.rates import Rates
from holdfast_gateway.domain.room import Room, free_streams
from holdfast_gateway.domain.seats import Seats
from holdfast_gateway.domain.spread import Sibling
from holdfast_gateway.edge_settings import EdgeSettings, origin_of
from holdfast_gateway.ports import CallDesk
from holdfast_gateway.reception import Callbacks, History, Limits, Reception

log = structlog.get_logger()

NEEDED = (Service.ASR, Service.DIALOGUE, Service.TTS, Service.TOOLS)
"""Services without which a caller cannot be served well."""
OWN_ADDRESS = "address"
"""In a gateway's beat: where this one process of several is reached."""
MOST_SIBLINGS = 64
"""Addresses of other processes that are remembered."""
LOOK_ROUND_S = 0.25
"""As often as they beat."""
IDLE_S = 10.0
"""A media socket that is silent for so long is lost: Twilio can go without a word."""


class Edge:
    """Enters listening, leaves closed. Belongs to one event loop."""

    def __init__(
        self,
        desk: CallDesk,
        settings: EdgeSettings,
        *,
        replica: str,
        profile: Profile | None = None,
        presence: Presence | None = None,
        health: Health | None = None,
        history: History | None = None,
        callbacks: Callbacks | None = None,
        redirects: Redirects | None = None,
        idle_s: float = IDLE_S,
    ) -> None:
        self._idle_s = idle_s
        self._desk = desk
        self._settings = settings
        self._replica = replica
        self._profile = profile
        self._presence = presence
        self._health = health
        self._history = history
        self._callbacks = callbacks
        self._redirects = redirects
        self._calls = asyncio.TaskGroup()
        self._heard_of: dict[str, None] = {}
        self.port = settings.port
        self.url = ""
        self.reception: Reception

    async def __aenter__(self) -> Edge:
        settings = self._settings
        loop = asyncio.get_running_loop()
        await self._calls.__aenter__()
        secret = settings.token_secret.get_secret_value() or secrets.token_urlsafe(32)
        self.reception = Reception(
            self._desk,
            tokens=Tokens(secret, self._replica),
            seats=Seats(settings.max_calls),
            limits=Limits(
                settings.max_call_s,
                _per_minute(settings.calls_per_caller_per_min),
                _per_minute(settings.sessions_per_address_per_min),
            ),
            history=self._history,
            callbacks=self._callbacks,
            room=Room(tuple(service.value for service in NEEDED), settings.no_capacity_s),
            free_streams=self._free_streams if self._presence is not None else None,
            siblings=self._siblings,
            calls=self._calls,
        )
        board = StatusBoard(
            self.reception, loop.time, presence=self._presence, health=self._health, profile=self._profile
        )
        # The address is part of what is signed, so with port 0 it is only known once we listen.
        self._port = OnePort()
        self.port = await self._port.listen(settings.host, settings.port)
        self.url = settings.public_base_url or f"http://127.0.0.1:{self.port}"
        self._guard = TwilioGuard(
            settings.twilio_auth_token.get_secret_value(), self.url, settings.media_base_url, self._addresses
        )
        self._carrier = Carrier(
            self._profile.hand_over if self._profile else HandOver(),
            public_base_url=self.url,
            own_base_url=settings.media_base_url or self.url,
            rest=self._redirects,
        )
        self._origins = allowed_origins(self.url, settings.allowed_origins)
        api = HttpApi(
            self.reception,
            self._guard,
            board,
            public_base_url=self.url,
            media_base_url=settings.media_base_url,
            origins=self._origins,
            busy_words=busy_words(self._profile),
            carrier=self._carrier,
            web_dir=settings.web_dir,
            rates=Rates(settings.requests_per_address_per_s * 60, settings.requests_per_address_per_s * 4),
            trust_forwarded_for=settings.trust_forwarded_for,
        )
        self._runner = web.AppRunner(api.app(), access_log=None, handle_signals=False)
        await self._runner.setup()
        assert self._runner.server is not None
        await self._port.open(self._runner.server, {twiml.MEDIA_PATH: self._telephone, PAGE_SOCKET_PATH: self._page})
        self._announce(bool(settings.token_secret.get_secret_value()))
        return self

    async def __aexit__(self, *error: Any) -> None:
        self._port.stop()
        await self.reception.leave()
        await self._calls.__aexit__(None, None, None)
        await self._runner.cleanup()

    async def drain(self, patience_s: float) -> None:
        """Take no new calls; wait for those that run, so long at most."""
        await self.reception.drain(patience_s)

    async def look_round(self) -> None:
        """Keep an eye on who is there to serve new callers; until cancelled."""
        while True:
            self.reception.look_round()
            self._addresses()
            await asyncio.sleep(until_next(LOOK_ROUND_S, asyncio.get_running_loop().time()))

    def _free_streams(self) -> dict[str, int]:
        assert self._presence is not None
        beats = self._presence.beats(asyncio.get_running_loop().time())
        return free_streams((b.service, b.capacity_free, b.draining, b.healthy) for b in beats)

    def _siblings(self) -> list[Sibling]:
        """The other gateway processes that have an address of their own, as their beats say."""
        if self._presence is None or not self._settings.media_base_url:
            return []
        beats = self._presence.beats(asyncio.get_running_loop().time(), Service.GATEWAY)
        return [
            Sibling(beat.replica, beat.capacity_free, beat.info[OWN_ADDRESS])
            for beat in beats
            if beat.replica != self._replica and beat.info.get(OWN_ADDRESS) and not beat.draining and beat.healthy
        ]

    def _addresses(self) -> list[str]:
        """Of all siblings that were ever heard of, newest last: a proxy brings us the webhooks of one that has died."""
        if self._presence is not None and self._settings.media_base_url:
            for beat in self._presence.beats(asyncio.get_running_loop().time(), Service.GATEWAY):
                address = beat.info.get(OWN_ADDRESS, "")
                if address and beat.replica != self._replica:
                    self._heard_of.pop(address, None)
                    self._heard_of[address] = None
            while len(self._heard_of) > MOST_SIBLINGS:
                del self._heard_of[next(iter(self._heard_of))]
        return list(self._heard_of)

    def _telephone(self, upgrade: Upgrade) -> MediaSocket:
        if refusal := self._guard.upgrade_refusal(twiml.MEDIA_PATH, upgrade.headers, upgrade.peer):
            raise Refused(403, refusal)
        leg = TwilioLeg(self.reception.admit_stream, self.reception.attach, self._carrier.pass_on)
        return MediaSocket(leg, idle_s=self._idle_s)

    def _page(self, upgrade: Upgrade) -> MediaSocket:
        origin = upgrade.headers.get("Origin", "").lower()
        if origin not in self._origins:
            raise Refused(403, "wrong_origin")
        leg = BrowserLeg(self.reception, origin)
        return MediaSocket(leg, idle_s=self._idle_s, pings=True, max_message_bytes=MAX_AUDIO_BYTES)

    def _announce(self, keeps_secret: bool) -> None:
        log.info("listening", host=self._settings.host, port=self.port, public=self.url)
        log.info("twilio_webhook", url=self.url + twiml.VOICE_PATH)
        if not self._guard.checks_signatures:
            log.warning(
                "twilio_unsigned",
                taken_from="this machine only",
                remedy="set HOLDFAST_GATEWAY_TWILIO_AUTH_TOKEN and HOLDFAST_GATEWAY_PUBLIC_BASE_URL",
            )
        if not keeps_secret:
            log.info(
                "token_secret_made_up", remedy="set HOLDFAST_GATEWAY_TOKEN_SECRET: then callers return after a restart"
            )


def busy_words(profile: Profile | None) -> BusyWords:
    """The profile's words for those whom nobody can serve; `callback_offer` in its copy makes the offer."""
    clips = (profile.clips if profile else Clips()).busy or Clips().busy
    copy = profile.copy_ if profile else {}
    told = {"offer": "callback_offer", "noted": "callback_noted", "not_noted": "callback_not_noted"}
    return BusyWords(busy=clips[0], **{field: copy[key][0] for field, key in told.items() if copy.get(key)})


async def serve_edge(desk: CallDesk, settings: EdgeSettings, **parts: Any) -> None:
    """`Edge` as one task, until cancelled; `parts` as for Edge."""
    async with Edge(desk, settings, **parts):
        await asyncio.Event().wait()


def allowed_origins(public_base_url: str, further: list[str]) -> frozenset[str]:
    """Origins whose pages may call. On this machine both of its names are the same place."""
    own = origin_of(public_base_url)
    names = {own}
    for one, other in (("//127.0.0.1", "//localhost"), ("//localhost", "//127.0.0.1")):
        if one in own:
            names.add(own.replace(one, other))
    return frozenset(names | {origin.lower() for origin in further})


def _per_minute(rate: float) -> Rates:
    return Rates(per_minute=rate, burst=max(1.0, rate))
