"""One Piper process as the service sees it: start, say, notice when it hangs, end."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog
from holdfast_common.child import ONE_THREAD, killed

from holdfast_tts.adapters.piper_wire import (
    LENGTH,
    MAX_BYTES,
    Drop,
    Order,
    Ready,
    Refused,
    Reply,
    Said,
    Say,
    pack,
    replies,
)

log = structlog.get_logger()

_MODULE = "holdfast_tts.adapters.piper_worker"
PIPE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """How the processes run; see the settings of the same names."""

    workers: int = 1
    threads: int = 1
    noise_w: float = 0.0
    patience_s: float = 4.0
    """A process silent for so long over one run is ended."""
    load_s: float = 60.0
    """A process that has not loaded the voice by then is ended."""


class Gone(Exception):
    """The process ended, or was ended, while it owed something."""


class PiperProcess:
    """A running process; says one run at a time."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._number = 0
        self._owed: asyncio.Future[Said] | None = None
        """For the run that it is making; cancelled where nobody wants it any more."""
        self.idle = False
        """Loaded, and making nothing."""

    @classmethod
    async def start(cls, voice: Path, options: Options) -> PiperProcess:
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", _MODULE, str(voice), str(options.threads), str(options.noise_w)),
                stdin=PIPE,
                stdout=PIPE,
                limit=PIPE_BYTES,
                env={**os.environ, **ONE_THREAD},
            )
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    async def loaded(self, within_s: float) -> Ready | Refused:
        """Its first words. Raises Gone."""
        try:
            async with asyncio.timeout(within_s):
                reply = await self._read()
        except TimeoutError:
            raise Gone(f"not loaded after {within_s:.0f} s") from None
        if isinstance(reply, Said):
            raise Gone("spoke before it had loaded")
        if isinstance(reply, Ready):
            self.idle = True
        return reply

    async def say(self, words: tuple[str, ...], speed: float, speaker: int | None, patience_s: float) -> Said:
        """One run of an idle process. Raises Gone; a hanging process is ended. When cancelled, so is the run."""
        self._number += 1
        self.idle = False
        owed = self._owed = asyncio.get_running_loop().create_future()
        self._tell(Say(self._number, words, speed, speaker))
        try:
            async with asyncio.timeout(patience_s):
                return await owed
        except TimeoutError:
            self._hangs(self._number)
            raise Gone(f"silent for {patience_s:.1f} s") from None
        except asyncio.CancelledError:
            self._tell(Drop(self._number))
            asyncio.get_running_loop().call_later(patience_s, self._hangs, self._number)
            raise

    def _hangs(self, number: int) -> None:
        if not self.idle and self._number == number and self._process.returncode is None:
            log.error("piper_hangs", pid=self.pid)
            self.kill()

    async def listen(self, on_idle: Callable[[], None]) -> None:
        """Pass on what it makes; returns when it is gone."""
        try:
            while True:
                reply = await self._read()
                if not isinstance(reply, Said) or reply.number != self._number:
                    log.error("piper_talks_nonsense", pid=self.pid)
                    return
                owed, self._owed = self._owed, None
                if owed is not None and not owed.done():
                    owed.set_result(reply)
                self.idle = True
                on_idle()
        except Gone:
            return
        finally:
            self.idle = False
            if self._owed is not None and not self._owed.done():
                self._owed.set_exception(Gone("it ended"))

    async def end(self) -> None:
        """Kill it if it still runs, and close its pipes."""
        self.idle = False
        await killed(self._process)

    def kill(self) -> None:
        self.idle = False
        if self._process.returncode is None:
            try:
                self._process.kill()
            except ProcessLookupError:
                return

    def _tell(self, order: Order) -> None:
        """A dead process's pipe takes it silently: `listen` learns of the death."""
        assert self._process.stdin is not None  # we asked for the pipe
        if not self._process.stdin.is_closing():
            self._process.stdin.write(pack(order))

    async def _read(self) -> Reply:
        assert self._process.stdout is not None  # we asked for the pipe
        try:
            (length,) = LENGTH.unpack(await self._process.stdout.readexactly(LENGTH.size))
            if length > MAX_BYTES:
                raise Gone(f"message of {length} bytes (at most {MAX_BYTES})")
            return replies.decode(await self._process.stdout.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.MsgspecError) as error:
            raise Gone(type(error).__name__) from error
