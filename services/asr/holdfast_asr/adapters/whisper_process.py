"""One Whisper process as the service sees it: start, talk, notice when it hangs, end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable

import msgspec
import structlog
from holdfast_common.child import killed

from holdfast_asr.adapters.whisper_wire import (
    LENGTH,
    MAX_BYTES,
    Alive,
    Broken,
    Decode,
    Decoded,
    Options,
    Ready,
    Reply,
    Stage,
    Unusable,
    pack,
    replies,
)

log = structlog.get_logger()

LIMIT_BYTES = 256 * 1024
LOAD_S = 120.0
"""Longest silence while a model is loaded and warmed up (native code may hold Python's lock meanwhile)."""
STALL_SPARE_S = 1.0
STALL_FACTOR = 4.0
_MODULE = "holdfast_asr.adapters.whisper_worker"
_OFFLINE = {"HF_HUB_OFFLINE": "1"}
"""A model is a folder here: nothing is ever fetched by the way."""


class WhisperProcess:
    """A running worker. Two clocks tell that it hangs: silence of the process, and batches that get no further."""

    def __init__(self, process: Process, now: Callable[[], float], silent_s: float) -> None:
        self.ready: Ready | None = None
        self.unusable = ""
        self.outstanding: set[int] = set()
        """Batches that it owes."""
        self._process = process
        self._now = now
        self._silent_s = silent_s
        self._said_at = self._moved_at = now()

    @classmethod
    async def start(cls, options: Options, *, now: Callable[[], float], silent_s: float) -> WhisperProcess:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _MODULE,
            msgspec.json.encode(options).decode(),
            stdin=PIPE,
            stdout=PIPE,
            limit=LIMIT_BYTES,
            env={**os.environ, **_OFFLINE},
        )
        return cls(process, now, silent_s)

    @property
    def pid(self) -> int:
        return self._process.pid

    def tell(self, order: Decode) -> None:
        """Hand it a batch. A dead worker's pipe takes it silently: the death is told by `listen`."""
        assert self._process.stdin is not None  # we asked for the pipe
        if not self.outstanding:
            self._moved_at = self._now()
        self.outstanding.add(order.batch)
        if not self._process.stdin.is_closing():
            self._process.stdin.write(pack(order))

    def hangs(self) -> str:
        """Why it is to be given up; empty while it works."""
        silent = self._now() - self._said_at
        if self.ready is None:
            return f"no word for {silent:.1f} s while loading" if silent > LOAD_S else ""
        if silent > self._silent_s:  # also with nothing to do: better before a caller needs it
            return f"silent for {silent:.2f} s"
        if not self.outstanding:
            return ""
        still = self._now() - self._moved_at
        limit = max(self._silent_s, STALL_SPARE_S + STALL_FACTOR * self.ready.slowest_s)
        return f"no progress for {still:.2f} s (limit {limit:.2f})" if still > limit else ""

    def forgive(self) -> None:
        """Our own loop was late: what it said may still be unread, so the clocks start anew."""
        self._said_at = self._moved_at = self._now()

    async def listen(self, take: Callable[[Reply], None]) -> None:
        """Pass on everything that it says; returns when it is gone."""
        assert self._process.stdout is not None  # we asked for the pipe
        try:
            while True:
                (length,) = LENGTH.unpack(await self._process.stdout.readexactly(LENGTH.size))
                if length > MAX_BYTES:
                    log.error("whisper_talks_nonsense", pid=self.pid, length=length)
                    return
                reply = replies.decode(await self._process.stdout.readexactly(length))
                self.note(reply)
                take(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        except msgspec.MsgspecError as error:
            log.error("whisper_talks_nonsense", pid=self.pid, error=str(error)[:200])

    def note(self, reply: Reply) -> None:
        """It has said this."""
        self._said_at = self._now()
        if isinstance(reply, Alive):
            return
        self._moved_at = self._said_at
        match reply:
            case Ready():
                self.ready = reply
            case Unusable():
                self.unusable = reply.reason
            case Decoded() | Broken():
                self.outstanding.discard(reply.batch)
            case Stage():
                pass

    async def end(self) -> int:
        """Kill it if it still runs; its exit status."""
        self.ready = None
        return await killed(self._process)

    def kill(self) -> None:
        self.ready = None
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
