"""The run file: how the other commands find a running system (`<home>/run/<name>.json`, mode 0600)."""

from __future__ import annotations

from pathlib import Path

import msgspec
import psutil
from holdfast_common.errors import HoldfastError

from holdfast_cli.supervise.nats_server import write_private


class NotRunningError(HoldfastError):
    """There is no running system of that name."""


class RunFile(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses, credentials and processes of one run."""

    name: str
    pid: int
    """Of the supervisor; 0: not a process of this machine (containers)."""
    nats_url: str
    nats_user: str
    nats_password: str
    http_url: str
    """`http://127.0.0.1:8080`"""
    profile: str
    state_dir: str
    auth_token: str = ""
    """With which Twilio requests are to be signed; empty: unsigned."""
    public_url: str = ""
    """Address by which the system is known outside (and signed); empty: `http_url`."""
    pids: dict[str, int] = {}
    """Process of each child, by its name (`nats`, `asr-1`)."""
    ready: bool = False


def path_of(home: Path, name: str) -> Path:
    return home / "run" / f"{name}.json"


def write(path: Path, run: RunFile) -> None:
    write_private(path, msgspec.json.format(msgspec.json.encode(run)).decode())


def read(path: Path) -> RunFile:
    """The system that runs there; raises NotRunningError when there is none (any more)."""
    try:
        run = msgspec.json.decode(path.read_bytes(), type=RunFile)
    except FileNotFoundError:
        raise NotRunningError(f"nothing runs at {path}: start it with `holdfast up`") from None
    except (msgspec.DecodeError, OSError) as error:
        raise NotRunningError(f"{path} cannot be read: {error}") from error
    if run.pid and not psutil.pid_exists(run.pid):
        raise NotRunningError(f"{path} was left by a run that has ended (process {run.pid}); `holdfast up` starts one")
    return run
