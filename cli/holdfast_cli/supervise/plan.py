"""What `holdfast up` starts: the children with their command lines and environments. Pure but for `sys.executable`."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path

from holdfast_common.contracts.registry import CONTRACTS, Service
from holdfast_common.errors import SettingsError

from holdfast_cli.supervise.child import ChildSpec
from holdfast_cli.supervise.nats_server import Bus

SINGLE = frozenset({Service.GATEWAY, Service.RECORDS})
"""Not told by `--replicas`: each gateway has a port of its own (`--gateways`), records are the one durable reader."""
MAX_REPLICAS = 16
MAX_GATEWAYS = 16
DRAIN_S = "3"
"""On one machine nobody takes over the calls: who says stop means it."""
THREADS = "1"
"""Numeric libraries would start a pool a core in every process; the services' engines bring their own workers."""

SCRIPTED = {
    "HOLDFAST_ASR_ENGINE": "scripted",
    "HOLDFAST_TTS_ENGINES": "scripted",
    "HOLDFAST_DIALOGUE_POLICY": "scripted",
    "HOLDFAST_TOOLS_KNOWLEDGE_MEANING": "false",
    "HOLDFAST_GATEWAY_ENDPOINT_MS": "200",
    "HOLDFAST_GATEWAY_HOLD_MS": "200",
}
"""For measuring: every service real and separate, engines that cost nothing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of the whole system."""

    bus: Bus
    nats_binary: Path
    port: int
    profile: Path
    state_dir: Path
    replicas: dict[Service, int] = field(default_factory=dict)
    scripted: bool = False
    auth_token: str = ""
    public_url: str = ""
    token_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """Signs the gateway's own tokens: one for the whole run, so that callers can return to a restarted gateway."""
    sibling_ports: tuple[int, ...] = ()
    """Of further gateway processes. The first one has the port that people and webhooks know."""
    health_port: int = 0
    """Of the first replica's health page; each further one has the next port. 0: none."""
    extra: dict[str, str] = field(default_factory=dict)
    """Further environment for every service."""

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """What every service is told, beside what our own environment says."""
        values = {
            "HOLDFAST_NATS_URL": self.bus.url,
            "HOLDFAST_NATS_USER": self.bus.user,
            "HOLDFAST_NATS_PASSWORD": self.bus.password,
            "HOLDFAST_PROFILE": str(self.profile),
            "HOLDFAST_STATE_DIR": str(self.state_dir),
            "HOLDFAST_EXIT_WITH_PARENT": "true",
            "HOLDFAST_DRAIN_S": DRAIN_S,
            "HOLDFAST_GATEWAY_PORT": str(self.port),
            "HOLDFAST_GATEWAY_TOKEN_SECRET": self.token_secret,
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": THREADS,
            "OPENBLAS_NUM_THREADS": THREADS,
        }
        if self.auth_token:
            values["HOLDFAST_GATEWAY_TWILIO_AUTH_TOKEN"] = self.auth_token
        return values | (SCRIPTED if self.scripted else {}) | self.extra

    def _gateway(self, number: int) -> dict[str, str]:
        """What tells gateway `number` from its siblings; nothing where there is only one.

        All of them are known outside by one address. By its own a proxy (or, without a public address,
        whoever is on this machine) finds each one again: `<public address>/gateway/2`.
        """
        if not self.sibling_ports:
            return {}
        port = (self.port, *self.sibling_ports)[number - 1]
        own = f"{self.public_url.rstrip('/')}/gateway/{number}" if self.public_url else f"http://127.0.0.1:{port}"
        return {
            "HOLDFAST_GATEWAY_PORT": str(port),
            "HOLDFAST_GATEWAY_PUBLIC_BASE_URL": self.public_url or self.http_url,
            "HOLDFAST_GATEWAY_MEDIA_BASE_URL": own,
        }

    def nats(self) -> ChildSpec:
        return ChildSpec("nats", (str(self.nats_binary), "-c", str(self.bus.config)), watches_parent=False)

    def services(self) -> list[ChildSpec]:
        """One child for each replica, named as its replica id (`asr-1`)."""
        environment = self.environment()
        counts = self.replicas | {Service.GATEWAY: 1 + len(self.sibling_ports)}
        replicas = [(s.value, n) for s in Service for n in range(1, counts.get(s, 1) + 1)]
        return [
            ChildSpec(
                f"{service}-{number}",
                (sys.executable, "-m", f"holdfast_{service}"),
                environment
                | {"HOLDFAST_REPLICA": f"{service}-{number}"}
                | (self._gateway(number) if service == Service.GATEWAY else {})
                | ({"HOLDFAST_HEALTH_PORT": str(self.health_port + place)} if self.health_port else {}),
                gives_way=service == Service.RECORDS,  # it may lag; a call may not
            )
            for place, (service, number) in enumerate(replicas)
        ]


def parse_replicas(text: str) -> dict[Service, int]:
    """`2` (of each that may have several) or `asr=2,tts=3`; raises SettingsError naming every problem."""
    many = [service for service in CONTRACTS if service not in SINGLE]
    text = text.strip()
    if text.isdigit():
        text = ",".join(f"{service.value}={text}" for service in many)
    found: dict[Service, int] = {}
    problems: list[str] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = part.partition("=")
        service = next((s for s in many if s.value == name.strip()), None)
        if service is None:
            problems.append(f"--replicas: {part!r} names none of {', '.join(s.value for s in many)}")
        elif not number.strip().isdigit() or not 1 <= int(number) <= MAX_REPLICAS:
            problems.append(f"--replicas: {part!r} needs a number from 1 to {MAX_REPLICAS}")
        else:
            found[service] = int(number)
    if problems:
        raise SettingsError(problems)
    return found
