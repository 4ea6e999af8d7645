"""A decoder process: `python -m holdfast_asr.adapters.pocketsphinx_worker <model folder>`.

One thread decodes, a slice of the most urgent utterance at a time (questions first, oldest first);
another reads orders, and ends the process when the pipe closes, so no worker outlives its service
however that died. The decoder holds Python's global lock, which is why all this is a process of its own.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
from holdfast_common.contracts.asr import Channel, Expectation

from holdfast_asr.adapters.pocketsphinx_decoders import GENERIC, Decoders
from holdfast_asr.adapters.pocketsphinx_decoding import Decoding
from holdfast_asr.adapters.pocketsphinx_wire import (
    LENGTH,
    Answer,
    Ask,
    Begin,
    Broken,
    Busy,
    Drop,
    Feed,
    Guess,
    Order,
    Progress,
    Ready,
    Reply,
    orders,
    pack,
)
from holdfast_asr.adapters.worker_pipes import answers
from holdfast_asr.domain.choice import Kind

IDLE_S = 2.0
"""With nothing to do for this long, the general model is loaded (0.6 s), before somebody waits for it."""
YOUNG_S = 10.0
"""Who comes to a process as young as this may have lost another under their words: they are late as it is, and get no
second opinion that would have to be loaded first."""
START_PATIENCE_S = 60.0
"""Asked for with each step of a start: on a machine that has other things to do, each may take long."""


class Worker:
    """The decoding thread's state."""

    def __init__(
        self, folder: Path, out: BinaryIO, *, with_generic: bool, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._out = out
        self._now = now
        self._decoders = Decoders(folder, loading=lambda patience_s: self._say(Busy(patience_s)))
        self._with_generic = with_generic
        self._began = now()
        self._running: dict[int, Decoding] = {}
        self._asked: list[int] = []
        self._is_stocked = not with_generic

    def warm(self) -> None:
        """One real decode, so that the first caller does not pay for page faults and imports."""
        began = time.monotonic()
        self._say(Busy(START_PATIENCE_S))
        noise = np.random.default_rng(0).normal(0, 500, 8_000).astype("<i2").tobytes()
        decoding = Decoding(Begin(0, 8_000, Channel.PHONE, Expectation.OPEN, ()), self._decoders)
        decoding.feed(noise)
        decoding.ask = Ask(0, 0, 4_000, False)
        while decoding.waiting:
            self._say(Busy(START_PATIENCE_S))
            decoding.work()
        decoding.close()
        self._began = self._now()
        self._say(Ready(int((time.monotonic() - began) * 1000)))

    def run(self, inbox: queue.SimpleQueue[Order]) -> None:
        while True:
            self.turn(inbox)

    def turn(self, inbox: queue.SimpleQueue[Order]) -> None:
        """Take what has been ordered, waiting for it when there is nothing to do, and do a slice of work."""
        self._take(inbox)
        if (decoding := self._most_urgent()) is not None:
            self._slice(decoding)

    def _take(self, inbox: queue.SimpleQueue[Order]) -> None:
        """All orders that are there; waits for one when there is nothing to do."""
        idle = self._most_urgent() is None
        while True:
            try:
                order = inbox.get(block=idle, timeout=None if self._is_stocked or self._running else IDLE_S)
            except queue.Empty:
                if idle and not self._running:
                    self._is_stocked = True
                    self._decoders.stock(GENERIC, Kind.GENERIC)
                return
            idle = False
            self._obey(order)

    def _obey(self, order: Order) -> None:
        match order:
            case Begin():
                loaded = self._is_stocked or self._now() - self._began > YOUNG_S
                generic = self._with_generic and loaded
                self._running[order.utterance] = Decoding(order, self._decoders, with_generic=generic)
            case Feed():
                if decoding := self._running.get(order.utterance):
                    decoding.feed(order.pcm)
                    if not decoding.waiting:
                        self._say(Progress(order.utterance, decoding.done_samples))
            case Ask():
                if decoding := self._running.get(order.utterance):
                    decoding.ask = order
                    if order.utterance not in self._asked:
                        self._asked.append(order.utterance)
            case Drop():
                if decoding := self._running.pop(order.utterance, None):
                    decoding.close()
                if order.utterance in self._asked:
                    self._asked.remove(order.utterance)

    def _most_urgent(self) -> Decoding | None:
        """Whoever is asked something, then whoever has audio to follow, then those in doubt."""
        running = self._running.values()
        ranked = (*(self._running[i] for i in self._asked), *(d for d in running if d.is_behind), *running)
        return next((decoding for decoding in ranked if decoding.waiting), None)

    def _slice(self, decoding: Decoding) -> None:
        try:
            outcome = decoding.work()
        except RuntimeError as error:  # what the binding raises when the engine fails
            self._obey(Drop(decoding.id))
            self._say(Broken(decoding.id, str(error)[:200]))
            return
        if isinstance(outcome, Answer):
            self._asked.remove(decoding.id)
            self._say(outcome)
        elif outcome and not self._asked:
            self._say(Guess(decoding.id, outcome))
        self._say(Progress(decoding.id, decoding.done_samples))
        if decoding.id in self._running and decoding.id not in self._asked:
            self._running[decoding.id] = self._running.pop(decoding.id)  # behind the others

    def _say(self, reply: Reply) -> None:
        self._out.write(pack(reply))
        self._out.flush()


def _read(source: BinaryIO, inbox: queue.SimpleQueue[Order]) -> None:
    while (head := source.read(LENGTH.size)) and len(head) == LENGTH.size:
        (length,) = LENGTH.unpack(head)
        body = source.read(length)
        if len(body) < length:
            break
        inbox.put(orders.decode(body))
    os._exit(0)  # the service is gone; nothing here is worth saving


def main() -> None:
    folder, generic = Path(sys.argv[1]), sys.argv[2] == "1"
    out = answers()
    inbox: queue.SimpleQueue[Order] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, inbox), daemon=True).start()
    worker = Worker(folder, out, with_generic=generic)
    worker.warm()
    try:
        worker.run(inbox)
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
