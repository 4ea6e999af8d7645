"""What the stream machine asks its driver to do."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast_common.contracts.stream import ErrorCode


@dataclass(frozen=True, slots=True)
class SendOpen:
    """Open the stream on this replica with a first input built now."""

    replica: str
    epoch: int


@dataclass(frozen=True, slots=True)
class SendInput:
    """Send the kept inputs [start, end) as one message."""

    replica: str
    epoch: int
    sequence: int
    start: int
    end: int
    replay: bool


@dataclass(frozen=True, slots=True)
class SendCancel:
    replica: str
    epoch: int


@dataclass(frozen=True, slots=True)
class AskProbe:
    """Find out whether the bus is there, and tell `probed`."""


@dataclass(frozen=True, slots=True)
class AskPlacement:
    """Call `place` when it is this stream's turn (re-opens are rationed over the process)."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The stream is over and whole."""


@dataclass(frozen=True, slots=True)
class Fail:
    code: ErrorCode
    message: str


Action = SendOpen | SendInput | SendCancel | AskProbe | AskPlacement | Finish | Fail
