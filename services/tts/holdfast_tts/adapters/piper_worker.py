"""A Piper process: `python -m holdfast_tts.adapters.piper_worker VOICE.onnx THREADS NOISE_W`.

espeak-ng, which turns text into phonemes inside piper, has one state per process; so one process
says one run at a time, on its main thread. A second thread reads orders, stops a run that is
dropped, and ends the process when the pipe closes, so no worker outlives its service however that
died.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import onnxruntime
from piper import PiperConfig, PiperVoice, SynthesisConfig

from holdfast_tts.adapters.piper_model import with_lengths
from holdfast_tts.adapters.piper_wire import LENGTH, Drop, Ready, Refused, Reply, Said, Say, orders, pack
from holdfast_tts.domain.phonemes import Timed, word_spans

WARM_UP = ("Good", "morning,", "how", "can", "I", "help?")


class Session:
    """onnxruntime's session as piper uses it, with a way to stop a run that goes on."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self.options = onnxruntime.RunOptions()
        self.timed = len(session.get_outputs()) > 1

    def run(self, names: list[str] | None, inputs: dict[str, Any]) -> Sequence[Any]:
        return self._session.run(names, inputs, self.options)


class Worker:
    """The voice, and the run that is being made."""

    def __init__(self, path: Path, *, threads: int, noise_w: float) -> None:
        model = path.read_bytes()
        config = Path(f"{path}.json").read_bytes()
        self._session = _session(model, threads)
        self._voice = PiperVoice(self._session, PiperConfig.from_dict(json.loads(config)))  # type: ignore[arg-type]
        self._noise_w = noise_w
        content = hashlib.blake2b(model + config, digest_size=4).hexdigest()
        self.version = f"{version('piper-tts')} {content}"
        self._phonemes_alone = lru_cache(4_096)(self._alone)

    @property
    def ready(self) -> Ready:
        config = self._voice.config
        return Ready(config.sample_rate, self.version, config.num_speakers, self._session.timed)

    def begin(self) -> onnxruntime.RunOptions:
        """Options of the next run: setting their `terminate` stops it."""
        self._session.options = onnxruntime.RunOptions()
        return self._session.options

    def say(self, say: Say) -> Said:
        """One run, whole: its words' times are known only when its phonemes' lengths are."""
        config = SynthesisConfig(
            speaker_id=say.speaker,
            length_scale=self._voice.config.length_scale / say.speed,
            # With no noise in it the lengths of phonemes are a function of the text: what one replica
            # has said half of, another can go on with at the same sample.
            noise_w_scale=self._noise_w,
            # Loudness is the voice's, made equal by one gain; each sentence at full scale would jump.
            normalize_audio=False,
        )
        timed: list[Timed] | None = []
        pcm: list[np.ndarray] = []
        for chunk in self._voice.synthesize(_plain(" ".join(say.words)), config, include_alignments=True):
            pcm.append(chunk.audio_int16_array)
            if chunk.phoneme_alignments is None or timed is None:
                timed = None
                continue
            first, *between, last = [Timed(a.phoneme, int(a.num_samples)) for a in chunk.phoneme_alignments]
            told = (first._replace(phoneme=""), *between, last._replace(phoneme=""))
            # The model may pad or cut the audio by some samples: the next chunk starts where this one ends.
            missing = len(chunk.audio_int16_array) - sum(t.samples for t in told)
            timed += (*told, Timed("", missing))
        if not pcm:
            return Said(say.number)
        spans = word_spans(timed, [self._phonemes_alone(word) for word in say.words]) if timed else None
        words = tuple((s.word, max(0, s.start), max(0, s.end)) for s in spans) if spans else None
        return Said(say.number, np.concatenate(pcm).tobytes(), words)

    def _alone(self, word: str) -> tuple[str, ...]:
        return tuple(p for sentence in self._voice.phonemize(_plain(word)) for p in sentence)


def _plain(text: str) -> str:
    """piper reads what stands in double brackets as phonemes."""
    return text.replace("[[", "").replace("]]", "")


def _session(model: bytes, threads: int) -> Session:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors: what it warns of is the voice's author's business
    # Threads that spin while they wait take the core from the other processes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = ["CPUExecutionProvider"]
    if (telling := with_lengths(model)) is not None:
        try:
            return Session(onnxruntime.InferenceSession(telling, options, providers=providers))
        except Exception as error:  # noqa: BLE001 - onnxruntime's errors have no common base; the file as it is may load
            print(f"piper: no word times from this voice: {str(error)[:200]}", file=sys.stderr)
    return Session(onnxruntime.InferenceSession(model, options, providers=providers))


class Inbox:
    """Orders as they come, on a thread of its own."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._waiting: queue.SimpleQueue[Say] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._dropped: set[int] = set()
        self._number = -1
        self._options: onnxruntime.RunOptions | None = None

    def read(self) -> None:
        """Until the pipe closes; then the process ends at once."""
        while len(head := self._source.read(LENGTH.size)) == LENGTH.size:
            order = orders.decode(self._source.read(*LENGTH.unpack(head)))
            if isinstance(order, Drop):
                self._drop(order.number)
            else:
                self._waiting.put(order)
        os._exit(0)

    def _drop(self, number: int) -> None:
        with self._lock:
            if number > self._number:
                self._dropped.add(number)
            elif number == self._number and self._options is not None:
                self._options.terminate = True

    def answer(self, worker: Worker) -> Said:
        """Wait for a run and make it."""
        say = self._waiting.get()
        with self._lock:
            self._number = say.number
            self._options = worker.begin()
            if say.number in self._dropped:
                self._dropped.discard(say.number)
                return Said(say.number)
        try:
            return worker.say(say)
        except Exception as error:  # noqa: BLE001 - one run's trouble; the service decides what follows
            return Said(say.number, error=type(error).__name__)  # its text might hold a caller's words
        finally:
            with self._lock:
                self._options = None


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the service closes our pipe
    logging.getLogger("piper").setLevel(logging.ERROR)  # it would write phonemes, which are words
    # What a library prints must not get between our messages.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)

    def tell(reply: Reply) -> None:
        data = memoryview(pack(reply))
        while data:
            data = data[out.write(data) or 0 :]

    path, threads, noise_w = sys.argv[1:]
    inbox = Inbox(sys.stdin.buffer)
    threading.Thread(target=inbox.read, name="inbox", daemon=True).start()
    try:
        worker = Worker(Path(path), threads=int(threads), noise_w=float(noise_w))
        worker.begin()
        worker.say(Say(0, WARM_UP, 1.0))
    except Exception as error:
        tell(Refused(f"{type(error).__name__}: {error}"[:300]))
        raise SystemExit(1) from error
    tell(worker.ready)
    while True:
        tell(inbox.answer(worker))


if __name__ == "__main__":
    main()
