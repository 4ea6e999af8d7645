"""The knowledge of a profile folder, kept up to date while it is edited (watchfiles).

Searching by words is there at once. The vectors of an embedding model come in when they are ready, then the weights
that were fitted on the folder's own text; until each of them is there, what was there before serves. The same happens
after every change of the folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import numpy as np
import structlog
import watchfiles
from holdfast_common.contracts.tools import Hit, KnowledgeHits, KnowledgeSearch, Sureness
from holdfast_common.errors import EngineUnavailable, SettingsError
from holdfast_common.profile import Article

from holdfast_tools.adapters.kept_vectors import KeptVectors, content_key
from holdfast_tools.adapters.knowledge_contents import Contents, read
from holdfast_tools.domain.fitting import fit
from holdfast_tools.domain.knowledge import KnowledgeIndex, Ranking
from holdfast_tools.domain.sparse import Floats
from holdfast_tools.domain.weights import Weights
from holdfast_tools.ports import Embedder

log = structlog.get_logger()

MOST_QUESTION_VECTORS = 2000
"""Vectors of questions kept in memory; the oldest go first."""
MOST_TEXTS_EMBEDDED_HERE = 100
"""New texts up to which a change of the folder is embedded beside the calls: a quarter of a second of one core."""
ANEW_AFTER_S = 60.0
"""A better model that could not be had is tried again so often."""
TEXTS_AT_ONCE = 256
"""Of the folder's own texts given to an embedder in one go."""


class KnowledgeFolder:
    """A `Knowledge` over the newest index that could be built from the folder."""

    def __init__(self, folder: Path, learn_aside: Callable[[], Awaitable[None]] | None = None) -> None:
        """`learn_aside` learns the folder elsewhere and keeps it where `learn` looks; none: all on threads here."""
        self._folder = folder
        self._learn_aside = learn_aside
        self.contents = read(folder)
        self.problems: list[str] = []
        """Why the newest state of the folder is not in use; empty when it is."""
        self.meaning = "by words: no embedding model is set"
        """How the search goes, and why so, for people."""
        self.wants_meaning = False
        self.learning = False
        """A model is being taken in; until then the search goes by words."""
        self._changing = asyncio.Lock()
        """Held while what is searched is exchanged: a change of the folder waits for what is being learnt."""
        self._embedder: Embedder | None = None
        self._kept: KeptVectors | None = None
        self._weights: Weights | None = None
        self._asked: OrderedDict[str, Floats] = OrderedDict()
        self._rank = 0
        """Of the model in use among those that are preferred; 0 is the first."""
        self._stale = False
        """Questions get vectors of another dimension than the texts had."""

    @property
    def size(self) -> int:
        return len(self.contents.articles)

    @property
    def how(self) -> str:
        return "by meaning" if self.by_meaning else "by words"

    @property
    def by_meaning(self) -> bool:
        return self.contents.by_meaning is not None

    async def search(self, question: KnowledgeSearch) -> KnowledgeHits:
        contents, previous = self.contents, self._previous(question)
        index = contents.index
        questions = index.questions(question.text, previous)
        vectors = None
        if index.by_meaning:
            vectors = await self._vectors([q.text for q in questions])
            if vectors is None:
                index = contents.by_words
        ranking = await asyncio.to_thread(index.rank, questions, vectors)
        return self._hits(contents, question, ranking)

    def outside_of(self, text: str) -> str | None:
        """Why no article may answer this, whoever has found it."""
        return self.contents.borders.outside(text)

    def found(self, question: KnowledgeSearch) -> KnowledgeHits:
        """By words alone, on the thread that asks."""
        contents = self.contents
        ranking = contents.by_words.search(question.text, self._previous(question))
        return self._hits(contents, question, ranking)

    async def learn(self, openers: Sequence[Callable[[], Embedder]], kept: KeptVectors) -> None:
        """Take in the first embedding model that can be had, then the weights fitted with it; none leaves words."""
        self.wants_meaning, self._kept, self.learning = True, kept, True
        try:
            await self._learn(openers)
        finally:
            self.learning = False

    async def keep_learning(
        self, openers: Sequence[Callable[[], Embedder]], kept: KeptVectors, every_s: float = ANEW_AFTER_S
    ) -> None:
        """For ever: take in a better model than the one in use once it can be had, and one that has changed anew."""
        self._kept = kept
        while True:
            await asyncio.sleep(every_s)
            if not self.by_meaning or self._stale:
                await self._learn(openers)
            elif self._rank:
                await self._learn(openers[: self._rank])

    async def _learn(self, openers: Sequence[Callable[[], Embedder]]) -> None:
        reasons: list[str] = []
        for rank, open_embedder in enumerate(openers):
            try:
                embedder = await asyncio.to_thread(open_embedder)
                async with self._changing:
                    await self._take_in(self.contents, embedder)
                self._rank = rank
                return
            except (EngineUnavailable, OSError, RuntimeError, ValueError) as error:
                # RuntimeError, ValueError: what the native runtime raises for files that it does not understand.
                reasons.append(str(error))
                log.warning("embedding_model_unavailable", reason=str(error))
        if self.by_meaning:
            return
        self.meaning = f"by words: {'; '.join(reasons)}"
        log.warning("knowledge_without_meaning", reason=self.meaning)

    async def reload(self) -> bool:
        """Read the folder anew; a folder that cannot be read leaves the old index in use."""
        async with self._changing:
            return await self._reload()

    async def _reload(self) -> bool:
        try:
            contents = await asyncio.to_thread(read, self._folder)
        except SettingsError as error:
            self.problems = error.problems
            log.error("knowledge_kept", problems=error.problems, articles=self.size)
            return False
        except (OSError, ValueError) as error:  # ValueError: a file that is no text
            self.problems = [f"{self._folder}: {type(error).__name__}: {error}"]
            log.error("knowledge_kept", problems=self.problems, articles=self.size)
            return False
        try:
            if self._embedder is None:
                self.contents = contents
            else:
                await self._take_in(contents, self._embedder)
        except (EngineUnavailable, OSError, RuntimeError, ValueError) as error:
            self.contents = contents
            self.meaning = f"by words: {error}"
            log.warning("knowledge_without_meaning", reason=str(error))
        self.problems = []
        log.info("knowledge_reloaded", articles=self.size, by_meaning=self.by_meaning)
        return True

    async def watch(self) -> None:
        """Reload after each burst of changes, for ever."""
        async for changes in watchfiles.awatch(self._folder, debounce=400, step=100, recursive=True):
            if any(Path(path).suffix in (".md", ".txt", ".json") for _, path in changes):
                await self.reload()

    async def _take_in(self, contents: Contents, embedder: Embedder) -> None:
        """Vectors of what is new; an index with the weights at hand; then the weights of this very content."""
        kept = self._kept
        assert kept is not None
        if self._stale:
            await asyncio.to_thread(kept.forget_vectors, embedder.name)
            self._stale = False
        vector_of, embedded = await self._vectors_of(contents, embedder, kept)
        dimension = len(next(iter(vector_of.values())))
        articles = ["|".join((w.article, w.title, *w.asked, "", *w.body)) for w in contents.ways]
        key = content_key(f"{embedder.name}/{dimension}", articles, contents.texts)
        fitted = await asyncio.to_thread(kept.weights, key)
        before = self._weights if embedder is self._embedder and dimension == self.contents.dimension else None
        await self._use(contents, embedder, vector_of, fitted or before, fitted=fitted is not None)
        if fitted is None:
            if self._learn_aside:
                await self._learn_aside()
                fitted = await asyncio.to_thread(kept.weights, key)
            if fitted is None:
                fitted = await _fitted(contents, vector_of)
                await asyncio.to_thread(kept.keep_weights, key, fitted)
            await self._use(contents, embedder, vector_of, fitted, fitted=True)
        self.meaning = f"by meaning ({embedder.name}) and words, weights fitted on this folder"
        log.info("knowledge_by_meaning", model=embedder.name, articles=len(contents.ways), embedded=embedded)

    async def _vectors_of(
        self, contents: Contents, embedder: Embedder, kept: KeptVectors
    ) -> tuple[dict[str, Floats], int]:
        """Of all texts, by text; and how many of them were new."""
        vector_of = await asyncio.to_thread(kept.vectors, embedder.name, contents.texts)
        new = [text for text in dict.fromkeys(contents.texts) if text not in vector_of]
        if self._learn_aside and len(new) > MOST_TEXTS_EMBEDDED_HERE:
            await self._learn_aside()
            vector_of = await asyncio.to_thread(kept.vectors, embedder.name, contents.texts)
            new = [text for text in new if text not in vector_of]
        for start in range(0, len(new), TEXTS_AT_ONCE):
            part = new[start : start + TEXTS_AT_ONCE]
            vector_of.update(zip(part, await embedder.embed(part), strict=True))
        if len({len(vector) for vector in vector_of.values()}) > 1 and len(new) < len(vector_of):
            # The model behind this name has changed: what is kept of it cannot be compared with what is new.
            log.warning("kept_vectors_forgotten", model=embedder.name)
            await asyncio.to_thread(kept.forget_vectors, embedder.name)
            return await self._vectors_of(contents, embedder, kept)
        if new:
            await asyncio.to_thread(kept.keep_vectors, embedder.name, vector_of)
        return {text: vector_of[text] for text in contents.texts}, len(new)

    async def _use(
        self,
        contents: Contents,
        embedder: Embedder,
        vector_of: dict[str, Floats],
        weights: Weights | None,
        *,
        fitted: bool,
    ) -> None:
        def build() -> KnowledgeIndex:
            vectors = np.stack([vector_of[text] for text in contents.texts])
            return KnowledgeIndex(contents.ways, contents.not_covered, vectors=vectors, weights=weights)

        index = await asyncio.to_thread(build)
        self.contents = Contents(
            articles=contents.articles,
            ways=contents.ways,
            not_covered=contents.not_covered,
            borders=contents.borders,
            by_words=contents.by_words,
            by_meaning=index,
            fitted=fitted,
            texts=contents.texts,
            dimension=len(next(iter(vector_of.values()))),
        )
        self._embedder, self._weights = embedder, weights
        self._asked.clear()
        self.meaning = f"by meaning ({embedder.name}) and words, weights being fitted"

    async def _vectors(self, texts: list[str]) -> Floats | None:
        """Of the questions; None where the model does not answer, so that this one goes by words."""
        embedder = self._embedder
        if embedder is None:
            return None
        dimension = self.contents.dimension
        # Taken before anything is waited for: meanwhile others may be put in and these be dropped.
        known = {text: self._asked[text] for text in texts if text in self._asked}
        for text in known:
            self._asked.move_to_end(text)
        new = [text for text in dict.fromkeys(texts) if text not in known]
        try:
            found = dict(zip(new, await embedder.embed_question(new), strict=True)) if new else {}
        except EngineUnavailable as error:
            log.warning("question_by_words", reason=str(error))
            return None
        if any(len(vector) != dimension for vector in found.values()):
            log.warning("question_by_words", reason=f"{embedder.name}: vectors of another dimension than the texts'")
            self._stale = True
            return None
        vectors = np.stack([found[text] if text in found else known[text] for text in texts])
        if embedder is self._embedder and dimension == self.contents.dimension:
            self._asked.update(found)
        while len(self._asked) > MOST_QUESTION_VECTORS:
            self._asked.popitem(last=False)
        return vectors

    def _previous(self, question: KnowledgeSearch) -> str:
        before = self.contents.articles.get(question.previous_article)
        if before is None:
            return question.previous
        # The article's name and answer say more of the subject than the agent's closing question does.
        return f"{before.title} {question.previous or before.answer}"

    def _hits(self, contents: Contents, question: KnowledgeSearch, ranking: Ranking) -> KnowledgeHits:
        outside = contents.borders.outside(question.text)
        best = zip(ranking.articles[: question.limit], ranking.probabilities, strict=False)
        return KnowledgeHits(
            sureness=Sureness.UNSURE if outside else ranking.sureness,
            hits=[_hit(contents.articles[id_], score) for id_, score in best],
            outside=outside or "",
        )


async def _fitted(contents: Contents, vector_of: dict[str, Floats]) -> Weights:
    """Fitted on a thread of its own that gives way to everything else, and that nobody waits for at exit."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Weights] = loop.create_future()

    def settle(weights: Weights | None, error: Exception | None) -> None:
        if done.cancelled():
            return
        if weights is None:
            done.set_exception(error or RuntimeError("no weights"))
        else:
            done.set_result(weights)

    def work() -> None:
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 15)
        weights, failure = None, None
        try:
            weights = fit(contents.ways, contents.not_covered, vector_of)
        except Exception as error:  # noqa: BLE001 - handed over to who awaits
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, weights, failure)

    threading.Thread(target=work, name="knowledge-fit", daemon=True).start()
    return await done


def _hit(article: Article, score: float) -> Hit:
    return Hit(
        article=article.id,
        title=article.title,
        answer=article.answer,
        score=min(1.0, score),
        details=article.details[:10],
    )
