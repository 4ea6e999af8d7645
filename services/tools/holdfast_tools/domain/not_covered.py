"""Questions that the knowledge does not answer: the other side of every decision to answer.

The file holds lines of templates separated by `|`, with slots in braces: `does it run on {os}`.
A slot's fillings stand in a JSON object. Questions near the product matter most; those far off
are recognised by their words alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_SLOT = re.compile(r"\{(\w+)\}")
FILLINGS_EACH = 2
"""Fillings used of each template: more only repeat its words."""


def expand(text: str, slots: Mapping[str, Sequence[str]], fillings: int = FILLINGS_EACH) -> list[str]:
    """All questions of a file; raises KeyError naming a slot without fillings."""
    questions: list[str] = []
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            for number, template in enumerate(part.strip() for part in line.split("|")):
                if template:
                    questions += _fill(template, slots, fillings, offset=number)
    return questions


def _fill(template: str, slots: Mapping[str, Sequence[str]], fillings: int, offset: int) -> list[str]:
    """Each slot takes the fillings in turn, begun at `offset` so that all of them come up."""
    if not _SLOT.search(template):
        return [template]
    filled = [
        _SLOT.sub(lambda slot, n=n: slots[slot[1]][(offset + n) % len(slots[slot[1]])], template)
        for n in range(fillings)
    ]
    return list(dict.fromkeys(filled))
