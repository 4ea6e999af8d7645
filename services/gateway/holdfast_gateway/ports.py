"""The small protocols between the gateway's call logic and its edges.

A *leg* is one connection of a call: a Twilio media socket, a browser socket, a typed page. The call
logic (`call`) knows only this port; Twilio, the browser and the fake implement it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import msgspec
import numpy as np
import numpy.typing as npt
from holdfast_common.contracts.asr import Channel


class AudioIn(msgspec.Struct, frozen=True, gc=False):
    """20 ms of the caller's voice (the last one of a leg may be shorter).

    A struct: fifty a second and call, made four times as fast as a frozen dataclass.
    """

    pcm: bytes
    """Mono signed 16-bit little-endian at the leg's rate."""
    capture_us: int
    """Monotonic time at which it arrived here."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A line of text, already bounded and stripped of control characters."""

    text: str


@dataclass(frozen=True, slots=True)
class Dtmf:
    digit: str


@dataclass(frozen=True, slots=True)
class PositionMoved:
    """The far end has reported playout (a mark came back, the page said so): `position()` is fresher now."""


@dataclass(frozen=True, slots=True)
class HungUp:
    """The caller ended the call on purpose (Twilio's `stop`, the page's hang-up button).

    A leg whose events end without it was lost: the caller may come back on another leg.
    """


LegEvent = AudioIn | Typed | Dtmf | PositionMoved | HungUp


@runtime_checkable
class AtOnce(Protocol):
    """A leg's events that can hand its audio over the moment it comes, without waking a task for each frame."""

    def hear_at_once(self, hear: Callable[[AudioIn], None] | None) -> None:
        """From now on (None: no longer). What waits already is still read first; `hear` must not raise."""
        ...


@dataclass(frozen=True, slots=True)
class Caption:
    """A line for legs that can show text; others ignore it."""

    role: str
    """`caller`, `agent` or `notice`."""
    text: str
    final: bool = True
    turn: int = -1
    sentence: int = -1


@dataclass(frozen=True, slots=True)
class ToPerson:
    """The caller is to be connected with the profile's person."""

    summary: str
    """For the person's ear alone, before they are connected; personal data."""


@dataclass(frozen=True, slots=True)
class CarrierSays:
    """The carrier's own voice is to say something, because there is none of ours."""

    text: str
    returns: bool
    """The caller comes back to us after it; else the carrier hangs up."""


@runtime_checkable
class CarrierLeg(Protocol):
    """A leg whose carrier can go on with the call without us."""

    async def pass_on(self, to: ToPerson | CarrierSays) -> None:
        """Arrange it; it begins when this leg is closed, at the latest. Takes a few seconds at most, raises nothing."""
        ...


class Leg(Protocol):
    """One connection of a call. Belongs to one event loop; methods never block."""

    @property
    def kind(self) -> str:
        """`twilio`, `browser`, `text`, `fake`."""
        ...

    @property
    def channel(self) -> Channel: ...

    @property
    def rate_hz(self) -> int:
        """Rate of the audio in both directions; 0: no audio at all (typed page)."""
        ...

    def events(self) -> AsyncIterator[LegEvent]:
        """What comes from the caller, in order; ends when the connection is gone or closed."""
        ...

    def play(self, pcm: bytes) -> None:
        """Send audio to be played after what was sent before: mono s16le at the leg's rate, any length."""
        ...

    def clear(self) -> int:
        """Throw away what has not been played; returns the position reached (samples since the leg began)."""
        ...

    def position(self) -> int:
        """Samples played at the caller's ear since the leg began, by the best knowledge now."""
        ...

    def sent(self) -> int:
        """Samples handed to `play` since the leg began, less what `clear` threw away."""
        ...

    def show(self, caption: Caption) -> None: ...

    async def close(self, reason: str) -> None:
        """End the connection; `reason` is a short code (`ended`, `superseded`, `too_long` ...)."""
        ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """A leg that has identified itself: token checked, seat taken."""

    call: str
    """The call's id on the bus: token-safe, not the CallSid and not a phone number."""
    generation: int
    """1 for a new call; higher when this leg takes over a call that lost its gateway."""
    zone: str = ""
    """IANA zone told by the browser, if it is one; empty otherwise."""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call left this gateway."""

    ended: bool
    """True: said goodbye or hung up, there is nothing to come back to. False: the leg was lost."""
    reason: str


class CallDesk(Protocol):
    """Where legs bring their calls."""

    async def serve(self, leg: Leg, arrival: Arrival) -> Ending:
        """Hold the call until it ends or the leg is gone; never raises for a caller's doing.

        When the agent ends the call, the desk has committed `ended` before it closes the leg.
        """
        ...


class VoiceModel(Protocol):
    """Says of windows of sound how probably they are speech; keeps a row of state for each stream."""

    @property
    def rate_hz(self) -> int: ...

    @property
    def window(self) -> int:
        """Samples of one window (32 ms)."""
        ...

    def open(self) -> int:
        """A fresh row of state."""
        ...

    def close(self, row: int) -> None: ...

    def probabilities(self, rows: list[int], windows: npt.NDArray[np.float32]) -> list[float]:
        """Of each window; `windows` is [B, window] in [-1, 1), `rows` whose each is.

        Windows of one row stand side by side, in order.
        """
        ...


class ForegroundModel(Protocol):
    """Says of windows of sound whether the caller's own voice is in them; keeps a row of state for each stream."""

    def open(self) -> int:
        """A fresh row of state."""
        ...

    def close(self, row: int) -> None: ...

    def odds(
        self,
        rows: list[int],
        probabilities: npt.NDArray[np.float32],
        windows: npt.NDArray[np.float32],
    ) -> list[float]:
        """Log-odds that they were in the window `LAG_WINDOWS` before each; [B] of speech, and [B, window] of sound.

        Windows of one row stand side by side, in order.
        """
        ...
