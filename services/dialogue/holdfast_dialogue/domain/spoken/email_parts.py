"""The replaceable words of an address, and which of them a said word stands for."""

from __future__ import annotations

import re

from rapidfuzz import fuzz

RESEMBLES = 58
"""Least likeness (0 to 100) of a said part to the one it replaces."""
RESEMBLES_AS_WORD = 66
"""The same for a word that is not spelled: anything may be said, but few things are spelled."""


def parts(address: str) -> list[str]:
    """The words of an address that may be replaced: not its digits, not the last label of the domain."""
    local, _, domain = address.rpartition("@")
    labels = domain.split(".")[:-1]
    words = re.split(r"[._+-]|(?<=\D)(?=\d)", local) + [part for label in labels for part in label.split("-")]
    return [word for word in words if word]


def closest(address: str, word: str, *, least: float = RESEMBLES) -> str | None:
    """The part of the address that `word` resembles most; the same initial counts for it."""
    scored = [(fuzz.ratio(part, word) + 5 * (part[:1] == word[:1]), part) for part in parts(address)]
    score, best = max(scored, default=(0.0, ""))
    return best if score >= least else None


def put(address: str, old: str, new: str) -> str:
    """Replace one part, in the local part if it is there."""
    local, _, domain = address.rpartition("@")
    pattern = re.compile(rf"(?<![a-z0-9]){re.escape(old)}(?![a-z])|(?<=\d){re.escape(old)}(?![a-z])")
    if pattern.search(local):
        return f"{pattern.sub(new, local, count=1)}@{domain}"
    return f"{local}@{pattern.sub(new, domain, count=1)}"
