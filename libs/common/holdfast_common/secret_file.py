"""Secrets that may be changed while the process runs: from a mounted file where one is named, else a fixed value.

The file is looked at with every use (a `stat`; it is read when it has changed), so a rotated key
counts from the next request on, without a restart. A secret is never part of a message or a repr.
"""

from __future__ import annotations

from pathlib import Path

from holdfast_common.errors import HoldfastError


class SecretMissing(HoldfastError):
    """The file of a secret cannot be read."""


class SecretSource:
    """`current()` is the secret as it stands now."""

    def __init__(self, value: str = "", file: Path | str | None = None) -> None:
        self._value = value
        self._file = Path(file) if file else None
        self._seen: tuple[int, int] | None = None

    def __repr__(self) -> str:
        return f"SecretSource({'file ' + str(self._file) if self._file else 'value'})"

    @property
    def is_set(self) -> bool:
        return bool(self._file or self._value)

    def current(self) -> str:
        """Raises SecretMissing where the file has never been readable; a file that goes away leaves the last secret."""
        if self._file is None:
            return self._value
        try:
            told = self._file.stat()
            if self._seen != (told.st_mtime_ns, told.st_ino):
                self._value = self._file.read_text("utf-8").strip()
                self._seen = (told.st_mtime_ns, told.st_ino)
        except (OSError, UnicodeDecodeError) as error:
            if not self._value:
                raise SecretMissing(f"{self._file}: {type(error).__name__}") from error
        return self._value
