"""What was learnt of a knowledge, kept in the state folder: vectors by text, fitted weights by content.

Files are written whole or not at all, and one that cannot be read counts as missing: it is only ever a saving.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import structlog

from holdfast_tools.domain.sparse import Floats
from holdfast_tools.domain.weights import Weights

log = structlog.get_logger()

FORMAT = 2
"""Grows when fitted weights of an earlier version would mislead."""


def content_key(model: str, articles: Sequence[str], texts: Sequence[str]) -> str:
    """Digest of all that weights depend on."""
    parts = "\0".join([str(FORMAT), model, *articles, "", *texts])
    return hashlib.blake2b(parts.encode(), digest_size=12).hexdigest()


MOST_WEIGHTS = 6
"""Contents whose weights are kept: every edit of the folder makes new ones."""


class KeptVectors:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def is_empty(self) -> bool:
        """Nothing was learnt here yet."""
        return not any(self._folder.glob("vectors-*"))

    def vectors(self, model: str, texts: Sequence[str]) -> dict[str, Floats]:
        """Those of these texts that are kept."""
        try:
            with np.load(self._vectors_of(model)) as kept:
                rows = dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return {}
        return {text: rows[key] for text in texts if (key := _key(text)) in rows}

    def keep_vectors(self, model: str, vectors: dict[str, Floats]) -> None:
        keys = np.array([_key(text) for text in vectors])
        rows = np.stack(list(vectors.values()))
        self._write(self._vectors_of(model), lambda path: np.savez(path, keys=keys, vectors=rows))

    def weights(self, key: str) -> Weights | None:
        path = self._weights_of(key)
        try:
            weights = msgspec.json.decode(path.read_bytes(), type=Weights)
            os.utime(path)  # in use: the last to go
            return weights
        except (OSError, msgspec.MsgspecError):
            return None

    def keep_weights(self, key: str, weights: Weights) -> None:
        self._write(self._weights_of(key), lambda path: path.write_bytes(msgspec.json.encode(weights)))
        with contextlib.suppress(OSError):  # another process may be clearing up as well
            newest_first = sorted(self._folder.glob("weights-*.json"), key=lambda p: p.stat().st_mtime_ns, reverse=True)
            for path in newest_first[MOST_WEIGHTS:]:
                path.unlink(missing_ok=True)

    def forget_vectors(self, model: str) -> None:
        """The model gives other vectors than it did: those that are kept are of no use."""
        with contextlib.suppress(OSError):
            self._vectors_of(model).unlink(missing_ok=True)

    def _vectors_of(self, model: str) -> Path:
        safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in model)
        return self._folder / f"vectors-{safe}.npz"

    def _weights_of(self, key: str) -> Path:
        return self._folder / f"weights-{key}.json"

    def _write(self, path: Path, write: Callable[[Path], object]) -> None:
        name = ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            number, name = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
            os.close(number)
            write(Path(name))
            Path(name).replace(path)
        except OSError as error:
            log.warning("knowledge_not_kept", file=path.name, error=type(error).__name__)
        finally:
            if name:
                Path(name).unlink(missing_ok=True)


def _key(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
