"""What processes beside the service have in common: how they begin, and what they are given."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import BinaryIO

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""The service scales by processes; a linear algebra library that starts a thread per core only gets in the way."""
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
