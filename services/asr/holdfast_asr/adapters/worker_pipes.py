"""What processes beside the service do first: they end with it, and keep their answers to themselves."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import BinaryIO

PR_SET_PDEATHSIG, SIGKILL = 1, 9


def answers() -> BinaryIO:
    """Where answers go. What libraries print goes to standard error from now on: they have fd 1, we keep its copy.

    On Linux the process is killed when the service ends, also where native code hangs with Python's lock held.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, SIGKILL)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out
