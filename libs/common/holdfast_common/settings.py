"""Settings come from the environment (or `.env`), are checked at start, and all problems are told at once.

Two frozen objects a service: `CommonSettings` (prefix HOLDFAST_) and the service's own
(HOLDFAST_<SERVICE>_). Only bootstrap sees them; everybody else gets values.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Literal, TypeVar, overload

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from holdfast_common.errors import SettingsError

S = TypeVar("S", bound=BaseSettings)
S2 = TypeVar("S2", bound=BaseSettings)
S3 = TypeVar("S3", bound=BaseSettings)


class CommonSettings(BaseSettings):
    """What every service needs to know."""

    model_config = SettingsConfigDict(env_prefix="HOLDFAST_", env_file=".env", extra="ignore", frozen=True)

    nats_url: str = Field("nats://127.0.0.1:4222", description="address of the bus; several separated by commas")
    nats_user: str = Field("", description="user name on the bus; empty: no authentication")
    nats_password: SecretStr = Field(SecretStr(""), description="password on the bus")
    profile: Path = Field(Path("profiles/trial_success"), description="folder of the agent profile")
    state_dir: Path = Field(Path("var/state"), description="folder for databases and caches")
    replica: str = Field("", pattern=r"^[A-Za-z0-9_-]{0,48}$", description="replica id; empty: made up at start")
    version: str = Field("0.1.0", max_length=60, description="version told in beats")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")
    log_format: Literal["json", "console"] = Field("console", description="one line for people, or JSON for machines")
    log_partitions: int = Field(1, ge=1, le=64, description="partitions of the call log (1 embedded, 8 in production)")
    log_replicas: int = Field(1, ge=1, le=5, description="servers that keep each partition (3 on a bus of three)")
    log_max_age_h: float = Field(24.0, gt=0, description="age at which call log entries are dropped by the bus, hours")
    health_port: int = Field(
        0, ge=0, le=65535, description="port of this service's health and metrics pages; 0: none, no metrics are kept"
    )
    health_host: str = Field("127.0.0.1", description="address that the health page listens on; 0.0.0.0 in containers")
    drain_s: float = Field(30.0, gt=0, description="longest wait for running streams after SIGTERM, seconds")
    exit_with_parent: bool = Field(False, description="stop when the parent process dies (set by `holdfast up`)")


SECRETS_DIR = "HOLDFAST_SECRETS_DIR"
"""Names a folder of mounted secrets: one file a setting, called like it (`holdfast_nats_password`)."""


def load_settings(*classes: type[S]) -> list[S]:
    """Build each settings class from the environment, `.env` and the folder of secrets, in this order.

    Raises SettingsError with every problem of all of them.
    """
    loaded: list[S] = []
    problems: list[str] = []
    mounted = os.environ.get(SECRETS_DIR, "")
    folder = mounted if mounted and Path(mounted).is_dir() else None
    for cls in classes:
        prefix = cls.model_config.get("env_prefix", "")
        try:
            loaded.append(cls(_secrets_dir=folder))  # pyright: ignore[reportCallIssue] - pydantic-settings takes it
        except ValidationError as error:
            for e in error.errors():
                name = prefix + "_".join(str(part) for part in e["loc"]).upper()
                problems.append(
                    f"{name}: {e['msg']} (got {e.get('input')!r})" if e["type"] != "missing" else f"{name}: not set"
                )
    if problems:
        raise SettingsError(problems)
    return loaded


@overload
def load_or_exit(first: type[S], /) -> tuple[S]: ...
@overload
def load_or_exit(first: type[S], second: type[S2], /) -> tuple[S, S2]: ...
@overload
def load_or_exit(first: type[S], second: type[S2], third: type[S3], /) -> tuple[S, S2, S3]: ...
def load_or_exit(*classes: type[BaseSettings]) -> tuple[BaseSettings, ...]:
    """`load_settings` for a `__main__`: prints the one list of problems and exits with status 2."""
    try:
        return tuple(load_settings(*classes))
    except SettingsError as error:
        print(f"holdfast: cannot start.\n{error}", file=sys.stderr)
        raise SystemExit(2) from None


def replica_id(service: str, configured: str = "") -> str:
    """The configured id, or a fresh one like `asr-3f9c2a`."""
    return configured or f"{service}-{secrets.token_hex(3)}"
