"""The texts that stand for an article, and every unit of them that a question may be close to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from holdfast_tools.domain.text import sentences


@dataclass(frozen=True, slots=True)
class Ways:
    """The texts that stand for one article."""

    article: str
    title: str
    asked: tuple[str, ...]
    """Its questions and further phrasings."""
    body: tuple[str, ...]
    """Its paragraphs."""

    def entries(self) -> list[tuple[bool, str]]:
        """(is a question or title, text), in a fixed order.

        The title stands before each body sentence: a sentence alone often does not name its subject.
        """
        asked = [(True, text) for text in (self.title, *self.asked)]
        return asked + [(False, f"{self.title} {part}") for text in self.body for part in sentences(text)]


def as_embedded(text: str) -> str:
    """An entry as it is given to an embedding model: like a question from a recogniser."""
    return " ".join(text.lower().replace("\u2019", "'").split()).rstrip("?.! ")


def texts_to_embed(articles: Sequence[Ways], not_covered: Iterable[str]) -> list[str]:
    """What an index of these needs vectors of: all entries in order, then the questions not covered."""
    found = [as_embedded(text) for article in articles for _, text in article.entries()]
    return found + [as_embedded(text) for text in dict.fromkeys(not_covered)]
