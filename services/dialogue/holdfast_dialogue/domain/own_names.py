"""The names that a profile brings along, taken out of words where only the grammar around them counts.

"does acme sheets work with a crm" is asked as "does it ..." is, and "we work with" a known tool names no employer, so
the patterns of the understanding need not know what anybody sells. Which names there are, the profile says: company,
product, rivals, and the integrations that it recognises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from holdfast_common.profile import Profile


def product_as_it(text: str, profile: Profile) -> str:
    """Normalised words with "it" for the product and the company, written together or apart."""
    return _pattern((profile.product, profile.company)).sub("it", text)


def names_as_it(text: str, profile: Profile) -> str:
    """The same for every name that the profile knows."""
    return _pattern(
        (profile.product, profile.company, *profile.competitors, *_ways(profile.recognise.get("integrations", {})))
    ).sub("it", text)


def names_competitor(text: str, profile: Profile) -> bool:
    """A rival of the profile is spoken of."""
    return bool(profile.competitors) and _pattern(tuple(profile.competitors)).search(text) is not None


def is_own_name(word: str, profile: Profile) -> bool:
    """A name that keeps its capital in the middle of a sentence."""
    return bool(word) and names_as_it(word.lower(), profile) == "it"


def _ways(known: dict[str, list[str]]) -> Iterable[str]:
    for value, ways in known.items():
        yield from (value, *ways)


@lru_cache(maxsize=64)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    spelled = sorted({_apart(name) for name in names if name.strip()}, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(spelled)})\b" if spelled else r"(?!)")


def _apart(name: str) -> str:
    """A name whose parts recognisers join or not ("acmesheets", "acme sheets")."""
    parts = re.findall(r"[a-z0-9']+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    return r" ?".join(map(re.escape, parts)) or r"(?!)"
