"""A Whisper process: `python -m holdfast_asr.adapters.whisper_worker <options as JSON>`.

Four threads: one reads orders (and ends the process when the pipe closes, so it never outlives its service), one
makes features, one decodes (CTranslate2 lets go of Python's lock meanwhile), one says every 200 ms that the
process is there. A stopped process is silent; a hanging decode is one that gets no further.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np

from holdfast_asr.adapters.whisper_features import RATE_HZ, log_mel, sound_of
from holdfast_asr.adapters.whisper_prompts import Prompts
from holdfast_asr.adapters.whisper_wire import (
    LENGTH,
    Alive,
    Broken,
    Decode,
    Decoded,
    Heard,
    Options,
    Ready,
    Reply,
    Sound,
    Stage,
    Unusable,
    batch_of,
    orders,
    pack,
)
from holdfast_asr.adapters.worker_pipes import answers
from holdfast_asr.domain.windows import FULL_FRAMES, SHORTEST_FRAMES, window_frames

ALIVE_EVERY_S = 0.2
WARM_S, WARM_TOKENS = 3.0, 25
"""What the warm-up decodes, and what the figures in `Ready` are of."""
CONTEXT = 448


class Engine:
    """CTranslate2's Whisper and its tokenizer."""

    def __init__(self, options: Options) -> None:
        from ctranslate2 import StorageView, get_cuda_device_count  # noqa: PLC0415 - heavy
        from faster_whisper import WhisperModel  # noqa: PLC0415 - heavy

        self._view = StorageView.from_array
        self.device = options.device
        if options.device == "auto":
            self.device = "cuda" if get_cuda_device_count() else "cpu"
        self.max_batch = batch_of(options.max_batch, self.device)
        model = WhisperModel(
            options.folder,
            device=self.device,
            device_index=options.device_index,
            compute_type=options.compute_type or ("float16" if self.device == "cuda" else "int8"),
            cpu_threads=options.threads or os.cpu_count() or 1,
            local_files_only=True,
        )
        self._whisper: Any = model.model  # CTranslate2's bindings have no types
        self._tokenizer = model.hf_tokenizer
        self._end = model.hf_tokenizer.token_to_id("<|endoftext|>")
        self.compute_type: str = self._whisper.compute_type
        self._bands: int = self._whisper.n_mels
        self._beam = options.beam
        self._short = options.short_windows

    def features(self, order: Decode) -> np.ndarray[Any, np.dtype[np.float32]]:
        """[utterances, bands, frames]."""
        sounds = (sound_of(sound.pcm, sound.rate_hz) for sound in order.sounds)
        return np.stack([log_mel(sound, self._bands, order.frames) for sound in sounds])

    def encode(self, features: np.ndarray[Any, np.dtype[np.float32]]) -> Any:
        return self._whisper.encode(self._view(np.ascontiguousarray(features)))

    def generate(self, order: Decode, encoded: Any) -> list[Heard]:
        start = len(order.sounds[0].prompt)
        most = max(sound.most_tokens for sound in order.sounds)
        results = self._whisper.generate(
            encoded,
            [list(sound.prompt) for sound in order.sounds],
            beam_size=self._beam,
            # CTranslate2 stops at half of max_length, or at what the prompt leaves of it.
            max_length=min(CONTEXT, max(2 * most, start + most)),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=not order.forced,
            suppress_tokens=[-1, self._end] if order.forced else [-1],
        )
        return [self._heard(result, sound) for result, sound in zip(results, order.sounds, strict=True)]

    def _heard(self, result: Any, sound: Sound) -> Heard:
        tokens: list[int] = result.sequences_ids[0]
        cut = len(tokens) >= sound.most_tokens
        text = self._tokenizer.decode(tokens[: sound.most_tokens]).strip()
        # The score is per token written; the end token counts too (as faster-whisper has it).
        return Heard(text, result.scores[0] * len(tokens) / (len(tokens) + 1), result.no_speech_prob, cut)

    def decode(self, order: Decode) -> list[Heard]:
        return self.generate(order, self.encode(self.features(order)))

    def warm(self, folder: Path) -> tuple[float, float, float]:
        """Decode what will be decoded, so that no caller pays for it; seconds for one, a batch, the slowest."""
        prompt = Prompts(folder).prompt("en")
        noise = np.random.default_rng(0).normal(0, 300, int(WARM_S * RATE_HZ)).astype("<i2").tobytes()
        sound = Sound(noise, RATE_HZ, prompt, WARM_TOKENS)
        frames = window_frames(WARM_S, short=self._short)

        def took(count: int, frames: int) -> float:
            began = time.monotonic()
            self.decode(Decode(0, frames, [sound] * count, forced=True))
            return time.monotonic() - began

        took(1, SHORTEST_FRAMES)  # page faults, kernels, imports: as well with a short window, and much sooner
        one = took(1, frames)
        batch = one if self.max_batch == 1 else took(self.max_batch, frames)
        slowest = batch if frames == FULL_FRAMES else took(self.max_batch, FULL_FRAMES)
        return one, batch, slowest


class Worker:
    """The pipes and threads around an engine."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._lock = threading.Lock()
        self.inbox: queue.SimpleQueue[Decode] = queue.SimpleQueue()
        self._prepared: queue.Queue[tuple[Decode, Any]] = queue.Queue(maxsize=1)

    def say(self, reply: Reply) -> None:
        with self._lock:
            self._out.write(pack(reply))
            self._out.flush()

    def beat(self) -> None:
        while True:
            time.sleep(ALIVE_EVERY_S)
            self.say(Alive())

    def prepare(self, engine: Engine) -> None:
        while True:
            order = self.inbox.get()
            try:
                features = engine.features(order)
            except (ValueError, RuntimeError) as error:
                self.say(Broken(order.batch, str(error)[:200]))
                continue
            self.say(Stage(order.batch))
            self._prepared.put((order, features))

    def run(self, engine: Engine) -> None:
        while True:
            order, features = self._prepared.get()
            try:
                encoded = engine.encode(features)
                self.say(Stage(order.batch))
                self.say(Decoded(order.batch, engine.generate(order, encoded)))
            except (ValueError, RuntimeError) as error:  # what the binding raises when the engine fails
                self.say(Broken(order.batch, str(error)[:200]))


def _read(source: BinaryIO, inbox: queue.SimpleQueue[Decode]) -> None:
    while (head := source.read(LENGTH.size)) and len(head) == LENGTH.size:
        (length,) = LENGTH.unpack(head)
        body = source.read(length)
        if len(body) < length:
            break
        inbox.put(orders.decode(body))
    os._exit(0)  # the service is gone; nothing here is worth saving


def main() -> None:
    options = msgspec.json.decode(sys.argv[1], type=Options)
    out = answers()
    worker = Worker(out)
    threading.Thread(target=_read, args=(sys.stdin.buffer, worker.inbox), daemon=True).start()
    began = time.monotonic()
    try:
        threading.Thread(target=worker.beat, daemon=True).start()
        try:
            engine = Engine(options)
            one, batch, slowest = engine.warm(Path(options.folder))
        except Exception as error:  # noqa: BLE001 - reported to the service, which stays on its fallback
            worker.say(Unusable(f"{type(error).__name__}: {str(error)[:200]}"))
            return
        took_ms = int((time.monotonic() - began) * 1000)
        worker.say(Ready(took_ms, engine.device, engine.compute_type, one, batch, slowest))
        threading.Thread(target=worker.prepare, args=(engine,), daemon=True).start()
        worker.run(engine)
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
