"""A phone network in a box: Twilio's far end as a gateway sees it, which knows exactly what it played.

Ships with the product, for tests and for `bench/heard.py`. Messages take their time in both directions and stay
in order; audio that comes into an empty buffer begins to sound `buffer_s` later; marks come back when what was
before them has sounded, into an empty buffer at once, and all at once after a clear.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from holdfast_common.pcm import samples_of, ulaw_decode, ulaw_encode

from holdfast_gateway.adapters.tokens import Pass
from holdfast_gateway.adapters.twilio_leg import RATE_HZ, TwilioLeg

FRAME = RATE_HZ // 50
STREAM = "MZ1"


@dataclass(frozen=True, slots=True)
class Network:
    """Seconds."""

    up_s: float = 0.02
    """From the gateway to the far end."""
    down_s: float = 0.02
    jitter_s: float = 0.0
    """Added to each message, up to this; order is kept."""
    buffer_s: float = 0.0
    """Audio into an empty buffer waits so long before it sounds."""


class _Wire:
    """One direction: late, in order."""

    def __init__(self, delay_s: float, jitter_s: float, random: Random) -> None:
        self._delay_s, self._jitter_s, self._random = delay_s, jitter_s, random
        self._last = 0.0
        self._loop = asyncio.get_running_loop()

    def carry(self, deliver: Callable[[Any], None], message: Any) -> None:
        late = self._delay_s + self._random.uniform(0, self._jitter_s)
        self._last = max(self._last + 1e-6, self._loop.time() + late)
        self._loop.call_at(self._last, deliver, message)


class _Told(TwilioLeg):
    """Remembers where each clear is said to have reached."""

    def __init__(self) -> None:
        super().__init__(lambda token, sid: Pass("call-1", sid, 1), lambda leg, granted: None)
        self.reached: list[int] = []

    def clear(self) -> int:
        self.reached.append(super().clear())
        return self.reached[-1]


class FarEnd:
    """The other end of one `TwilioLeg`, and its socket."""

    def __init__(self, network: Network, random: Random) -> None:
        self._loop = asyncio.get_running_loop()
        self._network = network
        self._there = _Wire(network.up_s, network.jitter_s, random)
        self._back = _Wire(network.down_s, network.jitter_s, random)
        self._playing: deque[tuple[float, bytes]] = deque()
        """(when it begins to sound, mu-law), ascending; what was cleared before it sounded is not in it."""
        self._ends = 0.0
        self._marks: list[tuple[float, str]] = []
        self._sequence = 1
        self._frames: deque[bytes] = deque()
        self._counted = 0
        self._clock: asyncio.Task[None] | None = None
        self.said_at: list[float] = []
        """When each frame of the caller's words was sent."""
        self.stretches: list[bytes] = []
        """What has sounded up to each clear."""
        self.leg = _Told()

    def connect(self) -> None:
        """The call is put through; frames come from now on."""
        self.leg.on_open(self)  # type: ignore[arg-type]
        self._say({"event": "connected"})
        start = {
            "streamSid": STREAM,
            "accountSid": "AC1",
            "callSid": "CA1",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": RATE_HZ, "channels": 1},
            "customParameters": {"token": "good"},
        }
        self._say({"event": "start", "sequenceNumber": "1", "streamSid": STREAM, "start": start})
        self._clock = asyncio.create_task(self._send_frames())

    def speak(self, pcm: bytes) -> None:
        """The caller says this next."""
        ulaw = ulaw_encode(pcm)
        self._frames.extend(ulaw[i : i + FRAME].ljust(FRAME, b"\xff") for i in range(0, len(ulaw), FRAME))

    @property
    def reached(self) -> list[int]:
        """Samples said to have been played at each clear."""
        return self.leg.reached

    def hang_up(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
        self._send("stop", {"stop": {"callSid": "CA1"}})

    def say(self, frames: Sequence[bytes]) -> None:
        """The caller says these frames of mu-law next, and it is remembered when each was sent."""
        self.said_at.clear()
        self._frames.extend(frames)
        self._counted = len(frames)

    def sounds_from(self, since: float, peak: int) -> float | None:
        """When the first sample over `peak` has sounded or will, at or after `since`; None: nothing yet."""
        for start, ulaw in self._playing:
            loud = np.flatnonzero(np.abs(samples_of(ulaw_decode(ulaw)).astype(np.int32)) > peak)
            if len(loud) and start + loud[0] / RATE_HZ >= since:
                return start + float(loud[0]) / RATE_HZ
        return None

    def heard(self) -> list[bytes]:
        """What has sounded, mu-law, in stretches between clears."""
        return [*self.stretches, self._sounded(self._loop.time())]

    @property
    def is_sounding(self) -> bool:
        return bool(self._playing) and self._playing[0][0] <= self._loop.time() < self._ends

    # -- the socket of the leg
    def send_text(self, data: bytes) -> None:
        self._there.carry(self._take, json.loads(data))

    def close(self, code: Any, reason: str) -> None:
        if self._clock is not None:
            self._clock.cancel()
        self.leg.on_gone(reason)

    async def wait_closed(self) -> None:
        """It is closed."""

    # -- inside
    def _take(self, message: dict[str, Any]) -> None:
        now = self._loop.time()
        match message["event"]:
            case "media":
                ulaw = base64.b64decode(message["media"]["payload"])
                start = self._ends if self._ends > now else now + self._network.buffer_s
                self._playing.append((start, ulaw))
                self._ends = start + len(ulaw) / RATE_HZ
            case "mark":
                due = max(now, self._ends)
                self._marks.append((due, message["mark"]["name"]))
                self._loop.call_at(due, self._echo)
            case "clear":
                self.stretches.append(self._sounded(now))
                self._playing.clear()
                self._ends = now
                for _, name in self._marks:
                    self._send("mark", {"mark": {"name": name}})
                self._marks.clear()

    def _sounded(self, now: float) -> bytes:
        return b"".join(ulaw[: max(0, round((now - start) * RATE_HZ))] for start, ulaw in self._playing)

    def _echo(self) -> None:
        now = self._loop.time() + 1e-9
        for name in [name for due, name in self._marks if due <= now]:
            self._send("mark", {"mark": {"name": name}})
        self._marks = [(due, name) for due, name in self._marks if due > now]

    def _send(self, event: str, body: dict[str, Any]) -> None:
        self._sequence += 1
        self._say({"event": event, "sequenceNumber": str(self._sequence), "streamSid": STREAM, **body})

    def _say(self, message: dict[str, Any]) -> None:
        self._back.carry(self.leg.on_text, json.dumps(message).encode())

    async def _send_frames(self) -> None:
        due = self._loop.time()
        while True:
            frame = self._frames.popleft() if self._frames else b"\xff" * FRAME
            if len(self.said_at) < self._counted:
                self.said_at.append(self._loop.time())
            media = {"track": "inbound", "chunk": "1", "timestamp": "0", "payload": base64.b64encode(frame).decode()}
            self._send("media", {"media": media})
            due += 0.02
            await asyncio.sleep(due - self._loop.time())
