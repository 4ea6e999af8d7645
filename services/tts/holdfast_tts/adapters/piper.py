"""Piper (piper-tts, GPL-3.0-or-later): a neural voice that sounds like a person, on a CPU core.

Speaks in processes of its own (`piper_pool`); this is the synthesiser that waits for them on a voice
thread. Makes whole runs: its voices compute all of a run at once. Words' times come from the
voice's own phoneme lengths where it tells them, else they are estimated and said to be so.
"""

from __future__ import annotations

import asyncio
import concurrent.futures

import numpy as np
from holdfast_common.pcm import samples_of

from holdfast_tts.adapters.piper_pool import PiperPool
from holdfast_tts.adapters.piper_wire import Ready, Said
from holdfast_tts.domain.timings import Span
from holdfast_tts.domain.voice_files import Wish
from holdfast_tts.ports import Emit, EngineAway, Piece, Run

ASK_S = 0.05
"""How often a run that nobody wants any more is noticed."""


class Piper:
    """One voice, of one speaker or several; made when its first process is ready, on the pool's event loop."""

    name = "piper"
    whole_runs = True

    def __init__(self, pool: PiperPool, wish: Wish, ready: Ready) -> None:
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._wish = wish
        self._ready = ready
        self.version = f"{ready.version} {wish.voice} noise {pool.options.noise_w:g}"

    def resolve(self, voice: str, language: str) -> str:
        """The loaded voice, with the speaker that is asked for if it has it."""
        return self._text(self._speaker(voice))

    def rate_hz(self, voice: str) -> int:
        return self._ready.rate_hz

    def speak(self, run: Run, emit: Emit) -> None:
        asked = asyncio.run_coroutine_threadsafe(
            self._pool.say(run.words, run.speed, self._speaker(run.voice)), self._loop
        )
        while True:
            try:
                self._give(asked.result(ASK_S), emit)
            except TimeoutError:
                if not emit(Piece(np.zeros(0, dtype=np.int16))):
                    asked.cancel()
                    return
            except concurrent.futures.CancelledError:
                raise EngineAway("piper: the service is ending") from None
            else:
                return

    def _give(self, said: Said, emit: Emit) -> None:
        if said.pcm:
            words = None if said.words is None else tuple(Span(*word) for word in said.words)
            emit(Piece(samples_of(said.pcm), words))

    def _speaker(self, voice: str) -> int | None:
        try:
            asked = Wish.read(voice)
        except ValueError:
            asked = self._wish
        speaker = asked.speaker if asked.voice == self._wish.voice else self._wish.speaker
        return speaker if speaker is not None and speaker < self._ready.speakers else None

    def _text(self, speaker: int | None) -> str:
        return self._wish.voice if speaker is None else f"{self._wish.voice}#{speaker}"
