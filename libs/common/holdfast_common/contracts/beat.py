"""Soft-state presence: every replica says every 250 ms that it is there and how it feels."""

from __future__ import annotations

from holdfast_common.contracts.wire import Message, ShortText, Token


class Beat(Message, frozen=True):
    """`hf.beat.<service>.<replica>`, control connection. Missing for 750 ms: not there."""

    service: Token
    replica: Token
    version: ShortText
    boot: Token
    """Differs after a restart with the same replica id."""
    capacity_free: int
    """Streams that it would still accept."""
    active: int = 0
    """Streams that it holds."""
    draining: bool = False
    loop_lag_ms: float = 0.0
    queue_wait_ms: float = 0.0
    healthy: bool = True
    info: dict[str, str] = {}
    """What a person wants to know: engine in use and why, voice, database. No personal data."""
    pid: int = 0
    """Operating-system process, for tools on the same machine."""


class Goodbye(Message, frozen=True):
    """`hf.beat.<service>.<replica>.gone`: leaving on purpose, need not be waited for."""

    service: Token
    replica: Token
