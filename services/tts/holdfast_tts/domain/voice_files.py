"""Names of Piper voices, their files, where they would be downloaded from, and what they must add up to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")
_PARTS = re.compile(r"(?P<code>(?P<family>[^-_]+)(?:_[^-]+)?)-(?P<name>[^-]+)-(?P<quality>.+)")
_SHA256 = re.compile(r"[0-9a-f]{64}")

MODEL, CONFIG = ".onnx", ".onnx.json"


class Wish(NamedTuple):
    """`en_US-lessac-medium`, or `en_US-libritts-high#12` for a speaker of a voice that has several."""

    voice: str
    speaker: int | None = None

    @classmethod
    def read(cls, text: str) -> Wish:
        """Raises ValueError for what is no voice's name (and would be somebody's path)."""
        voice, _, speaker = text.partition("#")
        if not _NAME.fullmatch(voice) or (speaker and not speaker.isdecimal()):
            raise ValueError(f"{text!r} is no name of a Piper voice (like en_US-lessac-medium)")
        return cls(voice, int(speaker) if speaker else None)


def address(template: str, voice: str, suffix: str) -> str:
    """Where a file of the voice would be.

    `template` is a folder's address, or one with {voice}, {family}, {code}, {name}, {quality} in it:
    of en_US-lessac-medium these are the whole, en, en_US, lessac, medium. Raises ValueError.
    """
    known = {"voice": voice}
    if match := _PARTS.fullmatch(voice):
        known |= match.groupdict()
    try:
        folder = template.rstrip("/").format_map(known)
    except (KeyError, ValueError, IndexError) as error:
        raise ValueError(f"{template!r} asks for {error}, which {voice} does not tell") from error
    return folder + suffix if "{voice}" in template else f"{folder}/{voice}{suffix}"


def read_checksums(text: str) -> dict[str, str]:
    """`file=sha256, file=sha256`; raises ValueError."""
    sums: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        file, _, digest = (side.strip() for side in pair.partition("="))
        if not file or not _SHA256.fullmatch(digest.lower()):
            raise ValueError(f"{pair[:80]!r} is not FILE=SHA256 (64 hexadecimal digits)")
        sums[file] = digest.lower()
    return sums


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is, in bytes; `of` is 0 where the server does not say."""

    done: int = 0
    of: int = 0

    def __str__(self) -> str:
        return f"{self.done / 1e6:.0f} of {self.of / 1e6:.0f} MB" if self.of else f"{self.done / 1e6:.0f} MB"


def wrong_sum(file: str, digest: str, sums: Mapping[str, str]) -> str | None:
    """What to tell where a file is not the one that was asked for; None where it is, or where nothing is known."""
    wanted = sums.get(file)
    return None if wanted in (None, digest) else f"{file} has SHA-256 {digest[:12]}..., {wanted[:12]}... is wanted"
