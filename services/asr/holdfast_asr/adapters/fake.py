"""A recogniser for tests: the audio itself says what is heard, and every call is remembered.

Speech is written with `spoken(text)`: PCM whose samples are the characters. So a test feeds words, and sees
which of them a decode had.
"""

from __future__ import annotations

import asyncio

import numpy as np
from holdfast_common.errors import EngineUnavailable

from holdfast_asr.ports import HeardWord, Hearing, Listener, Request


def spoken(text: str) -> bytes:
    """PCM that FakeRecogniser hears as `text`."""
    return np.array([ord(c) for c in text], "<i2").tobytes()


class FakeRecogniser:
    def __init__(self, *, confidence: float = 0.9) -> None:
        self.confidence = confidence
        self.begun: list[FakeUtterance] = []
        self.broken = False
        """True: every decode fails."""
        self.held: asyncio.Event | None = None
        """While set and not fired, decodes wait."""

    def begin(self, request: Request, listener: Listener) -> FakeUtterance:
        self.begun.append(FakeUtterance(self, request, listener))
        return self.begun[-1]

    def capacity(self) -> int:
        return 8

    def info(self) -> dict[str, str]:
        return {"engine": "fake"}


class FakeUtterance:
    def __init__(self, owner: FakeRecogniser, request: Request, listener: Listener) -> None:
        self.request = request
        self.asked: list[tuple[int, bool]] = []
        self.closed = False
        self._owner = owner
        self._listener = listener
        self._pcm = bytearray()

    @property
    def text(self) -> str:
        return "".join(chr(c) for c in np.frombuffer(self._pcm, "<i2") if c)

    def feed(self, pcm: bytes) -> None:
        self._pcm += pcm
        self._listener.decoded(len(self._pcm) // 2)
        self._listener.guessed(self.text)

    async def hear(self, position: int, *, last: bool = False) -> Hearing:
        self.asked.append((position, last))
        if self._owner.held is not None:
            await self._owner.held.wait()
        if self._owner.broken:
            raise EngineUnavailable("fake: broken")
        words = tuple(HeardWord(w, i * 100, (i + 1) * 100) for i, w in enumerate(self.text.split()))
        return Hearing(self.text, self._owner.confidence, words, "fake")

    def close(self) -> None:
        self.closed = True
