"""Processes beside a service that run native code for it: what they are given, and their end."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import Process

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""The service scales by processes; a linear algebra library that starts a thread per core only gets in the way."""


async def killed(process: Process) -> int:
    """Kill it if it still runs, close its pipes and wait for it; its exit status, negative for a signal.

    Whoever cancels the wait, once or several times, is obeyed when the process is gone: a wait that ends before
    leaves its pipes open for as long as the service lives. A killed process takes milliseconds to go.
    """
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):  # it has just gone by itself
            process.kill()
    if process.stdin is not None:
        process.stdin.close()
    cancelled = None
    while True:
        try:
            await process.communicate()
        except asyncio.CancelledError as error:
            cancelled = error
        if process.returncode is not None:
            break
    if cancelled is not None:
        raise cancelled
    return process.returncode
