"""A leg and a voice detector without a caller or a model. Ships with the product.

`FakeLeg` lets a test, or a text console, be the caller: it gives frames of 20 ms in time (also in a
loop whose clock is virtual), plays what it is given through a buffer as a phone does, and remembers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from holdfast_common.contracts.asr import Channel
from holdfast_common.pcm import rms_dbfs

from holdfast_gateway.ports import AudioIn, Caption, Dtmf, HungUp, LegEvent, Typed

FRAME_MS = 20


def voice(seconds: float, rate_hz: int = 8_000, level: float = 0.1) -> bytes:
    """Something that the fake detector takes for speech: noise at -20 dBFS, always the same."""
    noise = np.random.default_rng(1).normal(0, level, int(seconds * rate_hz))
    return (np.clip(noise, -1, 1) * 32_767).astype("<i2").tobytes()


class LoudIsVoice:
    """A `VoiceModel` that takes everything over -40 dBFS for speech."""

    def __init__(self, rate_hz: int = 8_000) -> None:
        self.rate_hz = rate_hz
        self.window = 32 * rate_hz // 1000
        self.open_rows = 0

    def open(self) -> int:
        self.open_rows += 1
        return self.open_rows

    def close(self, row: int) -> None:
        self.open_rows -= 1

    def probabilities(self, rows: list[int], windows: npt.NDArray[np.float32]) -> list[float]:
        return [0.95 if rms_dbfs(window) > -40 else 0.02 for window in windows]


@dataclass(frozen=True, slots=True)
class Played:
    """Something handed to the leg."""

    at: float
    """Loop time."""
    pcm: bytes


class FakeLeg:
    """A `Leg` whose caller is whoever holds it."""

    kind = "fake"

    def __init__(
        self, rate_hz: int = 8_000, channel: Channel = Channel.PHONE, line: Callable[[bytes], bytes] | None = None
    ) -> None:
        """`line` is what each frame goes through on its way to us: noise, a codec; None: a perfect line."""
        self.rate_hz = rate_hz
        self._line = line
        self.channel = channel
        self.captions: list[Caption] = []
        self.played: list[Played] = []
        self.clears: list[float] = []
        """Loop times."""
        self.gaps = 0
        """Times that the buffer ran dry while audio was still being sent (within 0.4 s)."""
        self.closed: str | None = None
        self.changed = asyncio.Condition()
        self._loop = asyncio.get_running_loop()
        self._frames: deque[bytes] = deque()
        self._events: deque[LegEvent | None] = deque()
        self._sent = 0
        self._base = (0, self._loop.time())
        """(samples played, when): the buffer plays on from there."""
        self._silence = bytes(2 * FRAME_MS * rate_hz // 1000)
        self._woken = asyncio.Event()

    # -- the caller's side

    def speak(self, pcm: bytes) -> None:
        """Say this next; frames of silence follow."""
        size = len(self._silence)
        self._frames.extend(pcm[i : i + size].ljust(size, b"\0") for i in range(0, len(pcm), size))

    def type(self, text: str) -> None:
        self._put(Typed(text))

    def dial(self, digit: str) -> None:
        self._put(Dtmf(digit))

    def hang_up(self) -> None:
        self._put(HungUp())

    def lose(self) -> None:
        """The connection breaks."""
        self._put(None)

    @property
    def is_speaking(self) -> bool:
        """The caller has not said everything yet."""
        return bool(self._frames)

    @property
    def said(self) -> list[str]:
        """The agent's captions so far."""
        return [caption.text for caption in self.captions if caption.role == "agent"]

    def _put(self, event: LegEvent | None) -> None:
        self._events.append(event)
        self._woken.set()

    # -- the call's side

    async def events(self) -> AsyncIterator[LegEvent]:
        due = self._loop.time()
        while True:
            while self._events:
                event = self._events.popleft()
                if event is None:
                    return
                yield event
            if not self.rate_hz:
                self._woken.clear()
                await self._woken.wait()
                continue
            due += FRAME_MS / 1000
            await asyncio.sleep(due - self._loop.time())
            pcm = self._frames.popleft() if self._frames else self._silence
            if self._line is not None:
                pcm = self._line(pcm)
            yield AudioIn(pcm, int(self._loop.time() * 1e6))

    def play(self, pcm: bytes) -> None:
        now = self._loop.time()
        if self.position() >= self._sent:
            emptied = self._base[1] + (self._sent - self._base[0]) / self.rate_hz
            if self.played and 0.001 < now - emptied < 0.4:
                self.gaps += 1
            self._base = (self._sent, now)
        self._sent += len(pcm) // 2
        self.played.append(Played(now, pcm))

    def clear(self) -> int:
        position = self.position()
        self._sent, self._base = position, (position, self._loop.time())
        self.clears.append(self._loop.time())
        return position

    def position(self) -> int:
        if not self.rate_hz:
            return 0
        samples, since = self._base
        return min(self._sent, samples + int((self._loop.time() - since) * self.rate_hz))

    def sent(self) -> int:
        return self._sent

    def show(self, caption: Caption) -> None:
        self.captions.append(caption)

    async def close(self, reason: str) -> None:
        self.closed = reason
        self.lose()
