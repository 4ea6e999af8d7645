"""Folders that are made once and then only read: whole or not there, however many processes make them at once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def made_once(folder: Path, proof: str, make: Callable[[Path], None]) -> Path:
    """The folder, filled by `make` unless `proof` is in it already.

    It is written beside and renamed, so that nobody sees half of it; where another process was quicker, its work is
    taken. Raises OSError where it cannot be kept, and what `make` raises.
    """
    if (folder / proof).exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
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
