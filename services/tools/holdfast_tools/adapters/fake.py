"""Stand-ins that need no disk: for tests of the handlers and for scripted runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from holdfast_common.contracts.tools import Hit, KnowledgeHits, KnowledgeSearch, Sureness
from holdfast_common.errors import EngineUnavailable

from holdfast_tools.domain.sparse import Floats
from holdfast_tools.domain.wishes import Wish
from holdfast_tools.ports import SharedUnavailable


class ScriptedKnowledge:
    """Knows what it was told: question text -> hits. Anything else: unsure."""

    def __init__(self, answers: dict[str, list[Hit]] | None = None) -> None:
        self.answers = answers or {}
        self.asked: list[KnowledgeSearch] = []

    async def search(self, question: KnowledgeSearch) -> KnowledgeHits:
        self.asked.append(question)
        hits = self.answers.get(question.text, [])
        return KnowledgeHits(sureness=Sureness.SURE if hits else Sureness.UNSURE, hits=hits, source="scripted")


class MemoryShared:
    """What replicas share, within one process; `away` plays a bus that is not there."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[bytes, int]] = {}
        self.away = False
        self._revision = 0

    async def get(self, key: str) -> tuple[bytes, int] | None:
        self._check()
        return self.entries.get(key)

    async def put(self, key: str, value: bytes, revision: int | None = None) -> bool:
        self._check()
        if revision is not None and self.entries.get(key, (b"", 0))[1] != revision:
            return False
        self._revision += 1
        self.entries[key] = (value, self._revision)
        return True

    def _check(self) -> None:
        if self.away:
            raise SharedUnavailable("shared store: away")


class CollectedInvitations:
    """Keeps what would have been written; `broken` plays a full disk."""

    def __init__(self) -> None:
        self.written: list[Wish] = []
        self.broken = False

    async def write(self, wish: Wish) -> None:
        if self.broken:
            raise OSError("no space left on device")
        self.written.append(wish)


class LetterPairs:
    """An `Embedder` that counts letter pairs: enough to tell texts apart, and quick; `away` plays one that is gone."""

    name = "letters"

    def __init__(self) -> None:
        self.embedded: list[str] = []
        self.away = False

    async def embed_question(self, texts: Sequence[str]) -> Floats:
        return await self.embed(texts)

    async def embed(self, texts: Sequence[str]) -> Floats:
        if self.away:
            raise EngineUnavailable("letters: gone")
        self.embedded += texts
        rows = np.zeros((len(texts), 512), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for first, second in pairwise(text):
                row[(ord(first) * 31 + ord(second)) % 512] += 1
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
