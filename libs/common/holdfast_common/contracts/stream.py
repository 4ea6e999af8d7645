"""The replayable stream's own messages: what every service says, whatever it is about.

`Open` goes to a replica; everything else comes back on `hf.out.<opener>.<stream>.<epoch>`.
The replica answers an open with exactly one of Accepted, Busy, Draining, Superseded; then it says
something at least every 200 ms (a result, or Alive) until End or Failed.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from holdfast_common.contracts.wire import Id, Message, ShortText, Token


class Open(Message, frozen=True, tag="open", tag_field="t"):
    """Begin a stream on this replica. Headers: `traceparent`, `hf-deadline-ms` (what remains)."""

    stream: Token
    epoch: int
    """Which opening of the stream this is, from 1."""
    generation: int
    """Which gateway attach of the call; dialogue and tools refuse older ones."""
    call: Id
    opener: Token
    """Replica id of the opener; results go to `hf.out.<opener>.<stream>.<epoch>`."""
    first: msgspec.Raw
    """The first input, msgpack of the service's first-input struct."""
    bundles: bool = False
    """The opener takes outputs in bundles too."""


class Cancel(Message, frozen=True, tag="cancel", tag_field="t"):
    """On the control connection: the opener has no more use for this stream (all epochs up to this)."""

    stream: Token
    epoch: int


class Accepted(Message, frozen=True, tag="accepted", tag_field="t"):
    """The replica has the stream and its first input."""

    replica: Token
    bundles: bool = False
    """It takes inputs in bundles too."""


class Busy(Message, frozen=True, tag="busy", tag_field="t"):
    """No capacity; try the next replica."""


class Draining(Message, frozen=True, tag="draining", tag_field="t"):
    """Leaving; finishes what runs, takes nothing new."""


class Superseded(Message, frozen=True, tag="superseded", tag_field="t"):
    """A later gateway generation holds this call; the opener must forget it."""

    generation: int


class Alive(Message, frozen=True, tag="alive", tag_field="t"):
    """Progress of a stream that has nothing else to say (every 200 ms), and the answer to replay."""

    received_to: int
    """Inputs received: sequence number of the next one expected."""
    done_to: int = 0
    """Work done, in the stream's own positions (asr: samples decoded; tts: samples made)."""


class End(Message, frozen=True, tag="end_of_stream", tag_field="t"):
    """Everything has been said; the stream is over, on both sides."""


class ErrorCode(StrEnum):
    """Why a stream failed. The first three re-open it elsewhere, the others are final."""

    GAP = "gap"
    """An input is missing: re-open from the first missing position."""
    ENGINE = "engine"
    """The engine broke under this stream; another replica may do better."""
    INTERNAL = "internal"
    """Our bug; logged there with its traceback."""
    BAD_INPUT = "bad_input"
    """The input does not fit the contract; repeating it cannot help."""
    DEADLINE = "deadline"
    """The time for it is over."""
    SUPERSEDED = "superseded"
    """A later generation holds the call."""
    UNAVAILABLE = "unavailable"
    """No replica took it within the opener's patience."""


RETRYABLE = frozenset({ErrorCode.GAP, ErrorCode.ENGINE, ErrorCode.INTERNAL})


class Failed(Message, frozen=True, tag="failed", tag_field="t"):
    """The replica cannot go on with this stream."""

    code: ErrorCode
    message: ShortText = ""


Control = Accepted | Busy | Draining | Superseded | Alive | End | Failed
"""What every stream may say besides its contract's results."""
