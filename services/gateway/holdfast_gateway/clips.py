"""What the gateway can say with everything else dead: the profile's clips, spoken ahead of need.

Spoken by tts when the process starts, tried again until a replica is there, kept as audio.
"""

from __future__ import annotations

import asyncio
from itertools import count

import structlog
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.tts import Speak
from holdfast_common.contracts.wire import Audio
from holdfast_common.errors import StreamFailed
from holdfast_common.profile import Clips as ClipTexts
from holdfast_common.stream.api import Opener

from holdfast_gateway.domain.patience import Step

log = structlog.get_logger()

RETRY_S = 2.0


class Clips:
    """Texts of the profile and their audio by rate."""

    def __init__(self, texts: ClipTexts, rates_hz: tuple[int, ...] = (8_000, 16_000)) -> None:
        self._texts = {step: getattr(texts, step.value) for step in Step}
        self._rates = rates_hz
        self._audio: dict[tuple[str, int], bytes] = {}
        self._turns = {step: count() for step in Step}

    @property
    def missing(self) -> list[tuple[str, int]]:
        """Clips without audio yet."""
        wanted = [(text, rate) for texts in self._texts.values() for text in texts for rate in self._rates]
        return [clip for clip in wanted if clip not in self._audio]

    def choose(self, step: Step, rate_hz: int) -> tuple[str, bytes | None]:
        """A variant of what is said at this step, in turn, and its audio at this rate where there is some."""
        texts = self._texts[step]
        text = texts[next(self._turns[step]) % len(texts)]
        return text, self._audio.get((text, rate_hz))

    async def run(self, opener: Opener) -> None:
        """Have every clip spoken once."""
        while self.missing:
            for text, rate in self.missing:
                try:
                    self._audio[text, rate] = await self._speak(opener, text, rate)
                except StreamFailed as error:
                    log.info("clip_not_spoken", code=error.code)
                    await asyncio.sleep(RETRY_S)  # a pace for asking again, not a wait for a condition
        log.info("clips_ready", clips=len(self._audio))

    async def _speak(self, opener: Opener, text: str, rate_hz: int) -> bytes:
        parts: list[bytes] = []
        stream = opener.open(
            Service.TTS, lambda: _again(parts, text, rate_hz), call="clips", deadline_ms=30_000, ends_input=True
        )
        try:
            async for result in stream:
                if isinstance(result, Audio):
                    parts.append(result.pcm)  # noqa: PERF401 - `_again` empties it when the stream is re-opened
        finally:
            stream.cancel()
        if not parts:
            raise StreamFailed("engine", "a clip without audio")
        return b"".join(parts)


def _again(parts: list[bytes], text: str, rate_hz: int) -> Speak:
    """From the beginning, also when the stream is re-opened: nobody listens yet."""
    parts.clear()
    return Speak(text=text, rate_hz=rate_hz)
