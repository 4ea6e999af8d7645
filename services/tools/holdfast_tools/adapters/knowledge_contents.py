"""What a profile folder holds for the search: articles, questions nobody answers, the index of their words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from holdfast_common.errors import SettingsError
from holdfast_common.profile import Article, load_articles

from holdfast_tools.domain.borders import Borders
from holdfast_tools.domain.knowledge import KnowledgeIndex
from holdfast_tools.domain.not_covered import expand
from holdfast_tools.domain.ways import Ways, texts_to_embed

RIVALS_SLOT = "rival"
"""Slot of `not_covered_slots.json` that names competitors."""


def ways(article: Article) -> Ways:
    return Ways(
        article=article.id,
        title=article.title,
        asked=(*article.questions, *article.phrasings),
        body=(article.answer, *article.details),
    )


def load_not_covered(folder: Path) -> list[str]:
    """Questions of `not_covered.txt` with the fillings of `not_covered_slots.json`; none without the file."""
    path = folder / "not_covered.txt"
    if not path.exists():
        return []
    try:
        return expand(path.read_text("utf-8"), load_slots(folder))
    except (KeyError, ValueError, UnicodeDecodeError) as error:
        raise SettingsError(
            [f"{path}: {type(error).__name__}: {error} (slots are in not_covered_slots.json)"]
        ) from error


def load_slots(folder: Path) -> dict[str, list[str]]:
    """Fillings by slot; `rival` also names the competitors that are never talked about."""
    path = folder / "not_covered_slots.json"
    try:
        return json.loads(path.read_text("utf-8")) if path.exists() else {}
    except (ValueError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: {type(error).__name__}: {error}"]) from error


@dataclass(frozen=True)
class Contents:
    """What a folder held when it was read, and the index of it. Never changed; replaced as a whole."""

    articles: dict[str, Article]
    ways: tuple[Ways, ...]
    not_covered: tuple[str, ...]
    borders: Borders
    by_words: KnowledgeIndex
    by_meaning: KnowledgeIndex | None = None
    fitted: bool = False
    texts: tuple[str, ...] = field(default=())
    dimension: int = 0
    """Of the vectors in `by_meaning`."""

    @property
    def index(self) -> KnowledgeIndex:
        return self.by_meaning or self.by_words


def read(folder: Path) -> Contents:
    """Read the folder and build the index of its words; raises SettingsError naming every problem."""
    articles: Sequence[Article] = load_articles(folder)
    if not articles:
        raise SettingsError([f"{folder / 'knowledge'}: no articles (*.md)"])
    texts, missing = tuple(ways(a) for a in articles), tuple(load_not_covered(folder))
    return Contents(
        articles={a.id: a for a in articles},
        ways=texts,
        not_covered=missing,
        borders=Borders(load_slots(folder).get(RIVALS_SLOT, [])),
        by_words=KnowledgeIndex(texts, missing),
        texts=tuple(texts_to_embed(texts, missing)),
    )
