"""What the gateway tells about the system: each service by its beats, the engines in use, a few counts.

A speech engine's beat says `engine`, `why` (it and not another) and `better` (how to get a better one)
in its info; shown as they come. Nothing here is personal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from holdfast_common import telemetry
from holdfast_common.contracts.beat import Beat
from holdfast_common.contracts.registry import Service
from holdfast_common.health import Health, State
from holdfast_common.profile import Profile

from holdfast_gateway.reception import Reception

EXPECTED = (Service.ASR, Service.DIALOGUE, Service.TTS, Service.TOOLS, Service.RECORDS)


class Presence(Protocol):
    """The replicas that this process hears (holdfast_common.placement)."""

    def beats(self, now: float, service: str | None = None) -> list[Beat]: ...


class StatusBoard:
    """Read by `/api/health/detailed` and the page's status line; tells `/api/metrics` the gateway's levels."""

    def __init__(
        self,
        reception: Reception,
        clock: Callable[[], float],
        *,
        presence: Presence | None = None,
        health: Health | None = None,
        profile: Profile | None = None,
    ) -> None:
        self._reception = reception
        self._clock = clock
        self._presence = presence
        self._health = health
        self._profile = profile
        telemetry.SEATS.told_by(lambda: reception.seats.limit)
        telemetry.CALLS.told_by(lambda: reception.held)
        if presence is not None:
            for service in EXPECTED:
                telemetry.REPLICAS.told_by(
                    lambda service=service: len(presence.beats(clock(), service)), service=service.value
                )

    def detailed(self) -> dict[str, object]:
        now = self._clock()
        beats = self._presence.beats(now) if self._presence else []
        findings = self._health.report() if self._health else {}
        missing = [s.value for s in EXPECTED if self._presence and not any(b.service == s for b in beats)]
        worst = self._health.state() if self._health else State.OK
        status = State.DEGRADED if worst is State.OK and missing else worst
        return {
            "status": status.value,
            "missing": missing,
            "calls": {"taken": self._reception.seats.taken(now), "limit": self._reception.seats.limit},
            "services": [_told(beat) for beat in beats],
            "recogniser": _engine(beats, Service.ASR),
            "voice": _engine(beats, Service.TTS),
            "gateway": {name: {"state": f.state.value, "detail": f.detail} for name, f in findings.items()},
        }

    def page_words(self) -> dict[str, object]:
        """What the page says of this profile; empty where the page's own words stand."""
        if self._profile is None:
            return {}
        copy = self._profile.copy_
        return {
            "company": self._profile.company,
            "product": self._profile.product,
            "agent_name": self._profile.agent_name,
            "headline": (copy.get("page_headline") or [""])[0],
            "lead": (copy.get("page_lead") or [""])[0],
            "abilities": copy.get("page_abilities", []),
            "beta": (copy.get("page_beta") or [""])[0],
            "data_note": (copy.get("page_data_note") or [""])[0],
        }


def _told(beat: Beat) -> dict[str, object]:
    return {
        "service": beat.service,
        "replica": beat.replica,
        "version": beat.version,
        "healthy": beat.healthy,
        "draining": beat.draining,
        "active": beat.active,
        "capacity_free": beat.capacity_free,
        "loop_lag_ms": round(beat.loop_lag_ms, 1),
        "info": beat.info,
    }


def _engine(beats: list[Beat], service: Service) -> dict[str, str] | None:
    """Of the replica that would be asked now: the freest."""
    mine = [b for b in beats if b.service == service and not b.draining]
    return dict(max(mine, key=lambda b: b.capacity_free).info) if mine else None
