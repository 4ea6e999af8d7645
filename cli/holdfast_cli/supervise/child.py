"""One process under supervision: started on a leash, its output read line by line, restarted when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from holdfast_cli.supervise.leash import kernel_leash, leashed
from holdfast_cli.supervise.restart import Deaths, RestartPolicy, after_death

MAX_LINE = 8_192
"""Bytes; longer lines of output are cut there, so that no child can fill our memory."""
LAST_WORDS_S = 0.1
GIVES_WAY_NICE = 5
"""A third of a core's time where others want it all."""
SETTINGS_STATUS = 2
"""Exit status of a service whose settings do not hold: restarting it would not help."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run. `name` is unique: `asr-1`, `nats`."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to our own environment."""
    watches_parent: bool = True
    """It ends by itself when its parent dies (our services do)."""
    patience_s: float = 6.0
    """Between SIGTERM and SIGKILL."""
    gives_way: bool = False
    """On a busy machine the others go first."""


LineSink = Callable[[str, str], None]
"""(child's name, line without its end)"""


class ChildRefusedError(Exception):
    """A child refused to run and restarting is no use."""

    def __init__(self, name: str, status: int, last_lines: list[str]) -> None:
        super().__init__(f"{name} ended with status {status}")
        self.name, self.status, self.last_lines = name, status, last_lines


class Child:
    """Owns one process and its restarts. `run` returns only when it is cancelled; then the process is gone."""

    def __init__(
        self,
        spec: ChildSpec,
        sink: LineSink,
        *,
        policy: RestartPolicy | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.spec = spec
        self.pid: int | None = None
        self.restarts = 0
        self._sink = sink
        self._policy = policy or RestartPolicy()
        self._on_change = on_change
        self._last_lines: list[str] = []

    async def run(self) -> None:
        """Start it, and again whenever it dies; raises ChildRefusedError for wrong settings at its first start."""
        loop = asyncio.get_running_loop()
        deaths = Deaths()
        while True:
            started = loop.time()
            status = await self._run_once()
            if status == SETTINGS_STATUS and self.restarts == 0:
                raise ChildRefusedError(self.spec.name, status, self._last_lines)
            deaths, delay = after_death(self._policy, deaths, loop.time() - started)
            self._sink(self.spec.name, f"! {_cause(status)}; starts again in {delay:.2f} s")
            await asyncio.sleep(delay)
            self.restarts += 1

    async def _run_once(self) -> int:
        self._last_lines.clear()
        # A pipe of our own: asyncio's `wait` would also wait for the pipe's end, which a worker
        # that outlives its killed parent holds open.
        read_end, write_end = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *leashed(list(self.spec.argv), watches_itself=self.spec.watches_parent),
                env={**os.environ, **self.spec.env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                # A group of its own: a Ctrl-C at the terminal reaches us alone, and what the child
                # leaves behind (worker processes) can be ended with it.
                process_group=0,
                preexec_fn=kernel_leash(),
            )
        finally:
            os.close(write_end)
        self.pid = process.pid
        if self.spec.gives_way:
            with contextlib.suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, process.pid, GIVES_WAY_NICE)
        self._on_change()
        reader = asyncio.create_task(self._read(read_end), name=f"log-{self.spec.name}")
        try:
            status = await process.wait()
            _signal_group(process.pid, signal.SIGKILL)
            return status
        except asyncio.CancelledError:
            await self._stop(process)
            raise
        finally:
            self.pid = None
            # Its last words; a process that has left the group may hold the pipe open, so not for ever.
            await asyncio.wait([reader], timeout=LAST_WORDS_S)
            reader.cancel()

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(self.spec.patience_s):
                await process.wait()
        except TimeoutError:
            self._sink(self.spec.name, f"! did not end within {self.spec.patience_s:.0f} s: killed")
        finally:
            _signal_group(process.pid, signal.SIGKILL)
            await process.wait()

    async def _read(self, fd: int) -> None:
        output = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), os.fdopen(fd, "rb", buffering=0)
        )
        with contextlib.closing(transport):
            await self._split(output)

    async def _split(self, output: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await output.read(65_536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._line(line)
            if len(rest) > MAX_LINE:
                self._line(rest)
                rest = b""
        if rest:
            self._line(rest)

    def _line(self, raw: bytes) -> None:
        line = raw[:MAX_LINE].decode("utf-8", "replace").rstrip()
        self._last_lines = [*self._last_lines[-39:], line]
        self._sink(self.spec.name, line)


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _cause(status: int) -> str:
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"
