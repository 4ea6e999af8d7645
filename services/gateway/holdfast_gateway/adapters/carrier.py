"""What the carrier does with a call that leaves us while its caller stays: a person is rung, or its own voice speaks.

Twilio is told at once by REST where we have an account. Else, or where that fails, it learns it on the
way back: when the media stream ends it asks what to do next (`take`), which works without credentials
but reaches this process only where there is one, or the webhook's address leads to it.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import Protocol

import structlog
from holdfast_common.profile import HandOver
from holdfast_common.resilience import OutsideError, OutsideRefused

from holdfast_gateway.adapters import twiml
from holdfast_gateway.ports import CarrierSays, ToPerson

log = structlog.get_logger()

MOST_KEPT = 1_000
"""Courses and summaries kept at once; the oldest go first."""


class Redirects(Protocol):
    """A carrier that can be told in the middle of a call."""

    async def redirect(self, sid: str, twiml: str) -> None:
        """Raises CallOver, or another OutsideError."""
        ...


class CallOver(OutsideRefused):
    """The call is over already: there is nothing to redirect."""


class Carrier:
    """One per process."""

    def __init__(
        self, hand_over: HandOver, *, public_base_url: str, own_base_url: str, rest: Redirects | None = None
    ) -> None:
        """`own_base_url` leads to this very process, which keeps the summaries."""
        self._hand_over = hand_over
        self._base = public_base_url
        self._own_base = own_base_url
        self._rest = rest
        self._courses: OrderedDict[str, str] = OrderedDict()
        self._summaries: OrderedDict[str, str] = OrderedDict()

    async def pass_on(self, sid: str, generation: int, to: ToPerson | CarrierSays) -> None:
        """Arrange it; raises nothing."""
        course = self._course(generation, to)
        _keep(self._courses, sid, course)
        if self._rest is None:
            return
        try:
            await self._rest.redirect(sid, course)
        except CallOver:
            self._courses.pop(sid, None)
        except OutsideError as error:
            log.warning("redirect_failed", why=str(error))
        else:
            self._courses.pop(sid, None)
            log.info("call_redirected", to=type(to).__name__)

    def take(self, sid: str) -> str | None:
        """TwiML for a call whose stream has ended, once; None: nothing was arranged, or Twilio was told already."""
        return self._courses.pop(sid, None)

    def summary(self, key: str) -> str:
        """TwiML of what a person hears first, once; without the summary they are just connected."""
        text = self._summaries.pop(key, "")
        return twiml.say(text) if text else twiml.nothing()

    def _course(self, generation: int, to: ToPerson | CarrierSays) -> str:
        if isinstance(to, CarrierSays):
            if to.returns:
                return twiml.say_and_return(to.text, public_base_url=self._base, generation=generation)
            return twiml.say_and_hang_up(to.text)
        hand_over, summary_url = self._hand_over, ""
        if hand_over.summary == "spoken":
            key = secrets.token_urlsafe(16)
            _keep(self._summaries, key, ". ".join(to.summary.splitlines()) + ".")
            summary_url = f"{self._own_base}{twiml.SUMMARY_PATH}?key={key}"
        return twiml.to_person(
            hand_over.number,
            public_base_url=self._base,
            generation=generation,
            ring_s=hand_over.ring_s,
            caller_id=hand_over.caller_id,
            summary_url=summary_url,
        )


def _keep(kept: OrderedDict[str, str], key: str, text: str) -> None:
    kept[key] = text
    while len(kept) > MOST_KEPT:
        kept.popitem(last=False)
