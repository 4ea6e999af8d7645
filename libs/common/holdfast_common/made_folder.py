"""Folders that are made once and then only read: whole or not there, however many processes make them at once."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

MAKING = ".making-"
LEFT_S = 600.0


def made_once(folder: Path, proof: str, make: Callable[[Path], None]) -> Path:
    """The folder, filled by `make` unless `proof` is in it already.

    It is written beside and renamed, so that nobody sees half of it; where another process was quicker, its work is
    taken. What one that was killed has left is removed after `LEFT_S`. Raises OSError where it cannot be kept, and
    what `make` raises.
    """
    if (folder / proof).exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f"{MAKING}*"):
        with contextlib.suppress(OSError):  # another process removes it, too
            if time.time() - left.stat().st_mtime > LEFT_S:
                shutil.rmtree(left)
    making = Path(tempfile.mkdtemp(prefix=MAKING, dir=folder.parent))
    try:
        make(making)
        try:
            making.rename(folder)
        except OSError:
            if not (folder / proof).exists():
                raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder
