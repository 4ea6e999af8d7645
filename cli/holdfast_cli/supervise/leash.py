"""No process survives its supervisor, however the supervisor ends.

On Linux the kernel does it: PR_SET_PDEATHSIG kills the child when the thread that started it is
gone. Elsewhere our own services watch their parent (HOLDFAST_EXIT_WITH_PARENT), and programs that
cannot (nats-server) are started through this module, which watches for them:

    python -m holdfast_cli.supervise.leash nats-server -c file
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""
WATCH_S = 0.5

KERNEL_LEASH = sys.platform == "linux"
_libc = ctypes.CDLL(None, use_errno=True) if KERNEL_LEASH else None


def kernel_leash() -> Callable[[], None] | None:
    """What the child runs between fork and exec; None where the kernel offers nothing.

    Loads nothing and takes no lock: the child of a process with threads may do little here.
    """
    if _libc is None:
        return None
    prctl, parent = _libc.prctl, os.getpid()

    def attach() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return attach


def leashed(argv: list[str], *, watches_itself: bool) -> list[str]:
    """The command line that ends with its parent also where the kernel does not help."""
    if KERNEL_LEASH or watches_itself:
        return argv
    return [sys.executable, "-m", "holdfast_cli.supervise.leash", *argv]


def main(argv: list[str]) -> int:
    """Run a command; end it when our parent changes or we are told to stop."""
    parent = os.getppid()
    child = subprocess.Popen(argv)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            return child.wait(WATCH_S)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                child.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
