"""A house with ears and a voice: the whole system in this process, calls in it by sound.

Over the dialogue and tools of `house` it sets the embedded recogniser (its decoders in processes of their
own), the voice of this machine, and a gateway without doors for each call. The clock is the sound
(`sample_clock`): while a decoder, the voice or the ledger owes a result, no time passes in a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from holdfast_common.contracts.registry import Service
from holdfast_common.contracts.tts import Speak
from holdfast_common.contracts.wire import Audio
from holdfast_common.memory_bus import MemoryBus
from holdfast_common.pcm import Floats, to_float
from holdfast_common.profile import Profile
from holdfast_common.stream.api import Handler, Session

from holdfast_cli.eval.house import House, open_house, service
from holdfast_cli.eval.sample_clock import SampleLoop
from holdfast_cli.eval.spoken_line import RATE_HZ, babble, levelled, pink, white

NOISE_S = 20.0
FAR_BEHIND_S = 0.5
"""Audio that may wait for a decoder before the clock waits for it: its slices are 0.2 s."""
VOICES = {"flite": ("rms", "slt", "awb"), "espeak": ("en-us", "en-us+f3", "en-gb-x-rp")}
"""Callers' voices, by engine: the first person on the line, the second, the third. espeak loads no plain `en-gb`."""
CHATTER = (
    "so i told her that we would be there by six but the train was late again",
    "could you pass me the menu please i think i will have the soup today",
    "they moved the whole office to the third floor and nobody can find the printer",
    "no the other one the blue one next to the window over there",
)
"""What the people in the background talk about."""


class Owed:
    """Counts what handlers in this process have not finished."""

    def __init__(self) -> None:
        self._open = 0

    def counted(self, handler: Handler) -> Handler:
        async def handle(session: Session) -> None:
            self._open += 1
            try:
                await handler(session)
            finally:
                self._open -= 1

        return handle

    def __call__(self) -> bool:
        return self._open > 0


class SpokenHouse:
    """Where spoken calls are held."""

    def __init__(self, house: House, engine: str) -> None:
        self.house = house
        self._voices = VOICES[engine]
        self._said: dict[tuple[str, int], Floats] = {}
        self._noises: dict[str, Floats] = {}

    async def say(self, text: str, person: int = 0) -> Floats:
        """The sound of a caller's words, 8 kHz, at the level of speech; raises StreamFailed."""
        key = (text, person % len(self._voices))
        if key not in self._said:
            self._said[key] = levelled(await self._speak(text, self._voices[key[1]]))
        return self._said[key]

    async def noise(self, name: str) -> Floats:
        """What is behind the caller, by the scenario's word for it; level is the line's business."""
        kind = next((k for k in ("babble", "tv", "talk", "white") if k in name), "pink")
        if kind not in self._noises:
            if kind in ("babble", "tv", "talk"):
                clips = [await self.say(text, person) for person, text in enumerate(CHATTER)]
                self._noises[kind] = babble(clips, NOISE_S)
            else:
                self._noises[kind] = white(NOISE_S) if kind == "white" else pink(NOISE_S)
        return self._noises[kind]

    def gateway(self, profile: Profile, log: Any) -> Any:
        """A gateway without doors for one call (an async context manager; see its `in_process`)."""
        return service("gateway").serve(profile, self.house.opener, MemoryBus(self.house.hub), log)

    async def _speak(self, text: str, voice: str) -> Floats:
        stream = self.house.opener.open(
            Service.TTS, lambda: Speak(text=text, rate_hz=RATE_HZ, voice=voice), call="caller", ends_input=True
        )
        pieces: dict[int, bytes] = {}  # by position: a stream that is opened again repeats itself
        async for item in stream:
            if isinstance(item, Audio):
                pieces[item.position] = item.pcm
        return np.concatenate([to_float(pieces[at]) for at in sorted(pieces)])


@asynccontextmanager
async def open_spoken_house(folder: Path, profile: Profile, cache: Path) -> AsyncIterator[SpokenHouse]:
    """Ready to take calls, on a `SampleLoop`. `cache` keeps the recogniser's language model between runs.

    Raises SettingsError and EngineUnavailable where this machine cannot hear or speak.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SampleLoop)
    tts, tools = Owed(), Owed()
    async with AsyncExitStack() as stack:
        with loop.standing_still():
            hear, behind_s = await stack.enter_async_context(service("asr").serve(folder, cache))
            speak, engine = await stack.enter_async_context(service("tts").serve(profile))
        services: Sequence[tuple[Service, Handler]] = ((Service.ASR, hear), (Service.TTS, tts.counted(speak)))
        house = await stack.enter_async_context(open_house(folder, services, around_tools=tools.counted))
        for owes in (tts, tools, lambda: behind_s() > FAR_BEHIND_S):
            loop.wait_for(owes)
        yield SpokenHouse(house, engine)
