"""The knowledge of a profile folder, kept up to date while it is edited (watchfiles)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import structlog
import watchfiles
from holdfast_common.contracts.tools import Hit, KnowledgeHits, KnowledgeSearch
from holdfast_common.errors import SettingsError
from holdfast_common.profile import Article, load_articles

from holdfast_tools.domain.knowledge import KnowledgeIndex, Ways
from holdfast_tools.domain.not_covered import expand
from holdfast_tools.domain.sureness import decide

log = structlog.get_logger()


def ways(article: Article) -> Ways:
    return Ways(
        article=article.id,
        title=article.title,
        asked=(*article.questions, *article.phrasings),
        body=(article.answer, *article.details),
    )


def load_not_covered(folder: Path) -> list[str]:
    """Questions of `not_covered.txt` with the fillings of `not_covered_slots.json`; none without the file."""
    path, slots_path = folder / "not_covered.txt", folder / "not_covered_slots.json"
    if not path.exists():
        return []
    try:
        slots = json.loads(slots_path.read_text("utf-8")) if slots_path.exists() else {}
        return expand(path.read_text("utf-8"), slots)
    except (KeyError, ValueError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: {type(error).__name__}: {error} (slots are in {slots_path.name})"]) from error


def read(folder: Path) -> tuple[KnowledgeIndex, dict[str, Article]]:
    """Build the index; raises SettingsError naming every article that cannot be read."""
    articles: Sequence[Article] = load_articles(folder)
    if not articles:
        raise SettingsError([f"{folder / 'knowledge'}: no articles (*.md)"])
    return KnowledgeIndex([ways(a) for a in articles], load_not_covered(folder)), {a.id: a for a in articles}


class KnowledgeFolder:
    """A `Knowledge` over the newest index that could be built from the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index, self._articles = read(folder)
        self.problems: list[str] = []
        """Why the newest state of the folder is not in use; empty when it is."""

    @property
    def size(self) -> int:
        return len(self._articles)

    async def search(self, question: KnowledgeSearch) -> KnowledgeHits:
        return await asyncio.to_thread(self.found, question)

    def found(self, question: KnowledgeSearch) -> KnowledgeHits:
        """The same, on the thread that asks."""
        previous = question.previous
        if (before := self._articles.get(question.previous_article)) is not None:
            # The article's name and answer say more of the subject than the agent's closing question does.
            previous = f"{before.title} {previous or before.answer}"
        ranking = self._index.search(question.text, previous)
        sureness, _ = decide(ranking.evidence)
        best = zip(ranking.articles[: question.limit], ranking.probabilities, strict=False)
        return KnowledgeHits(sureness=sureness, hits=[_hit(self._articles[id_], score) for id_, score in best])

    async def reload(self) -> bool:
        """Read the folder anew; a folder that cannot be read leaves the old index in use."""
        try:
            self._index, self._articles = await asyncio.to_thread(read, self._folder)
        except SettingsError as error:
            self.problems = error.problems
            log.error("knowledge_kept", problems=error.problems, articles=self.size)
            return False
        self.problems = []
        log.info("knowledge_reloaded", articles=self.size)
        return True

    async def watch(self) -> None:
        """Reload after each burst of changes, for ever."""
        async for changes in watchfiles.awatch(self._folder, debounce=400, step=100, recursive=True):
            if any(Path(path).suffix in (".md", ".txt", ".json") for _, path in changes):
                await self.reload()


def _hit(article: Article, score: float) -> Hit:
    return Hit(
        article=article.id,
        title=article.title,
        answer=article.answer,
        score=min(1.0, score),
        details=article.details[:10],
    )
