"""Where the caller's utterances come from: recordings in a folder, or text spoken by a tts replica."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.tts import Speak
from holdfast_common.contracts.wire import Audio
from holdfast_common.pcm import to_float
from holdfast_common.stream.api import Opener

from holdfast_cli.caller.audio import RATE_HZ, BadRecordingError, Utterance, joined, read_wav, utterance
from holdfast_cli.caller.script import Line

SPEAK_TIMEOUT_S = 10.0


class Voice:
    """Makes an utterance of a line. Recordings are read once."""

    def __init__(
        self, *, folder: Path | None = None, opener: Opener | None = None, name: str = "", call: str = "caller"
    ) -> None:
        self._folder = folder
        self._opener = opener
        self._name = name
        self._call = call
        self._known: dict[str, Utterance] = {}

    async def utterance(self, line: Line) -> Utterance:
        """The audio of a line; raises BadRecordingError, or StreamFailed when no tts will speak it."""
        key = line.words
        if key not in self._known:
            samples = await asyncio.to_thread(self._recorded, line) if line.wav else await self._spoken(line.say)
            self._known[key] = utterance(samples)
        return self._known[key]

    def _recorded(self, line: Line) -> np.ndarray:
        folder = self._folder or Path()
        return joined([read_wav(folder / (name if name.endswith(".wav") else f"{name}.wav")) for name in line.wav])

    async def _spoken(self, text: str) -> np.ndarray:
        if self._opener is None:
            raise BadRecordingError(f"nobody to speak {len(text)} letters of text: no tts in reach")
        stream = self._opener.open(
            Service.TTS,
            lambda: Speak(text=text, rate_hz=RATE_HZ, voice=self._name),
            call=self._call,
            ends_input=True,
        )
        pieces: dict[int, np.ndarray] = {}  # by position: a stream that moved to another replica repeats itself
        async with asyncio.timeout(SPEAK_TIMEOUT_S):
            async for item in stream:
                if isinstance(item, Audio):
                    pieces[item.position] = to_float(item.pcm)
        return joined([pieces[at] for at in sorted(pieces)]) if pieces else np.zeros(0, dtype=np.float32)
