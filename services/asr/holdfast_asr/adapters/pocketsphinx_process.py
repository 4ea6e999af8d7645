"""One decoder process as the service sees it: start, talk, notice when it hangs, end.

Knows nothing of utterances but their numbers; the pool decides what to do when it is gone.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog
from holdfast_common.child import ONE_THREAD, killed

from holdfast_asr.adapters.pocketsphinx_wire import LENGTH, MAX_BYTES, Busy, Order, Ready, Reply, pack, replies

log = structlog.get_logger()

LIMIT_BYTES = 256 * 1024
_MODULE = "holdfast_asr.adapters.pocketsphinx_worker"


class DecoderProcess:
    """A running worker. `silent_s` is the hang detector's clock."""

    def __init__(self, process: Process, now: Callable[[], float]) -> None:
        self.ready = False
        self._process = process
        self._now = now
        self._busy_since: float | None = None
        self._said_at = now()
        self._patience_s = 0.0

    @classmethod
    async def start(cls, model: Path, *, generic: bool, now: Callable[[], float]) -> DecoderProcess:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _MODULE,
            str(model),
            "1" if generic else "0",
            stdin=PIPE,
            stdout=PIPE,
            limit=LIMIT_BYTES,
            env={**os.environ, **ONE_THREAD},
        )
        return cls(process, now)

    @property
    def pid(self) -> int:
        return self._process.pid

    def tell(self, order: Order) -> None:
        """Queue an order. A dead worker's pipe takes it silently: the pool learns of the death by `replies`."""
        assert self._process.stdin is not None  # we asked for the pipe
        if not self._process.stdin.is_closing():
            self._process.stdin.write(pack(order))

    def set_busy(self, busy: bool) -> None:
        """Whether it owes us something; a worker may be silent as long as it likes when it does not."""
        if not busy:
            self._busy_since = None
        elif self._busy_since is None:
            self._busy_since = self._now()

    def silent_s(self) -> float:
        """How long it has owed something and said nothing, beyond any patience that it asked for."""
        if self._busy_since is None:
            return 0.0
        return self._now() - max(self._said_at, self._busy_since) - self._patience_s

    def forgive(self) -> None:
        """Our own loop was late: what it said may still be unread, so the clock starts anew."""
        self._said_at = self._now()

    async def listen(self, take: Callable[[Reply], None]) -> None:
        """Pass on everything that it says; returns when it is gone."""
        assert self._process.stdout is not None  # we asked for the pipe
        try:
            while True:
                (length,) = LENGTH.unpack(await self._process.stdout.readexactly(LENGTH.size))
                if length > MAX_BYTES:
                    log.error("decoder_talks_nonsense", pid=self.pid, length=length)
                    return
                reply = replies.decode(await self._process.stdout.readexactly(length))
                self._said_at = self._now()
                self._patience_s = reply.patience_s if isinstance(reply, Busy) else 0.0
                if isinstance(reply, Ready):
                    self.ready = True
                take(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        except msgspec.MsgspecError as error:
            log.error("decoder_talks_nonsense", pid=self.pid, error=str(error)[:200])

    async def end(self) -> int:
        """Kill it if it still runs; its exit status."""
        self.ready = False
        return await killed(self._process)

    def kill(self) -> None:
        self.ready = False
        if self._process.returncode is None:
            self._process.kill()
