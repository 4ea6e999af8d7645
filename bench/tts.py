"""Measure the speech engines of this machine: first audio, real-time factor, loudness, and how the loop fares.

    .venv/bin/python bench/tts.py [--json bench/results/tts.json] [--rate 8000] [--listen] [--engine piper]

Sentences go through the service's own handler without a bus and without its cache: what is timed is
`Speak` in to first audio message out, and to the last. RTF is wall time per second of audio; `cpu_rtf` is
processor time, of this process and its engine's: it tells more where the machine has other work.
`--listen` has pocketsphinx's generic model write down what it hears (of 8 kHz audio through mu-law):
word error rate as a stand-in for ears.

Piper is measured with every voice in HOLDFAST_TTS_VOICES_DIR, and with two that are made on the spot:
`tiny` (a buzz that costs nothing: what remains is the service's own time) and `random-medium` (noise,
in the shape and at the cost of a real voice of quality medium; see bench/piper_shape.py).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soxr
from holdfast_common.contracts.tts import Speak
from holdfast_common.contracts.wire import Audio, Message
from holdfast_common.errors import EngineUnavailable
from holdfast_common.pcm import samples_of, to_float, ulaw_decode, ulaw_encode
from holdfast_common.profile import Voice
from holdfast_common.settings import load_settings
from holdfast_common.testing import FakeSession
from holdfast_tts import tiny_voice
from holdfast_tts.bootstrap import factories
from holdfast_tts.chain import Chain
from holdfast_tts.domain.cache import AudioCache
from holdfast_tts.domain.level import active_level_dbfs
from holdfast_tts.handlers import Chunking, Speaker
from holdfast_tts.renderer import Renderer, Shape
from holdfast_tts.settings import TtsSettings
from holdfast_tts.testing_piper import speaking
from holdfast_tts.voice_thread import VoiceThread

SENTENCES = (
    "Yes, of course.",
    "You can invite your colleagues from the settings page.",
    "The trial lasts two weeks, and you do not need a credit card.",
    "Would you like to talk to one of our specialists about that?",
    "When somebody has signed the document, everyone gets a copy by email.",
    "I can offer Tuesday at half past two, or Wednesday at ten in the morning.",
    "Choose a role for each of them, and they will get an email with a link, which works for seven days, "
    "after which you would have to send it again from the same page.",
)
VOICES = (
    ("flite", "rms"),
    ("flite", "slt"),
    ("flite", "awb"),
    ("flite", "kal16"),
    ("espeak", "en-us"),
)


class TimedSession(FakeSession):
    """Notes when each result came."""

    def __init__(self, first: Speak) -> None:
        super().__init__(first)
        self.begun = time.perf_counter()
        self.at: list[float] = []

    async def send(self, result: Message) -> None:
        self.at.append(time.perf_counter() - self.begun)
        self.results.append(result)

    async def send_audio(self, pcm: bytes, *, rate_hz: int, position: int) -> None:
        self.at.append(time.perf_counter() - self.begun)
        self.results.append(Audio(pcm, rate_hz, position))


async def loop_lag(worst: list[float]) -> None:
    """How late a 1 ms timer fires, ms."""
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        worst.append((time.perf_counter() - before) * 1000 - 1)


@asynccontextmanager
async def speaker_of(engine: str, voice: str) -> AsyncIterator[Speaker]:
    """Ready when this returns; a voice of Piper is the path of its model."""
    settings = load_settings(TtsSettings)[0]
    if engine == "piper":
        options = {"workers": 1, "threads": settings.piper_threads, "noise_w": settings.piper_noise_w}
        async with speaking(Path(voice), **options, patience_s=60.0) as studio:
            yield studio.speaker
        return
    chain = Chain((engine,), factories(settings, Voice()))
    thread = VoiceThread(chain, Renderer(Shape()))
    try:
        await thread.warm()
        yield Speaker(chain, thread, AudioCache(0), Chunking())
    finally:
        thread.close()


def cpu_s() -> float:
    """Processor time of this process and of those that it has started, seconds."""
    me = psutil.Process()
    return sum(p.cpu_times().user + p.cpu_times().system for p in (me, *me.children(recursive=True)))


async def measure(engine: str, voice: str, rate_hz: int, rounds: int, ear: Ear | None) -> dict[str, Any]:
    begun = time.perf_counter()
    async with speaker_of(engine, voice) as speaker:
        ready_ms = (time.perf_counter() - begun) * 1000
        row = await measure_speaker(speaker, "" if engine == "piper" else voice, rate_hz, rounds, ear)
    name = Path(voice).name.removesuffix(".onnx")
    return {"engine": engine, "voice": name, "ready_ms": round(ready_ms, 1), **row}


async def measure_speaker(speaker: Speaker, voice: str, rate_hz: int, rounds: int, ear: Ear | None) -> dict[str, Any]:
    first_ms, rtf, levels, lag, said, peak = [], [], [], [], [], 0
    await speaker.handle(TimedSession(Speak(text="Hello.", rate_hz=rate_hz, voice=voice)))
    watching = asyncio.create_task(loop_lag(lag))
    cpu_before, audio_s = cpu_s(), 0.0
    try:
        for number in range(rounds):
            for text in SENTENCES:
                session = TimedSession(Speak(text=text, rate_hz=rate_hz, voice=voice))
                await speaker.handle(session)
                audio = [r for r in session.results if isinstance(r, Audio)]
                pcm = b"".join(a.pcm for a in audio)
                samples = samples_of(pcm)
                first_ms.append(
                    1000 * next(t for t, r in zip(session.at, session.results, strict=True) if r is audio[0])
                )
                audio_s += len(samples) / rate_hz
                rtf.append(session.at[-1] * rate_hz / len(samples))
                levels.append(active_level_dbfs(to_float(pcm), rate_hz))
                peak = max(peak, int(np.abs(samples.astype(int)).max()))
                if not number:
                    said.append((text, pcm))
    finally:
        watching.cancel()
    errors = [ear.errors(pcm, rate_hz, text) for text, pcm in said] if ear else []
    return {
        "first_audio_ms_p50": round(statistics.median(first_ms), 2),
        "first_audio_ms_max": round(max(first_ms), 2),
        "rtf_p50": round(statistics.median(rtf), 4),
        "cpu_rtf": round((cpu_s() - cpu_before) / audio_s, 4),
        "level_dbfs": round(statistics.fmean(levels), 1),
        "level_spread_db": round(max(levels) - min(levels), 1),
        "peak_dbfs": round(20 * float(np.log10(peak / 32_768)), 1),
        "loop_lag_ms_max": round(max(lag, default=0.0), 1),
        **({"wer_percent": round(100 * sum(e[0] for e in errors) / sum(e[1] for e in errors), 1)} if errors else {}),
    }


def piper_voices(folder: Path) -> list[tuple[str, str]]:
    """Those that are there, and those that are made into `folder`."""
    sys.path.insert(0, str(Path(__file__).parent))
    import piper_shape  # noqa: PLC0415 - needs the onnx package

    there = load_settings(TtsSettings)[0].voices_dir
    real = sorted(there.glob("*.onnx")) if there else []
    if not real:
        print("piper: no voice in HOLDFAST_TTS_VOICES_DIR; only made ones are measured")
    return [("piper", str(path)) for path in (*real, tiny_voice.make(folder), piper_shape.make(folder))]


class Ear:
    """pocketsphinx's generic English, as a listener who knows nothing of the subject."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder  # noqa: PLC0415 - only for --listen

        self._decoder = Decoder(loglevel="FATAL")

    def errors(self, pcm: bytes, rate_hz: int, text: str) -> tuple[int, int]:
        """(wrong words, words) of one sentence after mu-law."""
        heard = to_float(ulaw_decode(ulaw_encode(pcm)))
        wide = soxr.resample(heard, rate_hz, 16_000)
        quiet = np.zeros(4_800, dtype=np.float32)
        self._decoder.start_utt()
        self._decoder.process_raw(
            np.rint(np.concatenate((quiet, wide, quiet)) * 32_767).clip(-32_768, 32_767).astype(np.int16).tobytes(),
            full_utt=True,
        )
        self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        said = re.findall(r"[a-z']+", text.lower())
        got = hypothesis.hypstr.split() if hypothesis else []
        return distance(said, got), len(said)


def distance(said: list[str], got: list[str]) -> int:
    """Words to insert, delete or replace."""
    row = list(range(len(got) + 1))
    for i, word in enumerate(said, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(got, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rate", type=int, default=8_000, choices=(8_000, 16_000))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--listen", action="store_true", help="word error rate by pocketsphinx")
    parser.add_argument("--engine", help="only this one")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    ear = Ear() if arguments.listen else None
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        wanted = [*VOICES, *piper_voices(Path(folder))]
        for engine, voice in wanted if not arguments.engine else [w for w in wanted if w[0] == arguments.engine]:
            try:
                rows.append(asyncio.run(measure(engine, voice, arguments.rate, arguments.rounds, ear)))
            except EngineUnavailable as error:
                print(f"{engine}: {error}")
    if rows:
        columns = list(rows[0])
        print("  ".join(f"{column:>18}" for column in columns))
        for row in rows:
            print("  ".join(f"{row.get(column, '')!s:>18}" for column in columns))
    if arguments.json:
        result = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": platform.platform(),
            "cores": os.cpu_count(),
            "load_1min": round(os.getloadavg()[0], 1),
            "rows": rows,
        }
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps({**result, "rate_hz": arguments.rate}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
